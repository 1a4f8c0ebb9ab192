// Outcomes typed without a connection: kept on the device, shown on every page, sent once each from whichever comes first.
// What is kept on the device holds ids and codes only; the note, which may be personal, ends with the tab.
// Colleagues share devices: every outcome carries who typed it, and waits until that person is signed in again.
const WAITING = "bankcrm.outbox";
const SENT = "bankcrm.sent";
const ASK_MS = 700;
const RETRY_MS = [15_000, 300_000];  // first and longest wait where the server cannot be reached

function kept() {
  try { return JSON.parse(localStorage.getItem(WAITING) ?? "[]"); } catch { return []; }
}

function keep(entries) {
  if (entries.length) localStorage.setItem(WAITING, JSON.stringify(entries));
  else localStorage.removeItem(WAITING);
  show();
}

const box = () => document.getElementById("outbox");
const mine = () => kept().filter((entry) => entry.owner && entry.owner === box()?.dataset.owner);
const waiting = () => mine().filter((entry) => !entry.refused);
const refused = () => mine().filter((entry) => entry.refused);
const noteKey = (entry) => `${WAITING}.${entry.client_key}`;
const isSame = (entry) => (other) => other.client_key === entry.client_key;
const pageOf = (entry) => entry.url.replace(/outcome\/$/, "");

function drop(entry) {
  sessionStorage.removeItem(noteKey(entry));
  keep(kept().filter((other) => !isSame(entry)(other)));
}

// What is shown ------------------------------------------------------------------------------------------------------
function show() {
  const shown = box();
  if (!shown) return;
  const entries = waiting();
  const { waitingOne, waiting: some } = shown.dataset;
  shown.hidden = mine().length === 0;
  shown.querySelector("[data-said]").textContent =
    entries.length ? (entries.length === 1 ? waitingOne : some).replace("{n}", entries.length) : "";
  shown.querySelector("ul").replaceChildren(...refused().map(row));
  const form = document.getElementById("outcome");
  if (form) form.inert = entries.some((entry) => entry.url === form.getAttribute("action"));
  bringBack();
}

// Never innerHTML: a note quotes what a customer said.
function row(entry) {
  const { refused: title, open, discard } = box().dataset;
  const line = document.createElement("li");
  const note = sessionStorage.getItem(noteKey(entry));
  const link = Object.assign(document.createElement("a"), { href: pageOf(entry), textContent: open });
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn-link", textContent: discard });
  button.addEventListener("click", () => drop(entry));
  line.append([entry.label, title, entry.refused, note && `“${note}”`].filter(Boolean).join(" "), " ", link, " · ", button);
  return line;
}

// The note of a refused outcome is back in its box when the lead is opened, to be saved alone or with another outcome.
function bringBack() {
  const lead = document.querySelector("#main[data-lead]")?.dataset.lead;
  const field = document.querySelector("#note-field .note");
  const entry = lead && refused().find((one) => pageOf(one).endsWith(`/${lead}/`));
  if (!entry || !field || field.value || field.dataset.brought) return;
  field.dataset.brought = "1";
  field.value = sessionStorage.getItem(noteKey(entry)) ?? "";
}
document.body.addEventListener("noted", () => {
  const lead = document.querySelector("#main[data-lead]")?.dataset.lead;
  for (const entry of refused()) if (pageOf(entry).endsWith(`/${lead}/`)) drop(entry);
});

function tell(text, level) {
  if (text) document.body.dispatchEvent(new CustomEvent("toast", { detail: { text, level } }));
}

// What is kept -------------------------------------------------------------------------------------------------------
function put(form) {
  const { note, csrfmiddlewaretoken, note_key, ...entry } = Object.fromEntries(new FormData(form));
  entry.url = form.getAttribute("action");
  entry.owner = box().dataset.owner;
  entry.label = form.querySelector("[name=outcome]:checked")?.dataset.keyLabel ?? "";
  entry.noted = Boolean(note);
  if (note) sessionStorage.setItem(noteKey(entry), note);
  keep([...kept().filter((other) => !isSame(entry)(other)), entry]);
  tryLater();
}

// What is sent -------------------------------------------------------------------------------------------------------
// Another tab may send first; it asks the one in which the note was typed.
const channel = "BroadcastChannel" in window ? new BroadcastChannel(WAITING) : null;
channel?.addEventListener("message", ({ data }) => {
  const note = data.ask && sessionStorage.getItem(noteKey({ client_key: data.ask }));
  if (note) channel.postMessage({ told: data.ask, note });
});

function noteOf(entry) {
  const here = sessionStorage.getItem(noteKey(entry));
  if (here !== null || !entry.noted || !channel) return Promise.resolve(here);
  return new Promise((resolve) => {
    const done = (note) => { channel.removeEventListener("message", hear); resolve(note); };
    const hear = ({ data }) => { if (data.told === entry.client_key) done(data.note); };
    channel.addEventListener("message", hear);
    channel.postMessage({ ask: entry.client_key });
    setTimeout(done, ASK_MS, null);
  });
}

let sending = false;
let pause = RETRY_MS[0];
let timer = 0;
function tryLater() {
  clearTimeout(timer);
  timer = setTimeout(send, pause);
  pause = Math.min(pause * 2, RETRY_MS[1]);
}

async function send() {
  if (sending || !navigator.onLine || !waiting().length) return;
  sending = true;
  try {
    for (const entry of waiting()) if (!(await sendOne(entry))) return;
    pause = RETRY_MS[0];
  } finally {
    sending = false;
  }
}

// Whether to go on with the next one.
async function sendOne(entry) {
  const note = await noteOf(entry);
  if (!kept().some(isSame(entry))) return true;  // another tab was faster
  const { url, label, noted, ...fields } = entry;
  const body = new URLSearchParams({ ...fields, note: note ?? "", kept: "1" });
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  let answer;
  try { answer = await fetch(url, { method: "POST", body, headers }); } catch { tryLater(); return false; }
  // The server is there but not well: the outcome stays and is sent again, its key counts it once.
  if (answer.status >= 500) { tryLater(); return false; }
  // Somebody else signed in beside this page: what the page keeps is not theirs to send.
  if (answer.status === 403) return false;
  if (answer.headers.has("HX-Redirect")) { window.location.assign(answer.headers.get("HX-Redirect")); return false; }
  if (!answer.ok) { await refuse(entry, answer); return true; }
  const { sent, sentBare, next } = box().dataset;
  const said = noted && note === null ? sentBare : sent;
  const here = document.getElementById("outcome")?.getAttribute("action") === url;
  drop(entry);
  if (!here) { tell(said, "ok"); return true; }
  // The page goes on to the next lead, and says there what became of this one.
  sessionStorage.setItem(SENT, said);
  window.location.assign(next);
  return false;
}

async function refuse(entry, answer) {
  const html = new DOMParser().parseFromString(await answer.text(), "text/html");
  const why = html.querySelector("[data-say]")?.textContent.trim() || document.getElementById("toasts")?.dataset[`e${answer.status}`];
  keep(kept().map((other) => (isSame(entry)(other) ? { ...other, refused: why || "—" } : other)));
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
document.addEventListener("visibilitychange", () => document.hidden || send());
window.addEventListener("storage", (event) => event.key === WAITING && show());
// A note lives in this tab only: whoever closes it is asked first.
window.addEventListener("beforeunload", (event) => {
  if (mine().some((entry) => sessionStorage.getItem(noteKey(entry)))) event.preventDefault();
});
document.body.addEventListener("htmx:afterSettle", show);
tell(sessionStorage.getItem(SENT), "ok");
sessionStorage.removeItem(SENT);
show();
send();
