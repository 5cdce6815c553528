"use strict";
/* The script of a report: what pictures say, the range of a course, search and filters of the map.
   All that it shows was put into the page as data; it makes text nodes of it, and no markup. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words;
  const headings = data.headings;
  const PAGE = 200;
  const SIZES = [65536, 1048576, 16777216, 268435456];

  const fill = (text, figures) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in figures ? figures[name] : whole));

  /** A size with a unit, as the command writes it. */
  function sizeText(size) {
    if (size === null || size === undefined) return "?";
    if (Math.abs(size) < 1024) return size ? `${size} B` : "0";
    const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let value = size;
    let unit = "";
    for (unit of units) {
      value /= 1024;
      if (Math.abs(value) < 1024) break;
    }
    return value >= 100 || value === Math.trunc(value) ? `${roundHalfEven(value)} ${unit}` : `${value.toFixed(1)} ${unit}`;
  }

  function roundHalfEven(value) {
    const low = Math.floor(value);
    const rest = value - low;
    if (rest !== 0.5) return Math.round(value);
    return low % 2 ? low + 1 : low;
  }

  const signed = (size) => (size ? (size > 0 ? "+" : "\u2212") + sizeText(Math.abs(size)) : sizeText(size));

  function duration(seconds) {
    let left = Math.trunc(seconds);
    const parts = [];
    for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
      const count = Math.floor(left / length);
      left %= length;
      if (count || (unit === "s" && !parts.length)) parts.push(`${count} ${unit}`);
    }
    return parts.slice(0, 2).join(" ");
  }

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const SVG = "http://www.w3.org/2000/svg";

  /** The mark of a class: a square in its colour, or with its pattern. */
  function mark(cls) {
    const made = document.createElementNS(SVG, "svg");
    for (const [key, value] of [["class", "key"], ["width", 12], ["height", 12], ["aria-hidden", "true"]]) made.setAttribute(key, value);
    const square = document.createElementNS(SVG, "rect");
    for (const [key, value] of [["class", `p-${cls}`], ["width", 12], ["height", 12]]) square.setAttribute(key, value);
    made.append(square);
    return made;
  }

  /* ---- what a picture says of the piece that is pointed at, and going through it by keys ---- */

  const pointed = document.getElementById("pointed");

  function followPictures() {
    for (const picture of document.querySelectorAll("svg.space, svg.treemap")) {
      const pieces = [...picture.querySelectorAll("a")];
      const named = [...picture.querySelectorAll("a, g")].filter((one) => one.querySelector("title"));
      for (const piece of named) {
        const title = piece.querySelector("title");
        const text = title.textContent;
        title.remove(); // the line below says it at once
        const say = () => { pointed.textContent = text; };
        const stop = () => { if (pointed.textContent === text) pointed.textContent = ""; };
        piece.addEventListener("pointerenter", say);
        piece.addEventListener("pointerleave", stop);
        if (piece.tagName === "a") { // what listens for focus could be given it, and holes lead nowhere
          piece.addEventListener("focus", say);
          piece.addEventListener("blur", stop);
        }
      }
      pieces.forEach((piece, at) => piece.setAttribute("tabindex", at ? "-1" : "0"));
      picture.addEventListener("keydown", (event) => {
        const at = pieces.indexOf(document.activeElement);
        const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0,
          End: pieces.length - 1, PageDown: Math.min(at + 10, pieces.length - 1), PageUp: Math.max(at - 10, 0) }[event.key];
        if (at < 0 || to === undefined) return;
        event.preventDefault();
        if (!pieces[to]) return;
        pieces[at].setAttribute("tabindex", "-1");
        pieces[to].setAttribute("tabindex", "0");
        pieces[to].focus();
      });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") pointed.textContent = "";
    });
  }

  /* ---- the annotated map ---- */

  class RegionMap {
    constructor(number, place) {
      this.number = number;
      this.place = place;
      this.regions = data.subjects[number].regions;
      this.count = this.regions.start.length;
      this.words = null;
      this.first = 0;
      this.build();
      this.choose();
    }

    text(column, at) { return this.regions.texts[this.regions[column][at]]; }

    build() {
      const known = (column) => [...new Set(this.regions[column])].map((at) => this.regions.texts[at]).sort();
      this.search = element("input", { type: "search", placeholder: words["search hint"], autocomplete: "off", spellcheck: "false" });
      this.cls = this.select(known("class").map((name) => [name, name]));
      this.kind = this.select(known("kind").map((name) => [name, name]));
      this.size = this.select(SIZES.map((size) => [String(size), fill(words["at least"], { size: sizeText(size) })]));
      this.order = element("select", {}, ...[["address", "by address"], ["rss", "by rss"], ["size", "by size"]]
        .map(([value, code]) => element("option", { value }, words[code])));
      const labelled = (code, control) => element("label", {}, words[code], control);
      this.clear = element("button", { type: "button" }, words.clear);
      this.found = element("p", { class: "dim found-count", role: "status" });
      const head = [["address"], ["size", "r"], ["rss", "r"], ["pss", "r"], ["swap", "r"], ["mode"], ["class"], ["name"]];
      this.body = element("tbody");
      const table = element("table", { class: "regions" },
        element("thead", {}, element("tr", {}, ...head.map(([code, cls]) =>
          element("th", { scope: "col", class: cls || null }, headings[`column ${code}`])))),
        this.body);
      this.back = element("button", { type: "button" }, words.previous);
      this.next = element("button", { type: "button" }, words.next);
      this.where = element("span");
      const dynamic = element("div", { class: "dynamic" },
        element("div", { class: "filters" }, labelled("search", this.search), labelled("class", this.cls),
          labelled("kind", this.kind), labelled("size", this.size), labelled("sort", this.order), this.clear),
        this.found,
        element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": this.place.getAttribute("aria-label") }, table),
        element("div", { class: "pages" }, this.back, this.next, this.where));
      this.place.querySelector(".static").replaceWith(dynamic);
      for (const control of [this.search, this.cls, this.kind, this.size, this.order])
        control.addEventListener("input", () => { this.first = 0; this.choose(); });
      this.clear.addEventListener("click", () => { this.reset(); this.choose(); this.search.focus(); });
      this.back.addEventListener("click", () => { this.first = Math.max(this.first - PAGE, 0); this.draw(); });
      this.next.addEventListener("click", () => { this.first += PAGE; this.draw(); });
    }

    select(options) {
      return element("select", {}, element("option", { value: "" }, words.any),
        ...options.map(([value, text]) => element("option", { value }, text)));
    }

    reset() {
      for (const control of [this.search, this.cls, this.kind, this.size]) control.value = "";
      this.order.value = "address";
      this.first = 0;
    }

    /** The text that a search looks into, of every region; made when the first search begins. */
    searched() {
      if (this.words === null) {
        const r = this.regions;
        const lower = r.texts.map((text) => text.toLowerCase());
        this.words = r.start.map((start, at) => [start, lower[r.mode[at]], lower[r.class[at]], lower[r.kind[at]],
          lower[r.owner[at]], lower[r.name[at]], lower[r.told[r.block[at]]]].join("\n"));
      }
      return this.words;
    }

    /** Find the regions that fit all filters, and show the first of them. */
    choose() {
      const r = this.regions;
      const parts = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const texts = parts.length ? this.searched() : null;
      const cls = this.cls.value ? r.texts.indexOf(this.cls.value) : -1;
      const kind = this.kind.value ? r.texts.indexOf(this.kind.value) : -1;
      const least = Number(this.size.value || 0);
      const chosen = [];
      let virt = 0;
      let rss = 0;
      for (let at = 0; at < this.count; at++) {
        if (cls >= 0 && r.class[at] !== cls) continue;
        if (kind >= 0 && r.kind[at] !== kind) continue;
        if (r.size[at] < least) continue;
        if (texts && !parts.every((part) => texts[at].includes(part))) continue;
        chosen.push(at);
        virt += r.size[at];
        rss = rss === null || r.rss[at] === null ? null : rss + r.rss[at];
      }
      const by = this.order.value;
      if (by !== "address") chosen.sort((one, two) => (r[by][two] || 0) - (r[by][one] || 0) || one - two);
      this.chosen = chosen;
      this.found.textContent = chosen.length
        ? fill(words.found, { count: chosen.length, all: this.count, virt: sizeText(virt), rss: sizeText(rss) })
        : words.nothing;
      this.draw();
    }

    draw() {
      const r = this.regions;
      const shown = this.chosen.slice(this.first, this.first + PAGE);
      const rows = [];
      shown.forEach((at, place) => {
        const cls = this.text("class", at);
        const cell = (text, style) => element("td", { class: style || null }, text);
        rows.push(element("tr", { id: `r-${this.number}-${at}`, tabindex: "-1" },
          element("th", { scope: "row", class: "m" }, r.start[at].padStart(data.subjects[this.number].digits, "0")),
          cell(sizeText(r.size[at]), "r"), cell(sizeText(r.rss[at]), "r"), cell(sizeText(r.pss[at]), "r"),
          cell(sizeText(r.swap[at]), "r"), cell(this.text("mode", at), "m"),
          element("td", {}, mark(cls), `${cls}/${this.text("kind", at)}`), cell(this.text("name", at), "n")));
        const follows = shown[place + 1];
        if (follows === undefined || r.block[follows] !== r.block[at]) {
          const told = element("td", { colspan: "8" }, r.texts[r.told[r.block[at]]]);
          rows.push(element("tr", { class: "said" }, told));
        }
      });
      this.body.replaceChildren(...rows);
      this.back.disabled = this.first === 0;
      this.next.disabled = this.first + PAGE >= this.chosen.length;
      this.where.textContent = this.chosen.length
        ? fill(words.page, { first: this.first + 1, last: this.first + shown.length }) : "";
    }

    /** Show a region, whatever was filtered, and go to it. */
    goTo(region) {
      let place = this.chosen.indexOf(region);
      if (place < 0) {
        this.reset();
        this.choose();
        place = this.chosen.indexOf(region);
      }
      this.first = Math.floor(place / PAGE) * PAGE;
      this.draw();
      const row = document.getElementById(`r-${this.number}-${region}`);
      for (const other of document.querySelectorAll("tr.found")) other.classList.remove("found");
      row.classList.add("found");
      row.scrollIntoView({ block: "center" });
      row.focus({ preventScroll: true });
    }

    /** Show what a cell of the treemap stands for. */
    show(cls, kind) {
      this.reset();
      this.cls.value = cls;
      this.kind.value = kind || "";
      this.choose();
      this.place.scrollIntoView();
      this.place.focus({ preventScroll: true });
    }
  }

  function followLinks(maps) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("svg a");
      if (!link) return;
      const number = Number(link.getAttribute("href").split("-")[1]);
      const map = maps[number];
      if (!map) return; // the link itself leads to the class
      event.preventDefault();
      if (link.dataset.region !== undefined) map.goTo(Number(link.dataset.region));
      else map.show(link.dataset.class, link.dataset.kind);
    });
  }

  /* ---- memory over time: a range, and what changed in it ---- */

  class Course {
    constructor(place) {
      const subject = data.subjects[Number(place.dataset.subject)];
      this.times = subject.course.times;
      this.rows = subject.course.rows;
      this.started = subject.started;
      this.svg = place.querySelector("svg.course");
      this.body = place.querySelector("table.growth tbody");
      this.most = data.most;
      this.output = place.querySelector("output");
      [this.from, this.to] = [place.querySelector("input.from"), place.querySelector("input.to")];
      for (const input of [this.from, this.to]) input.max = String(this.times.length - 1);
      this.from.value = "0";
      this.to.value = this.to.max;
      this.from.addEventListener("input", () => { this.set(Number(this.from.value), Math.max(Number(this.to.value), Number(this.from.value))); });
      this.to.addEventListener("input", () => { this.set(Math.min(Number(this.from.value), Number(this.to.value)), Number(this.to.value)); });
      place.querySelector(".range").hidden = this.times.length < 2;
      this.shapes();
      this.drag();
      this.set(0, this.times.length - 1);
    }

    shapes() {
      const make = (name, cls) => {
        const made = document.createElementNS(SVG, name);
        made.setAttribute("class", cls);
        this.svg.append(made);
        return made;
      };
      this.shades = [make("rect", "shade"), make("rect", "shade")];
      this.edges = [make("line", "edge"), make("line", "edge")];
    }

    x(at) {
      const last = this.times[this.times.length - 1];
      return data.chart.left + (last ? this.times[at] / last : 0) * (data.chart.right - data.chart.left);
    }

    /** The look that lies nearest to a point of the picture. */
    at(event) {
      const box = this.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * this.svg.viewBox.baseVal.width;
      let nearest = 0;
      for (let at = 1; at < this.times.length; at++)
        if (Math.abs(this.x(at) - x) < Math.abs(this.x(nearest) - x)) nearest = at;
      return nearest;
    }

    drag() {
      let begun = null;
      let moved = false;
      this.svg.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        const at = this.at(event);
        const [from, to] = [Number(this.from.value), Number(this.to.value)];
        // near an end of a range that is not the whole, that end is moved; elsewhere a new range begins
        if (at === from && from !== 0) begun = to;
        else if (at === to && to !== this.times.length - 1) begun = from;
        else begun = at;
        moved = false;
        this.svg.setPointerCapture(event.pointerId);
        event.preventDefault();
      });
      this.svg.addEventListener("pointermove", (event) => {
        if (begun === null) return;
        const at = this.at(event);
        moved = moved || at !== begun;
        this.set(Math.min(begun, at), Math.max(begun, at));
      });
      const end = () => {
        if (begun !== null && (!moved || this.from.value === this.to.value)) this.set(0, this.times.length - 1);
        begun = null;
      };
      this.svg.addEventListener("pointerup", end);
      this.svg.addEventListener("pointercancel", end);
    }

    set(from, to) {
      this.from.value = String(from);
      this.to.value = String(to);
      const [left, right] = [this.x(from), this.x(to)];
      const { top, bottom } = data.chart;
      const spans = [[data.chart.left, left], [right, data.chart.right]];
      spans.forEach(([start, end], number) => {
        const shade = this.shades[number];
        shade.setAttribute("x", start);
        shade.setAttribute("width", Math.max(end - start, 0));
        shade.setAttribute("y", top);
        shade.setAttribute("height", bottom - top);
        const edge = this.edges[number];
        edge.setAttribute("x1", number ? right : left);
        edge.setAttribute("x2", number ? right : left);
        edge.setAttribute("y1", top);
        edge.setAttribute("y2", bottom);
      });
      const time = (at) => `+${duration(this.times[at])}`;
      this.from.setAttribute("aria-valuetext", time(from));
      this.to.setAttribute("aria-valuetext", time(to));
      const moment = (at) => new Date((this.started + this.times[at]) * 1000).toLocaleString(data.language);
      this.output.textContent = fill(words.range, { from: time(from), to: time(to), time: `${moment(from)} \u2013 ${moment(to)}` });
      this.table(from, to);
    }

    table(from, to) {
      const changes = this.rows.map((row) => {
        const [before, after] = [row.sizes[from], row.sizes[to]];
        const by = before === null || after === null ? null : after - before;
        return { row, before, after, by, rate: this.slope(row.sizes, from, to) };
      });
      const largest = (rows) => rows.sort((one, two) => Math.abs(two.by || 0) - Math.abs(one.by || 0)).slice(0, this.most);
      const shown = [...largest(changes.filter((one) => one.row.class !== null)),
        ...largest(changes.filter((one) => one.row.class === null && one.by !== 0))];
      const cell = (text) => element("td", { class: "r" }, text);
      this.body.replaceChildren(...shown.map((one) => element("tr", {},
        element("th", { scope: "row" }, ...(one.row.class ? [mark(one.row.class)] : []), one.row.name),
        cell(signed(one.by)), cell(signed(one.rate)), cell(sizeText(one.before)), cell(sizeText(one.after)))));
    }

    /** Bytes a minute in whole KiB: the slope of the straight line through all looks of the range. */
    slope(sizes, from, to) {
      const known = [];
      for (let at = from; at <= to; at++) if (sizes[at] !== null) known.push([this.times[at], sizes[at]]);
      if (known.length < 2) return null;
      const middle = known.reduce((sum, [at]) => sum + at, 0) / known.length;
      const mean = known.reduce((sum, [, size]) => sum + size, 0) / known.length;
      const spread = known.reduce((sum, [at]) => sum + (at - middle) ** 2, 0);
      if (!spread) return null;
      const slope = known.reduce((sum, [at, size]) => sum + (at - middle) * (size - mean), 0) / spread;
      return Math.round((slope * 60) / 1024) * 1024;
    }
  }

  followPictures();
  const maps = {};
  for (const place of document.querySelectorAll(".map-of")) {
    const number = Number(place.dataset.subject);
    if (data.subjects[number].regions && place.querySelector(".static")) maps[number] = new RegionMap(number, place);
  }
  followLinks(maps);
  for (const place of document.querySelectorAll(".course-of")) new Course(place);
})();
