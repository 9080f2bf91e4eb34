// The table of the night: sorted by a click on a heading, filtered by text and choice.

class NightTable {
  constructor(table) {
    this.body = table.tBodies[0];
    this.headings = [...table.tHead.rows[0].cells];
    this.rows = [...this.body.rows];
    this.find = document.getElementById("find");
    const choices = ["kind", "status", "verdict"].map((name) => [name, document.getElementById(`${name}-filter`)]);
    this.choices = Object.fromEntries(choices.filter(([, choice]) => choice));
    this.count = document.getElementById("n-shown");
    this.headings.forEach((heading, column) => heading.firstElementChild.addEventListener("click", () => this.sort(column)));
    this.find.addEventListener("input", () => this.filter());
    for (const choice of Object.values(this.choices)) choice.addEventListener("change", () => this.filter());
  }

  sort(column) {
    const heading = this.headings[column];
    const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of this.headings) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    const key = heading.classList.contains("number") ? numberOf : textOf;
    const sign = order === "ascending" ? 1 : -1;
    const keyed = this.rows.map((row) => [key(row.cells[column]), row]);
    keyed.sort(([a], [b]) => (a === "" ? (b === "" ? 0 : 1) : b === "" ? -1 : sign * compare(a, b)));
    this.body.append(...keyed.map(([, row]) => row));
  }

  filter() {
    const words = this.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of this.rows) {
      const text = row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word)) &&
        Object.entries(this.choices).every(([name, choice]) => !choice.value || row.dataset[name] === choice.value);
      row.hidden = !fits;
      shown += fits;
    }
    this.count.value = `${shown} of ${this.rows.length} frames`;
  }

  mark(frame) {
    for (const row of this.rows) row.classList.toggle("current", row.querySelector(".open")?.dataset.frame === String(frame));
  }
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function numberOf(cell) {
  return cell.dataset.value === "" ? "" : Number(cell.dataset.value);
}

function textOf(cell) {
  return cell.textContent.trim();
}

function compare(a, b) {
  return typeof a === "number" ? a - b : collator.compare(a, b);
}
