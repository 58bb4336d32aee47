(() => {
  const body = document.body;
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
      page.remember();
      part.querySelector(".box-text").focus();
    };
  }

  const page = sheet({
    place: `intergeneval-review-${body.dataset.build}-${body.dataset.page}`,
    what: "samples",
    parts: ".act, .instance",
    state: (one) => `${one.dataset.seen} ${one.dataset.shown}`,
    decisions,
    wrong,
    text: (found) => JSON.stringify({ build: body.dataset.build, decisions: found }, null, 1),
    afterFix: (part) => part.querySelector(part.matches(".act") ? ".fixes select" : ".note-text"),
  });
  const articles = page.articles;
  document.querySelectorAll(".draw").forEach((button) => button.addEventListener("click", () => drawInto(button.closest(".instance"))));
  page.start();
})();
