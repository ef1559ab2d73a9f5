// Moving the map, and choosing a scene on it.
const REACH = 6;  // CSS pixels that a click may miss a small scene by
const fingers = new Map();
let pressed = null;

function zoomBy(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const [before, u, v] = [view.by, px(x), py(y)];
  view.by *= factor;
  keepIn();
  view.x = u - (x - canvas.clientWidth / 2) / view.by;  // what is under the pointer stays there
  view.y = v - (y - canvas.clientHeight / 2) / view.by;
  redraw();
  return view.by !== before;
}
function moveBy(x, y) { view.x -= x / view.by; view.y -= y / view.by; redraw(); }
function placeIn(event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

canvas.addEventListener("wheel", event => {
  const pixels = event.deltaY * (event.deltaMode ? 30 : 1), factor = Math.exp(-Math.min(240, Math.max(-240, pixels)) * (event.ctrlKey ? .01 : .0025));
  if (zoomBy(factor, ...placeIn(event)) || event.ctrlKey) event.preventDefault();
}, {passive: false});  // where nothing is left to zoom, the page scrolls
canvas.addEventListener("pointerdown", event => {
  if (event.button) return;
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, placeIn(event));
  pressed = fingers.size === 1 ? placeIn(event) : null;
});
canvas.addEventListener("pointermove", event => {
  const now = placeIn(event), before = fingers.get(event.pointerId);
  const at = projection.from(px(now[0]), py(now[1]));
  one("pointer").textContent = at ? `${number(Math.abs(at[1]), 2)}°${at[1] < 0 ? "S" : "N"} ${number(Math.abs(at[0]), 2)}°${at[0] < 0 ? "W" : "E"}` : "";
  if (!before) return;
  if (pressed && Math.hypot(now[0] - pressed[0], now[1] - pressed[1]) > 4) pressed = null;
  if (fingers.size === 1 && !pressed) moveBy(now[0] - before[0], now[1] - before[1]);
  if (fingers.size === 1 && pressed) return;  // a click, as far as it can be told
  fingers.set(event.pointerId, now);
  if (fingers.size !== 2) return;
  const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
  const far = point => Math.max(8, Math.hypot(point[0] - other[0], point[1] - other[1]));
  moveBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  zoomBy(far(now) / far(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
});
canvas.addEventListener("pointerup", event => {
  if (pressed && fingers.has(event.pointerId)) chooseAt(...placeIn(event));
  letGo(event);
});
for (const kind of ["pointercancel", "lostpointercapture"]) canvas.addEventListener(kind, letGo);
function letGo(event) { fingers.delete(event.pointerId); pressed = null; }

// The scenes under a point of the canvas, the uppermost first.
function scenesAt(x, y) {
  const u = px(x), v = py(y), at = projection.from(u, v), reach = REACH / view.by, found = [];
  for (let k = order.length - 1; k >= 0; k--) {
    const i = order[k], [x0, y0, x1, y1] = [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];
    if (!shownStates.has(scenes.state[i])) continue;
    for (const shift of copies(i)) {
      if (!(u >= x0 + shift - reach && u <= x1 + shift + reach && v >= y0 - reach && v <= y1 + reach)) continue;
      const small = x1 - x0 < 2 * reach && y1 - y0 < 2 * reach;
      if (small || at && covers(i, at)) { found.push(i); break; }
    }
  }
  return found;
}
const covers = (i, [lon, lat]) => lat >= south(i) && lat <= south(i) + high(i) && ((lon - west(i)) % 360 + 360) % 360 <= wide(i);
function chooseAt(x, y) {
  const found = scenesAt(x, y);
  if (!found.length) return;
  const next = found[(found.indexOf(chosen) + 1) % found.length];
  choose(next, found.length > 1 ? `${found.indexOf(next) + 1} of ${found.length} that lie here` : "");
}

const KEYS = {
  ArrowLeft: () => moveBy(60, 0), ArrowRight: () => moveBy(-60, 0), ArrowUp: () => moveBy(0, 60), ArrowDown: () => moveBy(0, -60),
  "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), "0": whole,
  Enter: () => chooseAt(canvas.clientWidth / 2, canvas.clientHeight / 2),
};
canvas.addEventListener("keydown", event => {
  if (!Object.hasOwn(KEYS, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key]();
});
one("in").addEventListener("click", () => zoomBy(1.6));
one("out").addEventListener("click", () => zoomBy(1 / 1.6));
one("whole").addEventListener("click", whole);
one("projection").addEventListener("change", event => use(event.target.value));

// Put the chosen scene in the middle, at a size at which its surroundings are seen, too.
function goTo(i) {
  if (Number.isNaN(boxes[4 * i]) && placed(i)) use("plate");
  if (!placed(i)) return;
  const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4);
  fit(x0, y0, x1, y1, .3);
}
