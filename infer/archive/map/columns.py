"""Entries of receipts as columns of JSON that no name of a file can break out of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

STATES = ("ok", "degraded", "failed")
DEGREE = 100_000  # parts that a degree is told in: a metre
SHARE = 10_000  # parts of a share
NAME = "\0"  # stands, in the text of a picture's address, for the scene's key without its suffix
MAX_TEXT = 2000  # characters of a reason or a note


class MapColumns:
    """Some thousand entries, taken one by one, told as one JSON object.

    name: keys. state: place in STATES. share: of ice, in parts of SHARE; area: of ice, in 1000 m2; both -1
    where unknown. height, width: pixels. place: flat, west and south, then how far it reaches east and north,
    in parts of DEGREE; the last two are -1 where it has no place. reason, picture: which of `texts`,
    -1 for none. notes: by the scene's number, only of those that have any.
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {
            name: []
            for name in ("name", "state", "share", "area", "height", "width", "place", "reason", "picture")
        }
        self._notes: dict[int, list[int]] = {}
        self._texts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._columns["name"])

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take one entry of a receipt; what is not known of it may be missing or None."""
        key, columns = str(entry["key"]), self._columns
        if notes := entry.get("notes"):
            self._notes[len(self)] = [self._text(note) for note in notes]
        columns["name"].append(key)
        columns["state"].append(state_of(entry))
        columns["share"].append(_parts(entry.get("ice_fraction"), SHARE))
        columns["area"].append(_parts(entry.get("ice_m2"), 1e-3))
        columns["height"].append(int(entry.get("height") or 0))
        columns["width"].append(int(entry.get("width") or 0))
        columns["place"].extend(place_of(entry.get("bounds")) or (0, 0, -1, -1))
        columns["reason"].append(self._text(entry.get("error")))
        columns["picture"].append(self._picture(entry.get("picture"), key))

    def text(self) -> str:
        """Return the JSON: ASCII, and without any character that means something in HTML."""
        return json_for_html({**self._columns, "notes": self._notes, "texts": list(self._texts)})

    def _picture(self, picture: str | None, key: str) -> int:
        """Keep what differs between the addresses of two pictures: as a rule a folder out of 256."""
        if not picture or NAME in picture:
            return -1
        stem = key.rsplit(".", 1)[0]
        return self._text(picture.replace(stem, NAME, 1) if stem else picture)

    def _text(self, text: str | None) -> int:
        return self._texts.setdefault(str(text)[:MAX_TEXT], len(self._texts)) if text else -1


def json_for_html(value: object) -> str:
    """Return JSON that can stand in a script element: `</script` and `<!--` cannot occur in it."""
    made = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return made.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def state_of(entry: Mapping[str, Any]) -> int:
    """Return the place of its status in STATES; of another only whether a mask stands."""
    status = entry.get("status")
    return STATES.index(status) if status in STATES else 0 if entry.get("mask") else 2


def place_of(bounds: Sequence[float] | None) -> tuple[int, int, int, int] | None:
    """Return west and south, and the reach to the east and the north, in parts of DEGREE.

    bounds: [west, south, east, north] in degrees; west > east where the scene lies across 180 degrees. None
    where they are no place on the Earth.
    """
    if bounds is None or len(bounds) != 4:
        return None
    west, south, east, north = map(float, bounds)
    if not all(map(math.isfinite, (west, south, east, north))):
        return None
    wide = east - west if east >= west else east - west + 360
    if not (-90 <= south <= north <= 90 and abs(west) <= 360 and 0 <= wide <= 360):
        return None
    return round(west * DEGREE), round(south * DEGREE), round(wide * DEGREE), round((north - south) * DEGREE)


def _parts(value: float | None, of: float) -> int:
    return round(value * of) if value is not None and math.isfinite(value) else -1
