// The lead workspace: a proposed next step for every outcome, the customer's tabs, and outcomes typed without a connection.
const WAITING = "bankcrm.outbox";
const SENT = "bankcrm.sent";

// The proposal -------------------------------------------------------------------------------------------------------
document.addEventListener("change", (event) => {
  const form = event.target.closest("#outcome");
  if (!form || event.target.name !== "outcome") return;
  const [step, at] = (form.dataset[event.target.value] ?? "none|").split("|");
  form.elements.next_step.value = step;
  form.elements.next_at.value = at;
});

// Customer-360 -------------------------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tabs360] a");
  if (!tab) return;
  event.preventDefault();
  for (const other of tab.parentElement.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
  tab.setAttribute("aria-current", "true");
});

// On a phone the number that was asked for is dialled at once; at a desk it is read.
document.body.addEventListener("htmx:afterSettle", () => {
  const number = document.querySelector("a[data-dial]:not([data-dialled])");
  if (!number) return;
  number.dataset.dialled = "1";
  if (window.matchMedia("(pointer: coarse)").matches) number.click();
  else number.focus();
});

// The outbox ---------------------------------------------------------------------------------------------------------
// What is kept on the device holds ids and codes only; the note, which may be personal, ends with the tab.
// Colleagues share devices: every outcome carries who typed it, and waits until that person is signed in again.
function kept() {
  try { return JSON.parse(localStorage.getItem(WAITING) ?? "[]"); } catch { return []; }
}

function keep(entries) {
  if (entries.length) localStorage.setItem(WAITING, JSON.stringify(entries));
  else localStorage.removeItem(WAITING);
  show();
}

const owner = () => document.getElementById("outbox")?.dataset.owner;
const mine = () => kept().filter((entry) => entry.owner && entry.owner === owner());
const noteKey = (entry) => `${WAITING}.${entry.client_key}`;

function show() {
  const box = document.getElementById("outbox");
  if (!box) return;
  const entries = mine();
  box.hidden = entries.length === 0;
  const words = entries.length === 1 ? box.dataset.waitingOne : box.dataset.waiting;
  box.querySelector("span:last-child").textContent = words.replace("{n}", entries.length);
  const form = document.getElementById("outcome");
  if (form) form.inert = entries.some((entry) => entry.url === form.getAttribute("action"));
}

function put(form) {
  const data = Object.fromEntries(new FormData(form));
  const { note, csrfmiddlewaretoken, ...entry } = data;
  entry.url = form.getAttribute("action");
  entry.owner = owner();
  if (note) sessionStorage.setItem(noteKey(entry), note);
  keep([...kept().filter((other) => other.client_key !== entry.client_key), entry]);
}

function tell(text, level) {
  document.body.dispatchEvent(new CustomEvent("toast", { detail: { text, level } }));
}

let sending = false;
async function send() {
  if (sending || !navigator.onLine) return;
  sending = true;
  const box = document.getElementById("outbox");
  try {
    for (const entry of mine()) {
      const { url, ...fields } = entry;
      const body = new URLSearchParams({ ...fields, note: sessionStorage.getItem(noteKey(entry)) ?? "", kept: "1" });
      const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
      let answer;
      try { answer = await fetch(url, { method: "POST", body, headers }); } catch { return; }
      // The server is there but not well: the outcome stays and is sent again, its key counts it once.
      if (answer.status >= 500) return;
      // Somebody else signed in beside this page: what the page keeps is not theirs to send.
      if (answer.status === 403) return;
      const signedOut = answer.headers.has("HX-Redirect");
      if (signedOut) return window.location.assign(answer.headers.get("HX-Redirect"));
      sessionStorage.removeItem(noteKey(entry));
      keep(kept().filter((other) => other.client_key !== entry.client_key));
      const here = document.getElementById("outcome")?.getAttribute("action") === url;
      if (answer.ok && here) {
        // The page goes on to the next lead, and says there what became of this one.
        sessionStorage.setItem(SENT, box.dataset.sent);
        return window.location.assign(box.dataset.next);
      }
      if (answer.ok) tell(box.dataset.sent, "ok");
      else tell(`${box.dataset.refused} ${words(await answer.text())}`, "bad");
    }
  } finally {
    sending = false;
  }
}

function words(html) {
  return new DOMParser().parseFromString(html, "text/html").querySelector("[data-say]")?.textContent.trim() ?? "";
}

document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "outcome" || navigator.onLine) return;
  event.preventDefault();
  put(event.detail.elt);
});
document.body.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.id === "outcome") put(event.detail.elt);
});
window.addEventListener("online", send);
// A note lives in this tab only: whoever closes it is asked first.
window.addEventListener("beforeunload", (event) => {
  if (mine().some((entry) => sessionStorage.getItem(noteKey(entry)))) event.preventDefault();
});
tell(sessionStorage.getItem(SENT), "ok");
sessionStorage.removeItem(SENT);
document.body.addEventListener("htmx:afterSettle", show);
show();
send();
