// What the page says: the figures, the chosen scene, the reasons.
const NAMED = 3, REASONS = 200;  // scenes named beside a reason; reasons listed

function element(kind, text, name) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}
function tell() {
  const done = facts.counts.reduce((a, b) => a + b), left = Math.max(0, facts.planned - done), [ok, degraded, failed] = facts.counts;
  one("title").textContent = shown(facts.title);
  one("about").textContent = [facts.when && facts.when.slice(0, 19).replace("T", " ") + " UTC", facts.source && "scenes of " + facts.source,
    facts.run && "run " + facts.run, facts.version && "version " + facts.version,
    facts.weights_sha256 && "weights " + facts.weights_sha256.slice(0, 12)].filter(Boolean).map(shown).join(", ");
  const part = count => facts.planned ? number(100 * count / facts.planned, 1) + " % of those planned" : "";
  const figures = [
    [number(done) + " of " + number(facts.planned), "scenes done", part(done)],
    [number(ok), "ok", part(ok)],
    [number(degraded), "degraded", "a mask without ice stands in their place"],
    [number(failed), "failed", "they have no mask"],
    [facts.pixels ? number(100 * facts.ice_pixels / facts.pixels, 1) + " %" : "–", "ice", "of the pixels of the scenes that are ok"],
    [facts.with_area ? square(facts.ice_m2 / 1e6) : "–", "ice", facts.with_area < ok ? `of ${number(facts.with_area)} scenes whose area is known` : "where scenes overlap it counts in each"],
  ];
  one("figures").replaceChildren(...figures.map(([value, name, words]) => {
    const made = document.createElement("div");
    made.append(element("b", value), element("span", name), element("small", words));
    return made;
  }));
  [ok, degraded, failed, left].forEach((count, state) => { document.querySelector(`[data-count="${state}"]`).textContent = number(count); });
  const hidden = done - facts.shown.reduce((a, b) => a + b), unplaced = done - facts.placed, words = [];
  if (unplaced) words.push(`${number(unplaced)} scenes have no coordinates: they are in the list only.`);
  if (hidden) words.push(`${number(hidden)} further scenes are counted here, but neither drawn nor listed.`);
  one("held").hidden = !words.length;
  one("held").textContent = words.join(" ");
}

function choose(i, words = "") {
  chosen = i;
  const error = scenes.reason[i] < 0 ? "" : ": " + shown(scenes.texts[scenes.reason[i]]);
  one("name").textContent = shown(scenes.name[i]);
  one("state").replaceChildren(signOf(i), element("span", STATES[scenes.state[i]] + error, "long"));
  const lines = [
    ["ice", scenes.state[i] === OK ? percent(i) : ""], ["ice area", scenes.state[i] === OK && scenes.area[i] >= 0 ? square(scenes.area[i] / 1000) : ""],
    ["size", sizeOf(i) && sizeOf(i) + " pixels"],
    ["where", placed(i) ? `${west(i).toFixed(3)} to ${turn(west(i) + wide(i)).toFixed(3)}° E, ${south(i).toFixed(3)} to ${(south(i) + high(i)).toFixed(3)}° N` : "no coordinates"],
    ...(scenes.notes.get(i) ?? []).map(note => ["note", shown(scenes.texts[note])]), ["here", words],
  ];
  one("details").replaceChildren(...lines.filter(([, text]) => text).flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  one("show").hidden = !placed(i);
  one("told").hidden = false;
  showPicture(i);
  const row = listed.indexOf(i);
  if (row >= 0) show(row); else fill();
  redraw();
}
function showPicture(i) {
  const address = addressOf(i), box = one("picture");
  if (!address) { box.replaceChildren(element("p", "No picture was made of this scene.", "faint")); return; }
  const image = new Image();
  image.alt = "Overview of " + shown(scenes.name[i]);
  image.addEventListener("error", () => {
    if (chosen === i) box.replaceChildren(element("p", "Its picture is not beside this page: " + shown(address.slice(2)), "faint long"));
  });
  image.src = address;
  box.replaceChildren(image);
}
one("show").addEventListener("click", () => { goTo(chosen); canvas.scrollIntoView({block: "nearest"}); });

function tellReasons() {
  const found = new Map();
  for (let i = 0; i < scenes.count; i++) {
    if (scenes.state[i] === OK) continue;
    const key = scenes.state[i] + " " + scenes.reason[i];
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(i);
  }
  const sorted = [...found.values()].sort((a, b) => b.length - a.length);
  one("reasons").hidden = !sorted.length;
  one("further").hidden = sorted.length <= REASONS;
  one("further").textContent = `And ${number(sorted.length - REASONS)} more reasons.`;
  one("why").replaceChildren(...sorted.slice(0, REASONS).map(reasonRow));
}
function reasonRow(those) {
  const row = document.createElement("tr"), state = document.createElement("td"), which = document.createElement("td"), why = scenes.reason[those[0]];
  state.append(signOf(those[0]), STATES[scenes.state[those[0]]]);
  for (const i of those.slice(0, NAMED)) {
    const button = element("button", shown(scenes.name[i]));
    button.type = "button";
    button.addEventListener("click", () => { choose(i); one("told").scrollIntoView({block: "nearest"}); });
    which.append(button);
  }
  if (those.length > NAMED && why >= 0) {
    const all = element("button", `all ${number(those.length)}`);
    all.type = "button";
    all.addEventListener("click", () => { reason = why; filter(); list.scrollIntoView({block: "nearest"}); list.focus(); });
    which.append(all);
  }
  row.append(state, element("td", number(those.length), "n"), element("td", why < 0 ? "not told" : shown(scenes.texts[why]), "long"), which);
  return row;
}

readColours();
tell();
sort();
use(usualProjection());
filter();
tellReasons();
new ResizeObserver(redraw).observe(stage);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); fill(); });
draw();
document.documentElement.dataset.ready = "yes";
