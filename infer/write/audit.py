"""What became of each scene, checked against the files that lie in the output folder at the end."""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from infer.plan.scenes import Scene
from infer.process.journal import MaskMade
from infer.write.report import SceneResult


class Pending(NamedTuple):
    """A mask on its way to the disk. error says why it is black, None when it was predicted.

    ice_fraction is None where nothing was to be written: the mask belongs to another scene.
    notes: what a user should know of how it was read.
    """

    scene: Scene
    error: str | None
    ice_fraction: Future[float] | None
    notes: tuple[str, ...] = ()


def made_before(scene: Scene, made: MaskMade) -> Pending:
    """Return a mask that an earlier child process made, as one that is written."""
    written: Future[float] = Future()
    written.set_result(made.ice_fraction)
    return Pending(scene, made.error, written, made.notes)


def audit(scenes: list[Scene], pending: list[Pending], output: Path) -> list[SceneResult]:
    """Return one result for each scene, by name; those not pending were kept. Waits for every mask."""
    processed = {item.scene: item for item in pending}
    in_order = sorted(scenes, key=lambda scene: scene.name)
    return [
        _result(scene, processed.get(scene), os.path.exists(output / scene.mask_name)) for scene in in_order
    ]


def _result(scene: Scene, item: Pending | None, there: bool) -> SceneResult:
    status, error, ice_fraction = "kept", None, None
    if item:
        status, error = ("degraded", item.error) if item.error else ("ok", None)
    if item and item.ice_fraction:
        try:
            ice_fraction = item.ice_fraction.result()
        except OSError as failure:
            status, error = "failed", f"cannot write {scene.mask_name}: {failure.strerror or failure}"
    if status != "failed" and not there:
        status, error = "failed", f"{scene.mask_name} has gone from the output folder"
    return SceneResult(scene.name, *scene.shape, status, error, ice_fraction, item.notes if item else ())
