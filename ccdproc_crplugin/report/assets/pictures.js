// What a frame looks like. Pictures come with one byte a pixel, which stands for a value; a table from bytes to
// greys makes them visible, so that the stretch can be chosen here.

"use strict";

const arrivals = new Map();

// The scripts beside the page call this by name.
window.receivePictures = (index, pictures) => arrivals.get(index)?.(pictures);

class PictureLoader {
  // Keeps the frames looked at last.
  constructor(facts, most = 4) {
    this.facts = facts;
    this.most = most;
    this.kept = new Map();
  }

  load(index) {
    const known = this.kept.get(index) ?? this.fetch(index).then((pictures) => FramePictures.decode(pictures));
    this.kept.delete(index);
    this.kept.set(index, known);
    known.catch(() => this.kept.delete(index));
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.most) break;
      this.kept.delete(oldest);
    }
    return known;
  }

  fetch(index) {
    const { source } = this.facts.frames[index];
    if (!source) return Promise.resolve(JSON.parse(document.getElementById(`pictures-${index}`).textContent));
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const done = (settle) => (value) => {
        arrivals.delete(index);
        script.remove();
        settle(value);
      };
      arrivals.set(index, done(resolve));
      script.onerror = done(() => reject(new Error(`The file ${this.facts.folder}/${source} beside this page is missing.`)));
      script.src = `${encodeURIComponent(this.facts.folder)}/${source}`;
      document.head.append(script);
    });
  }
}

async function pixelsOf(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = newCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

class FramePictures {
  static async decode(facts) {
    const [image, sheet] = await Promise.all([pixelsOf(facts.image), pixelsOf(facts.sheet)]);
    return new FramePictures(facts, image, sheet);
  }

  constructor(facts, image, sheet) {
    [this.ny, this.nx] = facts.shape;
    this.bin = facts.bin;
    this.unit = facts.unit;
    this.values = facts.values;
    this.limits = facts.limits;
    this.events = facts.area.map((area, index) => {
      const event = { label: index + 1, class: facts.classes[index], chargeUnit: facts.chargeUnit };
      for (const name of EVENT_COLUMNS) event[name] = facts[name][index];
      return event;
    });
    this.base = { width: image.width, height: image.height, codes: channel(image, 0) };
    this.sheet = { width: sheet.width, height: sheet.height, mask: channel(sheet, 2) };
    this.sheet.cleaned = channel(sheet, 0);
    const raw = channel(sheet, 1);
    this.sheet.raw = this.sheet.cleaned.map((code, place) => (this.sheet.mask[place] ? raw[place] : code));
  }

  codeOf(value) {
    let code = 1;
    while (code < 255 && this.values[code] < value) code += 1;
    return code;
  }

  // The value of a pixel in a layer, or null beyond the frame.
  valueAt(x, y, layer) {
    if (x < 0 || y < 0 || x >= this.nx || y >= this.ny) return null;
    const stamp = this.events.find((event) => x >= event.left && x < event.left + event.width && y >= event.bottom && y < event.bottom + event.height);
    let code;
    if (stamp) {
      const place = (stamp.row + stamp.height - 1 - (y - stamp.bottom)) * this.sheet.width + stamp.column + x - stamp.left;
      code = this.sheet[layer === "cleaned" ? "cleaned" : "raw"][place];
    } else {
      const row = this.base.height - 1 - Math.floor(y / this.bin);
      code = this.base.codes[row * this.base.width + Math.floor(x / this.bin)];
    }
    return code ? this.values[code] : null;
  }
}

// A measurement to four figures.
function figure(value) {
  return value === null ? "?" : value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

const EVENT_COLUMNS = ["x", "y", "length", "area", "charge", "peak", "angle", "edge", "bad", "left", "bottom", "width", "height", "side", "inset_x", "inset_y", "column", "row", "low", "high"];

function channel(image, offset) {
  const codes = new Uint8Array(image.width * image.height);
  for (let place = 0; place < codes.length; place += 1) codes[place] = image.data[4 * place + offset];
  return codes;
}

// The grey of each byte; 0 stays clear.
function greys(values, { low, high, asinh, invert }) {
  const table = new Uint8Array(256);
  const span = Math.max(high - low, 1e-30);
  for (let code = 1; code < 256; code += 1) {
    let share = Math.min(Math.max((values[code] - low) / span, 0), 1);
    if (asinh) share = Math.asinh(share * 10) / Math.asinh(10);
    table[code] = Math.round(255 * (invert ? 1 - share : share));
  }
  return table;
}

function paint(codes, width, height, table) {
  const canvas = newCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = Uint32Array.from(table, (grey, code) => (code ? (255 << 24) | (grey << 16) | (grey << 8) | grey : 0));
  for (let place = 0; place < codes.length; place += 1) pixels[place] = colours[codes[place]];
  context.putImageData(image, 0, 0);
  return canvas;
}

// Part of a sheet, in a canvas of its own.
function paintPart(codes, sheetWidth, event, table) {
  const part = new Uint8Array(event.width * event.height);
  for (let row = 0; row < event.height; row += 1) {
    const start = (event.row + row) * sheetWidth + event.column;
    part.set(codes.subarray(start, start + event.width), row * event.width);
  }
  return paint(part, event.width, event.height, table);
}
