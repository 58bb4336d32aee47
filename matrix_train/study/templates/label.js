"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const WORDS = [["yes", "yes"], ["no", "no"], ["unsure", "cannot tell"]];
  const store = `blind-sheet-${data.sheet}`;
  let labels = {};
  let clip = 0, question = 0, frame = 0, timer = null;
  const sprite = new Image();
  const canvas = by("clip"), pen = canvas.getContext("2d");

  function remember() {
    // Some browsers keep nothing for pages from a disk; the saved file is what counts.
    try { localStorage.setItem(store, JSON.stringify({ labeller: by("labeller").value, labels })); } catch { return; }
  }
  function recall() {
    try { return JSON.parse(localStorage.getItem(store)) || {}; } catch { return {}; }
  }
  const here = () => data.clips[clip];
  const given = (item) => labels[item.id] || {};
  const whole = (item) => item.questions.every((asked) => given(item)[asked.id]);

  function draw() {
    const { row, width, height } = here().sprite;
    if (!sprite.complete || !sprite.naturalWidth) return;
    canvas.width = width; canvas.height = height;
    pen.drawImage(sprite, (frame % row) * width, Math.floor(frame / row) * height, width, height, 0, 0, width, height);
    by("frame").value = frame;
    by("frame-number").textContent = `${frame + 1} of ${here().sprite.frames}`;
  }
  function stop() {
    clearInterval(timer); timer = null; by("play").textContent = "Play";
  }
  function play() {
    if (timer) { stop(); return; }
    if (frame === here().sprite.frames - 1) frame = 0;
    by("play").textContent = "Stop";
    draw();
    timer = setInterval(() => {
      frame = Math.min(frame + 1, here().sprite.frames - 1);
      draw();
      if (frame === here().sprite.frames - 1) stop();
    }, 1000 / here().sprite.fps);
  }
  function step(by_) {
    stop(); frame = Math.min(Math.max(frame + by_, 0), here().sprite.frames - 1); draw();
  }
  function progress() {
    const done = data.clips.filter(whole).length;
    by("progress").textContent = `${done} of ${data.clips.length} clips done`;
  }
  function mark() {
    const items = by("questions").children;
    for (let place = 0; place < items.length; place += 1) {
      const set = items[place].firstChild, asked = here().questions[place];
      set.classList.toggle("here", place === question);
      set.classList.toggle("done", Boolean(given(here())[asked.id]));
      for (const input of set.querySelectorAll("input")) input.checked = given(here())[asked.id] === input.value;
    }
  }
  function answer(place, word) {
    const item = here();
    labels[item.id] = { ...given(item), [item.questions[place].id]: word };
    question = Math.min(place + 1, item.questions.length - 1);
    remember(); mark(); progress();
  }
  function show(place) {
    stop();
    clip = Math.min(Math.max(place, 0), data.clips.length - 1); question = 0; frame = 0;
    const item = here();
    by("clip-name").textContent = `${item.id} (${clip + 1} of ${data.clips.length})`;
    by("prompt").textContent = item.prompt;
    by("first").src = item.first;
    by("frame").max = item.sprite.frames - 1;
    sprite.onload = draw; sprite.src = item.sprite.uri;
    by("legend").replaceChildren(...item.legend.map(({ colour, who }) => {
      const line = document.createElement("li"), swatch = document.createElement("span");
      swatch.className = "swatch"; swatch.dataset.colour = colour;
      line.append(swatch, `${colour}: ${who}`);
      return line;
    }));
    by("questions").replaceChildren(...item.questions.map((asked, number) => {
      const line = document.createElement("li"), set = document.createElement("fieldset"), legend = document.createElement("legend");
      legend.textContent = `${asked.id}. ${asked.text}`;
      set.append(legend);
      for (const [value, words] of WORDS) {
        const label = document.createElement("label"), input = document.createElement("input");
        input.type = "radio"; input.name = `q${asked.id}`; input.value = value;
        input.addEventListener("change", () => answer(number, value));
        label.append(input, ` ${words}`);
        set.append(label);
      }
      line.append(set);
      return line;
    }));
    const first = item.questions.findIndex((asked) => !given(item)[asked.id]);
    question = first < 0 ? 0 : first;
    by("back").disabled = clip === 0; by("forward").disabled = clip === data.clips.length - 1;
    mark(); progress();
  }
  function save() {
    const text = JSON.stringify({ schema: 1, sheet: data.sheet, labeller: by("labeller").value, labels }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "labels.json";
    link.click();
    // A busy browser begins a download late, and a blob that was let go of by then is never saved.
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }
  async function load(file) {
    let found = null;
    try { found = JSON.parse(await file.text()); } catch { found = null; }
    if (!found || found.sheet !== data.sheet) { by("progress").textContent = `${file.name} does not label this sheet`; return; }
    labels = found.labels; by("labeller").value = found.labeller || "";
    remember(); show(clip);
  }
  const keys = {
    y: () => answer(question, "yes"), n: () => answer(question, "no"), u: () => answer(question, "unsure"),
    ArrowUp: () => { question = Math.max(question - 1, 0); mark(); },
    ArrowDown: () => { question = Math.min(question + 1, here().questions.length - 1); mark(); },
    ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    " ": play, "[": () => show(clip - 1), "]": () => show(clip + 1),
  };
  document.addEventListener("keydown", (event) => {
    const writes = event.target.matches("input:not([type=radio]):not([type=range])") || (event.key === " " && event.target.matches("button"));
    if (writes || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    if (event.target.matches("input[type=radio]")) event.target.blur();
    keys[event.key]();
  });
  by("play").addEventListener("click", play);
  by("frame").addEventListener("input", () => { stop(); frame = Number(by("frame").value); draw(); });
  by("back").addEventListener("click", () => show(clip - 1));
  by("forward").addEventListener("click", () => show(clip + 1));
  by("unfinished").addEventListener("click", () => {
    const order = data.clips.map((_, place) => (clip + 1 + place) % data.clips.length);
    const next = order.find((place) => !whole(data.clips[place]));
    show(next === undefined ? clip : next);
  });
  by("save").addEventListener("click", save);
  by("load").addEventListener("change", () => { if (by("load").files[0]) load(by("load").files[0]); });
  by("labeller").addEventListener("input", remember);
  const kept = recall();
  labels = kept.labels || {}; by("labeller").value = kept.labeller || "";
  document.querySelector("main").hidden = false;
  show(0);
})();
