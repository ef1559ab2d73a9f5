"""What became of each scene, checked against the files that lie in the output folder at the end."""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from infer.plan.scenes import Scene
from infer.process.journal import MaskMade
from infer.write.report import SceneResult


class Written(NamedTuple):
    """A mask that stands under its name; ice_fraction is None where it says nothing of ice.

    notes: what a user should know of how it was written.
    """

    ice_fraction: float | None
    notes: tuple[str, ...] = ()


class Pending(NamedTuple):
    """A mask on its way to the disk. error says why it is black, None when it was predicted.

    written is None where nothing was to be written: the mask belongs to another scene.
    notes: what a user should know of how it was read.
    """

    scene: Scene
    error: str | None
    written: Future[Written] | None
    notes: tuple[str, ...] = ()


def made_before(scene: Scene, made: MaskMade) -> Pending:
    """Return a mask that an earlier child process made, as one that is written."""
    written: Future[Written] = Future()
    written.set_result(Written(made.ice_fraction))
    return Pending(scene, made.error, written, made.notes)


def audit(scenes: list[Scene], pending: list[Pending], output: Path) -> list[SceneResult]:
    """Return one result for each scene, by name; those not pending were kept. Waits for every mask."""
    processed = {item.scene: item for item in pending}
    in_order = sorted(scenes, key=lambda scene: scene.name)
    return [
        _result(scene, processed.get(scene), os.path.exists(output / scene.mask_name)) for scene in in_order
    ]


def _result(scene: Scene, item: Pending | None, there: bool) -> SceneResult:
    status, error, ice_fraction, notes = "kept", None, None, item.notes if item else ()
    if item:
        status, error = ("degraded", item.error) if item.error else ("ok", None)
    if item and item.written:
        try:
            ice_fraction, when_written = item.written.result()
            notes = (*notes, *when_written)
        except OSError as failure:
            status, error = "failed", f"cannot write {scene.mask_name}: {failure.strerror or failure}"
    if status != "failed" and not there:
        status, error = "failed", f"{scene.mask_name} has gone from the output folder"
    return SceneResult(scene.name, *scene.shape, status, error, ice_fraction, notes)
