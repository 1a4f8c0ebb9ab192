// Dialogs, the one question before a destructive act, panes, and controls that act together.
const question = document.getElementById("confirm");

function ask(source) {
  question.querySelector("#confirm-text").textContent = source.dataset.confirm;
  const yes = question.querySelector("[value=yes]");
  yes.textContent = source.dataset.confirmLabel || yes.dataset.label;
  question.returnValue = "";
  question.showModal();
  return new Promise((answer) => {
    question.addEventListener("close", () => answer(question.returnValue === "yes"), { once: true });
  });
}

const agreed = new WeakSet();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form.dataset.confirm ? form : null;
  if (!source || agreed.delete(source)) return;
  // In the capture phase, so that neither htmx nor the browser has sent anything yet.
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  if (!(await ask(source))) return;
  agreed.add(source);
  form.requestSubmit(submitter);
}, true);

document.body.addEventListener("htmx:confirm", async (event) => {
  const source = event.detail.elt;
  // A form was asked on submit already.
  if (!source.dataset?.confirm || source.matches("form")) return;
  event.preventDefault();
  if (await ask(source)) event.detail.issueRequest(true);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener && opener.dataset.opens !== "keys") {
    const dialog = document.getElementById(opener.dataset.opens);
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The closing X comes first in the dialog and would take what one types.
      const first = dialog.querySelector(".bd :is(input:not([type=hidden]), select, textarea):not(:disabled)");
      const chosen = first?.type === "radio" && dialog.querySelector(`.bd input[name="${first.name}"]:checked`);
      (chosen || first)?.focus();
    }
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  // The dark around a dialog is the dialog's own backdrop; a click there means "not now".
  if (event.target.matches("dialog.dialog") && event.target.id !== "confirm") {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

// On the phone the workspace shows one pane at a time -----------------------------------------------------------------
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-panes] [data-pane]");
  if (!chosen) return;
  chosen.closest(".ws").dataset.pane = chosen.dataset.pane;
  for (const other of chosen.closest("[data-panes]").children) other.setAttribute("aria-pressed", String(other === chosen));
  window.scrollTo(0, 0);
});

// Ticked rows and the button that says how many ---------------------------------------------------------------------
function boxes(list) {
  return [...list.querySelectorAll("[data-row] input[type=checkbox]:not(:disabled)")];
}

function recount(list) {
  const all = boxes(list);
  const ticked = all.filter((box) => box.checked).length;
  const master = list.querySelector("[data-select-all]");
  if (master) {
    master.checked = ticked > 0 && ticked === all.length;
    master.indeterminate = ticked > 0 && ticked < all.length;
  }
  for (const button of (list.closest("form") ?? list).querySelectorAll("[data-count]")) {
    button.textContent = ((ticked === 1 && button.dataset.countOne) || button.dataset.count).replace("{n}", ticked);
    button.disabled = ticked === 0;
  }
}

document.addEventListener("change", (event) => {
  const list = event.target.closest("[data-rows]");
  if (list && event.target.type === "checkbox") {
    if (event.target.matches("[data-select-all]")) for (const box of boxes(list)) box.checked = event.target.checked;
    recount(list);
  }
  event.target.closest("form[data-submit-on-change]")?.requestSubmit();
});
for (const list of document.querySelectorAll("[data-rows]")) recount(list);
document.body.addEventListener("htmx:afterSettle", () => {
  for (const list of document.querySelectorAll("[data-rows]")) recount(list);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
