// The annotating page: everything drawn or written is sent at once and saved before the answer comes back.
"use strict";
(() => {
  const token = new URLSearchParams(location.search).get("token") || "";
  const COLOURS = { red: "#e6192d", blue: "#1464f0", green: "#1eaa3c", yellow: "#fad700", purple: "#8c28be", orange: "#f58214", cyan: "#00c8dc", pink: "#fa6ebe", magenta: "#d700d7" };
  const byId = (id) => document.getElementById(id);
  const canvas = byId("canvas");
  const pen = canvas.getContext("2d");
  const state = { items: [], index: 0, wanted: 0, item: null, chosen: 0, tool: "box", picture: null, masks: {}, drag: null, cross: null, corner: null, grid: null, busy: 0, cut: new Set() };

  const ask = async (path, body) => {
    const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const reply = await fetch(path, { ...options, headers: { "X-Token": token } });
    const value = await reply.json();
    if (!reply.ok) throw new Error(value.error || reply.statusText);
    return value;
  };
  const say = (text, wrong) => { byId("hint").textContent = text; byId("hint").className = wrong ? "error" : ""; };
  const image = (address) => new Promise((done, fail) => { const made = new Image(); made.onload = () => done(made); made.onerror = fail; made.src = address; });

  // One after another: a mask that is slow to come must not be shown on, or drawn into, the first frame that is opened meanwhile.
  let line = Promise.resolve();
  const inTurn = async (work) => {
    state.busy += 1;
    document.body.setAttribute("aria-busy", "true");
    const mine = line.then(work);
    line = mine.catch(() => null);
    try {
      await mine;
      return true;
    } catch (error) {
      say(error.message, true);
      return false;
    } finally {
      state.busy -= 1;
      if (!state.busy) document.body.removeAttribute("aria-busy");
    }
  };
  const step = (path, body) => {
    const index = state.index;
    return inTurn(async () => {
      const item = await ask(path, { index, ...body });
      state.items[index].done = item.done;
      if (index === state.index) await show(item); else progress();
    });
  };

  const progress = () => {
    const done = state.items.filter((item) => item.done).length;
    byId("progress").textContent = `${state.index + 1} of ${state.items.length}; ${done} done, all saved`;
  };

  const show = async (item) => {
    state.item = item;
    const loaded = await Promise.all(item.instances.map((one) => (one.mask ? image(one.mask) : null)));
    state.masks = Object.fromEntries(item.instances.map((one, place) => [one.id, loaded[place]]));
    byId("prompt").textContent = item.prompt;
    progress();
    list();
    paint();
  };

  const open = (index) => {
    if (index < 0 || index >= state.items.length) { say(index < 0 ? "This is the first." : "This is the last; everything is saved."); return; }
    state.wanted = index;
    inTurn(async () => {
      if (index !== state.wanted) return;
      let item, picture;
      try {
        item = await ask(`/api/item/${index}`);
        picture = await frameOf(index);
      } catch (error) {
        state.wanted = state.index;
        throw error;
      }
      [state.index, state.picture] = [index, picture];
      state.items[index].done = item.done;
      canvas.width = item.size[1];
      canvas.height = item.size[0];
      canvas.style.width = `min(100%, ${72 * item.size[1] / item.size[0]}vh)`;
      state.cross = [item.size[1] / 2, item.size[0] / 2];
      state.drag = state.corner = state.grid = null;
      state.cut.clear();
      tool("box");
      await show(item);
      chooseNext();
      canvas.focus();
    });
  };
  const frameOf = async (index) => {
    const reply = await fetch(`/frame/${index}`, { headers: { "X-Token": token } });
    if (!reply.ok) throw new Error((await reply.json()).error || reply.statusText);
    const address = URL.createObjectURL(await reply.blob());
    return image(address).finally(() => URL.revokeObjectURL(address));
  };

  const chooseNext = () => {
    const open = state.item.instances.findIndex((one) => !one.mask && !state.cut.has(one.id));
    choose(open < 0 ? Math.min(state.chosen, state.item.instances.length - 1) : open);
    if (open < 0) say(state.cut.size ? "Cutting out what was drawn. Enter: next." : "All have a mask. Enter: next.");
  };
  const choose = (place) => {
    if (place < 0 || place >= state.item.instances.length) return;
    state.chosen = place;
    const one = state.item.instances[place];
    say(one.mask ? `${one.appearance}: has a mask; + and - mend it` : `Draw a box around: ${one.appearance} (or g for a grid of letters)`);
    list();
    paint();
  };
  const tool = (name) => {
    state.tool = name;
    for (const each of ["box", "plus", "minus"]) byId(`tool-${each}`).setAttribute("aria-pressed", String(each === name));
  };

  const field = (label, value, wide, change) => {
    const input = document.createElement("input");
    input.value = value;
    input.setAttribute("aria-label", label);
    if (wide) input.className = "wide";
    input.addEventListener("change", () => change(input.value));
    return input;
  };
  const chooser = (label, value, change) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", label);
    for (const one of state.item.instances) {
      const option = document.createElement("option");
      option.value = one.id;
      option.textContent = one.appearance || one.class;
      option.selected = one.id === value;
      select.append(option);
    }
    select.addEventListener("change", () => change(select.value));
    return select;
  };
  const button = (text, label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const written = () => ({
    instances: state.item.instances.map((one) => ({ id: one.id, class: one.class, appearance: one.appearance })),
    interactions: state.item.interactions.map((one) => ({ ...one })),
  });
  const describe = (change) => {
    const now = written();
    change(now);
    return step("/api/describe", now);
  };

  const list = () => {
    const item = state.item;
    byId("instances").replaceChildren(...item.instances.map((one, place) => {
      const row = document.createElement("li");
      row.className = place === state.chosen ? "chosen" : "";
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = COLOURS[one.colour];
      row.append(
        button(`${place + 1}`, `choose ${one.appearance}`, () => { choose(place); canvas.focus(); }), " ", swatch, " ",
        field(`class of instance ${place + 1}`, one.class, false, (value) => describe((now) => { now.instances[place].class = value; })), " ",
        field(`appearance of instance ${place + 1}`, one.appearance, true, (value) => describe((now) => { now.instances[place].appearance = value; })), " ",
        button("\u00d7", `remove ${one.appearance}`, () => describe((now) => {
          now.instances.splice(place, 1);
          now.interactions = now.interactions.filter((act) => act.subject !== one.id && act.object !== one.id);
        })),
      );
      return row;
    }));
    byId("acts").replaceChildren(...item.interactions.map((act, place) => {
      const row = document.createElement("li");
      row.append(
        chooser(`who does interaction ${place + 1}`, act.subject, (value) => describe((now) => { now.interactions[place].subject = value; })), " ",
        field(`what interaction ${place + 1} is`, act.verb, false, (value) => describe((now) => { now.interactions[place].verb = value; })), " ",
        chooser(`to whom interaction ${place + 1} is done`, act.object, (value) => describe((now) => { now.interactions[place].object = value; })), " ",
        button("\u00d7", `remove interaction ${place + 1}`, () => describe((now) => { now.interactions.splice(place, 1); })),
      );
      return row;
    }));
    const said = [...item.doubts.map((text) => `doubtful: ${text}`), ...item.faults];
    byId("doubts").replaceChildren(...(said.length ? said : [item.done ? "no doubt" : "not all drawn yet"]).map((text) => {
      const row = document.createElement("li");
      row.textContent = text;
      return row;
    }));
  };

  const paint = () => {
    if (!state.picture) return;
    pen.drawImage(state.picture, 0, 0, canvas.width, canvas.height);
    const line = Math.max(1, canvas.width / 400);
    state.item.instances.forEach((one, place) => {
      const mask = state.masks[one.id];
      if (mask) {
        const layer = new OffscreenCanvas(canvas.width, canvas.height);
        const brush = layer.getContext("2d");
        brush.drawImage(mask, 0, 0);
        brush.globalCompositeOperation = "source-in";
        brush.fillStyle = COLOURS[one.colour];
        brush.fillRect(0, 0, canvas.width, canvas.height);
        pen.globalAlpha = place === state.chosen ? 0.55 : 0.35;
        pen.drawImage(layer, 0, 0);
        pen.globalAlpha = 1;
      }
      if (one.box && place === state.chosen) frame(one.box, COLOURS[one.colour], line);
    });
    if (state.drag && state.tool === "box") frame([...state.drag[0], ...state.drag[state.drag.length - 1]], "#fff", line);
    if (state.drag && state.tool !== "box") stroke(state.drag, state.tool === "plus" ? "#fff" : "#000", line * 3);
    if (state.corner) frame([...state.corner, ...state.cross], "#fff", line);
    if (state.grid) paintGrid(line);
    if (!state.grid && document.activeElement === canvas && state.cross) {
      pen.strokeStyle = "#fff";
      pen.lineWidth = line;
      pen.beginPath();
      pen.moveTo(state.cross[0], 0); pen.lineTo(state.cross[0], canvas.height);
      pen.moveTo(0, state.cross[1]); pen.lineTo(canvas.width, state.cross[1]);
      pen.globalAlpha = 0.5;
      pen.stroke();
      pen.globalAlpha = 1;
    }
  };
  const frame = (box, colour, line) => { pen.strokeStyle = colour; pen.lineWidth = line; pen.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]); };
  const stroke = (points, colour, line) => {
    pen.strokeStyle = colour; pen.lineWidth = line; pen.beginPath();
    points.forEach((point, place) => (place ? pen.lineTo(...point) : pen.moveTo(...point)));
    pen.stroke();
  };

  const at = (event) => {
    const place = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - place.left) * canvas.width / place.width, (event.clientY - place.top) * canvas.height / place.height];
    return [Math.min(Math.max(x, 0), canvas.width), Math.min(Math.max(y, 0), canvas.height)];
  };
  const drawn = async (box) => {
    const [place, index] = [state.chosen, state.index];
    const one = state.item.instances[place];
    if (!one) return;
    // The next box is of the next instance, also where this one is still being cut out.
    state.cut.add(one.id);
    const cutting = step("/api/draw", { instance: one.id, box });
    chooseNext();
    const done = await cutting;
    if (index !== state.index) return;
    state.cut.delete(one.id);
    if (!done) { state.chosen = place; list(); paint(); }
    else if (state.item.instances.every((other) => other.mask)) say("All have a mask. Enter: next.");
  };
  // What touches the border is drawn from beside the picture.
  const stage = byId("stage");
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || !state.item) return;
    event.preventDefault();
    canvas.focus();
    stage.setPointerCapture(event.pointerId);
    state.drag = [at(event)];
  });
  stage.addEventListener("pointercancel", () => { state.drag = null; paint(); });
  stage.addEventListener("pointermove", (event) => {
    if (!state.drag) return;
    if (state.tool === "box") state.drag = [state.drag[0], at(event)]; else state.drag.push(at(event));
    paint();
  });
  stage.addEventListener("pointerup", async (event) => {
    const drag = state.drag;
    state.drag = null;
    if (!drag) return;
    const end = at(event);
    paint();
    if (state.tool === "box") { await drawn([...drag[0], ...end]); return; }
    const one = state.item.instances[state.chosen];
    if (one) await step("/api/scribble", { instance: one.id, plus: state.tool === "plus", stroke: [...drag, end] });
  });
  canvas.addEventListener("focus", paint);
  canvas.addEventListener("blur", paint);

  const COLUMNS = 16, ROWS = 12;
  const grid = () => { tool("box"); state.grid = []; say("Two letters for the cell of one corner (column, row), two for the other."); paint(); };
  const cell = async (letter) => {
    const place = letter.charCodeAt(0) - 97;
    if (place < 0 || place >= (state.grid.length % 2 ? ROWS : COLUMNS)) return;
    state.grid.push(place);
    if (state.grid.length < 4) { paint(); return; }
    const [x0, y0, x1, y1] = state.grid;
    state.grid = null;
    const [wide, high] = [canvas.width / COLUMNS, canvas.height / ROWS];
    await drawn([Math.min(x0, x1) * wide, Math.min(y0, y1) * high, (Math.max(x0, x1) + 1) * wide, (Math.max(y0, y1) + 1) * high]);
  };
  const paintGrid = (line) => {
    const [wide, high] = [canvas.width / COLUMNS, canvas.height / ROWS];
    pen.font = `${Math.max(9, Math.round(high * 0.4))}px sans-serif`;
    pen.textBaseline = "top";
    for (let x = 0; x < COLUMNS; x += 1) for (let y = 0; y < ROWS; y += 1) {
      const mine = state.grid.length >= 2 && state.grid[0] === x && state.grid[1] === y;
      pen.strokeStyle = mine ? "#fad700" : "rgba(255, 255, 255, .6)";
      pen.lineWidth = mine ? line * 2 : line / 2;
      pen.strokeRect(x * wide, y * high, wide, high);
      if (!x || !y || mine) {
        pen.fillStyle = "#000";
        pen.fillRect(x * wide, y * high, wide * 0.6, high * 0.45);
        pen.fillStyle = "#fff";
        pen.fillText(String.fromCharCode(97 + x) + String.fromCharCode(97 + y), x * wide + 1, y * high + 1);
      }
    }
  };
  const move = (key, event) => {
    const far = event.shiftKey ? 1 : Math.max(canvas.width, canvas.height) / 16;
    const by = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[key];
    state.cross = [Math.min(Math.max(state.cross[0] + by[0], 0), canvas.width), Math.min(Math.max(state.cross[1] + by[1], 0), canvas.height)];
    paint();
  };
  const corner = async () => {
    if (state.tool !== "box") {
      const one = state.item.instances[state.chosen];
      if (one) await step("/api/scribble", { instance: one.id, plus: state.tool === "plus", stroke: [state.cross, state.cross] });
      return;
    }
    if (!state.corner) { state.corner = [...state.cross]; paint(); return; }
    const box = [...state.corner, ...state.cross];
    state.corner = null;
    await drawn(box);
  };
  const add = () => describe((now) => {
    const taken = new Set(now.instances.map((one) => one.id));
    let number = 1;
    while (taken.has(`id${number}`)) number += 1;
    now.instances.push({ id: `id${number}`, class: "thing", appearance: `thing ${number}` });
  }).then((done) => { if (done) choose(state.item.instances.length - 1); });
  const addAct = () => {
    if (state.item.instances.length < 2) { say("Two instances are needed for an interaction.", true); return; }
    describe((now) => now.interactions.push({ subject: now.instances[0].id, verb: "touches", object: now.instances[1].id }));
  };
  const erase = () => { const one = state.item.instances[state.chosen]; if (one) step("/api/erase", { instance: one.id }); };
  const keys = {
    j: () => open(state.wanted + 1), Enter: () => open(state.wanted + 1), k: () => open(state.wanted - 1), b: () => tool("box"), "+": () => tool("plus"), "=": () => tool("plus"),
    "-": () => tool("minus"), x: erase, n: add, i: addAct, " ": corner, g: grid, Escape: () => { state.corner = null; state.grid = null; state.drag = null; paint(); },
  };
  document.addEventListener("keydown", (event) => {
    const inside = event.target instanceof HTMLElement && event.target.matches("input, select, button");
    if (event.ctrlKey || event.metaKey || event.altKey || !state.item) return;
    if (inside && (event.target.matches("input, select") || event.key === "Enter" || event.key === " ")) return;
    if (state.grid && /^[a-p]$/.test(event.key)) { event.preventDefault(); cell(event.key); return; }
    if (event.key.startsWith("Arrow")) { event.preventDefault(); move(event.key, event); return; }
    if (/^[1-9]$/.test(event.key)) { choose(Number(event.key) - 1); return; }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  byId("previous").addEventListener("click", () => open(state.wanted - 1));
  byId("next").addEventListener("click", () => open(state.wanted + 1));
  byId("add").addEventListener("click", add);
  byId("add-act").addEventListener("click", addAct);
  byId("erase").addEventListener("click", erase);
  for (const each of ["box", "plus", "minus"]) byId(`tool-${each}`).addEventListener("click", () => tool(each));

  ask("/api/items").then((found) => {
    state.items = found.items;
    byId("title").textContent = found.model ? `Who is meant: ${found.model} on ${found.bench}` : `Who is meant: ${found.bench}`;
    const first = found.items.findIndex((item) => !item.done);
    open(first < 0 ? 0 : first);
  }).catch((error) => say(error.message, true));
})();
