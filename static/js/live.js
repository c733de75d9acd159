// One polite live region for the whole page (base.html): words for people who do not see the change.
export function say(words) {
  const region = document.getElementById("live");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = words;
  });
}
