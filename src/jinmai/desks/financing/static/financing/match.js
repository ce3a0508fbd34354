// The button says how many institutions were chosen.
(() => {
  const form = document.querySelector("[data-match]");
  if (!form) return;
  const button = form.querySelector("[data-submit]");
  const say = () => {
    const chosen = form.querySelectorAll("input[name=products]:checked").length;
    button.textContent = chosen ? button.dataset.some.replace("{n}", chosen) : button.dataset.none;
  };
  form.addEventListener("change", say);
  say();
})();
