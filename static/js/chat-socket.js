// One socket for the tab. It only carries news faster: the rows are the truth, and whoever listens catches up by `sync`.
const SHORTEST = 500;
const LONGEST = 30_000;
const PING = 25_000;
const PATIENCE = 10_000;
const ENDED = [4401, 4403]; // signed out, or not one's own: trying again changes nothing
const TOO_MUCH = 4429;

const listeners = new Map();
let address = "";
let socket = null;
let pause = SHORTEST;
let timers = [];
let pongless = 0;
export let state = "connecting"; // then open, waiting, ended
export let downSince = Date.now();

export function on(type, listener) {
  listeners.set(type, [...(listeners.get(type) ?? []), listener]);
}

function tell(type, event) {
  for (const listener of listeners.get(type) ?? []) listener(event);
}

function become(next) {
  if (next === "open") downSince = 0;
  else downSince ||= Date.now();
  state = next;
  tell("state", next);
}

export function send(frame) {
  if (state !== "open" || socket.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(frame));
  return true;
}

function later(action, milliseconds) {
  timers.push(setTimeout(action, milliseconds));
}

function rest() {
  for (const timer of [...timers, pongless]) clearTimeout(timer);
  timers = [];
}

// A network that went away says nothing of it: every so often ask, and take silence for its end. The answer comes as news do.
function keepAlive(connection) {
  later(() => {
    send({ type: "ping" });
    pongless = setTimeout(() => connection.close(), PATIENCE);
    keepAlive(connection);
  }, PING);
}

function open() {
  rest();
  socket?.close(); // one at a time, though a laptop that wakes says so twice
  const connection = new WebSocket(address);
  socket = connection;
  connection.addEventListener("open", () => {
    if (connection !== socket) return;
    rest();
    keepAlive(connection);
    become("open");
  });
  connection.addEventListener("message", ({ data }) => {
    if (connection !== socket) return;
    pause = SHORTEST;
    const frame = JSON.parse(data);
    if (frame.type === "pong") clearTimeout(pongless);
    tell(frame.type, frame);
  });
  connection.addEventListener("close", ({ code }) => {
    if (connection !== socket) return;
    rest();
    if (ENDED.includes(code)) return become("ended");
    if (code === TOO_MUCH) pause = LONGEST;
    become("waiting");
    later(open, pause * (0.5 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST);
  });
  later(() => connection.close(), PATIENCE); // a server that takes the call and says nothing
}

function now() {
  if (state === "waiting") open();
}

// Back from another tab, where who was signed out may have signed in again.
function lookAgain() {
  if (document.visibilityState === "visible" && ["waiting", "ended"].includes(state)) open();
}

export function connect(user) {
  address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/${user}/`;
  open();
  addEventListener("online", now);
  addEventListener("offline", () => socket.close());
  document.addEventListener("visibilitychange", lookAgain);
}
