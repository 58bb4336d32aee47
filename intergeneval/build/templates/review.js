"use strict";
(() => {
  const body = document.body, articles = [...document.querySelectorAll("article")];
  const count = document.getElementById("count"), save = document.getElementById("save"), filter = document.getElementById("filter");
  const place = `intergeneval-review-${body.dataset.build}-${body.dataset.page}`;
  document.documentElement.classList.add("js");
  save.disabled = false;

  const chosen = (part, name) => part.querySelector(`input[name="${name}"]:checked`)?.value;
  const numbers = (text) => text.split(/[\s,;]+/).filter(Boolean).map(Number);

  function remark(article, part, name, instance) {
    const decision = chosen(part, name), note = part.querySelector(".note-text").value.trim();
    if (!decision) return null;
    const made = { sample_id: article.dataset.id, seen: article.dataset.seen, decision };
    if (instance) made.instance_id = instance;
    if (note) made.note = note;
    if (instance && decision === "fix") {
      const box = numbers(part.querySelector(".box-text")?.value || ""), candidate = chosen(part, `${name}c`);
      if (box.length) made.box = box;
      else if (candidate !== undefined) made.candidate = Number(candidate);
    }
    return made;
  }

  // The eight fields as they are set now, under the names and in the form that the review file takes.
  function fieldsOf(part) {
    const found = {}, role = (name) => part.querySelector(`[data-role="${name}"]`);
    part.querySelectorAll("select[data-field]").forEach((select) => { found[select.dataset.field] = select.value || null; });
    found.after = found.after === null ? null : Number(found.after);
    found.destination = role("destination-id").value || role("destination-words").value.trim() || null;
    found.alternatives = [...part.querySelectorAll('[data-role="alternative"]:checked')].map((box) => box.value);
    found.twin_of = role("twin").value.trim() || null;
    return found;
  }

  // Only what was changed is said, so that what somebody else finds out later is not undone by a page that never knew it.
  function changed(part) {
    const shown = JSON.parse(part.dataset.fields), now = fieldsOf(part);
    const sorted = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
    return Object.fromEntries(Object.entries(now).filter(([name, value]) => sorted(value) !== sorted(shown[name])));
  }

  function decisions() {
    const found = [];
    articles.forEach((article, index) => {
      found.push(remark(article, article.querySelector(".whole"), `s${index + 1}`, ""));
      article.querySelectorAll(".instance").forEach((part, number) => {
        found.push(remark(article, part, `s${index + 1}i${number + 1}`, part.dataset.instance));
      });
      article.querySelectorAll(".act").forEach((part, number) => {
        const made = remark(article, part, `s${index + 1}a${number + 1}`, "");
        if (!made) return;
        made.interaction = Number(part.dataset.interaction);
        if (made.decision === "fix") made.fields = changed(part);
        found.push(made);
      });
    });
    return found.filter(Boolean);
  }

  function unpaired(made) {
    const article = articles.find((one) => one.dataset.id === made.sample_id);
    const now = fieldsOf(article.querySelector(`.act[data-interaction="${made.interaction}"]`));
    return (now.destination === null) !== (now.relation === null);
  }

  const named = (id) => articles.find((one) => one.dataset.id === id);
  const painted = (id) => named(id).hasAttribute("data-painted");
  const rejected = (article) => article.querySelector(".whole .choices input:checked")?.value === "fix";

  // What the build would refuse: of a picture that is to be painted again nothing can be said yet, in none of its samples.
  function early(made) {
    const own = named(made.sample_id), whole = !made.instance_id && made.interaction === undefined;
    if (!painted(made.sample_id) || (whole && made.decision !== "keep")) return "";
    const source = [own, ...articles].find((one) => one.dataset.painted === own.dataset.painted && rejected(one));
    if (!source) return "";
    if (source === own) return `${made.sample_id}: its picture is to be painted again, so nothing else can be said of it yet`;
    return `${made.sample_id}: it starts from the picture of ${source.dataset.id}, which is to be painted again; leave it open until that was done`;
  }

  function wrong(made) {
    if (made.box && (made.box.length !== 4 || made.box.some((side) => !Number.isFinite(side)) || made.box[0] >= made.box[2] || made.box[1] >= made.box[3]))
      return `${made.sample_id}, ${made.instance_id}: a box is four numbers x0, y0, x1, y1 with x0 < x1 and y0 < y1`;
    const act = `${made.sample_id}, interaction ${made.interaction}`, fields = made.fields;
    if (fields && !Object.keys(fields).length) return `${act}: to fix it, change a field, or choose keep`;
    if (fields && unpaired(made)) return `${act}: a destination needs a relation (in, on or at), and a relation a destination`;
    if (!made.instance_id && made.interaction === undefined && made.decision === "fix" && !made.note && !painted(made.sample_id)) return `${made.sample_id}: a sample to fix needs a note`;
    return early(made);
  }

  const decided = (article) => Boolean(article.querySelector(".choices input:checked"));

  function tell(text, wrong) {
    count.classList.toggle("wrong", Boolean(wrong));
    const done = articles.filter(decided).length;
    count.textContent = text || `${done} of ${articles.length} samples decided on this page`;
  }

  function show() {
    const want = filter.value;
    for (const article of articles)
      article.hidden = want === "open" ? decided(article) : want !== "all" && article.dataset.in !== want;
  }

  function download() {
    const found = decisions(), fault = found.map(wrong).find(Boolean);
    if (fault) return tell(`Not saved. ${fault}`, true);
    if (!found.length) return tell("Nothing is decided yet");
    const text = JSON.stringify({ build: body.dataset.build, decisions: found }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "review.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    tell(`Saved ${found.length} decisions as review.json`);
  }

  const states = () => articles.map((one) => `${one.dataset.seen} ${one.dataset.shown}`);
  const shownOf = (select) => ([...select.options].find((one) => one.defaultSelected) || select.options[0])?.value;

  function remember() {
    const kept = {};
    // An emptied text and an unticked box are choices too where the page came with something else.
    document.querySelectorAll("main input, main select").forEach((input, index) => {
      if (input.type === "radio") { if (input.checked) kept[index] = true; }
      else if (input.type === "checkbox") { if (input.checked !== input.defaultChecked) kept[index] = input.checked; }
      else if (input.value !== (input.defaultValue ?? shownOf(input))) kept[index] = input.value;
    });
    try { localStorage.setItem(place, JSON.stringify({ seen: states(), kept })); } catch { /* a private window keeps nothing */ }
  }

  function recall() {
    try {
      const stored = JSON.parse(localStorage.getItem(place) || "null");
      // What was chosen about another state of the samples would be refused: it is not brought back.
      if (!stored || JSON.stringify(stored.seen) !== JSON.stringify(states())) return;
      const inputs = document.querySelectorAll("main input, main select");
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
    // The key speaks of the box that has the focus; with the focus on none, of the sample.
    const part = document.activeElement?.closest(".act, .instance") || current()?.querySelector(".whole");
    const input = part?.querySelectorAll(".choices input")[number];
    if (!input) return;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    if (number === 1) part.querySelector(part.matches(".act") ? ".fixes select" : ".note-text").focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById("keys").checked) return;
    if (event.target.matches('input[type="text"], select, textarea')) return;
    const act = { j: () => step(1), k: () => step(-1), 1: () => choose(0), 2: () => choose(1), 3: () => choose(2), s: download }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  function drawInto(part) {
    const article = part.closest("article"), canvas = article.querySelector(".canvas"), rubber = canvas.querySelector(".rubber");
    article.querySelector(".anchor").open = true;
    document.querySelectorAll(".canvas.drawing").forEach((other) => other.classList.remove("drawing"));
    canvas.classList.add("drawing");
    canvas.scrollIntoView({ block: "center" });
    let start = null;
    const at = (event) => {
      const edge = canvas.getBoundingClientRect();
      const within = (value, most) => Math.min(Math.max(value, 0), most);
      return [within(event.clientX - edge.left, edge.width), within(event.clientY - edge.top, edge.height)];
    };
    const sides = (end) => [Math.min(start[0], end[0]), Math.min(start[1], end[1]), Math.max(start[0], end[0]), Math.max(start[1], end[1])];
    canvas.onpointerdown = (event) => { event.preventDefault(); start = at(event); canvas.setPointerCapture(event.pointerId); };
    canvas.onpointermove = (event) => {
      if (!start) return;
      const [x0, y0, x1, y1] = sides(at(event));
      Object.assign(rubber.style, { left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` });
      rubber.hidden = false;
    };
    canvas.onpointerup = (event) => {
      if (!start) return;
      const scale = Number(canvas.dataset.width) / canvas.getBoundingClientRect().width;
      const box = sides(at(event)).map((side) => Math.round(side * scale));
      start = null;
      if (box[2] - box[0] < 2 || box[3] - box[1] < 2) return;
      part.querySelector(".box-text").value = box.join(", ");
      canvas.classList.remove("drawing");
      canvas.onpointerdown = canvas.onpointermove = canvas.onpointerup = null;
      remember();
      part.querySelector(".box-text").focus();
    };
  }

  document.querySelectorAll(".draw").forEach((button) => button.addEventListener("click", () => drawInto(button.closest(".instance"))));
  document.getElementById("samples").addEventListener("change", () => { remember(); tell(); });
  filter.addEventListener("change", show);
  save.addEventListener("click", download);
  recall();
  tell();
})();
