// Dialogs: <a href="/page/that/does/the/same" data-dialog="id"> or <button data-dialog="id">. Without script the link or form works as it is.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog instanceof HTMLDialogElement) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
    return;
  }
  if (event.target instanceof HTMLDialogElement && outside(event.target, event)) event.target.close();
});

function outside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.x || event.clientX > box.x + box.width || event.clientY < box.y || event.clientY > box.y + box.height;
}
