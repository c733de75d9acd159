// The page to try the API: Swagger UI in the page's colour scheme, sending the token without which a session changes nothing.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const place = document.getElementById("api");

function show() {
  root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
}

function withToken(request) {
  const here = new URL(request.url, location.href).origin === location.origin;
  if (here && !["GET", "HEAD"].includes(request.method)) request.headers["X-CSRFToken"] = place.dataset.csrf;
  return request;
}

// The page has a head of its own.
const withoutHead = () => ({ wrapComponents: { InfoContainer: () => () => null } });

show();
system.addEventListener("change", show);
new MutationObserver(show).observe(root, { attributeFilter: ["data-theme"] });
window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  plugins: [withoutHead],
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  requestInterceptor: withToken,
  showMutatedRequest: false,
  validatorUrl: null,
});
