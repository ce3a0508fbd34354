/* Jinmai: what the pages do beyond links and forms. No inline scripts, no eval; every page also works without this file. */
(() => {
  "use strict";
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* navigation folds to icons and stays so */
  const folded = () => { try { return localStorage.getItem("jinmai.folded") === "1"; } catch { return false; } };
  const fold = (on) => {
    document.body.classList.toggle("folded", on);
    try { localStorage.setItem("jinmai.folded", on ? "1" : "0"); } catch { /* a private window forgets */ }
  };
  if (folded()) document.body.classList.add("folded");
  const folder = find("[data-fold]");
  if (folder) folder.addEventListener("click", () => fold(!document.body.classList.contains("folded")));

  /* one open menu at a time; Escape and a click outside close it */
  document.addEventListener("click", (event) => {
    for (const menu of all("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  /* keys: / search, j k or arrows move, Enter opens, x picks, e exports, ? tells them */
  const typing = (element) => element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  const rows = () => all("[data-list] tbody tr");
  const move = (step) => {
    const listed = rows();
    if (!listed.length) return false;
    const at = listed.findIndex((row) => row.classList.contains("current"));
    const next = Math.min(listed.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : listed.length - 1) : at + step));
    if (at >= 0) { listed[at].classList.remove("current"); listed[at].removeAttribute("aria-selected"); }
    listed[next].classList.add("current");
    listed[next].setAttribute("aria-selected", "true");
    listed[next].scrollIntoView({ block: "nearest" });
    return true;
  };
  const open = () => {
    const row = find("[data-list] tbody tr.current");
    if (!row) return false;
    const link = find("a[href]", row);
    const target = row.dataset.url || (link && link.href);
    if (!target) return false;
    location.assign(target);
    return true;
  };
  const pick = () => {
    const box = find("[data-list] tbody tr.current .pick input");
    if (!box) return false;
    box.click();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { for (const menu of all("details[data-menu][open]")) menu.open = false; return; }
    if (typing(event.target)) return;
    let done = false;
    if (event.key === "/") { const box = find("#search"); if (box) { box.focus(); box.select(); done = true; } }
    else if (event.key === "j" || event.key === "ArrowDown") done = move(1);
    else if (event.key === "k" || event.key === "ArrowUp") done = move(-1);
    else if (event.key === "Enter" && (event.target === document.body || event.target.closest("[data-list]")) && event.target.tagName !== "A") done = open();
    else if (event.key === "x" || event.key === "X") done = pick();
    else if (event.key === "?" || event.key === "？") { const told = find("[data-keys]"); if (told) { if (!told.open) told.showModal(); done = true; } }
    else if (event.key === "e" || event.key === "E") { const file = find("[data-export]"); if (file) { file.click(); done = true; } }
    if (done) event.preventDefault();
  });

  /* a filter left empty doesn't go into the address; a button pressed twice sends once; coming back frees both */
  const held = new Set();
  const hold = (control) => { control.disabled = true; held.add(control); };
  for (const form of all("form[method=get]")) form.addEventListener("submit", () => {
    for (const input of all("input, select", form)) if (!input.value) hold(input);
  });
  for (const button of all("button[data-once]")) button.form.addEventListener("submit", () => setTimeout(() => hold(button), 0));
  window.addEventListener("pageshow", (event) => { if (event.persisted) for (const control of held) control.disabled = false; });

  /* many rows: how many are picked, the whole page at once, all that the filters find; Shift picks a stretch */
  const bulk = find("form[data-bulk]");
  if (bulk) {
    const boxes = all("tbody .pick input", bulk), whole = find("[data-pick-all]", bulk), every = find("[data-all]", bulk);
    let last = -1;
    const count = () => {
      const picked = boxes.filter((box) => box.checked).length;
      find("[data-chosen]", bulk).textContent = every && every.checked ? every.parentElement.textContent.replace(/\D+/g, "") : picked;
      if (whole) { whole.checked = picked > 0 && picked === boxes.length; whole.indeterminate = picked > 0 && picked < boxes.length; }
      for (const button of all("button[name=bulk]", bulk)) button.disabled = !picked && !(every && every.checked);
    };
    boxes.forEach((box, at) => box.addEventListener("click", (event) => {
      if (event.shiftKey && last >= 0) for (let place = Math.min(last, at); place <= Math.max(last, at); place++) boxes[place].checked = box.checked;
      last = at;
    }));
    if (whole) whole.addEventListener("change", () => { for (const box of boxes) box.checked = whole.checked; });
    bulk.addEventListener("change", count);
    bulk.addEventListener("click", () => setTimeout(count, 0));
    window.addEventListener("pageshow", count);
    count();
  }

  /* columns: up and down; back to the list's own choice */
  for (const form of all("[data-columns]")) form.addEventListener("click", (event) => {
    const mover = event.target.closest("[data-move]");
    if (mover) {
      const choice = mover.closest("[data-choice]"), step = Number(mover.dataset.move);
      const other = step < 0 ? choice.previousElementSibling : choice.nextElementSibling;
      if (other && other.matches("[data-choice]")) { if (step < 0) other.before(choice); else other.after(choice); mover.focus(); }
    }
    if (event.target.closest("[data-default-columns]")) for (const box of all("input[name=columns]", form)) box.checked = false;
  });

  /* dialogs: data-dialog names one, data-close closes the one around it */
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) { const dialog = document.getElementById(opener.dataset.dialog); if (dialog) { event.preventDefault(); dialog.showModal(); } }
    const closer = event.target.closest("[data-close]");
    if (closer) { const dialog = closer.closest("dialog"); if (dialog) dialog.close(); }
    const printer = event.target.closest("[data-print]");
    if (printer) window.print();
  });

  /* what cannot be undone asks first */
  document.addEventListener("click", (event) => {
    const asking = event.target.closest("[data-confirm]");
    if (asking && !window.confirm(asking.dataset.confirm)) event.preventDefault();
  }, true);

  /* a select with many choices becomes a search box */
  const load = (address, ready) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", ready);
    document.head.append(script);
  };
  const selects = all("select[data-search]");
  if (selects.length) load(document.body.dataset.tomSelect, () => {
    for (const select of selects) new window.TomSelect(select, { maxOptions: 200, allowEmptyOption: true });
  });

  /* charts: the option stands beside the box as data, one theme for all */
  const ink = "#465267", line = "#e4e8ee";
  const axis = { axisLine: { lineStyle: { color: "#cbd3de" } }, axisTick: { show: false }, axisLabel: { color: "#667085", fontSize: 12 }, splitLine: { lineStyle: { color: line } }, nameTextStyle: { color: "#667085", align: "left" } };
  const theme = {
    color: ["#1b4b8a", "#2f7d5b", "#8fabd4", "#d9a13b", "#c2423b", "#667085"],
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
    legend: { right: 0, top: 0, itemHeight: 8, itemWidth: 16, textStyle: { color: ink, fontSize: 12 } },
    tooltip: { borderColor: "#cbd3de", padding: [6, 10], textStyle: { color: "#18212f", fontSize: 13 } },
    categoryAxis: { ...axis, splitLine: { show: false } }, valueAxis: { ...axis, axisLine: { show: false } },
    line: { symbol: "circle", symbolSize: 5, lineStyle: { width: 2 } }, bar: { barMaxWidth: 28 },
  };
  const boxes = all("[data-chart]");
  if (boxes.length) load(document.body.dataset.echarts, () => {
    window.echarts.registerTheme("jinmai", theme);
    for (const box of boxes) {
      const option = JSON.parse(document.getElementById(box.dataset.chart).textContent);
      const chart = window.echarts.init(box, "jinmai", { renderer: "svg" });
      chart.setOption({ animation: false, grid: theme.grid, tooltip: { trigger: "axis", renderMode: "richText" }, ...option });
      new ResizeObserver(() => chart.resize()).observe(box);
    }
  });
})();
