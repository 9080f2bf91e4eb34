// The events of a frame as cards: mask, raw and cleaned side by side, in one stretch.

const CARDS_AT_ONCE = 60;

class Gallery {
  constructor(list, { onShow, onTick, isTicked, canReview }) {
    this.list = list;
    this.onShow = onShow;
    this.onTick = onTick;
    this.isTicked = isTicked;
    this.canReview = canReview;
    this.more = document.getElementById("more");
    this.order = document.getElementById("order");
    this.filters = [...document.querySelectorAll("#class-filter input")];
    this.cards = new Map();
    this.seen = new IntersectionObserver((entries) => this.paintSeen(entries), { rootMargin: "300px" });
    this.more.addEventListener("click", () => this.extend());
    this.order.addEventListener("change", () => this.refill());
    for (const filter of this.filters) filter.addEventListener("change", () => this.refill());
    window.addEventListener("beforeprint", () => this.paint(this.cards.keys()));
  }

  open(pictures) {
    this.pictures = pictures;
    for (const filter of this.filters) {
      const count = pictures.events.filter((event) => event.class === Number(filter.value)).length;
      filter.closest("label").querySelector(".count").textContent = count;
    }
    this.refill();
  }

  close() {
    this.pictures = null;
    this.empty();
    document.getElementById("n-cards").value = "";
  }

  // The events of the classes chosen, in the order chosen.
  chosen() {
    if (!this.pictures) return [];
    const classes = new Set(this.filters.filter((filter) => filter.checked).map((filter) => Number(filter.value)));
    const key = this.order.value;
    const events = this.pictures.events.filter((event) => classes.has(event.class));
    return key === "label" ? events : events.sort((a, b) => (b[key] ?? 0) - (a[key] ?? 0));
  }

  empty() {
    this.seen.disconnect();
    this.cards.clear();
    this.list.replaceChildren();
    this.more.hidden = true;
  }

  refill() {
    this.empty();
    this.waiting = this.chosen();
    document.getElementById("n-cards").value = `${this.waiting.length} event${this.waiting.length === 1 ? "" : "s"}`;
    const none = document.getElementById("no-cards");
    none.hidden = this.waiting.length > 0;
    none.textContent = this.pictures?.events.length ? "No event of these classes." : "No cosmic ray was found in this frame.";
    this.extend();
  }

  extend() {
    for (const event of this.waiting.splice(0, CARDS_AT_ONCE)) {
      const card = this.card(event);
      this.cards.set(event, card);
      this.list.append(card);
      this.seen.observe(card);
    }
    this.more.hidden = !this.waiting.length;
    this.more.textContent = `Show more (${this.waiting.length} left)`;
  }

  card(event) {
    const card = make("li", "card");
    const show = make("button", "show");
    show.type = "button";
    show.setAttribute("aria-label", `Show event ${event.label} in the frame`);
    show.append(newCanvas(3, 1));
    show.addEventListener("click", () => this.onShow(event));
    const text = make("p");
    const swatch = make("span", `swatch class-${event.class}`);
    swatch.setAttribute("aria-hidden", "true");
    const number = make("strong");
    number.textContent = event.label;
    text.append(swatch, number, ` ${classNames[event.class]} · ${event.area} pix · ${figure(event.charge)} ${event.chargeUnit}`);
    const label = make("label");
    const box = make("input");
    box.type = "checkbox";
    box.disabled = !this.canReview();
    box.addEventListener("change", () => this.onTick(event));
    label.append(box, "no cosmic ray");
    card.append(show, text, label);
    this.mark(event, card);
    return card;
  }

  mark(event, card = this.cards.get(event)) {
    if (!card) return;
    const ticked = this.isTicked(event);
    card.classList.toggle("ticked", ticked);
    card.querySelector("input").checked = ticked;
  }

  markAll() {
    for (const event of this.cards.keys()) this.mark(event);
  }

  select(event) {
    for (const card of this.list.querySelectorAll(".selected")) card.classList.remove("selected");
    this.cards.get(event)?.classList.add("selected");
  }

  paintSeen(entries) {
    const seen = new Set(entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target));
    this.paint([...this.cards].filter(([, card]) => seen.has(card)).map(([event]) => event));
  }

  paint(events) {
    for (const event of events) {
      const card = this.cards.get(event);
      this.seen.unobserve(card);
      this.paintCard(event, card.querySelector("canvas"));
    }
  }

  paintCard(event, canvas) {
    const { sheet, values } = this.pictures;
    const side = event.side;
    const table = greys(values, { low: event.low, high: event.high });
    const mask = Uint8Array.from({ length: 256 }, (_, code) => code);
    const zoom = Math.max(1, Math.ceil(160 / side));
    const gap = Math.ceil((side * zoom) / 40);
    canvas.width = 3 * side * zoom + 2 * gap;
    canvas.height = side * zoom;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const parts = [[sheet.mask, mask], [sheet.raw, table], [sheet.cleaned, table]];
    parts.forEach(([codes, colours], index) => {
      const left = index * (side * zoom + gap);
      const part = paintPart(codes, sheet.width, event, colours);
      const place = [left + event.inset_x * zoom, event.inset_y * zoom, event.width * zoom, event.height * zoom];
      context.fillStyle = "#70757d";
      context.fillRect(left, 0, side * zoom, side * zoom);
      if (codes === sheet.mask) {
        context.fillStyle = "#000";
        context.fillRect(...place);
      }
      context.drawImage(part, ...place);
    });
  }
}

function make(tag, style = "") {
  const element = document.createElement(tag);
  element.className = style;
  return element;
}
