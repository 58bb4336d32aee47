// The grid of the first page: order, filters, cards made on demand, videos that play together; and what lies under a pair's bars.
(function () {
  "use strict";
  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function one(selector, within) { return (within || document).querySelector(selector); }
  var node = document.getElementById("report-data"), data = node ? JSON.parse(node.textContent) : null;
  var still = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  var STEP = 12;
  function make(tag, name, text) {
    var made = document.createElement(tag);
    if (name) { made.className = name; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }
  function number(thousandths, digits) { return (thousandths / 1000).toFixed(digits).replace("-", "−"); }

  // ---- cards that the page does not hold ------------------------------------------------------------------------------------
  function unpacked(text) {
    var parts = text.split("."), hex = "", raw;
    if (!text || text.indexOf("/") >= 0) { return text; }
    raw = atob(parts[0].replace(/-/g, "+").replace(/_/g, "/"));
    for (var i = 0; i < raw.length; i += 1) { hex += ("0" + raw.charCodeAt(i).toString(16)).slice(-2); }
    return "media/" + hex + "." + (parts[1] || "mp4");
  }
  function picture(name, source, height, width) {
    var made = make("img", name);
    made.alt = ""; made.loading = "lazy"; made.width = width; made.height = height; made.src = source;
    return made;
  }
  // A model of a sample: [score in thousandths, letters, video, what is not as it mostly is], or 0 where it has no video.
  function state(item) { return (item[3] && item[3].status) || 0; }
  // ½ (KISA raw + SGI raw) × SPI, as the page writes it of the cards that it holds.
  function share(parts) {
    var sum = parts.reduce(function (total, part) {
      return total + (part.split("y").length - 1) / Math.max(part.replace(/[^yno]/g, "").length, 1);
    }, 0);
    return 1000 * sum / Math.max(parts.length, 1);
  }
  function product(item, letters) {
    var other = item[3] || {}, tens = letters.match(/.{1,10}/g) || [];
    if (item[0] === null || !tens.length || other.seeds || other.product === 0) { return ""; }
    var raw = other.raw || [share(tens.map(function (ten) { return ten.slice(0, 6); })), share(tens.map(function (ten) { return ten.slice(6); }))];
    var factors = [other.spi === undefined ? 1000 : other.spi].concat(other.plausible === undefined ? [] : [other.plausible]);
    return "½ (" + number(raw[0], 2) + " + " + number(raw[1], 2) + ")" + factors.map(function (factor) { return " × " + number(factor, 2); }).join("");
  }
  function tile(place, item, shot, group) {
    var other = item[3] || {}, base = shot[1] + "-t" + (other.number || place + 1), letters = item[1];
    var sizes = other.sizes === undefined ? group.gallery.sizes : other.sizes;
    var made = make("li", "tile"), link = make("a");
    made.dataset.tile = place;
    if (item[2]) { made.dataset.video = unpacked(item[2]); }
    link.href = "samples/" + shot[1] + ".html#" + base;
    if (group.gallery.pictures) {
      var pic = make("span", "pic");
      if (sizes) { pic.appendChild(picture("poster", "stills/" + base + ".webp", sizes[0], sizes[1])); }
      link.appendChild(pic);
      if (sizes) { link.appendChild(picture("film", "stills/" + base + ".strip.webp", sizes[2], sizes[3])); }
    }
    var who = make("span", "who"), status = group.gallery.statuses[state(item)];
    who.appendChild(make("bdi", "name", group.models[place]));
    who.appendChild(make("b", "", item[0] === null ? (status === "ok" ? "–" : status) : (group.bound ? "<= " : "") + number(item[0], 2)));
    link.appendChild(who);
    made.appendChild(link);
    if (letters) {
      var ten = make("span", "ten"), yes = letters.split("y").length - 1, answered = letters.replace(/[^yno]/g, "").length;
      ten.setAttribute("aria-hidden", "true");
      letters.split("").forEach(function (letter) { ten.appendChild(make("i", letter === "-" ? "" : letter)); });
      made.appendChild(ten);
      made.appendChild(make("span", "sr", yes + " of " + answered + " answers yes"));
    }
    var told = product(item, letters);
    if (told) { made.appendChild(make("small", "product", told)); }
    if (other.seeds) { made.appendChild(make("small", "seeds", "mean of " + other.seeds + " seeds")); }
    if (other.marks) {
      var marks = make("ul", "marks");
      other.marks.forEach(function (text) { marks.appendChild(make("li", "", text)); });
      made.appendChild(marks);
    }
    return made;
  }
  function card(shot, group, frame) {
    var made = frame.content.firstElementChild.cloneNode(true), id = shot[2] || shot[1], gallery = group.gallery;
    made.dataset.place = shot[0];
    one("h4 a", made).href = "samples/" + shot[1] + ".html";
    one("h4 bdi", made).textContent = id.length > 48 ? id.slice(0, 47) + "…" : id;
    one(".words bdi", made).textContent = shot[3];
    var kinds = shot[4].map(function (index) { return gallery.categories[index]; }).join(", ");
    one(".kind", made).textContent = [kinds, shot[6] >= 0 ? gallery.levels[shot[6]] : ""].filter(Boolean).join(" · ");
    shot[9].forEach(function (item, place) { if (item) { one(".tiles", made).appendChild(tile(place, item, shot, group)); } });
    return made;
  }

  // ---- videos that play together ----------------------------------------------------------------------------------------------
  var playing = null;
  function sources(shot) {
    return all(".tile", shot).map(function (item) {
      var source = item.dataset.video || "", inside = one("a", item).getAttribute("href");
      // In one file the videos lie further down, each once.
      var there = !source && inside.charAt(0) === "#" ? one("#" + CSS.escape(inside.slice(1)) + " video") : null;
      return { tile: item, source: source || (there ? there.getAttribute("src") : "") };
    }).filter(function (item) { return item.source && one(".pic", item.tile); });
  }
  function stop() {
    if (!playing) { return; }
    var held = playing;
    playing = null;
    held.videos.forEach(function (video) { video.pause(); video.removeAttribute("src"); video.load(); video.remove(); });
    if (held.button) { held.button.textContent = "Play together"; held.button.setAttribute("aria-pressed", "false"); }
  }
  function play(shot) {
    if (playing && playing.shot === shot) { return; }
    stop();
    var found = sources(shot);
    if (!found.length) { return; }
    var mine = playing = { shot: shot, button: one("button.together", shot), videos: [], ended: 0 };
    if (mine.button) { mine.button.textContent = "Stop"; mine.button.setAttribute("aria-pressed", "true"); }
    var waiting = found.length;
    function begin() {
      if (playing !== mine) { return; }
      mine.ended = 0;
      mine.videos.forEach(function (video) {
        video.currentTime = 0;
        var promise = video.play();
        if (promise) { promise.catch(function () { mine.ended += 1; }); }
      });
    }
    function ready() { waiting -= 1; if (waiting === 0) { begin(); } }
    found.forEach(function (item) {
      var video = make("video");
      video.muted = true; video.playsInline = true; video.preload = "auto"; video.tabIndex = -1;
      video.setAttribute("aria-hidden", "true");
      video.addEventListener("loadeddata", ready, { once: true });
      video.addEventListener("error", function () { if (playing === mine) { mine.videos = mine.videos.filter(function (other) { return other !== video; }); video.remove(); ready(); } }, { once: true });
      // All begin again together, when the longest has ended.
      video.addEventListener("ended", function () { mine.ended += 1; if (mine.ended >= mine.videos.length) { window.setTimeout(begin, 500); } });
      mine.videos.push(video);
      video.src = item.source;
      one(".pic", item.tile).appendChild(video);
    });
  }
  function playable(shot) {
    var timer = 0;
    if (one("button.together", shot) || !sources(shot).length) { return; }
    var button = make("button", "together", "Play together");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", function () { if (playing && playing.shot === shot) { stop(); } else { play(shot); } });
    one("header", shot).appendChild(button);
    shot.addEventListener("pointerenter", function (event) {
      // The button that a pointer stops with must not begin again; a finger has the button alone.
      if (event.pointerType === "mouse" && !still) { timer = window.setTimeout(function () { play(shot); }, 250); }
    });
    shot.addEventListener("pointerleave", function (event) {
      window.clearTimeout(timer);
      if (event.pointerType === "mouse" && playing && playing.shot === shot && document.activeElement !== button) { stop(); }
    });
  }
  document.addEventListener("keydown", function (event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !event.target.closest) { return; }
    var shot = event.target.closest(".shot");
    if (event.key === "Escape") { stop(); }
    if (!shot || event.target.closest("input, select, textarea") || event.key.toLowerCase() !== "p") { return; }
    event.preventDefault();
    if (playing && playing.shot === shot) { stop(); } else { play(shot); }
  });

  // ---- order and filters --------------------------------------------------------------------------------------------------------
  function grid(section) {
    var group = data && data.groups[section.dataset.gallery], sieve = one("[data-sieve]", section), home = one("[data-shots]", section);
    var frame = one("template[data-shot]", section), more = one("[data-more]", section), status = one("[data-found]", section);
    if (!group || !sieve || !home) { return; }
    var shots = group.gallery.shots, cards = {}, badges = {}, limit = STEP;
    all(".shot", home).forEach(function (item) {
      cards[item.dataset.place] = item;
      badges[item.dataset.place] = one(".badge", item);
    });
    function value(name) { var field = one("[data-by=" + name + "]", sieve); return field ? field.value : ""; }
    function orders(kind) {
      var whole = shots.slice();
      function by(index, sign) {
        whole.sort(function (a, b) {
          if (a[index] === null || b[index] === null) { return (a[index] === null) - (b[index] === null) || a[0] - b[0]; }
          return sign * (a[index] - b[index]) || a[0] - b[0];
        });
      }
      if (kind === "worst") { by(7, 1); } else if (kind === "best") { by(7, -1); } else if (kind === "disputed") { by(8, -1); }
      if (kind === "bench") { whole.sort(function (a, b) { return a[0] - b[0]; }); }
      return whole;
    }
    function hits(letters, question, answer) {
      for (var i = 0; i < letters.length; i += 1) {
        if ((!question || i % 10 === question - 1) && (!answer || letters.charAt(i) === answer)) { return true; }
      }
      return false;
    }
    function draw() {
      var category = value("category"), verb = value("verb"), level = value("level"), status_is = value("status");
      var question = Number(value("question")), answer = value("answer"), sifting = status_is !== "" || question || answer;
      function fits(item) {
        return Boolean(item) && (status_is === "" || state(item) === Number(status_is)) && (!(question || answer) || hits(item[1], question, answer));
      }
      var found = orders(value("order")).filter(function (shot) {
        return (category === "" || shot[4].indexOf(Number(category)) >= 0) && (verb === "" || shot[5].indexOf(Number(verb)) >= 0) &&
          (level === "" || shot[6] === Number(level)) && (!sifting || shot[9].some(fits));
      });
      stop();
      while (home.firstChild) { home.removeChild(home.firstChild); }
      found.slice(0, limit).forEach(function (shot) {
        var made = cards[shot[0]] = cards[shot[0]] || card(shot, group, frame);
        var chosen = {};
        shot[9].forEach(function (item, place) { chosen[place] = !sifting || fits(item); });
        all(".tile", made).forEach(function (item) {
          item.classList.toggle("faded", !chosen[item.dataset.tile]);
          all(".ten i", item).forEach(function (cell, index) {
            var letter = cell.className.replace(/\s*lit/, "") || "-";
            cell.classList.toggle("lit", Boolean(question) && index % 10 === question - 1 && (!answer || letter === answer));
          });
        });
        if (badges[shot[0]]) { badges[shot[0]].hidden = value("order") !== "" && value("order") !== "bench"; }
        home.appendChild(made);
        playable(made);
      });
      if (!found.length) { home.appendChild(make("p", "no-shot", "No sample fits.")); }
      more.hidden = found.length <= limit;
      status.textContent = found.length === shots.length ? "" : found.length + " of " + shots.length + " samples";
    }
    sieve.hidden = false;
    sieve.addEventListener("submit", function (event) { event.preventDefault(); });
    sieve.addEventListener("change", function () { limit = STEP; draw(); });
    more.addEventListener("click", function () {
      var last = home.lastElementChild;
      limit += 2 * STEP;
      draw();
      // Whoever goes on by keys goes on with what is new.
      var next = last && last.nextElementSibling, link = next && one("a", next);
      if (link) { link.focus({ preventScroll: true }); }
    });
    draw();
    var printed = limit;
    window.addEventListener("beforeprint", function () { printed = limit; limit = Math.max(limit, 2 * STEP); draw(); });
    window.addEventListener("afterprint", function () { limit = printed; draw(); });
  }
  var kept = {};
  all("[data-gallery]").forEach(function (section) {
    all(".shot", section).forEach(function (item) { kept[section.dataset.gallery + "/" + item.dataset.place] = item; });
  });
  all("[data-gallery]").forEach(grid);

  // ---- what lies under the bars of a pair -------------------------------------------------------------------------------------
  function fall(figure) {
    var pair = figure.closest("details.pair"), parts = pair ? pair.id.split("-") : [], group = data && data.groups[parts[0]];
    var svg = one(".canvas svg", figure), under = one("[data-under]", figure);
    if (!group || !svg || !under) { return; }
    var better = Number(parts[2]) - 1, worse = Number(parts[3]) - 1, items = [];
    function named(shot) {
      if (shot[1]) { return { id: shot[2] || shot[1], href: "samples/" + shot[1] + ".html", words: shot[3] }; }
      var made = one('#' + parts[0] + '-grid .shot[data-place="' + shot[0] + '"]') || kept[parts[0] + "/" + shot[0]];
      return { id: one("h4", made).textContent, href: one("h4 a", made).getAttribute("href"), words: one(".words", made).textContent };
    }
    // Made when somebody looks: a page may have 45 pairs.
    function gather() {
      if (items.length) { return true; }
      group.gallery.shots.forEach(function (shot) {
        var after = shot[9][better] && shot[9][better][0], before = shot[9][worse] && shot[9][worse][0];
        if (typeof after === "number" && typeof before === "number") { items.push({ shot: shot, from: before, to: after, by: after - before }); }
      });
      items.sort(function (a, b) { return b.by - a.by || a.shot[0] - b.shot[0]; });
      // With seeds that one of the two lacks, means over seeds are not what was compared.
      if (items.length === Number(svg.dataset.count)) { return items.length > 0; }
      items = [];
      under.textContent = "Which prompt a bar is of is not told here: the two share only some seeds.";
      return false;
    }
    var rule = document.createElementNS("http://www.w3.org/2000/svg", "path"), at = -1;
    rule.setAttribute("class", "rule");
    svg.appendChild(rule);
    function show(place) {
      if (!gather()) { return; }
      at = Math.min(Math.max(place, 0), items.length - 1);
      var item = items[at], told = named(item.shot), link = make("a", "", told.id);
      rule.setAttribute("d", "M" + (at + 0.5) * 1000 / items.length + " 0V100");
      link.href = told.href;
      while (under.firstChild) { under.removeChild(under.firstChild); }
      under.appendChild(link);
      under.appendChild(document.createTextNode(" " + number(item.from, 3) + " → " + number(item.to, 3) + " (" + (item.by > 0 ? "+" : "") + number(item.by, 3) + "). " + told.words));
    }
    function placed(event) {
      var box = svg.getBoundingClientRect();
      return Math.floor((event.clientX - box.left) / Math.max(box.width, 1) * Number(svg.dataset.count));
    }
    svg.addEventListener("pointermove", function (event) { show(placed(event)); });
    svg.addEventListener("pointerdown", function (event) { show(placed(event)); });
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", function (event) {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") { event.preventDefault(); show(at + (event.key === "ArrowRight" ? 1 : -1)); }
    });
    under.textContent = "Point at a bar, or use the arrow keys on it, to see its prompt.";
  }
  all("[data-fall]").forEach(fall);
}());
