// <time datetime="…" data-countdown>: the time left in words, kept fresh. The server has already written it once.
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always" });

function words(seconds) {
  const distance = Math.abs(seconds);
  // Two days and more are told in days, two hours and more in hours: nobody plans by "1.6 days". A tenth is forgiven, so that
  // three days are not "2 days" a minute after they were given.
  const [unit, size] = UNITS.find(([, length]) => distance >= 1.9 * length) ?? UNITS.at(-1);
  return format.format(Math.trunc(seconds / size + 0.1 * Math.sign(seconds)) || Math.sign(seconds), unit);
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-countdown]")) {
    const left = (Date.parse(element.dateTime) - Date.now()) / 1000;
    if (!Number.isNaN(left)) element.textContent = words(left);
  }
}

refresh();
setInterval(refresh, 30_000);
document.addEventListener("htmx:load", refresh);
