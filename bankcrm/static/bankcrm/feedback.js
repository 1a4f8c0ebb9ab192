// What the person is told: toasts, refused requests, a lost connection, work in progress.
const region = document.getElementById("toasts");
const banner = document.getElementById("offline");
const LASTING = { ok: 6000, info: 8000, warn: 12000, bad: 0 };  // milliseconds; 0 stays until closed
const ICONS = { ok: "circle-check", info: "info-circle", warn: "alert-triangle", bad: "alert-triangle" };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;  // never innerHTML: a toast may quote what a customer is called
  return made;
}

function toast({ text, level = "info", undo = "" }) {
  if (!region || !text) return;
  const shown = element("div", `toast-k ${level}`);
  if (level === "bad") shown.setAttribute("role", "alert");
  const mark = element("span", `i i-${ICONS[level] ?? ICONS.info}`);
  mark.setAttribute("aria-hidden", "true");
  shown.append(mark, element("span", "txt", text));
  if (undo) {
    const back = element("button", "", region.dataset.undo);
    back.type = "button";
    back.addEventListener("click", () => {
      shown.remove();
      window.htmx.ajax("POST", undo, { source: document.body, swap: "none" });
    });
    shown.append(back);
  }
  const close = element("button", "x", "×");
  close.type = "button";
  close.setAttribute("aria-label", region.dataset.close);
  close.addEventListener("click", () => shown.remove());
  shown.append(close);
  region.append(shown);
  fadeLater(shown, LASTING[level] ?? 8000);
}

function fadeLater(shown, milliseconds) {
  if (!milliseconds) return;
  let timer = setTimeout(() => shown.remove(), milliseconds);
  // Someone who reads or reaches for Undo has the time they need (WCAG 2.2.1).
  for (const hold of ["mouseenter", "focusin"]) shown.addEventListener(hold, () => clearTimeout(timer));
  for (const go of ["mouseleave", "focusout"]) shown.addEventListener(go, () => { timer = setTimeout(() => shown.remove(), 3000); });
}

document.body.addEventListener("toast", (event) => {
  const { items, text, value, level, undo } = event.detail ?? {};
  // What was saved before is no news any more: successes do not pile up over the page.
  for (const before of region?.querySelectorAll(".toast-k.ok") ?? []) before.remove();
  for (const item of items ?? [{ text: text ?? value, level, undo }]) toast(item);
});

// Errors: swapped in when the server says where, otherwise told in a toast in the server's words.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status >= 400 && (xhr.getResponseHeader("HX-Retarget") || xhr.getResponseHeader("HX-Reswap"))) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

function serversWords(xhr) {
  if (!(xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html")) return "";
  const told = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("[data-error]");
  if (!told) return "";
  const said = [...told.querySelectorAll("[data-say]")];
  return (said.length ? said : [told]).map((part) => part.textContent.trim()).filter(Boolean).join("\n");
}

document.body.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401) return window.location.reload();
  const known = region.dataset[`e${xhr.status}`] ?? (xhr.status >= 500 ? region.dataset.e5xx : region.dataset.e4xx);
  const text = serversWords(xhr) || known;
  // A page that asks every few seconds would pile up the same sentence while the server is away.
  if ([...region.querySelectorAll(".toast-k .txt")].some((shown) => shown.textContent === text)) return;
  toast({ text, level: xhr.status === 503 ? "warn" : "bad" });
});
document.body.addEventListener("htmx:timeout", () => toast({ text: region.dataset.timeout, level: "warn" }));

function connection(lost) {
  if (banner) banner.hidden = !lost;
}
document.body.addEventListener("htmx:sendError", () => connection(true));
document.body.addEventListener("htmx:afterOnLoad", () => connection(false));
window.addEventListener("offline", () => connection(true));
window.addEventListener("online", () => connection(false));

// A form is sent once; the button says that it is under way.
function busy(form, button, on) {
  if (form) on ? (form.dataset.busy = "1") : delete form.dataset.busy;
  if (button) on ? button.setAttribute("aria-busy", "true") : button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || form.target === "_blank" || "download" in form.dataset) return;
  if (form.dataset.busy) return event.preventDefault();
  busy(form, event.submitter, true);
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;  // back from the cache: the old page must be usable again
  for (const form of document.querySelectorAll("form[data-busy]")) busy(form, null, false);
  for (const button of document.querySelectorAll("[aria-busy]")) busy(null, button, false);
});

const senders = new WeakMap();
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig, xhr } = event.detail;
  if (requestConfig.verb === "get") return;
  if (elt.dataset?.busy) return event.preventDefault();
  const button = requestConfig.triggeringEvent?.submitter ?? (elt.matches?.("button, a") ? elt : null);
  senders.set(xhr, [elt, button]);
  busy(elt, button, true);
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  const [elt, button] = senders.get(event.detail.xhr) ?? [];
  busy(elt, button, false);
});
