// The map: a canvas that is drawn anew for each view.
const stage = one("stage"), canvas = one("map"), pen = canvas.getContext("2d", {alpha: false});
const SMALL = 3.5, PLAIN = 7;  // CSS pixels: what is smaller is drawn this large, and as a mere square
const SHADES = 24;
const view = {x: 0, y: 0, by: 1};  // what lies in the middle, and CSS pixels for a unit of the plane
let projection = projections.plate, boxes = new Float64Array(0), order = new Uint32Array(0), colours = {};
let chosen = -1, planned = false;
const shownStates = new Set([OK, DEGRADED, FAILED]);

function use(name) {
  projection = projections[name];
  one("projection").value = name;
  boxes = new Float64Array(4 * scenes.count).fill(NaN);  // on the plane: x, y, x, y
  let outside = 0;
  for (let i = 0; i < scenes.count; i++) {
    if (!placed(i)) continue;
    if (!projection.sees(south(i), south(i) + high(i))) { outside++; continue; }
    const points = outline(projection, west(i), south(i), wide(i), high(i));
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (let at = 0; at < points.length; at += 2) {
      if (points[at] < x0) x0 = points[at];
      if (points[at] > x1) x1 = points[at];
      if (points[at + 1] < y0) y0 = points[at + 1];
      if (points[at + 1] > y1) y1 = points[at + 1];
    }
    boxes.set([x0, y0, x1, y1], 4 * i);
  }
  one("outside").textContent = outside ? `${number(outside)} scenes lie outside of this projection.` : "";
  whole();
}
// What is drawn last lies on top: failed ones above degraded ones above good ones, small ones above large ones.
function sort() {
  const drawn = [];
  for (let i = 0; i < scenes.count; i++) if (placed(i)) drawn.push(i);
  const size = Float64Array.from({length: scenes.count}, (_, i) => wide(i) * high(i));
  order = Uint32Array.from(drawn.sort((a, b) => scenes.state[a] - scenes.state[b] || size[b] - size[a]));
}
function readColours() {
  const style = getComputedStyle(document.documentElement), named = name => style.getPropertyValue("--" + name).trim();
  const stops = [0, 1, 2, 3, 4].map(i => named("ice" + i).match(/[\da-f]{2}/gi).map(part => parseInt(part, 16)));
  colours = Object.fromEntries(["sea", "grid", "label", "edge", "none", "degraded", "failed", "chosen", "halo", "card"].map(name => [name, named(name)]));
  colours.ice = Array.from({length: SHADES + 1}, (_, i) => {
    const at = 4 * i / SHADES, from = Math.min(3, Math.floor(at));
    return `rgb(${stops[from].map((part, band) => Math.round(part + (stops[from + 1][band] - part) * (at - from))).join()})`;
  });
}
function colourOf(i) {
  if (scenes.state[i] === DEGRADED) return colours.degraded;
  if (scenes.state[i] === FAILED) return colours.failed;
  return scenes.share[i] < 0 ? colours.none : colours.ice[Math.round(SHADES * Math.min(1, scenes.share[i] / SHARE))];
}

const sx = x => (x - view.x) * view.by + canvas.clientWidth / 2, sy = y => (y - view.y) * view.by + canvas.clientHeight / 2;
const px = x => (x - canvas.clientWidth / 2) / view.by + view.x, py = y => (y - canvas.clientHeight / 2) / view.by + view.y;
const fitting = (width, height) => Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
function keepIn() {
  const [x0, y0, x1, y1] = projection.bounds;
  view.by = Math.min(Math.max(view.by, .92 * fitting(x1 - x0, y1 - y0)), projection.polar ? 2e6 : 4e4);
  view.x = Math.min(Math.max(view.x, x0), x1);
  view.y = Math.min(Math.max(view.y, y0), y1);
}
function fit(x0, y0, x1, y1, share) {
  view.x = (x0 + x1) / 2;
  view.y = (y0 + y1) / 2;
  view.by = share * fitting(Math.max(x1 - x0, 1e-9), Math.max(y1 - y0, 1e-9));
  redraw();
}
function whole() {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (let at = 0; at < boxes.length; at += 4) {
    if (Number.isNaN(boxes[at])) continue;
    x0 = Math.min(x0, boxes[at]); y0 = Math.min(y0, boxes[at + 1]);
    x1 = Math.max(x1, boxes[at + 2]); y1 = Math.max(y1, boxes[at + 3]);
  }
  const least = projection.polar ? .02 : 1;  // about a degree: a single small scene needs its surroundings
  if (x0 > x1) fit(...projection.bounds, .95);
  else fit(x0, y0, Math.max(x1, x0 + least), Math.max(y1, y0 + least), .86);
}
function redraw() {
  keepIn();
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; draw(); });
}

