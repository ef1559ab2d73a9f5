// The list: only the rows that are in sight exist.
const list = one("list"), rows = one("rows"), ROW = 30;
let listed = [], at = 0, reason = -1;

function filter() {
  const find = one("find").value.toLowerCase(), which = one("which").value;
  listed = [];
  for (let i = 0; i < scenes.count; i++) {
    if (!shownStates.has(scenes.state[i]) || which !== "all" && placed(i) !== (which === "placed")) continue;
    if (reason >= 0 && (scenes.reason[i] !== reason || scenes.state[i] === OK)) continue;
    if (find && !scenes.name[i].toLowerCase().includes(find)) continue;
    listed.push(i);
  }
  at = Math.max(0, listed.indexOf(chosen));
  one("count").textContent = listed.length === scenes.count ? number(scenes.count) : `${number(listed.length)} of ${number(scenes.count)}`;
  one("because").hidden = reason < 0;
  one("reason").textContent = reason < 0 ? "" : "reason: " + shown(scenes.texts[reason]);
  rows.style.height = listed.length * ROW + "px";
  list.scrollTop = 0;
  list.hidden = !listed.length;
  fill();
}
function signOf(i) {
  const made = document.createElement("i");
  made.className = "sign " + STATES[scenes.state[i]];
  made.title = STATES[scenes.state[i]];
  if (scenes.state[i] === OK) made.style.background = colourOf(i);
  return made;
}
function cell(kind, text) {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = text;
  return made;
}
const sizeOf = i => scenes.height[i] ? `${number(scenes.width[i])} × ${number(scenes.height[i])}` : "";
const where = i => placed(i) ? `${number(Math.abs(south(i) + high(i) / 2), 1)}°${south(i) + high(i) / 2 < 0 ? "S" : "N"} `
  + longitude(Math.round(10 * (west(i) + wide(i) / 2)) / 10) : "no coordinates";
function rowOf(k) {
  const i = listed[k], made = document.createElement("div"), name = cell("what", shown(scenes.name[i]));
  made.className = k === at ? "row at" : "row";
  made.id = "row" + k;
  made.role = "option";
  made.ariaSelected = String(i === chosen);
  made.ariaSetSize = listed.length;
  made.ariaPosInSet = k + 1;
  made.style.top = k * ROW + "px";
  name.title = name.textContent;
  const share = cell("n", scenes.state[i] === OK ? percent(i) : STATES[scenes.state[i]]);
  made.append(signOf(i), name, share, cell("n size", sizeOf(i)), cell("where", where(i)));
  made.addEventListener("click", () => { at = k; choose(i); });
  return made;
}
function fill() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5), last = Math.min(listed.length, first + Math.ceil(list.clientHeight / ROW) + 10);
  const made = [];
  for (let k = first; k < last; k++) made.push(rowOf(k));
  if (listed.length && (at < first || at >= last)) made.push(rowOf(at));  // what is active must exist
  rows.replaceChildren(...made);
  if (listed.length) list.setAttribute("aria-activedescendant", "row" + at); else list.removeAttribute("aria-activedescendant");
}
function show(k) {
  at = Math.min(listed.length - 1, Math.max(0, k));
  list.scrollTop = Math.min(at * ROW, Math.max(list.scrollTop, (at + 1) * ROW - list.clientHeight));
  fill();
}
list.addEventListener("scroll", fill);
list.addEventListener("keydown", event => {
  const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const to = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: listed.length - 1}[event.key];
  if (to === undefined && event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  if (to !== undefined) show(to); else if (listed.length) choose(listed[at]);
});
one("find").addEventListener("input", filter);
one("which").addEventListener("change", filter);
one("any").addEventListener("click", () => { reason = -1; filter(); });
for (const box of document.querySelectorAll("[name=state]")) box.addEventListener("change", () => {
  if (box.checked) shownStates.add(Number(box.value)); else shownStates.delete(Number(box.value));
  filter();
  redraw();
});
