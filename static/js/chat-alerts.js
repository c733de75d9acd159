// How a person hears of a message elsewhere on their screen: the tab's title, a notice of the system, a sound. The last two by choice.
import { keep, read } from "./chat-storage.js";

const SOUND = "chat.sound";
const title = document.title;

export function countInTitle() {
  const count = Number(document.getElementById("unread")?.dataset.messages ?? 0);
  document.title = count ? `(${count}) ${title}` : title;
}

const wantsSound = () => read(SOUND) === "on";

function ring() {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.4);
  tone.frequency.value = 660;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.4);
  tone.addEventListener("ended", () => audio.close());
}

// Of a notification of the site: the first message that waits to be read, a step of an order. Muted conversations make none.
export function alertTo({ subject, url }) {
  if (wantsSound()) ring();
  if (document.visibilityState === "visible" || !("Notification" in window) || Notification.permission !== "granted") return;
  const notice = new Notification(subject, { tag: url }); // the tag: one for all tabs
  notice.addEventListener("click", () => {
    focus();
    location.assign(url);
  });
}

export function offerChoices(root) {
  const sound = root.querySelector("[data-chat-sound]");
  const desktop = root.querySelector("[data-chat-desktop]");
  const show = () => {
    sound.setAttribute("aria-pressed", String(wantsSound()));
    desktop.hidden = !("Notification" in window) || Notification.permission !== "default";
  };
  sound.hidden = false;
  sound.addEventListener("click", () => {
    keep(SOUND, wantsSound() ? "off" : "on");
    show();
    if (wantsSound()) ring();
  });
  desktop.addEventListener("click", async () => {
    await Notification.requestPermission();
    show();
  });
  show();
}
