// The lead workspace: a proposed next step for every outcome, the customer's tabs, a note alone.

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

// A note alone -------------------------------------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("#outcome .note") || !event.target.value.trim()) return;
  const form = event.target.form;
  if (form.querySelector("[name=outcome]:checked")) return;
  event.preventDefault();
  form.querySelector(".savenote").click();
});
// Esc leaves the field, so that the next key is a key again; what was typed stays.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && event.target.matches?.("#outcome .note")) event.target.blur();
});
// What the customer's panel shows of the history has a line more now.
document.body.addEventListener("noted", () => document.querySelector("[data-tabs360] [aria-current]")?.click());
