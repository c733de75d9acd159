// What was written and is not acknowledged yet. It stands in localStorage, so that it survives a reload; each message under a key of
// its own, so that two tabs do not overwrite each other. Sending one twice does no harm: its client_id names it.
import { forget, keep, keys, readJson } from "./chat-storage.js";

const waiting = new Map();
let prefix = "";

export function openOutbox(user) {
  prefix = `chat.out.${user}.`;
  for (const key of keys()) {
    const item = key.startsWith(prefix) && readJson(key);
    if (item) waiting.set(item.client_id, item);
  }
}

export function put(item) {
  waiting.set(item.client_id, item);
  keep(prefix + item.client_id, JSON.stringify(item));
}

export function take(id) {
  const item = waiting.get(id);
  waiting.delete(id);
  forget(prefix + id);
  return item;
}

export const get = (id) => waiting.get(id);

// The oldest first: what one person is sent stays in its order.
export const all = () => [...waiting.values()].sort((one, other) => one.at - other.at);
