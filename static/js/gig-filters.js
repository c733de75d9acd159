// The browse page: short addresses, and words and focus for what htmx swapped in. Without this module the form simply loads a page.
import { say } from "./live.js";

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("form.browse")) {
    const filled = new FormData();
    for (const [name, value] of event.detail.formData) if (value && `${name}=${value}` !== "sort=newest") filled.append(name, value);
    event.detail.parameters = filled;
  }
});

let opened = false;
let paged = false;
let focused = -1;

function controls(browse) {
  return [...browse.querySelectorAll("form.browse :is(select, input, button, summary, .filters a)")];
}

// What somebody has typed since these gigs were asked for would be swapped away: they are asked for again when the field is left.
function isTyped({ elt, parameters }) {
  const field = document.activeElement;
  if (!elt.matches("form.browse") || !field.matches("form.browse input:not([type=checkbox], [type=radio])")) return false;
  return field.value !== (parameters.get(field.name) ?? "");
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "browse") return;
  if (isTyped(event.detail.requestConfig)) {
    const field = document.activeElement;
    event.detail.shouldSwap = false;
    field.addEventListener("blur", () => htmx.trigger(field, "change"), { once: true });
    return;
  }
  opened = event.detail.target.querySelector("details.filters").open;
  paged = event.detail.requestConfig.elt.matches("a");
  focused = controls(event.detail.target).indexOf(document.activeElement);
});

document.addEventListener("htmx:afterSwap", () => {
  if (opened) document.querySelector("#browse details.filters").open = true; // before it is painted
});

document.addEventListener("htmx:afterSettle", () => {
  const browse = document.getElementById("browse");
  if (!browse) return;
  if (paged) browse.querySelector("#results").focus({ preventScroll: true });
  else {
    controls(browse)[focused]?.focus({ preventScroll: true });
    say(browse.dataset.count);
  }
  paged = false;
  focused = -1;
});
