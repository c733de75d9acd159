// The page of an order that has changed: its parts are fetched again, or a note says so where somebody is filling them in.
import { say } from "./live.js";

// Somebody's half-written words are not swapped away.
function isBeingFilled(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((field) => {
    if (field === document.activeElement) return true;
    if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected && !option.disabled && field.value);
    return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  });
}

// What the page says of its order, without what scripts write there.
function said(page) {
  return ["order-head", "order-main"].map((id) => {
    const part = page.getElementById(id)?.cloneNode(true);
    for (const written of part?.querySelectorAll("time, .previews, noscript") ?? []) written.remove();
    return part?.textContent.replace(/\s+/g, " ");
  });
}

// After a break nobody knows. What is the same stays as it is, with what is unfolded there.
export async function orderMayHaveChanged() {
  const note = document.querySelector("[data-order-live]");
  if (!note) return;
  try {
    const reply = await fetch(note.getAttribute("hx-get"));
    const now = said(new DOMParser().parseFromString(await reply.text(), "text/html"));
    if (now[1] && said(document).join() !== now.join()) orderChanged({ order: note.dataset.orderLive });
  } catch (unreachable) {
    console.info(unreachable);
  }
}

export function orderChanged({ order }) {
  const note = document.querySelector(`[data-order-live="${order}"]`);
  if (!note) return;
  note.hidden = !isBeingFilled(document.getElementById("order-main"));
  if (note.hidden) htmx.trigger(note, "order:updated");
  say(note.dataset.said);
}
