// Puts the parts of the page together.

const facts = JSON.parse(document.getElementById("facts").textContent);
const classNames = facts.classes;
const byId = (id) => document.getElementById(id);

const review = new Review(facts);
const loader = new PictureLoader(facts);
const table = new NightTable(byId("night-table"));
let current = null;

const isTicked = (event) => current !== null && review.has(current, event.label);
const tick = (event) => review.change([[current, [event.label]]], !isTicked(event));

const viewer = new Viewer(byId("viewer"), { onSelect: (event) => gallery.select(event), onTick: tick, isTicked });
const gallery = new Gallery(byId("gallery"), { onShow: showEvent, onTick: tick, isTicked, canReview: () => review.canReview(current) });

function showEvent(event) {
  viewer.select(event);
  byId("viewer").scrollIntoView({ block: "nearest" });
  viewer.canvas.focus({ preventScroll: true });
}

async function openFrame(index) {
  const frame = facts.frames[index];
  if (!frame) return;
  current = index;
  byId("frame-choice").value = index;
  byId("frame-name").textContent = frame.name;
  byId("previous-frame").disabled = index === 0;
  byId("next-frame").disabled = index === facts.frames.length - 1;
  byId("frame-state").value = "Loading …";
  table.mark(index);
  viewer.close();
  gallery.close();
  viewer.canvas.setAttribute("aria-label", `The frame ${frame.name}`);
  try {
    const pictures = await loader.load(index);
    if (current !== index) return;
    viewer.open(pictures);
    gallery.open(pictures);
    const enlarged = pictures.bin > 1 ? `, shown in pixels of ${pictures.bin} × ${pictures.bin}, its events at full size` : "";
    const fixed = review.canReview(index) ? "" : "; its removed values are lost, so that nothing can be put back";
    byId("frame-state").value = `${pictures.nx} × ${pictures.ny} pixels${enlarged}${fixed}`;
  } catch (error) {
    if (current === index) byId("frame-state").value = `The pictures can't be shown. ${error.message}`;
  }
}

function showReview() {
  const { events, frames } = review.counts();
  const count = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
  byId("n-ticked").value = events ? `${count(events, "event")} in ${count(frames, "frame")} ticked as no cosmic rays.` : "No event is ticked.";
  byId("review-bar").hidden = !events;
  byId("none-ticked").hidden = events > 0;
  const lines = facts.frames.flatMap((frame, index) => {
    const labels = review.labels(index);
    if (!labels.length) return [];
    const line = make("li");
    line.textContent = `${frame.name}: ${labels.slice(0, 40).join(", ")}${labels.length > 40 ? ` and ${labels.length - 40} more` : ""}`;
    return [line];
  });
  byId("ticked").replaceChildren(...lines);
  gallery.markAll();
  viewer.tell();
  viewer.draw();
}

const shownLabels = () => [[current, gallery.chosen().map((event) => event.label)]];
const actions = {
  "previous-frame": () => openFrame(current - 1),
  "next-frame": () => openFrame(current + 1),
  "tick-shown": () => review.change(shownLabels(), true),
  "untick-shown": () => review.change(shownLabels(), false),
  "tick-class": () => review.changeClass(Number(byId("night-class").value), true),
  "untick-class": () => review.changeClass(Number(byId("night-class").value), false),
  "tick-hot": () => review.changeHot(true),
  save: () => review.save(),
  clear: () => review.clear(),
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
byId("tick-hot").disabled = !facts.frames.some((frame) => frame.onHot.length);
byId("frame-choice").addEventListener("change", (event) => openFrame(Number(event.target.value)));
for (const button of document.querySelectorAll(".open")) {
  button.addEventListener("click", () => {
    openFrame(Number(button.dataset.frame));
    byId("frame").scrollIntoView();
    viewer.canvas.focus({ preventScroll: true });
  });
}

review.listeners.push(showReview);
showReview();
if (facts.frames.length) openFrame(0);
else for (const id of ["frame", "review"]) {
  byId(id).hidden = true;
  document.querySelector(`nav a[href="#${id}"]`).hidden = true;
}
