"""Every damaged file through the job's own decoder on the way to the GPU: refused or exact, never half read.

Exact is what the CPU's reader makes of the same file, which refuses damage; of a file that was only cut, the
pixels of the whole one.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from infer.plan.scenes import Readable, find_scenes, readable
from infer.process.environment import prepare_environment
from infer.read import decoder as decoding
from infer.read.decoder import Decoded, Decoder
from tests.bench.gpu.part import Place, SkippedPart
from tests.bench.gpu.results import FAILED, Figure
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import generated

SEED = 20211
PLAIN = ("challenge", "raw", "tiles", "big-endian", "bigtiff")
KEPT = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)  # shares of a file


class Counting(Decoder):
    """given, taken: how many scenes went to DALI, and how many it read."""

    given = taken = 0

    def _by_dali(self, scenes: list[Readable]) -> list[Decoded | None]:
        found = super()._by_dali(scenes)
        self.given += len(scenes)
        self.taken += sum(one is not None for one in found)
        return found


def measure(place: Place) -> Iterator[Figure]:
    prepare_environment()
    folder = place.scratch("damage")
    yield from _checked(place, corpus(folder, 40 if place.dry else 600, KEPT[::4] if place.dry else KEPT))


def corpus(folder: Path, count: int, kept: tuple[float, ...]) -> Path:
    """A fresh folder of files: `count` damaged ones, and each kind whole and cut, as KIND-SHARE.tif.

    Half of the damaged ones are of the kinds that DALI reads.
    """
    shutil.rmtree(folder)
    folder.mkdir()
    files = generated()
    plain = [files[kind] for kind in PLAIN]
    for number in range(count):
        content = mutated(plain if number % 2 else list(files.values()), Random(f"{SEED}/{number}"))
        (folder / f"damaged {number:04}.tif").write_bytes(content)
    for kind, content in files.items():
        for share in kept:
            (folder / f"{kind}-{share}.tif").write_bytes(content[: round(len(content) * share)])
    return folder


def _checked(place: Place, folder: Path) -> Iterator[Figure]:
    listed = find_scenes(folder)
    scenes = readable(listed)
    on_cpu = Decoder(False, 1, print, print)
    on_gpu = _on_the_way_to_the_gpu(place)
    tally: Counter[str] = Counter()
    wholes: dict[str, np.ndarray] = {}
    for scene in sorted(scenes, key=lambda scene: scene.name.endswith("-1.0.tif"), reverse=True):
        # One by one: the others of a batch would be taken from DALI together with a damaged one.
        (wanted,), (found,) = on_cpu.decode([scene]), on_gpu.decode([scene])
        kind, _, share = scene.name.removesuffix(".tif").rpartition("-")
        truth = pixels(wanted)
        if share == "1.0" and truth is not None:
            wholes[kind] = truth
        verdict = compared(pixels(found), truth, wholes.get(kind))
        tally[verdict] += 1
        if verdict not in ("refused", "exact"):
            yield Figure(FAILED, note=f"{scene.name}: {verdict}")
    yield Figure("files", len(listed), "files", f"{len(listed) - len(scenes)} refused by their headers")
    yield Figure("refused", tally["refused"], "files", "by the decoder")
    yield Figure("exact", tally["exact"], "files")
    yield Figure("given to DALI", on_gpu.given, "files", "the rest to the CPU's readers")
    yield Figure("read by DALI", on_gpu.taken, "files")


def _on_the_way_to_the_gpu(place: Place) -> Counting:
    decoding.DALI_ON_CPU = place.dry
    try:
        decoder = Counting(not place.dry, 1, print, print)
    finally:
        decoding.DALI_ON_CPU = False
    if decoder._dali is None:
        raise SkippedPart("DALI cannot be used here; the log says why")
    return decoder


def pixels(decoded: Decoded) -> np.ndarray | None:
    """uint8 [H, W, 3], None for what was refused."""
    found = decoded.pixels
    if found is None:
        return None
    return found if isinstance(found, np.ndarray) else found.cpu().numpy()


def compared(found: np.ndarray | None, wanted: np.ndarray | None, whole: np.ndarray | None) -> str:
    """Say "refused", "exact", or in other words what must not be.

    whole: pixels of the file before it was cut, None where it was not.
    """
    if found is None:
        return "refused" if wanted is None else "refused, though the CPU's reader reads it"
    if whole is not None and not np.array_equal(found, whole):
        alike = wanted is not None and np.array_equal(found, wanted)
        return "half read" + ", as by the CPU's reader" * alike
    if wanted is None:
        return "read, though the CPU's reader refuses it"
    return "exact" if np.array_equal(found, wanted) else "other pixels than the CPU's reader has"
