"use strict";
// The scenes: columns that lie in the page chunk by chunk, put together once.
const one = id => document.getElementById(id);
const OK = 0, DEGRADED = 1, FAILED = 2, STATES = ["ok", "degraded", "failed"];
const DEGREE = 100000, SHARE = 10000;
const facts = JSON.parse(one("facts").textContent);

function takeChunks() {
  const parts = [...document.querySelectorAll("script.chunk")].map(element => {
    const part = JSON.parse(element.textContent);
    element.remove();
    return part;
  });
  const count = parts.reduce((sum, part) => sum + part.name.length, 0);
  const all = {count, name: new Array(count), state: new Uint8Array(count), share: new Int16Array(count),
    area: new Float64Array(count), height: new Uint32Array(count), width: new Uint32Array(count),
    place: new Int32Array(4 * count), reason: new Int32Array(count), picture: new Int32Array(count),
    notes: new Map(), texts: []};
  const known = new Map();
  let at = 0;
  for (const part of parts) {
    const texts = part.texts.map(text => {
      if (!known.has(text)) known.set(text, all.texts.push(text) - 1);
      return known.get(text);
    });
    const text = index => index < 0 ? -1 : texts[index];
    for (let i = 0; i < part.name.length; i++) all.name[at + i] = part.name[i];
    for (const column of ["state", "share", "area", "height", "width"]) all[column].set(part[column], at);
    all.place.set(part.place, 4 * at);
    all.reason.set(part.reason.map(text), at);
    all.picture.set(part.picture.map(text), at);
    for (const [row, notes] of Object.entries(part.notes)) all.notes.set(at + Number(row), notes.map(text));
    at += part.name.length;
  }
  return all;
}
const scenes = takeChunks();
const placed = i => scenes.place[4 * i + 2] >= 0;
const west = i => scenes.place[4 * i] / DEGREE, south = i => scenes.place[4 * i + 1] / DEGREE;
const wide = i => scenes.place[4 * i + 2] / DEGREE, high = i => scenes.place[4 * i + 3] / DEGREE;

// What may stand on the page as text: characters that move or hide others are named instead.
const shown = text => text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
  character => character === "\n" ? "\\n" : "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"));
const number = (value, digits = 0) => value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const percent = i => scenes.share[i] < 0 ? "" : number(100 * scenes.share[i] / SHARE, 1) + " %";
const square = km2 => number(km2, km2 < 100 ? 2 : 0) + " km²";

// Where a picture lies: always beside the page or below, whatever its name.
function addressOf(i) {
  if (scenes.picture[i] < 0) return null;
  const path = scenes.texts[scenes.picture[i]].split("\0").join(scenes.name[i].replace(/\.[^.]*$/s, ""));
  const steps = path.split("/").filter(step => step && step !== ".");
  if (steps.includes("..")) return null;
  try { return "./" + steps.map(encodeURIComponent).join("/"); } catch { return null; }  // half a character
}
const latitude = value => number(Math.abs(value), digitsOf(value)) + "°" + (value > 0 ? "N" : value < 0 ? "S" : "");
function longitude(value) {
  const turned = turn(value);
  return number(Math.abs(turned), digitsOf(turned)) + "°" + (turned === -180 || turned === 0 ? "" : turned > 0 ? "E" : "W");
}
const digitsOf = value => [0, 1, 2, 3].find(digits => Math.abs(value * 10 ** digits - Math.round(value * 10 ** digits)) < 1e-6) ?? 3;
const turn = value => ((value + 180) % 360 + 360) % 360 - 180;  // into -180 (included) to 180
