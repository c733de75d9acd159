// One conversation on the page: its list, the field to answer in, and what the other side is doing.
import { Files } from "./chat-files.js";
import { List } from "./chat-list.js";
import { offerChoices } from "./chat-alerts.js";
import { forget, keep, read } from "./chat-storage.js";

const TYPING_EVERY = 3_000;
const TYPING_SHOWN = 5_000;
const LOOK_AFTER = 400;
const touch = matchMedia("(pointer: coarse)");

function wordsOf(root) {
  const words = {};
  for (const [name, text] of Object.entries(root.dataset)) {
    if (name.startsWith("word")) words[name[4].toLowerCase() + name.slice(5)] = text;
  }
  return words;
}

function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// `hub` carries things away: { user, state(), write(item), retry(id), drop(id), typing(chat), seen(chat) }.
export class Chat {
  constructor(root, hub) {
    this.root = root;
    this.hub = hub;
    this.words = wordsOf(root);
    this.receiver = root.dataset.receiver;
    this.conversation = root.dataset.conversation;
    this.last = Number(root.dataset.last);
    this.read = Number(root.dataset.read);
    this.newest = root.dataset.newest; // where an earlier part is shown, the way to the end
    this.ahead = new Set();
    this.list = new List(root, this.words);
    this.form = root.querySelector("[data-chat-form]");
    this.draftKey = `chat.draft.${hub.user}.${this.receiver}`;
    this.list.tidy();
    if (!location.hash) this.list.toNew();
    offerChoices(root);
    if (this.form) this.prepareForm();
    this.watch();
  }

  find(part) {
    return this.root.querySelector(`[data-chat-${part}]`);
  }

  note(part, words) {
    const place = this.find(part);
    if (place.textContent !== words) place.textContent = words;
    place.hidden = !words;
  }

  isOf(message) {
    return [message.sender, message.receiver].includes(this.receiver);
  }

  // --- What comes: just said, or missed while this tab slept, which begins where it was left. Answers those that are new here.
  receive(messages, { isMissed = false } = {}) {
    const { isLooked } = this;
    let fresh = [];
    for (const { conversation, seq } of messages) {
      this.conversation = conversation;
      this.count(seq);
    }
    if (this.newest) {
      if (messages.some((message) => message.client_id === this.leaving)) location.assign(this.newest);
      return fresh; // an earlier part is shown: the newest have no place here
    }
    this.list.keepPlace(() => {
      fresh = messages.filter((message) => this.place(message, isLooked && !isMissed));
      this.list.tidy();
    });
    if (isMissed) this.list.toNew();
    this.look();
    return fresh;
  }

  place(message, isLooked) {
    const isMine = message.sender === this.hub.user;
    const isNew = this.list.show(message, isMine);
    if (isMine) return isNew;
    this.list.heard({ delivered_seq: message.seq, read_seq: message.seq }); // who writes has read what stood before
    if (!isNew) return false;
    if (!isLooked) this.list.markNew(message);
    this.note("typing", "");
    return true;
  }

  // The highest number up to which nothing is missing.
  count(seq) {
    this.ahead.add(seq);
    while (this.ahead.delete(this.last + 1)) this.last += 1;
    for (const known of this.ahead) if (known <= this.last) this.ahead.delete(known);
  }

  get hasGap() {
    return this.ahead.size > 0;
  }

  change(message) {
    if (document.getElementById(`message-${message.id}`)) this.list.show(message, message.sender === this.hub.user);
  }

  seen({ reader, delivered_seq, read_seq }) {
    if (reader === this.receiver) this.list.heard({ delivered_seq, read_seq });
    else this.read = Math.max(this.read, read_seq);
  }

