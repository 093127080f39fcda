// Choosing another database: a dialog in place of the way to the overview, which leads there all the
// same without this file.
"use strict";

(() => {
  const dialog = document.querySelector("#picker");
  if (!dialog) return;
  const field = () => dialog.querySelector("input");
  const links = () => [...dialog.querySelectorAll("li:not([hidden]) a")];

  async function open(way) {
    await htmx.ajax("GET", way.dataset.pick, { source: way, target: dialog, swap: "innerHTML" });
    if (dialog.open || !field()) return;
    dialog.showModal();
    field().focus();
  }

  document.addEventListener("click", (event) => {
    const way = event.target.closest?.("a[data-pick]");
    if (!way || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(way);
  });

  dialog.addEventListener("input", () => {
    const wanted = field().value.toLowerCase();
    for (const item of dialog.querySelectorAll("li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  });

  dialog.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = links();
    const at = all.indexOf(target);
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      const next = at + (key === "ArrowDown" ? 1 : -1);
      (next < 0 ? field() : all[Math.min(next, all.length - 1)])?.focus();
    } else if (key === "Enter" && target === field()) {
      event.preventDefault();
      all[0]?.click();
    }
  });
})();
