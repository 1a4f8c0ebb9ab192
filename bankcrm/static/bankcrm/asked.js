// A field stays on the page while a column gives it, hidden: what was typed is there again when no column does.
function show() {
  const asked = document.getElementById("map-needs").dataset.asked.split(" ");
  for (const field of document.querySelectorAll("[data-asks]")) field.hidden = !asked.includes(field.dataset.asks);
}

document.addEventListener("htmx:oobAfterSwap", show);
