// The search field of the top bar: results under it, arrows choose, Enter opens, Esc leaves. The field keeps the focus.
const form = document.querySelector("[data-search]");
const field = form?.querySelector("input[type=search]");
const list = form?.querySelector("[role=listbox]");

const options = () => [...list.querySelectorAll("[role=option]")];

function show(open) {
  list.hidden = !open;
  field.setAttribute("aria-expanded", String(open));
  if (!open) choose(null);
}

function choose(option) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  if (option) {
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

function step(by) {
  const all = options();
  if (!all.length) return;
  const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
  choose(all[next]);
}

if (form) {
  list.addEventListener("htmx:afterSwap", () => {
    show(form.contains(document.activeElement));
    // Enter opens the best match at once, unless nothing was typed.
    choose(field.value.trim() ? options()[0] ?? null : null);
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) show(false);
  });
  // A click on a result must not take the focus first: the list would close under the pointer.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show(options().length > 0);
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      const chosen = list.hidden ? null : list.querySelector("[aria-selected=true]");
      if (chosen) {
        event.preventDefault();
        chosen.click();
      }
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (field.value && !list.hidden) {
        field.value = "";
        show(false);
      } else {
        show(false);
        field.blur();
      }
    }
  });
}
