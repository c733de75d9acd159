// What this browser keeps for a person. Where it keeps nothing (blocked, full) the page does without.
function tried(action, otherwise = null) {
  try {
    return action();
  } catch (unreachable) {
    console.info(unreachable);
    return otherwise;
  }
}

export const read = (key) => tried(() => localStorage.getItem(key));
export const keep = (key, value) => tried(() => localStorage.setItem(key, value));
export const forget = (key) => tried(() => localStorage.removeItem(key));
export const readJson = (key) => tried(() => JSON.parse(localStorage.getItem(key)));
export const keys = () => tried(() => Object.keys(localStorage), []);
