(() => {
  const body = document.body;
  const caption = (article) => {
    const input = article.querySelector(".caption-text");
    return input.value === input.defaultValue ? article.dataset.caption : input.value.replace(/\s+/g, " ").trim();
  };
  const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  // Where words stand in a caption, counted in characters as the dataset counts them; null where they do not.
  function spansOf(text, phrase, from) {
    const pieces = phrase.split("...").map((piece) => piece.replace(/\s+/g, " ").trim()).filter(Boolean);
    if (!pieces.length) return [];
    const found = [];
    let place = from;
    for (const piece of pieces) {
      const match = new RegExp(`(?<![\\p{L}\\p{N}_])${quoted(piece)}(?![\\p{L}\\p{N}_])`, "iu").exec(text.slice(place));
      if (!match) return from > 0 ? spansOf(text, phrase, 0) : null;
      const first = place + match.index;
      found.push([[...text.slice(0, first)].length, [...text.slice(0, first + match[0].length)].length]);
      place = first + match[0].length;
    }
    return found;
  }

  // The interaction as it is set now: words that were left alone in a caption that was left alone keep their places.
  function actOf(article, part) {
    const line = JSON.parse(part.dataset.line), made = { ...line };
    const text = caption(article), moved = text !== article.dataset.caption;
    part.querySelectorAll("[data-field]").forEach((input) => {
      const value = input.value.trim();
      made[input.dataset.field] = input.dataset.field === "object" ? value || null : value;
    });
    let from = 0;
    for (const input of part.querySelectorAll("[data-phrase]")) {
      const name = input.dataset.phrase;
      if (moved || input.value !== input.defaultValue) made[name] = spansOf(text, input.value, name === "object_spans" ? from : 0);
      const last = (made[name] || []).at(-1);
      if (name === "verb_spans" && last) from = [...text].slice(0, last[1]).join("").length;
    }
    if (made.object === null) made.object_spans = [];
    return made;
  }

  function fieldsOf(article) {
    const fields = {}, parts = [...article.querySelectorAll(".act")];
    if (caption(article) !== article.dataset.caption) fields.caption = caption(article);
    const acts = parts.filter((part) => !part.querySelector(".gone").checked).map((part) => actOf(article, part));
    if (JSON.stringify(acts) !== JSON.stringify(parts.map((part) => JSON.parse(part.dataset.line)))) fields.interactions = acts;
    return fields;
  }

  function decisions() {
    const found = [];
    page.articles.forEach((article, index) => {
      const decision = chosen(article, `c${index + 1}`);
      if (!decision) return;
      const note = article.querySelector(".note-text").value.trim();
      const made = { clip: article.dataset.id, state: article.dataset.state, masks: article.dataset.masks, decision, note, fields: {} };
      if (decision === "fix") made.fields = fieldsOf(article);
      found.push(made);
    });
    return found;
  }

  function wrong(made) {
    if (made.decision !== "fix") return "";
    if (!Object.keys(made.fields).length) return `${made.clip}: to fix it, change something; what cannot be changed here is dropped`;
    if (made.fields.caption === "") return `${made.clip}: its caption is empty`;
    const acts = made.fields.interactions;
    if (acts && !acts.length) return `${made.clip}: without an interaction there is nothing to train on; drop it`;
    for (const act of acts || [])
      for (const [name, word] of [["subject_spans", "subject"], ["verb_spans", "verb"], ["object_spans", "object"]])
        if (act[name] === null) return `${made.clip}: the words of the ${word} do not stand in its caption`;
    return "";
  }

  const page = sheet({
    place: `matrix-train-review-${body.dataset.digest}-${body.dataset.page}`,
    what: "clips",
    parts: "",
    state: (one) => one.dataset.state + one.dataset.masks,
    decisions,
    wrong,
    text: (found) => found.map((made) => `${JSON.stringify(made)}\n`).join(""),
    afterFix: (part) => part.querySelector(".caption-text"),
  });
  page.start();
})();
