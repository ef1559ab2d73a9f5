"""Which scenes an exported file is compared with its checkpoint on; masks are only needed for a score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import UsageError
from train_offline.data.folder import label_of, list_name, listed_pairs
from train_offline.data.pixels import doubts_of, read_image, read_mask
from train_offline.judging.cases import Case, cases_of
from train_offline.training.config.groups import DataSettings

MAX_TRAINED = 20  # scenes of each folder, where there are none but those that were trained on


@dataclass(frozen=True)
class Compared:
    """The scenes of one folder. held_out: whether a score on them says anything."""

    folder: Path
    cases: list[Case]
    held_out: bool = True


def scenes_to_compare(given: tuple[Path, ...], trained: DataSettings) -> list[Compared]:
    """Return the scenes of the given folders; without any, of those that the training was scored on.

    A training that was not scored is compared on some of the scenes that it was trained on. Raises UsageError
    for a folder that cannot be used, or where none of the training's is there any more.
    """
    if given:
        return [Compared(folder, cases_of(folder)) for folder in given]
    for folder in trained.val:
        if not folder.is_dir():
            reason = f"{folder}, which the training was validated on, is not here"
            raise UsageError(reason, "; give {verify} DIR", folder)
    if trained.val:
        return [Compared(f, _listed(f, list_name("val", trained.fold))) for f in trained.val]
    folders = [folder for folder, _ in trained.train if folder.is_dir()]
    if not folders:
        remedy = "; give {verify} DIR, a folder of scenes, with masks or without"
        raise UsageError("nothing to verify the weights on: the training's own scenes are not here", remedy)
    train_list = list_name("train", trained.fold)
    return [Compared(folder, _some(_listed(folder, train_list)), held_out=False) for folder in folders]


def read_case(case: Case) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Read a scene, uint8 [H, W, 3], and its label, uint8 [H, W] as LabelledScene has it, where it has one.

    Last come the doubts about it, what pixels.doubts_of says of the mask. Raises FileError for a file that
    cannot be used.
    """
    scene = read_image(case.image)
    if case.label is None:
        return scene.pixels, None, []
    size = scene.pixels.shape[0], scene.pixels.shape[1]
    ignore = None if case.ignore is None else read_mask(case.ignore, size)
    ice = read_mask(case.label, size)
    return scene.pixels, label_of(ice, ignore, scene.valid), doubts_of(case.label, ice, "ice")


def _listed(folder: Path, name: str) -> list[Case]:
    return [Case(pair.image, pair.label, pair.ignore) for pair in listed_pairs(folder, name)]


def _some(cases: list[Case]) -> list[Case]:
    """Return at most MAX_TRAINED, from all over the list."""
    return cases[:: -(-len(cases) // MAX_TRAINED)]
