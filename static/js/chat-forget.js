// What somebody wrote on this computer and has not sent is theirs: what stands here of anybody but who is signed in now is forgotten.
// A page of its own script for visitors; for everybody else chat.js begins with it.
import { forget, keys } from "./chat-storage.js";

const user = document.querySelector("[data-user]")?.dataset.user ?? "";

for (const key of keys()) {
  const [, owner] = /^chat\.(?:out|draft)\.([^.]*)\./.exec(key) ?? [];
  if (owner && owner !== user) forget(key);
}
