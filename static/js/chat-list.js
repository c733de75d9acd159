// The list of messages on the page: each at the place of its number, under its day, with how far the other side has it.
import { CHANGEABLE, bubble, clock } from "./chat-bubble.js";

const NEAR_END = 80; // pixels
const HOLDS_ITS_PLACE = CSS.supports("overflow-anchor", "auto");
const said = (item) => ["gone", "edited"].map((part) => item.querySelector(`[data-${part}]`).hidden) + item.querySelector("[data-words]").textContent;

export class List {
  constructor(root, words) {
    this.root = root;
    this.words = words;
    this.list = root.querySelector("[data-chat-list]");
    this.scroller = root.querySelector("[data-chat-scroll]");
    this.clock = clock(root.dataset.zone);
    this.noteScroll();
    this.scroller.addEventListener("scroll", () => this.noteScroll(), { passive: true });
    this.theirs = { delivered_seq: Number(root.dataset.theirDelivered), read_seq: Number(root.dataset.theirRead) };
    setInterval(() => this.closeChanges(), 30_000);
  }

  pattern(name) {
    return this.root.querySelector(`template[data-pattern=${name}]`);
  }

  // Asked for with each message: what was scrolled is looked at when it was, not in between, where each look costs a layout.
  noteScroll() {
    this.isAtEnd = this.scroller.scrollTop > -NEAR_END; // it is turned round: 0 is the end
  }

  // From the end to where the unread begin, if that is further up than can be seen.
  toNew() {
    const line = this.isAtEnd && this.list.querySelector(".chat__new:not([data-seen])");
    const above = line ? this.scroller.getBoundingClientRect().top - line.getBoundingClientRect().top : 0;
    if (above > 0) this.scroller.scrollTop -= above;
    this.noteScroll();
  }

  toEnd() {
    this.scroller.scrollTop = 0;
    this.isAtEnd = true;
  }

  make(message, isMine) {
    const orderName = document.querySelector(`[data-order="${message.order}"] bdi`)?.textContent;
    const item = bubble(this.pattern(isMine ? "mine" : "theirs"), message, { time: this.clock.time, orderName });
    if (isMine) this.mark(item);
    return item;
  }

  // A message from the server: new, missed, or changed. Returns whether it was not here before.
  show(message, isMine) {
    const known = document.getElementById(`message-${message.id}`);
    const fresh = this.make(message, isMine);
    if (known) {
      if (said(known) !== said(fresh)) known.replaceWith(fresh); // otherwise the focus, a selection, a picture stay as they are
      return false;
    }
    this.waiting(message.client_id)?.remove();
    this.insert(fresh, message.seq);
    this.root.querySelector("[data-chat-empty]")?.remove();
    return true;
  }

  insert(fresh, seq) {
    const before = this.lastBefore(seq);
    const firstWaiting = this.list.querySelector("[data-client]");
    if (before) before.after(fresh);
    else if (firstWaiting) firstWaiting.before(fresh);
    else this.list.append(fresh);
  }

  // What is read further up stays where it is, also where the browser does not see to it.
  keepPlace(change) {
    if (HOLDS_ITS_PLACE || this.isAtEnd) return change();
    const topOf = (element) => element.getBoundingClientRect().top;
    const read = [...this.list.querySelectorAll("[data-seq]")].find((item) => topOf(item) >= topOf(this.scroller));
    const before = read && topOf(read);
    change();
    if (read) this.scroller.scrollTop += topOf(read) - before;
  }

  lastBefore(seq) {
    let item = this.list.lastElementChild;
    while (item && !(Number(item.dataset.seq) < seq)) item = item.previousElementSibling;
    return item;
  }

  // Where the unread begin: one line, before the first that came while nobody looked.
  markNew(message) {
    const known = this.list.querySelector(".chat__new");
    if (known && !("seen" in known.dataset)) return;
    known?.remove();
    const line = this.pattern("new").content.firstElementChild.cloneNode(true);
    document.getElementById(`message-${message.id}`).before(line);
  }

  // It stands while they are read, and gives way to the next.
  seenNew() {
    const line = this.list.querySelector(".chat__new");
    if (line) line.dataset.seen = "";
  }

  forgetNew() {
    this.list.querySelector(".chat__new")?.remove();
  }

  // Each day above its first message, and each order with the first of those in a row that are about it.
  tidy() {
    let day = "";
    let order;
    for (const item of [...this.list.children]) {
      if (item.matches(".chat__day")) {
        if (item.dataset.day === day) item.remove();
        else day = item.dataset.day;
      } else if (item.matches("[data-seq]")) {
        const about = item.querySelector("[data-order]");
        if (about) about.hidden = about.dataset.order === order;
        order = about?.dataset.order;
        const at = new Date(item.querySelector("[data-time]").dateTime);
        if (this.clock.day(at) === day) continue;
        day = this.clock.day(at);
        const line = this.pattern("day").content.firstElementChild.cloneNode(true);
        line.dataset.day = day;
        line.textContent = this.clock.words(at);
        item.before(line);
      }
    }
  }

  // --- One's own: sent, delivered, read
  heard({ delivered_seq, read_seq }) {
    const { theirs } = this;
    if (delivered_seq <= theirs.delivered_seq && read_seq <= theirs.read_seq) return;
    theirs.delivered_seq = Math.max(theirs.delivered_seq, delivered_seq);
    theirs.read_seq = Math.max(theirs.read_seq, read_seq);
    for (const item of this.list.querySelectorAll(".bubble--mine[data-seq]")) this.mark(item);
  }

  mark(item) {
    const seq = Number(item.dataset.seq);
    const state = item.querySelector("[data-state]");
    if (!state) return; // of a deleted one nobody has read the words
    const { read_seq, delivered_seq } = this.theirs;
    const word = (seq <= read_seq && this.words.read) || (seq <= delivered_seq && this.words.delivered) || state.textContent;
    if (state.textContent !== word) state.textContent = word;
  }

  closeChanges() {
    for (const link of this.list.querySelectorAll("[data-change]")) {
      const at = Date.parse(link.closest(".bubble").querySelector("[data-time]").dateTime);
      if (Date.now() - at > CHANGEABLE && link !== document.activeElement) link.remove();
    }
  }

  // --- One's own that the server has not acknowledged yet
  waiting(id) {
    return this.list.querySelector(`[data-client="${CSS.escape(id)}"]`);
  }

  showWaiting(item, word, actions) {
    const message = { ...item, id: item.client_id, seq: "", created_at: new Date(item.at).toISOString(), deleted: false, edited_at: null };
    const fresh = this.make({ ...message, order: item.order_id, files: item.files ?? [] }, true);
    fresh.removeAttribute("data-seq");
    fresh.dataset.client = item.client_id;
    fresh.classList.add(item.failed ? "bubble--failed" : "bubble--waiting");
    fresh.querySelector("[data-change]")?.remove();
    fresh.querySelector("[data-state]").textContent = item.failed ? `${this.words.failed}: ${item.failed}` : word;
    if (item.failed) fresh.querySelector(".bubble__foot").append(...Object.entries(actions).map(([name, act]) => this.button(this.words[name], act)));
    const known = this.waiting(item.client_id);
    if (known) known.replaceWith(fresh);
    else this.list.append(fresh);
    this.root.querySelector("[data-chat-empty]")?.remove();
  }

  button(words, action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bubble__act";
    button.textContent = words;
    button.addEventListener("click", action);
    return button;
  }
}
