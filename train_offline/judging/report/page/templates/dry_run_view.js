// The viewer: one picture with its layers, and a zoom into it.
const pictures = JSON.parse(document.getElementById("pictures").textContent);
const one = id => document.getElementById(id);
const stage = one("stage"), cover = one("cover"), modes = [...document.querySelectorAll("[name=mode]")];
const NEAREST = 16;  // CSS pixels that a pixel of the picture may take
const zoom = {by: 1, x: 0, y: 0};  // x, y: where the picture's corner lies in the stage, in CSS pixels
let picture = null;

function layer(name, png) {
  const made = document.createElement("i");
  made.className = name;
  made.style.maskImage = made.style.webkitMaskImage = `url(data:image/png;base64,${png})`;
  if (name !== "outline") return made;
  const rim = document.createElement("span");  // a filter on the layer itself would be cut off by its mask
  rim.className = "rim";
  rim.append(made);
  return rim;
}
function draw(row) {
  const name = row.dataset.scene, shown = modes.find(mode => mode.checked).value;
  picture = Object.hasOwn(pictures, name) ? pictures[name] : null;
  one("name").textContent = name;
  one("facts").textContent = row.dataset.told;
  stage.replaceChildren();
  stage.className = picture ? "stage" : "faint";
  stage.style = "";
  if (!picture) { stage.textContent = "This scene cannot be shown."; place(); return; }
  const {width, height, gain, jpeg, layers} = picture;
  if (width < row.dataset.width) one("facts").textContent += `, shown at ${Math.round(100 * width / row.dataset.width)} % of its width`;
  if (gain > 1.05) one("facts").textContent += `, shown ${gain.toFixed(1)} times brighter`;
  stage.style = `aspect-ratio: ${width} / ${height}; max-width: calc(72vh * ${width / height})`;
  const image = new Image(), pane = document.createElement("div");
  image.alt = name;
  image.draggable = false;
  image.src = "data:image/jpeg;base64," + jpeg;
  pane.className = "pane";
  pane.append(image, ...Object.entries(layers).map(([kind, png]) => layer(kind, png)));
  stage.append(pane);
  whole();
  paint(shown);
}
function paint(mode = modes.find(mode => mode.checked).value) {
  stage.dataset.mode = mode;
  stage.style.setProperty("--cover", cover.value / 100);
  for (const legend of document.querySelectorAll(".legend")) legend.hidden = legend.dataset.for !== mode;
}

const most = () => picture ? Math.max(2, NEAREST * picture.width / stage.clientWidth) : 1;
const bounded = (value, low, high) => Math.min(high, Math.max(low, value));
function place() {
  const {clientWidth: width, clientHeight: height} = stage;
  zoom.by = bounded(zoom.by, 1, most());
  zoom.x = bounded(zoom.x, width * (1 - zoom.by), 0);
  zoom.y = bounded(zoom.y, height * (1 - zoom.by), 0);
  const pane = stage.querySelector(".pane");
  if (pane) pane.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.by})`;
  stage.style.setProperty("--thin", `${1 / zoom.by}px`);  // shadows grow with the picture, but need not
  stage.classList.toggle("zoomed", zoom.by > 1);
  stage.classList.toggle("near", picture !== null && zoom.by * width >= 1.5 * picture.width);
  one("times").textContent = zoom.by.toFixed(zoom.by < 10 && zoom.by > 1 ? 1 : 0) + "×";
  one("out").disabled = one("whole").disabled = zoom.by <= 1;
  one("in").disabled = zoom.by >= most();
}
function zoomBy(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const before = zoom.by;
  zoom.by = bounded(before * factor, 1, most());
  zoom.x = x - (x - zoom.x) * zoom.by / before;  // what is under the pointer stays there
  zoom.y = y - (y - zoom.y) * zoom.by / before;
  place();
  return zoom.by !== before;
}
function whole() { zoom.by = 1; place(); }
function move(x, y) { zoom.x += x; zoom.y += y; place(); }

stage.addEventListener("wheel", event => {
  const box = stage.getBoundingClientRect(), pixels = event.deltaY * (event.deltaMode ? 30 : 1);
  const factor = Math.exp(-bounded(pixels, -240, 240) * (event.ctrlKey ? .01 : .0025));  // ctrl: a pinch on a touchpad
  if (zoomBy(factor, event.clientX - box.left, event.clientY - box.top) || event.ctrlKey) event.preventDefault();
}, {passive: false});  // where nothing is left to zoom, the page scrolls

const fingers = new Map();
const middle = () => [...fingers.values()].reduce((sum, at) => [sum[0] + at[0] / fingers.size, sum[1] + at[1] / fingers.size], [0, 0]);
const spread = () => { const [a, b] = fingers.values(); return b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0; };
stage.onpointerdown = event => {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  stage.setPointerCapture(event.pointerId);
};
stage.onpointermove = event => {
  if (!fingers.has(event.pointerId)) return;
  const from = middle(), wide = spread();
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  const to = middle(), box = stage.getBoundingClientRect();
  move(to[0] - from[0], to[1] - from[1]);
  if (wide) zoomBy(spread() / wide, to[0] - box.left, to[1] - box.top);
};
stage.onpointerup = stage.onpointercancel = event => fingers.delete(event.pointerId);
stage.ondblclick = event => {
  const box = stage.getBoundingClientRect();
  if (zoom.by > 1) whole(); else zoomBy(4, event.clientX - box.left, event.clientY - box.top);
};
const STEPS = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]};
stage.onkeydown = event => {
  if (zoom.by <= 1 || !STEPS[event.key]) return;
  move(...STEPS[event.key]);
  event.preventDefault();
  event.stopPropagation();  // else another scene would be shown
};
one("in").onclick = () => zoomBy(1.5);
one("out").onclick = () => zoomBy(1 / 1.5);
one("whole").onclick = whole;
cover.oninput = () => paint();
modes.forEach(mode => mode.onchange = () => paint());
new ResizeObserver(place).observe(stage);
