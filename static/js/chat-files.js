// Files for a message: chosen, pasted or dropped, handed in at once with their progress, and taken away again.
import { size } from "./chat-bubble.js";

export class Files {
  constructor(form, words, changed) {
    this.form = form;
    this.words = words;
    this.changed = changed;
    this.list = form.querySelector("[data-chat-files]");
    this.most = Number(form.dataset.mostFiles);
    this.input = form.querySelector("[type=file]");
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    const area = form.closest("[data-chat]");
    area.addEventListener("paste", (event) => {
      // Words copied from an office program come with a picture of themselves.
      if (!event.clipboardData.types.includes("text/plain")) this.fromOutside(event, event.clipboardData);
    });
    area.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      area.classList.add("chat--drop");
    });
    area.addEventListener("dragleave", () => area.classList.remove("chat--drop"));
    area.addEventListener("drop", (event) => {
      area.classList.remove("chat--drop");
      this.fromOutside(event, event.dataTransfer);
    });
  }

  fromOutside(event, transfer) {
    if (!transfer.files.length) return;
    event.preventDefault();
    this.add(transfer.files);
  }

  get items() {
    return [...this.list.children];
  }

  // Those of the server's own page (a refused form) are ticked boxes.
  get ids() {
    const ticked = [...this.list.querySelectorAll("[name=file_ids]:checked")].map((box) => box.value);
    return [...ticked, ...this.items.filter((item) => item.file).map((item) => item.file.id)];
  }

  get frames() {
    return this.items.filter((item) => item.file).map((item) => item.file);
  }

  get busy() {
    return this.items.some((item) => item.request || item.waits);
  }

  clear() {
    for (const item of this.items) item.request?.abort();
    this.list.replaceChildren();
    this.list.hidden = true;
  }

  add(files) {
    const room = Math.max(0, this.most - this.items.length);
    for (const file of [...files].slice(0, room)) this.itemFor(file).waits = file;
    this.next();
    if (files.length > room) this.changed(this.words.tooMany);
  }

  // One after another: the server draws one picture at a time, and lets nobody's wait in crowds.
  next() {
    const isUnderWay = this.items.some((item) => item.request);
    const item = !isUnderWay && this.items.find((item) => item.waits);
    if (item) this.upload(item, item.waits);
    this.changed("");
  }

  // One that is handed in already.
  put(file) {
    const item = this.itemFor(file);
    item.querySelector("progress").remove();
    item.file = file;
  }

  itemFor(file) {
    const item = document.createElement("li");
    item.className = "chat__file";
    const label = document.createElement("span");
    const name = document.createElement("bdi");
    name.textContent = file.name || "picture.png";
    label.append(name, ` ${size(file.size)}`);
    const note = document.createElement("span");
    note.className = "meta";
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", name.textContent);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "button button--quiet button--s";
    remove.textContent = this.words.remove;
    remove.setAttribute("aria-label", `${this.words.remove} ${name.textContent}`);
    remove.addEventListener("click", () => {
      item.request?.abort();
      item.remove();
      this.list.hidden = !this.items.length;
      this.changed("");
      this.input.focus();
    });
    item.append(label, note, bar, remove);
    this.list.append(item);
    this.list.hidden = false;
    return item;
  }

  upload(item, file) {
    const bar = item.querySelector("progress");
    const request = new XMLHttpRequest();
    item.request = request;
    item.waits = null;
    const body = new FormData();
    body.append("csrfmiddlewaretoken", this.form.elements.csrfmiddlewaretoken.value);
    body.append("file", file, file.name || "picture.png");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.max = total;
      bar.value = loaded;
    });
    request.addEventListener("loadend", () => {
      item.request = null;
      bar.remove();
      if (request.status === 201) item.file = JSON.parse(request.response);
      else this.refuse(item, file, request);
      this.next();
    });
    request.open("POST", this.form.dataset.upload);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  }

  refuse(item, file, request) {
    const note = item.querySelector(".meta");
    const isExplained = [422, 429, 503].includes(request.status) && request.getResponseHeader("Content-Type") === "application/json";
    note.textContent = isExplained ? JSON.parse(request.response).message : this.words.uploadFailed;
    if (request.status === 422) return;
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button button--quiet button--s";
    again.textContent = this.words.again;
    again.addEventListener("click", () => {
      note.textContent = "";
      again.replaceWith(document.createElement("progress"));
      item.waits = file;
      this.next();
    });
    note.after(again);
  }
}
