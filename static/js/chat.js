// Every page of somebody signed in: one socket, what waits to be sent, and whom on the page the news concern.
import "./chat-forget.js";
import { all, get, openOutbox, put, take } from "./chat-outbox.js";
import { alertTo, countInTitle } from "./chat-alerts.js";
import { connect, downSince, on, send, state } from "./chat-socket.js";
import { Chat } from "./chat-view.js";
import { say } from "./live.js";
import { orderChanged, orderMayHaveChanged } from "./order-live.js";

const ANSWER_WITHIN = 10_000;
const FORM_AFTER = 4_000; // without a socket for so long, the page's own form takes the message
const AT_ONCE = 100; // conversations in one `sync`
const SYNC_EVERY = 30_000; // finds what a lost push left out
const TOO_MANY = ["too_many_sockets", "too_many_frames"];
const LATE = 3_000; // on a page so old, what the server wrote may have changed before the line was there
const LOOK_BACK = 50; // messages that may have been changed while the socket was away
const user = document.querySelector("[data-user]").dataset.user;
const inbox = document.querySelector("#unread a").href;
const chats = new Set();
const flying = new Map();

const chatWith = (message) => [...chats].find((chat) => chat.isOf(message));
const chatOf = (conversation) => [...chats].find((chat) => chat.conversation === conversation);
const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

// --- What waits to be sent: one at a time to each person, so that it stays in order -------------------------------------------
function flush() {
  const busy = new Set();
  for (const item of all()) {
    if (item.failed || busy.has(item.receiver_id)) continue;
    busy.add(item.receiver_id);
    if (!flying.has(item.client_id)) launch(item);
  }
}

function launch(item) {
  const { client_id, receiver_id, order_id, content, file_ids } = item;
  const isSent = send({ type: "message.send", client_id, receiver_id, content, file_ids, ...(order_id ? { order_id } : {}) });
  if (!isSent && !(navigator.onLine && downSince && Date.now() - downSince > FORM_AFTER && state !== "ended")) return;
  flying.set(client_id, setTimeout(() => again(client_id), ANSWER_WITHIN));
  if (!isSent) sendByForm(item);
}

function again(id) {
  land(id);
  flush();
}

function land(id) {
  clearTimeout(flying.get(id));
  flying.delete(id);
}

async function sendByForm(item) {
  const body = new FormData();
  for (const id of item.file_ids) body.append("file_ids", id);
  for (const [name, value] of Object.entries({ content: item.content, client_id: item.client_id, order: item.order_id ?? "", warned: "on" })) {
    body.append(name, value);
  }
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  try {
    const reply = await fetch(item.action, { method: "POST", body, headers, redirect: "error" });
    if (reply.ok) settle(item.client_id, await reply.json());
    else if (reply.status === 422) refuse(item.client_id, await reply.json());
  } catch (unreachable) {
    console.info(unreachable); // it waits, and is tried again
  }
}

// It is written down: it waits no longer.
function leave(id) {
  land(id);
  take(id);
}

function settle(id, message) {
  leave(id);
  receive(message);
  const chat = chatWith(message);
  if (chat) say(chat.words.sent);
  flush();
}

function refuse(id, { code, message }) {
  const item = get(id);
  if (!item) return;
  if (code === "too_fast" && !(item.tries > 1)) return put({ ...item, tries: (item.tries ?? 0) + 1 }); // again when it is overdue
  land(id);
  put({ ...item, failed: message });
  for (const chat of chats) if (chat.receiver === item.receiver_id) chat.showWaiting(get(id));
  say(message);
  flush();
}

function showWaiting() {
  for (const item of all()) for (const chat of chats) if (chat.receiver === item.receiver_id) chat.showWaiting(item);
}

// --- What comes ---------------------------------------------------------------------------------------------------------------
function receive(message) {
  if (!isTheirs(message)) leave(message.client_id);
  const chat = chatWith(message);
  const isFirst = chat && !chat.conversation;
  const isNew = chat?.receive([message]).length > 0;
  if (isFirst || chat?.hasGap) sync([chat]);
  return isNew;
}

function isTheirs(message) {
  return message.sender !== user;
}

function delivered({ conversation, seq }) {
  send({ type: "message.delivered", conversation, seq });
}

