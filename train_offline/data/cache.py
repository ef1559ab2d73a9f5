"""Decoded scenes in one memory-mapped file per list: decoded once, shared by all processes without a copy.

The file holds the pixels of every scene (image uint8 [H, W, 3], then label uint8 [H, W]), then an index in
JSON with the facts of each, then its length and a mark. Its name holds a hash of the paths, sizes and times
of all files that it was made from, so a changed file makes another name, and what cannot be read whole is
made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from infer.errors import FileError
from train_offline.data.facts.facts import Facts
from train_offline.data.facts.inspect import inspect
from train_offline.data.folder import LabelledScene, Pair
from train_offline.runtime.files import real_path, whole_file

_TAIL = struct.Struct("<Q8s")  # bytes of the index, mark
_MARK = b"seaice/3"  # raise it when the same files give other pixels, labels or facts
_THREADS = 4


def default_folder() -> Path:
    """Return $XDG_CACHE_HOME/sea-ice, by default ~/.cache/sea-ice."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "sea-ice"


@dataclass(frozen=True)
class CachedScenes:
    """Scenes and their facts, in one order. sha256: hexadecimal, of their names, sizes and pixels in it."""

    scenes: list[LabelledScene]
    facts: list[Facts]
    sha256: str


def cached_scenes(pairs: list[Pair], name: str, folder: Path) -> CachedScenes:
    """Return the decoded scenes, mapped read-only from a file in `folder` that is made if it is not there.

    Args:
        pairs: the scenes, in the order in which they come back.
        name: of the list that they come from; a file of the same list that is out of date is removed.
        folder: is made where it does not exist; need not be writable once the file is there.

    Raises:
        FileError: a scene cannot be used, or the folder cannot be written (a full disk, too).
    """
    path = folder / f"{name}-{_place_hash(pairs, name)}-{_state_hash(pairs)}.scenes"
    with suppress(OSError, ValueError):
        return _open(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder):
            with suppress(OSError, ValueError):  # made by another process while this one waited
                return _open(path)
            return _make(pairs, path)
    except OSError as error:
        reason = f"decoded scenes cannot be kept there ({error.strerror or error})"
        remedy = "; choose another place with {cache} DIR"
        raise FileError(folder, reason, remedy, kind="unwritable") from error


def _place_hash(pairs: list[Pair], name: str) -> str:
    """Hash the place of the data: the same before and after a change of its files."""
    return hashlib.sha256(f"{real_path(pairs[0].image.parent)}/{name}".encode()).hexdigest()[:8]


def _state_hash(pairs: list[Pair]) -> str:
    """Hash the state of every file: path, bytes, time of the last change."""
    digest = hashlib.sha256(_MARK)
    for pair in pairs:
        for path in (pair.image, pair.label, pair.ignore):
            digest.update(repr(path and _state(path)).encode())
    return digest.hexdigest()[:16]


def _state(path: Path) -> tuple[str, int, int]:
    try:
        facts = path.stat()
    except OSError:  # whoever reads it says why
        return str(path), -1, 0
    return str(real_path(path)), facts.st_size, facts.st_mtime_ns


def _make(pairs: list[Pair], path: Path) -> CachedScenes:
    """Write under a temporary name, map it, and only then give it its name."""
    with whole_file(path) as draft:
        with draft.open("wb") as file:
            _write(pairs, file)
        decoded = _open(draft)
    for other in path.parent.glob(f"{path.name.rpartition('-')[0]}-*.scenes"):
        if other != path:
            other.unlink(missing_ok=True)
    return decoded


def _write(pairs: list[Pair], file: BinaryIO) -> None:
    digest, index = hashlib.sha256(), []
    for scene, facts in _decoded(pairs):
        entry = [scene.name, *scene.label.shape]
        digest.update(json.dumps(entry).encode())
        for pixels in (scene.image, scene.label):
            data = np.ascontiguousarray(pixels).data.cast("B")
            digest.update(data)
            file.write(data)
        index.append(facts.to_json())
    content = json.dumps({"scenes": index, "sha256": digest.hexdigest()}).encode()
    file.write(content + _TAIL.pack(len(content), _MARK))


def _decoded(pairs: list[Pair]) -> Iterator[tuple[LabelledScene, Facts]]:
    """Yield the scenes in their order, a few decoded ahead: never all of them in memory."""
    rest = iter(pairs)
    with ThreadPoolExecutor(_THREADS) as pool:
        while group := list(islice(rest, 4 * _THREADS)):
            yield from pool.map(_read, group)


def _read(pair: Pair) -> tuple[LabelledScene, Facts]:
    return inspect(pair).scene()


def _open(path: Path) -> CachedScenes:
    """Map a file; raises OSError where it cannot be, ValueError where it is not whole."""
    pixels = np.memmap(path, np.uint8, "r")
    length, mark = _TAIL.unpack(pixels[-_TAIL.size :].tobytes()) if len(pixels) > _TAIL.size else (0, b"")
    if mark != _MARK:
        raise ValueError(f"{path}: not a file of decoded scenes")
    data_end = len(pixels) - _TAIL.size - length
    index = json.loads(pixels[data_end : -_TAIL.size].tobytes())
    try:
        facts = [Facts.from_json(one) for one in index["scenes"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: another index: {error}") from error
    scenes, begin = [], 0
    for one in facts:
        height, width = one.size
        middle, end = begin + 3 * height * width, begin + 4 * height * width
        image = np.asarray(pixels[begin:middle]).reshape(height, width, 3)
        scenes.append(LabelledScene(one.name, image, np.asarray(pixels[middle:end]).reshape(height, width)))
        begin = end
    if begin != data_end:
        raise ValueError(f"{path}: has lost a part")
    return CachedScenes(scenes, facts, index["sha256"])


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time decode; where the file system has no locks each does, and none is harmed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left_behind in folder.glob("*.part"):  # by a process that was killed
                left_behind.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)
