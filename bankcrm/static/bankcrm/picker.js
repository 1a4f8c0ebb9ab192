// A field above the columns narrows every list of meanings to what is typed; what is chosen stays in its list.
const field = document.querySelector("[data-narrow]");

function narrow() {
  const wanted = field.value.trim().toLowerCase();
  for (const list of document.querySelectorAll("select.target")) {
    for (const option of list.options) {
      option.hidden = Boolean(wanted) && !option.selected && option.value !== "" && !option.text.toLowerCase().includes(wanted);
    }
    for (const group of list.querySelectorAll("optgroup")) {
      group.hidden = [...group.children].every((option) => option.hidden);
    }
  }
}

if (field) {
  field.addEventListener("input", narrow);
  // Enter in it must not send the form.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}
