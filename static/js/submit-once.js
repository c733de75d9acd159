// A form is sent once: its buttons rest from the first submit on, and wake when the page is shown again (back button).
// Leave a form out with data-submit-many; htmx forms are left to htmx.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post" || "submitMany" in form.dataset) return;
  if ("sent" in form.dataset) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  // After the browser has read the form: a disabled button would not send its name and value.
  setTimeout(() => {
    for (const button of buttons(form)) button.disabled = true;
  });
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of buttons(form)) button.disabled = false;
  }
});

function buttons(form) {
  return [...form.elements].filter((element) => element.type === "submit");
}
