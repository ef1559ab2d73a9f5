"""One unit of an archive: its scenes are fetched, mapped and put, and its receipt says that this is done."""

from __future__ import annotations

import hashlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from infer.archive.record.attempts import Attempt, worker
from infer.archive.record.manifest import Unit, Wanted
from infer.archive.record.receipts import commit, receipt_of
from infer.archive.stac.items import ItemFacts
from infer.archive.store import Place
from infer.archive.units.extras import Extra, put_items, put_vectors
from infer.archive.wire.facts import FAILED, LocalScene, Mapped
from infer.errors import ChangedError, FileError, MissingError

MAX_ATTEMPTS = 3  # at a unit, on all machines together
MAX_BEGUN = 8  # of them without a word at the end: machines may be taken away, and some units kill theirs
AT_ONCE = 8  # objects that are fetched or put at the same time
Entry = dict[str, Any]


class UnitFailedError(Exception):
    """Something that is no scene's fault has cost a mask: the unit is to be tried again, or elsewhere."""


@dataclass(frozen=True)
class Yard:
    """Where units come from and go to. suffix: of masks, with its dot. pictures: for the map, or none.

    vector: whether each unit has a file of polygons. stac: what its STAC items share, None for none of them.
    """

    source: Place
    run: Place
    suffix: str
    pictures: bool = True
    vector: bool = False
    stac: ItemFacts | None = None


@dataclass
class FetchedUnit:
    """A unit whose scenes lie in a local folder. ended: by key, the entries of those that are lost."""

    unit: Unit
    attempt: Attempt
    began: float
    folder: Path
    started: float = field(default_factory=time.monotonic)
    scenes: list[LocalScene] = field(default_factory=list)
    ended: dict[str, Entry] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether nobody tries it once more."""
        return self.attempt.number >= MAX_ATTEMPTS


def fetch_unit(yard: Yard, unit: Unit, attempt: Attempt, root: Path) -> FetchedUnit:
    """Fetch the scenes of a unit into a folder of its own below `root`.

    Raises StoreDownError and UsageError of the stores, UnitFailedError for a disk that has no room.
    """
    here = FetchedUnit(unit, attempt, time.time(), Path(tempfile.mkdtemp(dir=root)))
    if attempt.number > MAX_BEGUN:  # those before it have died without a word
        why = f"its unit was begun {MAX_BEGUN} times and never ended: it or a neighbour kills the process"
        here.ended = {scene.key: _lost(scene, why) for scene in unit.scenes}
    else:
        _fetch(yard, here)
    return here


def _fetch(yard: Yard, here: FetchedUnit) -> None:
    def fetch(numbered: tuple[int, Wanted]) -> LocalScene | Entry:
        number, scene = numbered
        if scene.refused:
            return _lost(scene, scene.refused)
        path = here.folder / f"{number:05d}{PurePosixPath(scene.key).suffix}"
        try:
            yard.source.fetch(scene.key, path, scene.etag)
        except ChangedError:
            return _lost(scene, "it has changed since the run was planned")
        except MissingError:
            return _lost(scene, "it has gone since the run was planned")
        except FileError as error:  # a folder, a link to itself ...
            return _lost(scene, f"it cannot be read: {error.reason}")
        except OSError as error:
            raise UnitFailedError(f"cannot fetch {scene.key}: {error.strerror or error}") from error
        picture = path.with_name(f"{path.stem}.jpg") if yard.pictures else None
        polygons = path.with_name(f"{path.stem}.polygons") if yard.vector else None
        mask = path.with_name(f"{path.stem}.mask{yard.suffix}")
        return LocalScene(scene.key, path, mask, picture, polygons, yard.stac is not None)

    with ThreadPoolExecutor(AT_ONCE, "fetch") as pool:
        for found in pool.map(fetch, enumerate(here.unit.scenes)):
            if isinstance(found, LocalScene):
                here.scenes.append(found)
            else:
                here.ended[found["key"]] = found


def finish(yard: Yard, here: FetchedUnit, mapped: list[Mapped]) -> Entry | None:
    """Put the masks of a unit and commit its receipt; return that, or None where another's stands there.

    Raises UnitFailedError where a mask is missing that another attempt may bring, StoreDownError, UsageError.
    """
    failed = [one for one in mapped if one.status == FAILED]
    if failed and not here.is_last:
        raise UnitFailedError(f"{failed[0].key}: {failed[0].error}")
    wanted = {scene.key: scene for scene in here.unit.scenes}
    entries = dict(here.ended)

    def put(local: LocalScene, one: Mapped) -> Entry:
        entry = _entry(wanted[local.key], one, yard.suffix)
        if entry["mask"]:
            yard.run.put(entry["mask"], local.mask)
        if local.picture and one.has_picture:
            entry["picture"] = picture_key(local.key)
            yard.run.put(entry["picture"], local.picture)
        return entry

    with ThreadPoolExecutor(AT_ONCE, "put") as pool:
        for entry in pool.map(put, here.scenes, mapped):
            entries[entry["key"]] = entry
    vectors, stac = _put_extras(yard, here, mapped, entries)
    facts = {
        "unit": here.unit.number,
        "nonce": here.attempt.nonce,
        "attempt": here.attempt.number,
        "worker": worker(),
        "began": here.began,
        "seconds": round(time.monotonic() - here.started, 3),
        "vectors": vectors,
        "stac": stac,
    }
    receipt = receipt_of(facts, [entries[scene.key] for scene in here.unit.scenes])
    return receipt if commit(yard.run, receipt) else None


def _put_extras(
    yard: Yard, here: FetchedUnit, mapped: list[Mapped], entries: dict[str, Entry]
) -> tuple[Extra | None, Extra | None]:
    """Put what a run wants beside masks, and return what it is."""
    try:
        vectors = put_vectors(yard, here, mapped) if yard.vector else None
        return vectors, put_items(yard, yard.stac, here, mapped, entries) if yard.stac else None
    except OSError as error:
        raise UnitFailedError(f"its polygons cannot be written: {error.strerror or error}") from error


def mask_key(key: str, suffix: str) -> str:
    """Return the key of a scene's mask: below one of 256 folders, since stores slow down under one prefix."""
    return f"masks/{_spread(key)}/{PurePosixPath(key).with_suffix(suffix)}"


def picture_key(key: str) -> str:
    """Return the key of a scene's small picture."""
    return f"pictures/{_spread(key)}/{PurePosixPath(key).with_suffix('.jpg')}"


def _spread(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:2]


def _entry(scene: Wanted, one: Mapped, suffix: str) -> Entry:
    return {
        "key": scene.key,
        "etag": scene.etag,
        "status": one.status,
        "error": one.error,
        "height": one.height,
        "width": one.width,
        "ice_fraction": one.ice_fraction,
        "notes": list(one.notes),
        "mask": None if one.status == FAILED else mask_key(scene.key, suffix),
        "bytes": one.bytes,
        "sha256": one.sha256,
        "picture": None,
        "bounds": one.bounds and list(one.bounds),
        "ice_m2": one.ice_m2,
        "made_by": one.made_by,
    }


def _lost(scene: Wanted, why: str) -> Entry:
    return _entry(scene, Mapped(scene.key, FAILED, why), "")
