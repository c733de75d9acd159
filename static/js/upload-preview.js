// What was chosen in a file field: a small picture, or the name and size. Nothing is read or sent before the form is.
const PICTURES = ["image/png", "image/jpeg", "image/webp"];

function size(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function preview(file) {
  const figure = document.createElement("figure");
  if (PICTURES.includes(file.type)) {
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(file);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    figure.append(image);
  }
  const caption = document.createElement("figcaption");
  caption.textContent = `${file.name} · ${size(file.size)}`;
  figure.append(caption);
  return figure;
}

function boxAfter(input) {
  const next = input.nextElementSibling;
  if (next?.matches(".previews")) return next;
  const box = document.createElement("div");
  box.className = "previews";
  box.setAttribute("role", "status");
  input.after(box);
  return box;
}

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches(".field input[type=file]")) boxAfter(input).replaceChildren(...[...input.files].map(preview));
});
