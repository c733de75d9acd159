// Passkeys and security keys: <form data-webauthn="create|get|sign-in">, its options as JSON in data-options or at the address in
// data-options-url, the answer into its hidden field "credential". Parts with data-webauthn-part appear when the browser can do it.
const FAILED = "webauthnFailed";

function bytes(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64.padEnd(Math.ceil(base64.length / 4) * 4, "=")), (character) => character.charCodeAt(0));
}

function text(buffer) {
  const characters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const keys = (list = []) => list.map((key) => ({ ...key, id: bytes(key.id) }));

function creation(options, passwordless) {
  const key = options.publicKey;
  const selection = { ...key.authenticatorSelection };
  selection.residentKey = passwordless ? "required" : "discouraged";
  selection.requireResidentKey = passwordless;
  if (passwordless) selection.userVerification = "required";
  return {
    publicKey: {
      ...key,
      challenge: bytes(key.challenge),
      user: { ...key.user, id: bytes(key.user.id) },
      excludeCredentials: keys(key.excludeCredentials),
      authenticatorSelection: selection,
    },
  };
}

function request(options) {
  const key = options.publicKey;
  return { publicKey: { ...key, challenge: bytes(key.challenge), allowCredentials: keys(key.allowCredentials) } };
}

function answer(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  return {
    type: credential.type,
    id: credential.id,
    rawId: text(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment,
    response: {
      ...Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, text(response[part])])),
      ...(response.getTransports ? { transports: response.getTransports() } : {}),
    },
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const reply = await fetch(form.dataset.optionsUrl, { headers: { Accept: "application/json" } });
  if (!reply.ok) throw new Error(`options: ${reply.status}`);
  return (await reply.json()).request_options;
}

async function ceremony(form) {
  const options = await optionsOf(form);
  const credential =
    form.dataset.webauthn === "create"
      ? await navigator.credentials.create(creation(options, form.elements.passwordless?.checked ?? false))
      : await navigator.credentials.get(request(options));
  form.elements.credential.value = JSON.stringify(answer(credential));
  form.submit();
}

function tell(form, words) {
  const place = form.querySelector("[data-webauthn-error]");
  if (!place) return;
  place.querySelector("[data-webauthn-words]").textContent = words;
  place.hidden = !words;
}

for (const form of document.querySelectorAll("form[data-webauthn]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    tell(form, "");
    try {
      await ceremony(form);
    } catch (error) {
      console.warn(error);
      tell(form, form.dataset[FAILED]);
    }
  });
}

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-webauthn-part]")) part.hidden = false;
}
