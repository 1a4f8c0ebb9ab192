// Keyboard: single keys from [data-key], rows from [data-rows], the "?" sheet. All of it can be switched off (WCAG 2.1.4).
const STORED = "bankcrm.keys";
const sheet = document.getElementById("keys");
const toggle = document.getElementById("keys-on");

function stored() {
  try { return localStorage.getItem(STORED) !== "off"; } catch { return true; }
}
let awake = stored();

function wake(on) {
  awake = on;
  document.documentElement.classList.toggle("nokeys", !on);
  if (toggle) toggle.checked = on;
}
wake(awake);
toggle?.addEventListener("change", () => {
  wake(toggle.checked);
  try { localStorage.setItem(STORED, awake ? "on" : "off"); } catch { /* private mode: it holds for this page */ }
});

const QUIET = ["checkbox", "radio", "button", "submit", "reset"];
function takesText(target) {
  return target.isContentEditable || target.matches("textarea, select")
    || (target.matches("input") && !QUIET.includes(target.type));
}

function use(control) {
  if (control.matches("input, select, textarea") && takesText(control)) {
    control.focus();
    control.select?.();
  } else {
    control.click();
    if (control.matches("input")) control.focus({ preventScroll: true });
  }
}

// Rows ------------------------------------------------------------------------------------------------------------
const mainLink = (row) => row.querySelector("[data-open]") ?? row.querySelector("a[href], button");
const rowsIn = (list) => [...list.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());

function currentRow(scope) {
  return document.activeElement?.closest?.("[data-row]") ?? scope.querySelector("[data-row].sel");
}

function mark(row) {
  for (const other of row.closest("[data-rows]").querySelectorAll("[data-row].sel")) other.classList.remove("sel");
  row.classList.add("sel");
}

function step(scope, by) {
  const now = currentRow(scope);
  const list = now?.closest("[data-rows]") ?? scope.querySelector("[data-rows]");
  if (!list) return false;
  const rows = rowsIn(list);
  const next = rows[now ? Math.min(rows.length - 1, Math.max(0, rows.indexOf(now) + by)) : 0];
  if (!next) return false;
  mark(next);
  const link = mainLink(next);
  if (link) link.focus(); else next.scrollIntoView({ block: "nearest" });
  return true;
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-row]");
  if (row?.closest("[data-rows]")) mark(row);
});

function onRows(key, scope) {
  if (key === "j" || key === "k") return step(scope, key === "j" ? 1 : -1);
  const row = currentRow(scope);
  if (!row) return false;
  if (key === "x") {
    const box = row.querySelector("input[type=checkbox]");
    box?.click();
    return Boolean(box);
  }
  if (key === "Enter" && document.activeElement === document.body) {
    mainLink(row)?.click();
    return true;
  }
  return false;
}

function onTabs(key, scope) {
  const tabs = [...(scope.querySelector("[data-tabs]")?.querySelectorAll("a[href], button") ?? [])];
  if (!tabs.length) return false;
  const at = tabs.findIndex((tab) => tab.hasAttribute("aria-current") || tab.getAttribute("aria-selected") === "true");
  tabs[(at + (key === "]" ? 1 : -1) + tabs.length) % tabs.length].click();
  return true;
}

// Keys ------------------------------------------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  if (!awake || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (takesText(event.target)) return;
  const dialog = document.querySelector("dialog[open]");
  const scope = dialog ?? document;
  const control = [...scope.querySelectorAll("[data-key]")]
    .find((one) => one.dataset.key === event.key && !one.disabled && one.checkVisibility());
  let done = true;
  if (control) use(control);
  else if (event.key === "?" && !dialog) openSheet();
  else if (event.key === "[" || event.key === "]") done = onTabs(event.key, scope);
  else done = onRows(event.key, scope);
  if (done) event.preventDefault();
});

// The sheet lists what works on this very page ----------------------------------------------------------------------
function openSheet() {
  const list = document.getElementById("keys-list");
  list.replaceChildren();
  if (document.querySelector("[data-rows]")) list.append(document.getElementById("keys-rows").content.cloneNode(true));
  for (const control of document.querySelectorAll("[data-key]")) {
    if (!control.checkVisibility()) continue;
    const line = document.createElement("li");
    const place = line.appendChild(document.createElement("span"));
    place.appendChild(document.createElement("kbd")).textContent = control.dataset.key;
    line.append(control.dataset.keyLabel || control.getAttribute("aria-label") || control.textContent.trim());
    list.append(line);
  }
  list.append(document.getElementById("keys-always").content.cloneNode(true));
  sheet.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-opens=keys]")) openSheet();
});
