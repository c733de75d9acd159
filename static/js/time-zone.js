// <select data-time-zone>: the browser's own zone is chosen in advance, as long as nobody has chosen another.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

for (const select of document.querySelectorAll("select[data-time-zone]")) {
  if (!zone || select.value !== "UTC") continue;
  const known = [...select.options].some((option) => option.value === zone);
  if (!known) select.add(new Option(zone.replaceAll("_", " "), zone));
  select.value = zone;
}
