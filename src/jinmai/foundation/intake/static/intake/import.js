/* The way of a file in: names of the files chosen or dropped, and a question before something is given up. */
(() => {
  "use strict";
  const zone = document.querySelector("[data-drop]");
  if (zone) {
    const input = zone.querySelector("input[type=file]");
    const list = zone.querySelector("[data-chosen]");
    const show = () => {
      list.replaceChildren(...[...input.files].map((file) => {
        const line = document.createElement("li");
        const size = file.size < 1048576 ? `${Math.max(1, Math.round(file.size / 1024))} KB` : `${(file.size / 1048576).toFixed(1)} MB`;
        line.textContent = `${file.name}（${size}）`;
        return line;
      }));
    };
    input.addEventListener("change", show);
    for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, () => zone.classList.add("over"));
    for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
    show();
  }
  document.addEventListener("click", (event) => {
    const asking = event.target.closest("[data-ask]");
    if (asking && !window.confirm(asking.dataset.ask)) event.preventDefault();
  });
  /* a step's button pressed twice sends once; its name still goes with the form */
  for (const button of document.querySelectorAll("button[data-once-keep]")) {
    button.form.addEventListener("submit", () => setTimeout(() => { button.disabled = true; }, 0));
  }
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const button of document.querySelectorAll("button[data-once-keep]")) button.disabled = false;
  });
})();