function announce(message) {
  const isShown = receive(message);
  changed();
  if (!isTheirs(message)) return;
  delivered(message);
  if (isShown) say(`${chatWith(message).words.new}: ${message.content}`);
}

// What was missed: once delivered, once told, however many they are.
function catchUp({ conversation, messages, more }) {
  for (const message of messages) if (!isTheirs(message)) leave(message.client_id);
  const missed = chatOf(conversation)?.receive(messages, { isMissed: true }) ?? [];
  if (missed.length) changed();
  const last = messages.findLast(isTheirs);
  if (last) delivered(last);
  if (missed.includes(last) && !more) say(chatWith(last).words.new);
}

function sync(some, back = 0) {
  const begun = some.filter((chat) => chat.conversation).slice(0, AT_ONCE);
  const known = begun.map((chat) => [chat.conversation, Math.max(0, chat.last - back)]);
  if (known.length) send({ type: "sync", conversations: Object.fromEntries(known) });
}

// The badges of the header and the inbox are the server's own, asked for again; many messages at once ask once.
let changeTimer = 0;
function changed() {
  clearTimeout(changeTimer);
  changeTimer = setTimeout(() => {
    for (const id of ["unread", "inbox"]) {
      const part = document.getElementById(id);
      if (part) htmx.trigger(part, "chat:changed");
    }
  }, 500);
}

on("message.ack", ({ client_id, message }) => settle(client_id, message));
on("error", (frame) => {
  if (frame.client_id) refuse(frame.client_id, frame);
  if (TOO_MANY.includes(frame.code)) why = frame.message;
});
on("message.new", ({ message }) => announce(message));
on("sync", catchUp);
on("message.changed", ({ message }) => chatWith(message)?.change(message));
on("message.read", (frame) => {
  chatOf(frame.conversation)?.seen(frame);
  if (frame.reader === user) changed();
});
on("typing", ({ conversation }) => chatOf(conversation)?.typing());
on("presence", (frame) => {
  for (const chat of chats) if (chat.receiver === frame.user) chat.presence(frame.state);
});
on("notification", (notice) => {
  alertTo(notice);
  changed();
});
on("order.updated", orderChanged);

let wasOpen = false;
let why = ""; // the server's own word for it, where the line did not just break
on("state", (now) => {
  if (now === "open") {
    why = "";
    for (const id of flying.keys()) land(id);
    sync([...chats], wasOpen ? LOOK_BACK : 0);
    if (wasOpen || performance.now() > LATE) {
      changed();
      orderMayHaveChanged();
    }
    wasOpen = true;
  }
  // A moment's break is not worth a word.
  setTimeout(() => {
    if (state === now) for (const chat of chats) chat.connection(now, why);
  }, now === "waiting" ? 1_500 : 0);
  showWaiting();
  flush();
});

// --- The page -----------------------------------------------------------------------------------------------------------------
const hub = {
  user,
  state: () => state,
  write(item) {
    put(item);
    showWaiting();
    flush();
  },
  retry(id) {
    const { failed, tries, ...item } = get(id);
    hub.write(item);
  },
  drop: take,
  typing: ({ conversation }) => send({ type: "typing", conversation }),
  async seen({ conversation, last }) {
    if (send({ type: "message.read", conversation, seq: last })) return;
    const body = new URLSearchParams({ read: last });
    await fetch(new URL(`${conversation}/seen/`, inbox), { method: "POST", body, headers: { "X-CSRFToken": token() } }).catch(console.info);
    changed();
  },
};

function find(root) {
  for (const element of [root, ...root.querySelectorAll("[data-chat]")]) {
    if (!element.matches?.("[data-chat]") || element.dataset.ready) continue;
    element.dataset.ready = "yes";
    const chat = new Chat(element, hub);
    chats.add(chat);
    sync([chat]);
  }
  for (const chat of chats) {
    if (!chat.root.isConnected) chats.delete(chat);
    else chat.list.tidy();
  }
  showWaiting();
  countInTitle();
}

// Who was signed out in the meantime, and leaves, would leave this behind.
addEventListener("beforeunload", (event) => {
  if (state === "ended" && (all().length || [...chats].some((chat) => chat.isHalfWritten))) event.preventDefault();
});

openOutbox(user);
find(document);
document.addEventListener("htmx:load", (event) => find(event.target));
setInterval(flush, FORM_AFTER);
setInterval(() => sync([...chats]), SYNC_EVERY);
connect(user);
