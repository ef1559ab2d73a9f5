"""The settings of a split, and the arguments that fill them."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from infer.errors import UsageError
from train_offline.data.split.groups import SCENE_NAME
from train_offline.runtime.arguments import COUNT
from train_offline.runtime.program import Parser


@dataclass(frozen=True)
class SplitSettings:
    """val_share: share of the scenes, not of their tiles, that go to val.csv; with `folds` it is 1 / folds.

    tile, output: cut scenes larger than `tile` pixels and write all to this new data folder. scene_name: what
    of a file's name is the scene (group 1). by_name: leave out the search for scenes that look alike.
    """

    folder: Path
    val_share: float = 0.1
    folds: int | None = None
    seed: int = 0
    tile: int | None = None
    output: Path | None = None
    scene_name: str = SCENE_NAME
    by_name: bool = False


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, not {text!r}")
    return share


def _pattern(text: str) -> str:
    try:
        if re.compile(text).groups >= 1:
            return text
    except re.error as error:
        raise argparse.ArgumentTypeError(f"is no regular expression: {error}") from error
    raise argparse.ArgumentTypeError(
        f"needs a group in brackets around the scene, as in '(.+)_.*', not {text!r}"
    )


def parse(argv: list[str] | None) -> SplitSettings:
    """Settings from the command line; raises UsageError for a wrong call."""
    parser = Parser(
        prog="split",
        description="Write train.csv and val.csv of a data folder, divided by scene; scenes that look alike "
        "stay on one side, and both sides have the same mixture of scenes with and without ice.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="data folder with image/ and gt/")
    share = parser.add_mutually_exclusive_group()
    share.add_argument("--val-share", type=_share, default=SplitSettings.val_share, metavar="F",
        help="share of the scenes in val.csv (%(default)s)")  # fmt: skip
    share.add_argument("--folds", type=COUNT, metavar="K",
        help="write K pairs of lists, train-0.csv and val-0.csv to K-1; train.csv and val.csv are those of "
        "fold 0")  # fmt: skip
    add("--seed", type=int, default=SplitSettings.seed, metavar="N", help="(%(default)s)")
    add("--tile", type=COUNT, metavar="N",
        help="cut larger scenes into tiles of N pixels named <scene>_<n>; needs --output")  # fmt: skip
    add("--output", type=Path, metavar="DIR", help="new data folder for the tiles and their lists")
    add("--scene-name", type=_pattern, default=SCENE_NAME, metavar="REGEX",
        help="group 1 is what of a file's name is the scene (%(default)s)")  # fmt: skip
    add("--by-name", action="store_true", help="do not look for scenes that look alike")
    settings = SplitSettings(**vars(parser.parse_args(argv)))
    if settings.seed < 0:
        raise UsageError(f"--seed must not be negative, not {settings.seed}")
    if settings.folds == 1:
        raise UsageError("--folds must be at least 2, not 1")
    if (settings.tile is None) != (settings.output is None):
        raise UsageError("--tile N and --output DIR go together: tiles are written to a new data folder")
    return settings
