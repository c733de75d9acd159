// Copy buttons: <button data-copy="id of the element" data-copied="Copied">. Hidden in the page until this module can serve them.
import { say } from "./live.js";

const RESTORE_AFTER = 2500;

async function toClipboard(element) {
  const text = element.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or a page without HTTPS: select the text, so that the person's own "copy" works.
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
  return true;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (!source || !(await toClipboard(source))) return;
  const words = button.querySelector("[data-copy-words]") ?? button;
  button.dataset.copyBefore ??= words.textContent;
  words.textContent = button.dataset.copied;
  say(`${button.dataset.copyName ?? ""} ${button.dataset.copied}`.trim());
  clearTimeout(Number(button.dataset.copyTimer));
  button.dataset.copyTimer = setTimeout(() => {
    words.textContent = button.dataset.copyBefore;
  }, RESTORE_AFTER);
});

function reveal(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

reveal(document);
document.addEventListener("htmx:load", (event) => reveal(event.target));
