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

export function orderChanged({ order }) {
  const note = document.querySelector(`[data-order-live="${order}"]`);
  if (!note) return;
  note.hidden = !isBeingFilled(document.getElementById("order-main"));
  if (note.hidden) htmx.trigger(note, "order:updated");
  say(note.dataset.said);
}
