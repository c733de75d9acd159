// A thumbnail shows its picture on the stage instead of opening the file.
for (const gallery of document.querySelectorAll("[data-gallery]")) {
  const stage = gallery.querySelector("[data-gallery-stage]");
  gallery.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-gallery-pick]");
    if (!pick || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const small = pick.querySelector("img");
    const large = stage.querySelector("img");
    large.srcset = small.dataset.srcset;
    large.src = pick.href;
    large.alt = small.alt;
    large.width = small.getAttribute("width");
    large.height = small.getAttribute("height");
    stage.href = pick.href;
    for (const other of gallery.querySelectorAll("[data-gallery-pick]")) other.removeAttribute("aria-current");
    pick.setAttribute("aria-current", "true");
  });
}
