// The whole frame, to be moved, zoomed and blinked.

const LAYERS = ["raw", "cleaned", "mask"];
const BLINK_MS = 600;

// From so many events in view on the rings around them are small.
const CROWD = 150;

class Viewer {
  constructor(root, { onSelect, onTick, isTicked }) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.buttons = Object.fromEntries([...root.querySelectorAll("[data-action]")].map((button) => [button.dataset.action, button]));
    this.contrast = Object.fromEntries(["stretch", "black", "white", "invert"].map((id) => [id, document.getElementById(id)]));
    this.onSelect = onSelect;
    this.onTick = onTick;
    this.isTicked = isTicked;
    this.layer = "raw";
    this.marks = true;
    this.selected = null;
    this.actions = {
      raw: () => this.show("raw"),
      cleaned: () => this.show("cleaned"),
      mask: () => this.show("mask"),
      step: () => this.show(LAYERS[(LAYERS.indexOf(this.layer) + 1) % LAYERS.length]),
      blink: () => this.blink(!this.timer),
      in: () => this.zoomBy(1.5),
      out: () => this.zoomBy(1 / 1.5),
      fit: () => this.fit(),
      full: () => this.zoomBy(1 / this.zoom),
      next: () => this.step(1),
      previous: () => this.step(-1),
      tick: () => this.selected && this.onTick(this.selected),
      marks: () => this.toggleMarks(),
      darker: () => this.shiftContrast(4),
      brighter: () => this.shiftContrast(-4),
    };
    this.listen();
  }

  listen() {
    for (const [name, button] of Object.entries(this.buttons)) button.addEventListener("click", () => this.act(name));
    for (const control of Object.values(this.contrast)) {
      control.addEventListener(control.type === "range" ? "input" : "change", () => this.repaint());
    }
    document.getElementById("reset-contrast").addEventListener("click", () => this.resetContrast());
    this.root.addEventListener("keydown", (event) => this.key(event));
    new PictureHand(this.canvas, this);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  act(name) {
    if (this.pictures) this.actions[name]();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.key in moves) {
      const [x, y] = moves[event.key];
      this.moveBy((x * 60) / this.zoom, (y * 60) / this.zoom);
    } else if (event.key in KEYS) {
      this.act(KEYS[event.key]);
    } else return;
    event.preventDefault();
  }

  open(pictures) {
    this.pictures = pictures;
    this.selected = null;
    this.blink(false);
    this.resetContrast();
    this.fit();
    for (const name of ["previous", "next", "tick"]) this.buttons[name].disabled = !pictures.events.length;
    this.tell();
  }

  close() {
    this.pictures = null;
    this.selected = null;
    this.blink(false);
    this.draw();
  }

  show(layer) {
    this.layer = layer;
    for (const name of LAYERS) this.buttons[name].setAttribute("aria-pressed", name === layer);
    this.canvas.dataset.layer = layer;
    this.draw();
  }

  blink(on) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.show(this.layer === "raw" ? "cleaned" : "raw"), BLINK_MS) : null;
    this.buttons.blink.setAttribute("aria-pressed", on);
  }

  toggleMarks() {
    this.marks = !this.marks;
    this.buttons.marks.setAttribute("aria-pressed", this.marks);
    this.draw();
  }

  step(direction) {
    const { events } = this.pictures;
    if (!events.length) return;
    const last = direction > 0 ? -1 : 0;
    const place = this.selected ? this.selected.label - 1 : last;
    this.select(events[(place + direction + events.length) % events.length]);
  }

  select(event) {
    this.selected = event;
    const side = Math.max(event.width, event.height);
    this.zoom = Math.max(this.zoom, Math.min(12, this.size() / (side * 2)));
    [this.x, this.y] = [event.x, event.y];
    this.onSelect(event);
    this.tell();
    this.draw();
  }

  tell() {
    const state = document.getElementById("event-state");
    this.buttons.tick.setAttribute("aria-pressed", Boolean(this.selected && this.isTicked(this.selected)));
    if (this.selected) state.textContent = `Event ${describe(this.selected)}${this.isTicked(this.selected) ? "; ticked as no cosmic ray" : ""}`;
    else state.textContent = this.pictures ? summary(this.pictures.events.length) : "";
  }

  // Zoom and place

  size() {
    return Math.min(this.canvas.clientWidth, this.canvas.clientHeight);
  }

  fit() {
    const { nx, ny } = this.pictures;
    this.zoom = Math.min(this.canvas.clientWidth / nx, this.canvas.clientHeight / ny);
    [this.x, this.y] = [(nx - 1) / 2, (ny - 1) / 2];
    this.draw();
  }

  zoomBy(factor, at = null) {
    const fixed = at ? this.toFrame(at) : [this.x, this.y];
    const smallest = Math.min(this.canvas.clientWidth / this.pictures.nx, this.canvas.clientHeight / this.pictures.ny, 1) / 2;
    const zoom = Math.min(Math.max(this.zoom * factor, smallest), 64);
    this.x = fixed[0] + ((this.x - fixed[0]) * this.zoom) / zoom;
    this.y = fixed[1] + ((this.y - fixed[1]) * this.zoom) / zoom;
    this.zoom = zoom;
    this.moveBy(0, 0);
  }

  moveBy(x, y) {
    if (!this.pictures) return;
    this.x = Math.min(Math.max(this.x + x, -0.5), this.pictures.nx - 0.5);
    this.y = Math.min(Math.max(this.y + y, -0.5), this.pictures.ny - 0.5);
    this.draw();
  }

  toFrame([column, row]) {
    return [this.x + (column - this.canvas.clientWidth / 2) / this.zoom, this.y - (row - this.canvas.clientHeight / 2) / this.zoom];
  }

  toCanvas(x, y) {
    return [this.canvas.clientWidth / 2 + (x - this.x) * this.zoom, this.canvas.clientHeight / 2 - (y - this.y) * this.zoom];
  }

  point(at) {
    if (!this.pictures) return;
    const [x, y] = this.toFrame(at).map(Math.round);
    const value = this.pictures.valueAt(x, y, this.layer);
    document.getElementById("pixel-state").textContent = value === null ? "" : `x ${x}, y ${y}: about ${figure(value)} ${this.pictures.unit}`;
  }

  pick(at) {
    const [x, y] = this.toFrame(at);
    const reach = 12 / this.zoom;
    const distance = (event) => Math.hypot(event.x - x, event.y - y) - event.length / 2;
    const near = this.pictures.events.filter((event) => distance(event) < reach).sort((a, b) => distance(a) - distance(b));
    if (near.length) this.select(near[0]);
  }

  // Contrast

  resetContrast() {
    if (!this.pictures) return;
    const [low, high] = this.pictures.limits;
    this.contrast.stretch.value = "linear";
    this.contrast.black.value = this.pictures.codeOf(low);
    this.contrast.white.value = Math.max(this.pictures.codeOf(high), Number(this.contrast.black.value) + 1);
    this.contrast.invert.checked = false;
    this.repaint();
  }

  shiftContrast(step) {
    for (const name of ["black", "white"]) this.contrast[name].value = Number(this.contrast[name].value) + step;
    this.repaint();
  }

  repaint() {
    if (!this.pictures) return;
    const { values, base, sheet } = this.pictures;
    const level = (name) => values[Number(this.contrast[name].value)];
    for (const name of ["black", "white"]) this.contrast[name].setAttribute("aria-valuetext", `${figure(level(name))} ${this.pictures.unit}`);
    const stretch = { low: level("black"), high: level("white"), asinh: this.contrast.stretch.value === "asinh", invert: this.contrast.invert.checked };
    const table = greys(values, stretch);
    this.painted = { base: paint(base.codes, base.width, base.height, table) };
    for (const layer of ["raw", "cleaned"]) this.painted[layer] = paint(sheet[layer], sheet.width, sheet.height, table);
    this.painted.mask = paint(sheet.mask, sheet.width, sheet.height, new Uint8Array(256).fill(255));
    this.draw();
  }

  // Drawing

  draw() {
    if (!this.scheduled) this.scheduled = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    this.scheduled = null;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const density = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(width * density), Math.round(height * density)];
    const context = this.canvas.getContext("2d");
    context.scale(density, density);
    if (!this.pictures || !this.painted) return;
    this.drawBase(context);
    const seen = this.pictures.events.filter((event) => this.inView(event));
    if (this.layer !== "cleaned" || this.pictures.bin > 1) for (const event of seen) this.drawStamp(context, event);
    if (this.layer === "mask") this.drawDots(context, seen);
    if (this.marks) this.drawMarks(context, seen);
  }

  inView(event) {
    const [left, bottom] = this.toCanvas(event.left, event.bottom);
    const [right, top] = this.toCanvas(event.left + event.width, event.bottom + event.height);
    return right > 0 && left < this.canvas.clientWidth && bottom > 0 && top < this.canvas.clientHeight;
  }

  drawBase(context) {
    const { nx, ny, bin, base } = this.pictures;
    const [left, top] = this.toCanvas(-0.5, ny - 0.5);
    context.save();
    context.beginPath();
    context.rect(left, top, nx * this.zoom, ny * this.zoom);
    context.clip();
    if (this.layer === "mask") {
      context.fillStyle = "#000";
      context.fillRect(left, top, nx * this.zoom, ny * this.zoom);
    } else {
      context.imageSmoothingEnabled = this.zoom * bin < 1;
      const [x, y] = this.toCanvas(-0.5, base.height * bin - 0.5);
      context.drawImage(this.painted.base, x, y, base.width * bin * this.zoom, base.height * bin * this.zoom);
    }
    context.restore();
  }

  drawStamp(context, event) {
    const [x, y] = this.toCanvas(event.left - 0.5, event.bottom + event.height - 0.5);
    context.imageSmoothingEnabled = this.zoom < 1;
    context.drawImage(this.painted[this.layer], event.column, event.row, event.width, event.height, x, y, event.width * this.zoom, event.height * this.zoom);
  }

  // So that single pixels are seen in the mask of a whole frame.
  drawDots(context, events) {
    if (this.zoom >= 1) return;
    context.fillStyle = "#fff";
    for (const event of events) {
      const [x, y] = this.toCanvas(event.x, event.y);
      context.fillRect(x - 1, y - 1, 2, 2);
    }
  }

  drawMarks(context, events) {
    const style = getComputedStyle(document.documentElement);
    const colours = [0, 1, 2, 3, 4].map((place) => style.getPropertyValue(`--class-${place}`));
    const least = events.length > CROWD ? 4 : 7;
    for (const event of events) {
      const [x, y] = this.toCanvas(event.x, event.y);
      const radius = Math.max(least, (event.length / 2 + 2) * this.zoom);
      const selected = event === this.selected;
      context.strokeStyle = colours[event.class];
      context.lineWidth = selected ? 3 : 1.25;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      if (this.isTicked(event)) {
        const arm = radius * Math.SQRT1_2;
        context.moveTo(x - arm, y - arm);
        context.lineTo(x + arm, y + arm);
      }
      context.stroke();
    }
  }
}

