"use strict";
// A page of articles about each of which a person decides: with keys, kept in the browser until it is saved as a file.
// `own` is what a page brings: place (under which choices are kept), what (the articles are called), parts (boxes inside an article
// that have choices of their own), state (of an article), decisions(), wrong(decision), text(decisions), afterFix(part).
const chosen = (part, name) => part.querySelector(`input[name="${name}"]:checked`)?.value;

function sheet(own) {
  const articles = [...document.querySelectorAll("article")];
  const count = document.getElementById("count"), save = document.getElementById("save"), filter = document.getElementById("filter");
  document.documentElement.classList.add("js");
  save.disabled = false;

  const decided = (article) => Boolean(article.querySelector(".choices input:checked"));

  function tell(text, wrong) {
    count.classList.toggle("wrong", Boolean(wrong));
    const done = articles.filter(decided).length;
    count.textContent = text || `${done} of ${articles.length} ${own.what} decided on this page`;
  }

  function show() {
    const want = filter.value;
    for (const article of articles)
      article.hidden = want === "open" ? decided(article) : want !== "all" && article.dataset.in !== want;
  }

  function download() {
    const found = own.decisions(), fault = found.map(own.wrong).find(Boolean);
    if (fault) return tell(`Not saved. ${fault}`, true);
    if (!found.length) return tell("Nothing is decided yet");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([own.text(found)], { type: "application/json" }));
    link.download = "review.json";
    link.click();
    // A busy browser begins a download late, and a blob that was let go of by then is never saved.
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    tell(`Saved ${found.length} decisions as review.json`);
  }

  const states = () => articles.map(own.state);
  const shownOf = (select) => ([...select.options].find((one) => one.defaultSelected) || select.options[0])?.value;

  function remember() {
    const kept = {};
    // An emptied text and an unticked box are choices too where the page came with something else.
    document.querySelectorAll("main input, main select, main textarea").forEach((input, index) => {
      if (input.type === "radio") { if (input.checked) kept[index] = true; }
      else if (input.type === "checkbox") { if (input.checked !== input.defaultChecked) kept[index] = input.checked; }
      else if (input.value !== (input.defaultValue ?? shownOf(input))) kept[index] = input.value;
    });
    try { localStorage.setItem(own.place, JSON.stringify({ seen: states(), kept })); } catch { /* a private window keeps nothing */ }
  }

  function recall() {
    try {
      const stored = JSON.parse(localStorage.getItem(own.place) || "null");
      // What was chosen about another state of the articles would be refused: it is not brought back.
      if (!stored || JSON.stringify(stored.seen) !== JSON.stringify(states())) return;
      const inputs = document.querySelectorAll("main input, main select, main textarea");
      for (const [index, value] of Object.entries(stored.kept)) {
        const input = inputs[index];
        if (input?.type === "radio" || input?.type === "checkbox") input.checked = value;
        else if (input) input.value = value;
      }
    } catch { /* nothing to bring back */ }
  }

  function current() {
    const focused = document.activeElement?.closest("article");
    return focused || articles.find((one) => !one.hidden && one.getBoundingClientRect().bottom > 80);
  }

  function step(by) {
    const shown = articles.filter((one) => !one.hidden), at = shown.indexOf(current());
    const next = document.activeElement?.closest("article") ? shown[at + by] : shown[Math.max(at, 0)];
    next?.focus();
  }

  function choose(number) {
    // The key speaks of the box that has the focus; with the focus on none, of the article.
    const part = (own.parts && document.activeElement?.closest(own.parts)) || current()?.querySelector(".whole");
    const input = part?.querySelectorAll(".choices input")[number];
    if (!input) return;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    if (number === 1) own.afterFix(part).focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById("keys").checked) return;
    if (event.target.matches('input[type="text"], select, textarea')) return;
    const act = { j: () => step(1), k: () => step(-1), 1: () => choose(0), 2: () => choose(1), 3: () => choose(2), s: download }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  const main = document.querySelector("main");
  main.addEventListener("change", () => { remember(); tell(); });
  // What is being typed as well: a text counts as changed only once its field is left.
  main.addEventListener("input", remember);
  filter.addEventListener("change", show);
  save.addEventListener("click", download);
  return { articles, remember, start() { recall(); tell(); } };
}
