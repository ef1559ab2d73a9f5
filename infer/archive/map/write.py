"""The map of an archive: one HTML page that opens from disk and asks nothing of a network."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from infer.archive.map.columns import STATES, MapColumns, json_for_html, place_of, state_of
from infer.process.files import whole_file

PAGE = Path(__file__).with_name("page")
SCRIPTS = ("data.js", "projection.js", "map.js", "move.js", "list.js", "page.js")  # in the order they are run
CHUNK = 4096  # scenes that are in memory at once
MAX_SHOWN = 300_000  # scenes of one state that a page can hold; further ones are counted
# Nothing of the page's own is allowed but its one script and its one style, and pictures that lie beside it.
POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class MapFacts:
    """What the page says of the run. when: UTC, ISO 8601. run, source: the addresses of run and scenes."""

    when: str
    run: str = ""
    source: str = ""
    weights_sha256: str | None = None
    version: str | None = None


@dataclass
class MapTotals:
    """What all entries add up to. counts: by STATES. pixels: of scenes whose share of ice is known."""

    counts: list[int] = field(default_factory=lambda: [0] * len(STATES))
    pixels: int = 0
    ice_pixels: float = 0.0
    ice_m2: float = 0.0
    with_area: int = 0
    placed: int = 0
    shown: list[int] = field(default_factory=lambda: [0] * len(STATES))

    def add(self, entry: Mapping[str, Any]) -> bool:
        """Count an entry; return whether the page has room to show it."""
        state, share, area = state_of(entry), entry.get("ice_fraction"), entry.get("ice_m2")
        self.counts[state] += 1
        self.placed += place_of(entry.get("bounds")) is not None
        if share is not None and state == 0:  # a degraded scene's mask is black: that says nothing about ice
            pixels = int(entry.get("height") or 0) * int(entry.get("width") or 0)
            self.pixels += pixels
            self.ice_pixels += share * pixels
        if area is not None and state == 0:
            self.ice_m2 += area
            self.with_area += 1
        self.shown[state] += self.shown[state] < MAX_SHOWN
        return self.counts[state] <= MAX_SHOWN


def write_map(
    entries: Iterable[Mapping[str, Any]], planned: int, to: Path, title: str, facts: MapFacts
) -> None:
    """Write the page, whole or not at all, reading the entries once and holding some thousand at a time.

    Args:
        entries: of receipts, in any order; `picture` is an address relative to the page.
        planned: scenes of the manifest; those without an entry are told as not yet done.
        to: the page's own path, in a folder that exists.
        title: its heading, in plain text.
        facts: what it says of the run.

    Raises OSError where the page cannot be written.
    """
    before, after = _template(title)
    with whole_file(to) as draft, draft.open("w", encoding="utf-8", newline="\n") as page:
        page.write(before)
        totals = _write_chunks(entries, page)
        told = {"title": title, "planned": planned, **vars(facts), **vars(totals)}
        page.write(f'<script type="application/json" id="facts">{json_for_html(told)}</script>\n')
        page.write(after)


def _write_chunks(entries: Iterable[Mapping[str, Any]], page: IO[str]) -> MapTotals:
    totals, columns = MapTotals(), MapColumns()
    for entry in entries:
        if totals.add(entry):
            columns.add(entry)
        if len(columns) == CHUNK:
            _write_chunk(columns, page)
            columns = MapColumns()
    if len(columns):
        _write_chunk(columns, page)
    return totals


def _write_chunk(columns: MapColumns, page: IO[str]) -> None:
    page.write(f'<script type="application/json" class="chunk">{columns.text()}</script>\n')


def _template(title: str) -> tuple[str, str]:
    """Return what stands before the scenes, and what comes after them."""
    style = PAGE.joinpath("map.css").read_text("utf-8")
    script = "".join(PAGE.joinpath(name).read_text("utf-8") for name in SCRIPTS)
    policy = POLICY.format(script=_digest(script), style=_digest(style))
    before, rest = PAGE.joinpath("map.html").read_text("utf-8").split("{{scenes}}\n")
    rest_before, rest_after = rest.split("{{script}}")
    head, rest_head = before.split("{{title}}")
    # Put together piece by piece: what is filled in is never searched for a mark of the template.
    middle, tail = rest_head.split("{{style}}")
    first, second = head.split("{{policy}}")
    name = html.escape(title.encode("utf-8", "replace").decode())
    return first + policy + second + name + middle + style + tail, rest_before + script + rest_after


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