const KEYS = {
  r: "raw", c: "cleaned", m: "mask", b: "step", a: "blink", n: "next", p: "previous", t: "tick", o: "marks",
  "+": "in", "=": "in", "-": "out", 0: "fit", 1: "full", "[": "darker", "]": "brighter",
};

function summary(n) {
  return n ? `${n} event${n === 1 ? "" : "s"}. Next event (n) goes from one to the next.` : "No cosmic ray was found in this frame.";
}

function describe(event) {
  const angle = event.angle === null ? "" : `, ${Math.round(event.angle)}°`;
  const beside = [event.edge && "at the edge", event.bad && "beside bad pixels"].filter(Boolean).map((text) => `, ${text}`).join("");
  return `${event.label}: ${classNames[event.class]}, ${event.area} pix, ${figure(event.charge)} ${event.chargeUnit} (peak ${figure(event.peak)}), ` +
    `${event.length.toFixed(1)} pix long${angle}, at x ${event.x.toFixed(1)}, y ${event.y.toFixed(1)}${beside}`;
}

// Mouse, pen and fingers on the picture.
class PictureHand {
  constructor(canvas, viewer) {
    this.viewer = viewer;
    this.canvas = canvas;
    this.down = new Map();
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.release(event));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, this.place(event));
    this.travelled = 0;
  }

  move(event) {
    const at = this.place(event);
    const before = this.down.get(event.pointerId);
    if (!before) {
      this.viewer.point(at);
      return;
    }
    if (!this.viewer.pictures) return;
    const [dx, dy] = [at[0] - before[0], at[1] - before[1]];
    this.travelled += Math.abs(dx) + Math.abs(dy);
    const other = [...this.down].find(([id]) => id !== event.pointerId)?.[1];
    this.down.set(event.pointerId, at);
    if (other) {
      const apart = (a) => Math.max(Math.hypot(a[0] - other[0], a[1] - other[1]), 10);
      this.viewer.zoomBy(apart(at) / apart(before), [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2]);
    } else this.viewer.moveBy(-dx / this.viewer.zoom, dy / this.viewer.zoom);
  }

  release(event) {
    const tapped = this.down.delete(event.pointerId) && this.travelled < 5 && event.type === "pointerup";
    if (tapped && this.viewer.pictures) this.viewer.pick(this.place(event));
  }

  wheel(event) {
    if (document.activeElement !== this.canvas || !this.viewer.pictures) return;
    event.preventDefault();
    this.viewer.zoomBy(Math.exp(-event.deltaY / 400), this.place(event));
  }
}
