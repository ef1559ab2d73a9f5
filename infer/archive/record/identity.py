"""What the masks of a run depend on: it is fixed when the run is planned, and no other may write into it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from infer import __version__
from infer.archive.objects.place import Place
from infer.errors import MissingError, UsageError
from infer.settings import DEFAULT_THRESHOLD

RUN = "run.json"
_FREE = ("nonce", "created")  # of the run itself, and not of its masks


@dataclass(frozen=True)
class ArchiveRun:
    """Everything that a mask depends on, and which run it is.

    weights, code: SHA-256, code as of code_version. device, engine and precision are the engine's
    own, and multiple, pixels that scenes are padded to: a mask must not depend on what shares its unit.
    tile, overlap: pixels. threshold: probability above which a pixel is ice. limits: pixels and bytes of a
    scene. nodata: None for black. vector, stac: whether every unit has a file of polygons, and of STAC
    items. created: Unix seconds.
    """

    weights: str
    code: str
    gdal: str
    device: str
    engine: str
    precision: str
    tile: int
    overlap: int
    multiple: int
    threshold: float
    format: str
    nodata: int | None
    max_pixels: int
    max_bytes: int
    vector: bool
    stac: bool
    source: str
    nonce: str
    created: float


_SINCE = {"threshold": DEFAULT_THRESHOLD}  # what runs that were planned before a setting was there have
_NAMES = {
    "gdal": "version of GDAL",
    "multiple": "padding",
    "max_pixels": "limit of pixels",
    "max_bytes": "limit of bytes",
    "code": "version of the code",
    "vector": "polygons",
    "stac": "STAC items",
}


def code_version() -> str:
    """Return the version of infer and a hash of its sources, by their names and contents."""
    digest, top = hashlib.sha256(), Path(__file__).resolve().parents[2]
    for path in sorted(top.rglob("*.py")):
        digest.update(f"{path.relative_to(top).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:16]}"


def create_run(place: Place, run: ArchiveRun) -> bool:
    """Write run.json; return False where a run stands there already."""
    return place.create(RUN, json.dumps(asdict(run), indent=1).encode(), run.nonce)


def read_run(place: Place) -> ArchiveRun:
    """Return the run that was planned in a place; raises UsageError where there is none that can be read."""
    try:
        found: Any = json.loads(place.read(RUN))
        known = {**_SINCE, **found}
        return ArchiveRun(**{field.name: known[field.name] for field in fields(ArchiveRun)})
    except MissingError as error:
        raise UsageError(f"{place} holds no run", "; plan one first") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{place}/{RUN} is no description of a run", "; plan into an empty folder"
        ) from error


def require_same(place: Place, run: ArchiveRun) -> ArchiveRun:
    """Return the run of a place; raises UsageError with each field that differs, but nonce and time."""
    there = read_run(place)
    differ = [
        f"{_NAMES.get(field.name, field.name)} {getattr(there, field.name)}, now {getattr(run, field.name)}"
        for field in fields(run)
        if field.name not in _FREE and getattr(there, field.name) != getattr(run, field.name)
    ]
    if differ:
        reason = f"{place} holds a run whose masks would differ: {'; '.join(differ)}"
        raise UsageError(reason, ": use what it was planned with, or plan into another folder")
    return there
