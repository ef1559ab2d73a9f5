// The table of scenes: sorting, filtering, choosing one, and the keyboard.
const body = document.querySelector("#table tbody"), rows = [...body.rows];
const find = one("find"), which = one("which");
const order = new Map(rows.map(row => [row, JSON.parse(row.dataset.order)]));
let selected = null;
const visible = () => [...body.rows].filter(row => !row.hidden);

function filter() {
  const text = find.value.trim().toLowerCase();
  for (const row of rows) {
    row.hidden = !row.dataset.scene.toLowerCase().includes(text)
      || (which.value !== "" && !row.dataset.is.split(" ").includes(which.value));
  }
  one("count").textContent = visible().length + " of " + rows.length;
}
function sort(button) {
  const head = button.closest("th"), key = button.dataset.key;
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  rows.sort((a, b) => {
    const x = order.get(a)[key], y = order.get(b)[key];
    if (x === null || y === null) return (x === null) - (y === null);  // what has no value comes last either way
    const by = typeof x === "string" ? x.localeCompare(y, undefined, {numeric: true}) : x - y;
    return down ? -by : by;
  });
  body.append(...rows);
}
function show(row) {
  if (!row || row === selected) return;
  selected?.removeAttribute("aria-current");
  selected = row;
  row.setAttribute("aria-current", "true");
  draw(row);
}
function step(by) {
  const shown = visible(), next = shown[shown.indexOf(selected) + by];
  if (!next) return;
  show(next);
  next.scrollIntoView({block: "nearest"});
  if (document.activeElement?.dataset?.scene) next.focus({preventScroll: true});
}
document.querySelectorAll("th button").forEach(button => button.onclick = () => sort(button));
find.oninput = which.onchange = filter;
one("before").onclick = () => step(-1);
one("after").onclick = () => step(1);
body.onclick = event => show(event.target.closest("tr"));
body.addEventListener("focusin", event => show(event.target.closest("tr")));
document.onkeydown = event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { find.value = ""; filter(); document.activeElement.blur(); }
  if (/^(text|search)$/.test(event.target.type) || event.target.tagName === "SELECT") return;
  const mode = modes["1234".indexOf(event.key)];
  if (event.key >= "1" && event.key <= "4" && mode) { mode.checked = true; paint(); }
  else if (event.key === "+" || event.key === "=") zoomBy(1.5);
  else if (event.key === "-" || event.key === "_") zoomBy(1 / 1.5);
  else if (event.key === "0") whole();
  else if (event.key === "/") { find.focus(); event.preventDefault(); }
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.type !== "radio" && event.target.type !== "range") {
    step(event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
  }
};
filter();
show(visible()[0]);