function draw() {
  const width = canvas.clientWidth, height = canvas.clientHeight, fine = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * fine) || canvas.height !== Math.round(height * fine)) {
    canvas.width = Math.round(width * fine);
    canvas.height = Math.round(height * fine);
  }
  pen.setTransform(fine, 0, 0, fine, 0, 0);
  pen.fillStyle = colours.card;
  pen.fillRect(0, 0, width, height);
  pen.save();
  world();
  pen.fillStyle = colours.sea;
  pen.fill();
  pen.clip();
  const labels = graticule(width, height);
  for (const i of order) if (shownStates.has(scenes.state[i])) drawScene(i, width, height);
  if (chosen >= 0 && !Number.isNaN(boxes[4 * chosen])) drawChosen();
  pen.restore();
  world();
  pen.strokeStyle = colours.grid;
  pen.lineWidth = 1;
  pen.stroke();
  write(labels);
  drawScale();
}
function world() {
  const [x0, y0, x1, y1] = projection.bounds;
  pen.beginPath();
  if (projection.polar) pen.arc(sx(0), sy(0), projection.rim * view.by, 0, 2 * Math.PI);
  else pen.rect(sx(x0), sy(y0), (x1 - x0) * view.by, (y1 - y0) * view.by);
}
// By how much a scene is drawn: in plate carrée what reaches beyond the eastern edge comes in at the western one.
const copies = i => !projection.polar && boxes[4 * i + 2] > 180 ? [0, -360] : [0];
function drawScene(i, width, height) {
  for (const shift of copies(i)) {
    const x0 = sx(boxes[4 * i] + shift), y0 = sy(boxes[4 * i + 1]), x1 = sx(boxes[4 * i + 2] + shift), y1 = sy(boxes[4 * i + 3]);
    if (x1 < -9 || y1 < -9 || x0 > width + 9 || y0 > height + 9) continue;
    const w = x1 - x0, h = y1 - y0;
    pen.fillStyle = colourOf(i);
    if (w < PLAIN && h < PLAIN) {
      const least = scenes.state[i] ? SMALL + 1.5 : SMALL, a = Math.max(w, least), b = Math.max(h, least);
      pen.fillRect((x0 + x1 - a) / 2, (y0 + y1 - b) / 2, a, b);
      continue;
    }
    trace(i, shift);
    pen.fill();
    pen.lineWidth = .75;
    pen.strokeStyle = colours.edge;
    pen.stroke();
    if (scenes.state[i] && Math.min(w, h) > 8) sign(i, x0, y0, x1, y1);
  }
}
function trace(i, shift) {
  const points = outline(projection, west(i), south(i), wide(i), high(i));
  pen.beginPath();
  for (let at = 0; at < points.length; at += 2) pen.lineTo(sx(points[at] + shift), sy(points[at + 1]));
  pen.closePath();
}
// Not by colour alone: a failed scene has a cross, a degraded one a stripe.
function sign(i, x0, y0, x1, y1) {
  const r = Math.min(x1 - x0, y1 - y0, 40) / 4, x = (x0 + x1) / 2, y = (y0 + y1) / 2;
  pen.beginPath();
  pen.moveTo(x - r, y + r);
  pen.lineTo(x + r, y - r);
  if (scenes.state[i] === FAILED) { pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r); }
  pen.lineWidth = 2;
  pen.strokeStyle = scenes.state[i] === FAILED ? "#fff" : "#4d3800";
  pen.stroke();
}
function drawChosen() {
  for (const shift of copies(chosen)) {
    const [x0, y0, x1, y1] = boxes.subarray(4 * chosen, 4 * chosen + 4), w = (x1 - x0) * view.by, h = (y1 - y0) * view.by;
    if (w < 10 && h < 10) {
      pen.beginPath();
      pen.arc(sx((x0 + x1) / 2 + shift), sy((y0 + y1) / 2), 9, 0, 2 * Math.PI);
    } else trace(chosen, shift);
    for (const [colour, line] of [[colours.halo, 5], [colours.chosen, 2.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      pen.stroke();
    }
  }
}

const STEPS = [30, 20, 10, 5, 2, 1, .5, .2, .1, .05, .02, .01, .005, .002, .001];
const stepFor = (perDegree, wanted) => STEPS.findLast(step => step * perDegree >= wanted) ?? 30;
// Draw meridians and parallels; return their labels as [text, x, y].
function graticule(width, height) {
  let lats = [90, -90], lons = [360, -360];
  const center = projection.from(view.x, view.y) ?? projection.from(0, 0), around = center[0];
  for (let a = 0; a <= 24; a++) for (let b = 0; b <= 24; b++) {
    const at = projection.from(px(width * a / 24), py(height * b / 24));
    if (!at) continue;
    lats = [Math.min(lats[0], at[1]), Math.max(lats[1], at[1])];
    const lon = around + turn(at[0] - around);
    lons = [Math.min(lons[0], lon), Math.max(lons[1], lon)];
  }
  const x = sx(0), y = sy(0), pole = projection.polar && x > -40 && y > -40 && x < width + 40 && y < height + 40;
  if (pole) { lats = projection.sign > 0 ? [lats[0], 90] : [-90, lats[1]]; lons = [-180, 179.999]; }
  if (!projection.polar) lons = [Math.max(projection.middle - 180, lons[0]), Math.min(projection.middle + 180, lons[1])];
  const perLat = distanceInPixels(center, 0, 1), perLon = distanceInPixels(center, 1, 0);
  const latStep = stepFor(perLat, 80), lonStep = pole ? 30 : stepFor(perLon, 95), labels = [];
  const margin = [(lons[1] - lons[0]) / 12, (lats[1] - lats[0]) / 12];
  pen.strokeStyle = colours.grid;
  pen.lineWidth = 1;
  const low = Math.max(lats[0] - margin[1], -90), up = Math.min(lats[1] + margin[1], 90);
  for (let k = Math.ceil((lons[0] - margin[0]) / lonStep); k * lonStep <= lons[1] + (pole ? 0 : margin[0]); k++) {
    const found = line(t => projection.to(k * lonStep + 1e-9, low + (up - low) * t), 32, width, height, projection.polar);
    if (found) labels.push([longitude(k * lonStep), ...found]);
  }
  for (let k = Math.ceil(low / latStep); k * latStep <= up; k++) {
    if (Math.abs(k * latStep) === 90) continue;
    const from = lons[0] - (pole ? 0 : margin[0]), to = lons[1] + (pole ? .001 : margin[0]);
    const found = line(t => projection.polar ? projection.to(from + (to - from) * t, k * latStep)
      : [-180 + 360 * t, -k * latStep], 96, width, height, null);
    if (found) labels.push([latitude(k * latStep), ...found]);
  }
  return labels;
}
function distanceInPixels([lon, lat], dlon, dlat) {
  const near = .001, [x, y] = projection.to(lon, lat), [x2, y2] = projection.to(lon + dlon * near, lat + (lat > 0 ? -1 : 1) * dlat * near);
  return Math.hypot(x2 - x, y2 - y) * view.by / near;
}
// Draw a line; return where its label stands: at the left for a parallel (outward: null), else as far down or out as can be.
function line(at, steps, width, height, outward) {
  let best = null, most = -Infinity;
  pen.beginPath();
  for (let i = 0; i <= steps; i++) {
    const [x, y] = at(i / steps), a = sx(x), b = sy(y);
    pen.lineTo(a, b);
    for (let j = 1; i < steps && j <= 8; j++) {
      const [x2, y2] = at((i + j / 8) / steps), c = sx(x2), d = sy(y2);
      if (c < 26 || d < 12 || c > width - 26 || d > height - 12) continue;
      const value = outward === null ? -c : outward ? Math.hypot(x2, y2) : d;
      if (value > most) { most = value; best = [c, d]; }
    }
  }
  pen.stroke();
  return best;
}
function write(labels) {
  const taken = [];
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  for (const [text, x, y] of labels) {
    const w = pen.measureText(text).width / 2 + 5;
    if (taken.some(([u, v, r]) => Math.abs(u - x) < w + r && Math.abs(v - y) < 17)) continue;
    taken.push([x, y, w]);
    pen.strokeStyle = colours.halo;
    pen.lineWidth = 3.5;
    pen.strokeText(text, x, y);
    pen.fillStyle = colours.label;
    pen.fillText(text, x, y);
  }
}
function drawScale() {
  const middle = canvas.clientWidth / 2, y = view.y;
  const a = projection.from(px(middle - 40), y), b = projection.from(px(middle + 40), y);
  stage.querySelector(".scale").hidden = !a || !b;
  if (!a || !b) return;
  const perPixel = distance(a, b) / 80, power = 10 ** Math.floor(Math.log10(perPixel * 130));
  const round = [5, 2, 1].find(times => times * power <= perPixel * 130) * power;
  one("bar").style.width = round / perPixel + "px";
  one("distance").textContent = round >= 1 ? number(round) + " km" : number(1000 * round) + " m";
}