  typing() {
    this.note("typing", this.words.typing);
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => this.note("typing", ""), TYPING_SHOWN);
  }

  presence(state) {
    this.note("presence", { online: this.words.online, away: this.words.away }[state] ?? "");
  }

  connection(state, why) {
    const words = { ended: this.words.signedOut, waiting: why || this.words.offline };
    this.status(words[state] ?? "");
    this.find("sign-in").hidden = state !== "ended";
    if (state !== "open") this.note("typing", "");
  }

  status(words) {
    this.note("state", words);
    this.find("status").hidden = !words;
  }

  get isHalfWritten() {
    return Boolean(this.field?.value.trim() || this.files?.items.length);
  }

  // --- Whether the person is looking at the end of it
  watch() {
    new IntersectionObserver(([entry]) => {
      this.isInView = entry.isIntersecting;
      this.look();
    }).observe(this.list.scroller);
    this.list.scroller.addEventListener("scroll", () => this.look(), { passive: true });
    for (const [target, event] of [[window, "focus"], [document, "visibilitychange"]]) {
      target.addEventListener(event, () => {
        this.list.toNew();
        this.look();
      });
    }
  }

  get isLooked() {
    return this.isInView && document.visibilityState === "visible" && document.hasFocus() && this.list.isAtEnd;
  }

  look() {
    clearTimeout(this.lookTimer);
    this.lookTimer = setTimeout(() => {
      if (!this.isLooked || !this.conversation || this.newest || this.last <= this.read) return;
      this.read = this.last;
      this.list.seenNew();
      this.hub.seen(this);
    }, LOOK_AFTER);
  }

  // --- What goes
  prepareForm() {
    const { form } = this;
    this.field = form.elements.content;
    this.hints = JSON.parse(form.dataset.hints).map(({ pattern, label }) => ({ pattern: new RegExp(pattern, "iu"), label }));
    this.files = new Files(form, this.words, (problem) => this.note("problem", problem));
    this.restoreDraft();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch.matches) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.list.scroller.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.field.focus();
    });
    // A keyboard on the screen has come: the button under the field is to be seen too.
    visualViewport?.addEventListener("resize", () => {
      if (this.field === document.activeElement) form.scrollIntoView({ block: "nearest" });
    });
  }

  restoreDraft() {
    this.field.value ||= read(this.draftKey) ?? "";
    this.warn();
  }

  keepDraft() {
    if (this.field.value) keep(this.draftKey, this.field.value);
    else forget(this.draftKey);
  }

  typed() {
    this.keepDraft();
    clearTimeout(this.warnTimer);
    this.warnTimer = setTimeout(() => this.warn(), LOOK_AFTER);
    if (!this.conversation || !this.field.value || Date.now() - (this.toldTyping ?? 0) < TYPING_EVERY) return;
    this.toldTyping = Date.now();
    this.hub.typing(this);
  }

  // A gentle word beside the field; whatever it says, the message may be sent.
  warn() {
    const looks = this.hints.filter(({ pattern }) => pattern.test(this.field.value)).map(({ label }) => label);
    const box = this.find("warning");
    const words = looks.join(", ");
    if (words && this.find("looks").textContent !== words) this.find("looks").textContent = words; // told once, not with each pause
    box.hidden = !looks.length;
  }

  submit() {
    const content = this.field.value.trim();
    if (this.files.busy) return this.note("problem", this.words.uploading);
    if (!content && !this.files.ids.length) return this.field.focus();
    this.leaving = randomName();
    this.hub.write({
      client_id: this.leaving,
      receiver_id: this.receiver,
      order_id: this.form.elements.order.value || null,
      content,
      file_ids: this.files.ids,
      files: this.files.frames,
      action: this.form.getAttribute("action"),
      at: Date.now(),
    });
    this.files.clear();
    this.list.forgetNew();
    this.field.value = "";
    this.keepDraft();
    this.warn();
    this.note("problem", "");
    this.list.toEnd();
    this.field.focus();
  }

  showWaiting(item) {
    const word = this.hub.state() === "open" ? this.words.sending : this.words.waiting;
    if (this.newest) return this.status(item.failed ? `${this.words.failed}: ${item.failed}` : word);
    const drop = () => {
      this.hub.drop(item.client_id);
      this.list.waiting(item.client_id)?.remove();
      this.field?.focus();
    };
    const again = () => {
      this.hub.retry(item.client_id);
      this.field?.focus();
    };
    this.list.showWaiting(item, word, { again, ...(this.form ? { rewrite: () => this.takeBack(item, drop) } : {}), drop });
  }

  // Words and files that were refused, to the field again, before what stands there.
  takeBack(item, drop) {
    drop();
    this.field.value = [item.content, this.field.value].filter(Boolean).join("\n");
    for (const file of item.files ?? []) this.files.put(file);
    this.typed();
  }
}
