// Which events of which frames are no cosmic rays. Ticks outlive a reload of the page.

class Review {
  constructor(facts) {
    this.facts = facts;
    this.ticked = facts.frames.map((frame) => new Set(this.remembered(frame)));
    this.listeners = [];
  }

  key(frame) {
    return `ccdproc_crplugin review ${frame.cleaning}`;
  }

  remembered(frame) {
    try {
      const labels = JSON.parse(localStorage.getItem(this.key(frame)) ?? "[]");
      return labels.filter((label) => Number.isInteger(label) && label >= 1 && label <= frame.classes.length);
    } catch {
      return [];
    }
  }

  remember(index) {
    try {
      const labels = this.labels(index);
      if (labels.length) localStorage.setItem(this.key(this.facts.frames[index]), JSON.stringify(labels));
      else localStorage.removeItem(this.key(this.facts.frames[index]));
    } catch {
      // A browser that keeps nothing for this page.
    }
  }

  canReview(index) {
    return this.facts.frames[index].cleaning !== "";
  }

  has(index, label) {
    return this.ticked[index].has(label);
  }

  labels(index) {
    return [...this.ticked[index]].sort((a, b) => a - b);
  }

  set(index, labels, on) {
    if (!this.canReview(index) || !labels.length) return;
    for (const label of labels) this.ticked[index][on ? "add" : "delete"](label);
    this.remember(index);
  }

  change(changes, on) {
    for (const [index, labels] of changes) this.set(index, labels, on);
    for (const listener of this.listeners) listener();
  }

  changeClass(place, on) {
    const ofClass = ({ classes }) => classes.flatMap((other, label) => (other === place ? [label + 1] : []));
    this.change(this.facts.frames.map((frame, index) => [index, ofClass(frame)]), on);
  }

  changeHot(on) {
    this.change(this.facts.frames.map((frame, index) => [index, frame.onHot]), on);
  }

  clear() {
    this.change(this.ticked.map((labels, index) => [index, [...labels]]), false);
  }

  counts() {
    const counts = this.ticked.map((labels) => labels.size);
    return { events: counts.reduce((sum, count) => sum + count, 0), frames: counts.filter(Boolean).length };
  }

  text() {
    const frames = this.facts.frames
      .map(({ file, cleaning }, index) => ({ file, cleaning, not_cosmic_rays: this.labels(index) }))
      .filter((frame) => frame.not_cosmic_rays.length);
    return `${JSON.stringify({ ...this.facts.review, frames }, null, 1)}\n`;
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.text()], { type: "application/json" }));
    link.download = "review.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
