// The colour scheme: "light", "dark" or "" (the system's). A cookie carries it, so the server can set it before the first paint.
const YEAR = 60 * 60 * 24 * 365;
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function current() {
  return root.dataset.theme || "";
}

function show() {
  const choice = current();
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === choice));
  }
  const dark = choice ? choice === "dark" : system.matches;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-pressed", String(dark));
  }
}

function choose(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? YEAR : 0}; samesite=lax${secure}`;
  show();
}

document.addEventListener("click", (event) => {
  const set = event.target.closest("[data-theme-set]");
  if (set) choose(set.dataset.themeSet);
  const toggle = event.target.closest("[data-theme-toggle]");
  if (toggle) choose(toggle.getAttribute("aria-pressed") === "true" ? "light" : "dark");
});
system.addEventListener("change", show);
for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
show();
