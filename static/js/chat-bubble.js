// A message as the server would have written it: its own pattern (a <template> of the page), filled.
// The ids that stand in a pattern (messaging/views/chat.py).
const ANY_MESSAGE = "00000000-0000-0000-0000-000000000000";
const ANY_ORDER = "00000000-0000-0000-0000-000000000001";
const ANY_FILE = "00000000-0000-0000-0000-000000000002";
// As in messaging/templatetags/conversations.py.
const LINK = /https?:\/\/[^\s<>"]+/gi;
const TAIL = ".,:;!?'\")]}»”’…";
const MINUTE = 60_000;
export const CHANGEABLE = 15 * MINUTE;
const language = document.documentElement.lang || "en";

function name(root, any, id) {
  for (const element of [root, ...root.querySelectorAll("*")]) {
    for (const attribute of element.attributes) {
      if (attribute.value.includes(any)) attribute.value = attribute.value.replaceAll(any, id);
    }
  }
}

function linked(words) {
  const pieces = [];
  let end = 0;
  for (const found of words.matchAll(LINK)) {
    const link = document.createElement("a");
    let length = found[0].length;
    while (TAIL.includes(found[0][length - 1])) length -= 1;
    link.href = link.textContent = found[0].slice(0, length);
    link.rel = "nofollow ugc noopener noreferrer";
    pieces.push(words.slice(end, found.index), link);
    end = found.index + link.textContent.length;
  }
  return [...pieces, words.slice(end)];
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function fileItem(pattern, file) {
  const item = pattern.cloneNode(true);
  name(item, ANY_FILE, file.id);
  const image = item.querySelector("img");
  if (image) {
    image.alt += file.name;
    if (file.width) [image.width, image.height] = [file.width, file.height];
  } else {
    item.querySelector("[data-name]").textContent = file.name;
    item.querySelector("[data-size]").textContent = size(file.size);
  }
  return item;
}

// The part of a day that a person in this zone has on their clock, and the day itself as 2026-11-21 and in words.
export function clock(zone) {
  const make = (options) => {
    try {
      return new Intl.DateTimeFormat(language, { ...options, timeZone: zone });
    } catch {
      return new Intl.DateTimeFormat(language, options); // a zone this browser has never heard of
    }
  };
  const time = make({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = make({ year: "numeric", month: "2-digit", day: "2-digit" });
  const words = make({ weekday: "short", year: "numeric", month: "short", day: "numeric" });
  const parts = (format, at) => Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    time: (at) => time.format(at),
    day: (at) => (({ year, month, day }) => `${year}-${month}-${day}`)(parts(day, at)),
    words: (at) => (({ weekday, day, month, year }) => `${weekday} ${day} ${month} ${year}`)(parts(words, at)),
  };
}

export function bubble(pattern, message, { time, orderName = "" }) {
  const item = pattern.content.firstElementChild.cloneNode(true);
  const find = (part) => item.querySelector(`[data-${part}]`);
  name(item, ANY_MESSAGE, message.id);
  item.dataset.seq = message.seq;
  find("gone").hidden = !message.deleted;
  find("words").replaceChildren(...linked(message.content));
  find("words").hidden = !message.content;
  const patterns = [...find("files").children];
  find("files").replaceChildren(...message.files.map((file) => fileItem(patterns[file.preview ? 0 : 1], file)));
  find("files").hidden = !message.files.length;
  if (message.order) {
    name(find("order"), ANY_ORDER, message.order);
    find("order").querySelector("bdi").textContent = orderName;
  } else find("order").remove();
  const at = new Date(message.created_at);
  find("time").dateTime = message.created_at;
  find("time").textContent = time(at);
  find("edited").hidden = !message.edited_at || message.deleted;
  if (message.deleted || Date.now() - at > CHANGEABLE) find("change")?.remove();
  if (message.deleted) for (const part of ["report", "state"]) find(part)?.remove();
  return item;
}
