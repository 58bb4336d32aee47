// Sorting, filtering, slices, pairs, and one scrubber for all videos. A classic script: the page opens from a disk.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");

  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function one(selector, within) { return (within || document).querySelector(selector); }
  function read(node) { return node ? JSON.parse(node.textContent) : null; }
  function number(text) {
    var found = text.replace("−", "-").replace(/^\s*<=?\s*/, "").match(/-?\d*\.?\d+/);
    return found ? parseFloat(found[0]) : NaN;
  }
  function fixed(value) {
    var text = value.toFixed(3);
    return Number(text) === 0 ? "0.000" : text.replace("-", "−");
  }

  // ---- tables that sort -------------------------------------------------------------------------------------------------
  function sortable(table) {
    all("thead th[data-sort]", table).forEach(function (head) {
      var button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () { sortBy(table, head); });
    });
  }
  function sortBy(table, head) {
    var before = head.getAttribute("aria-sort");
    var first = head.hasAttribute("data-down") ? "descending" : "ascending";
    var way = before === first ? (first === "descending" ? "ascending" : "descending") : first;
    var place = head.cellIndex, numeric = head.dataset.sort === "number", body = table.tBodies[0];
    var sign = way === "ascending" ? 1 : -1;
    var rows = Array.prototype.map.call(body.rows, function (row, order) {
      var text = row.cells[place].textContent.trim();
      return { row: row, order: order, key: numeric ? number(text) : text.toLowerCase() };
    });
    rows.sort(function (a, b) {
      // What has no value stays at the end either way.
      if (numeric && (isNaN(a.key) || isNaN(b.key))) { return isNaN(a.key) - isNaN(b.key) || a.order - b.order; }
      if (a.key < b.key) { return -sign; }
      return a.key > b.key ? sign : a.order - b.order;
    });
    var piece = document.createDocumentFragment();
    rows.forEach(function (item) { item.row.classList.remove("next-group"); piece.appendChild(item.row); });
    body.appendChild(piece);
    all("thead th[aria-sort]", table).forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", way);
  }

  // ---- tables that filter -----------------------------------------------------------------------------------------------
  function filterable(controls, table) {
    var field = one("[data-role=filter]", controls), status = one("[data-role=status]", controls);
    if (!field || !table) { return; }
    field.addEventListener("input", function () {
      var wanted = field.value.trim().toLowerCase(), rows = table.tBodies[0].rows, shown = 0;
      Array.prototype.forEach.call(rows, function (row) {
        var hit = wanted === "" || row.textContent.toLowerCase().indexOf(wanted) >= 0;
        row.hidden = !hit;
        shown += hit ? 1 : 0;
      });
      status.textContent = wanted === "" ? "" : shown + " of " + rows.length + " rows";
    });
  }

  // ---- slices and the reference -----------------------------------------------------------------------------------------
  function place(axis, value) { return Math.round(Math.min(Math.max((value - axis[0]) / (axis[1] - axis[0]), 0), 1) * 10000) / 10; }
  function svgPath(name, d) {
    var path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", name);
    path.setAttribute("d", d);
    return path;
  }
  function board(controls, table, data) {
    var slice = one("[data-role=slice]", controls), reference = one("[data-role=reference]", controls);
    var status = one("[data-role=status]", controls), kept = {};
    var rows = all("tr[data-row]", table);
    rows.forEach(function (row) {
      kept[row.dataset.row] = [5, 6, 7, 8, 9].map(function (column) { return row.cells[column].textContent; }).concat(one("small.ci", row).textContent);
    });
    function differences() {
      var chosen = reference ? Number(reference.value) : 0;
      rows.forEach(function (row) {
        var told = slice && slice.value !== "" ? ["–", ""] : data.deltas[chosen][Number(row.dataset.row)], cell = one("td.delta", row);
        cell.firstChild.textContent = told[0];
        one("small", cell).textContent = told[1];
      });
      var note = one("[data-role=reference-note]", table.closest(".group"));
      if (note && reference) { one("bdi", note).textContent = data.models[chosen]; }
    }
    function draw() {
      var chosen = slice && slice.value !== "" ? data.slices[Number(slice.value)] : data.all, thin = 0;
      rows.forEach(function (row) {
        var cell = chosen[Number(row.dataset.row)], whole = chosen === data.all, saved = kept[row.dataset.row];
        var mean = cell ? cell[0] : null, low = cell ? cell[1] : null, high = cell ? cell[2] : null;
        one("td.main data", row).textContent = mean === null ? "–" : (data.bound ? "<= " : "") + fixed(mean) + (cell[5] ? "*" : "");
        one("td.main data", row).value = mean === null ? "" : String(mean);
        one("small.ci", row).textContent = low === null ? (whole ? saved[5] : "no interval") : high - low < 1e-9 ? "no spread" : "[" + fixed(low) + ", " + fixed(high) + "]";
        var ends = one("small.bounds", row);
        if (ends) {
          ends.hidden = !cell || !cell[5] || cell[6] === null;
          if (!ends.hidden) { ends.textContent = "bounds " + fixed(cell[6]) + " to " + fixed(cell[7]); }
        }
        var svg = one("td.plot svg", row);
        all(".ci, .dot", svg).forEach(function (old) { old.remove(); });
        if (low !== null) { svg.appendChild(svgPath("ci", "M" + place(data.axis, low) + " 12H" + place(data.axis, high))); }
        if (mean !== null) { svg.appendChild(svgPath("dot", "M" + place(data.axis, mean) + " 12h0")); }
        [5, 6, 7].forEach(function (column, index) { row.cells[column].textContent = whole ? saved[index] : "–"; });
        row.cells[8].textContent = cell ? cell[3] : 0;
        row.cells[9].textContent = whole ? saved[4] : "–";
        one("td .tie", row).hidden = !whole;
        var few = !whole && (!cell || cell[3] < 20);
        row.classList.toggle("thin", few);
        thin += few ? 1 : 0;
      });
      // The rows keep their places, by other numbers: no column is sorted any more.
      all("thead th[aria-sort]", table).forEach(function (head) { head.removeAttribute("aria-sort"); });
      status.textContent = thin ? "Under 20 prompts: greyed, claims nothing." : slice && slice.value !== "" ? "Tie groups and differences are for all prompts only." : "";
      differences();
    }
    if (slice) { slice.addEventListener("change", draw); }
    if (reference) { reference.addEventListener("change", differences); }
  }

  // ---- tables that go on beyond the edge: what is cut there says so ------------------------------------------------------
  function beyond(region) {
    var told = document.createElement("p");
    told.className = "sideways";
    told.setAttribute("aria-hidden", "true");  // the region's own name says it
    told.textContent = "more to the right: scroll →";
    told.hidden = true;
    region.parentNode.insertBefore(told, region);
    function look() {
      var over = region.scrollWidth - region.clientWidth > 8;
      told.hidden = !over;
      region.classList.toggle("beyond", over && region.scrollLeft + region.clientWidth < region.scrollWidth - 8);
    }
    region.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    var fold = region.closest("details");
    if (fold) { fold.addEventListener("toggle", look); }
    if ("ResizeObserver" in window) { new ResizeObserver(look).observe(region); }
    look();
  }

  // ---- pairs ------------------------------------------------------------------------------------------------------------
  function pairs(controls, group) {
    var a = one("[data-role=pair-a]", controls), b = one("[data-role=pair-b]", controls), status = one("[data-role=status]", controls);
    if (!a || !b) { return; }
    var shown = all("details.pair", document.getElementById(group + "-pairs"));
    function show(opening) {
      var low = Math.min(a.value, b.value), high = Math.max(a.value, b.value), wanted = group + "-pair-" + low + "-" + high, found = false;
      shown.forEach(function (item) {
        var hit = item.id === wanted;
        item.hidden = !hit;
        item.open = (hit && opening) || item.open;
        found = found || hit;
      });
      status.textContent = a.value === b.value ? "Choose two different models." : found ? "" : "This pair is not in the report; see intergeneval compare.";
    }
    a.addEventListener("change", function () { show(true); });
    b.addEventListener("change", function () { show(true); });
    group_pairs[group] = function (id) {
      var parts = id.split("-");
      a.value = parts[2];
      b.value = parts[3];
      show(true);
    };
    // The page opens the first pair that differs; of pairs without a difference none is opened unasked.
    show(false);
  }
  var group_pairs = {};

  // ---- one scrubber for all videos of a sample --------------------------------------------------------------------------
  function player(article) {
    var panel = one("[data-player]", article);
    var data = read(one("script.sample-data", article));
    if (!panel || !data) { return null; }
    var takes = all("[data-take]", article).map(function (node, index) {
      return {
        node: node, data: data.takes[index], video: one("video", node), overlay: one(".overlay", node), now: all(".now", node),
        paths: all(".overlay path", node)
      };
    });
    var last = takes.reduce(function (most, take) { return Math.max(most, take.data.n - 1); }, 1);
    var fps = takes.reduce(function (found, take) { return found || (take.data.n - 1 === last ? take.data.fps : 0); }, 0) || 8;
    var scrub = one("[data-act=scrub]", panel), where = one("[data-act=where]", panel), play = one("[data-act=play]", panel);
    var frame = 0, playing = false, master = null, began = 0, from = 0;
    scrub.max = String(last);
    panel.hidden = false;

    // Videos of other lengths are lined up by their share of the whole.
    function own(take, at) { return Math.round(at * Math.max(take.data.n - 1, 0) / last); }
    // Where the rate varies, frames have times of their own.
    function frameAt(take, seconds) {
      var times = take.data.times, found = 0;
      if (!times) { return Math.min(Math.floor(seconds * (take.data.fps || fps) + 1e-6), take.data.n - 1); }
      for (var i = 0; i < times.length && times[i] <= seconds + 1e-6; i += 1) { found = i; }
      return found;
    }
    function middleOf(take, at) {
      var times = take.data.times;
      if (!times) { return (at + 0.5) / (take.data.fps || fps); }
      // Not the middle of a long hold: just far enough into it that rounding cannot show the frame before.
      var next = at + 1 < times.length ? times[at + 1] : times[at] + 0.02;
      return times[at] + Math.min((next - times[at]) / 2, 0.02);
    }
    function heldFrame(take, at) {
      var frames = take.data.frames, found = 0;
      for (var i = 0; i < frames.length; i += 1) { if (frames[i] <= at) { found = i; } }
      return found;
    }
    function drawOverlay(take, at) {
      if (!take.data.frames.length) { return; }
      var index = heldFrame(take, at);
      if (take.drawn !== index) {
        take.paths.forEach(function (path) { path.setAttribute("d", (take.data.lanes[path.dataset.lane] || [])[index] || ""); });
        take.drawn = index;
      }
      take.overlay.classList.toggle("held", take.data.frames[index] !== at);
    }
    function seek(take, at) {
      if (!take.video) { return; }
      take.video.currentTime = middleOf(take, at);
    }
    function show(at, moveVideos) {
      frame = Math.min(Math.max(at, 0), last);
      scrub.value = String(frame);
      where.value = "frame " + frame + " of " + last;
      scrub.setAttribute("aria-valuetext", where.value);
      takes.forEach(function (take) {
        var mine = own(take, frame), x = Math.round((mine + 0.5) * 10000 / Math.max(take.data.n, 1)) / 10;
        drawOverlay(take, mine);
        take.now.forEach(function (line) { line.setAttribute("d", "M" + x + " 0V" + (line.closest(".thin-lane") ? 10 : 18)); });
        if (moveVideos) { seek(take, mine); }
      });
    }
    function halt() {
      playing = false;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
      takes.forEach(function (take) { if (take.video && !take.video.paused) { take.video.pause(); } });
    }
    function step(time) {
      if (!playing) { return; }
      var at;
      if (master) { at = Math.round(frameAt(master, master.video.currentTime) * last / Math.max(master.data.n - 1, 1)); }
      else { began = began || time; at = from + Math.floor((time - began) / 1000 * fps); }
      if (at !== frame) { show(Math.min(at, last), false); }
      if (at >= last || (master && master.video.ended)) { halt(); return; }
      window.requestAnimationFrame(step);
    }
    function start(chosen) {
      if (frame >= last) { show(0, true); }
      playing = true;
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      from = frame;
      began = 0;
      var able = takes.filter(function (take) { return take.video && !take.video.error; });
      master = chosen || able.filter(function (take) { return take.data.n - 1 === last; })[0] || able[0] || null;
      able.forEach(function (take) {
        if (take !== chosen) { seek(take, own(take, frame)); }
        var promise = take.video.play();
        if (promise) { promise.catch(function () { if (take === master) { master = null; from = frame; began = 0; } }); }
      });
      window.requestAnimationFrame(step);
    }
    play.addEventListener("click", function () { if (playing) { halt(); } else { start(null); } });
    scrub.addEventListener("input", function () { halt(); show(Number(scrub.value), true); });
    one("[data-act=back]", panel).addEventListener("click", function () { halt(); show(frame - 1, true); });
    one("[data-act=forth]", panel).addEventListener("click", function () { halt(); show(frame + 1, true); });
    takes.forEach(function (take) {
      if (!take.video) { return; }
      // One scrubber for all: each video's own would be a second one. A click on a picture plays and stops them together.
      take.video.controls = false;
      take.video.addEventListener("click", function () { if (playing) { halt(); } else { start(null); } });
      take.video.addEventListener("play", function () { if (!playing) { start(take); } });
      take.video.addEventListener("pause", function () { if (playing && take === master && !take.video.ended) { halt(); } });
      take.video.addEventListener("seeked", function () {
        if (playing) { return; }
        var at = frameAt(take, take.video.currentTime);
        if (Math.abs(at - own(take, frame)) > 0 && document.activeElement === take.video) { show(Math.round(at * last / Math.max(take.data.n - 1, 1)), true); }
      });
    });
    all("[data-act=lane], [data-act=all]", panel).forEach(function (box) {
      box.addEventListener("change", function () {
        var whole = one("[data-act=all]", panel).checked, on = {};
        all("[data-act=lane]", panel).forEach(function (lane) { on[lane.value] = lane.checked; lane.disabled = !whole; });
        takes.forEach(function (take) {
          take.paths.forEach(function (path) { path.style.display = whole && on[path.dataset.lane] ? "" : "none"; });
        });
      });
    });
    show(0, false);
    return {
      show: function (at) { halt(); show(at, true); },
      showOf: function (at, anchor) {
        var take = takes.filter(function (item) { return item.node.id === anchor; })[0];
        halt();
        show(take ? Math.round(at * last / Math.max(take.data.n - 1, 1)) : at, true);
      },
      move: function (by) { halt(); show(frame + by, true); },
      end: function (right) { halt(); show(right ? last : 0, true); }
    };
  }
  var players = {};

  // ---- deep links: an anchor, or an anchor with a frame, such as #s-coffee/frame=16 ---------------------------------------
  function follow() {
    var text = "";
    try { text = decodeURIComponent(location.hash.slice(1)); } catch (error) { return; }
    var parts = text.split("/"), target = document.getElementById(parts[0]);
    if (!target) { return; }
    if (target.matches("details.pair")) { var group = parts[0].split("-")[0]; if (group_pairs[group]) { group_pairs[group](parts[0]); } }
    for (var node = target; node; node = node.parentElement) { if (node.tagName === "DETAILS") { node.open = true; } }
    var frame = parts.slice(1).filter(function (part) { return /^frame=\d+$/.test(part); })[0];
    if (frame && players[parts[0]]) {
      players[parts[0]].showOf(Number(frame.slice(6)), parts[2]);
      var panel = one("[data-player]", target);
      panel.scrollIntoView({ block: "start" });
    } else {
      target.scrollIntoView({ block: "start" });
    }
  }

  // ---- start ------------------------------------------------------------------------------------------------------------
  var data = read(document.getElementById("report-data"));
  all("table[data-sortable]").forEach(sortable);
  all(".scroll").forEach(beyond);
  all(".controls").forEach(function (controls) {
    var name = controls.dataset.for, target = document.getElementById(name);
    var table = target && target.matches("table") ? target : one('table[data-group="' + name + '"]');
    controls.hidden = false;
    if (table) { filterable(controls, table); }
    if (data && data.groups[name] && table) { board(controls, table, data.groups[name]); }
    if (/-pairs$/.test(name)) { pairs(controls, name.replace(/-pairs$/, "")); }
  });
  all("article.sample").forEach(function (article) { players[article.id] = player(article); });
  document.addEventListener("keydown", function (event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    // Keys belong to the field, the video or the scrolling table that has the focus.
    if (event.target.closest && event.target.closest("input, select, textarea, video, .scroll, summary")) { return; }
    var inView = all("article.sample").filter(function (article) { 
      var box = article.getBoundingClientRect();
      return players[article.id] && box.bottom > 80 && box.top < window.innerHeight / 2;
    })[0];
    var current = inView && players[inView.id];
    if (!current) { return; }
    if (event.key === "ArrowLeft") { current.move(-1); }
    else if (event.key === "ArrowRight") { current.move(1); }
    else { return; }
    event.preventDefault();
  });
  // In one file the videos wait until they are near the view: thirty samples at once would be too much.
  if ("IntersectionObserver" in window) {
    var near = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting) { entry.target.preload = "metadata"; near.unobserve(entry.target); }
      });
    }, { rootMargin: "300px" });
    all("video[preload=none]").forEach(function (video) { near.observe(video); });
  }
  window.addEventListener("hashchange", follow);
  if (location.hash) { follow(); }
  window.addEventListener("beforeprint", function () { all("details:not(.quiet)").forEach(function (item) { item.open = true; }); });
}());
