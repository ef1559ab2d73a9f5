"""Divide a data folder into train.csv and val.csv, by scene: tiles of one scene stay on one side.

python -m train_offline.split DIR [--val-share 0.1] [--seed 0]
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.settings import UsageError
from train_offline.command import Parser, run
from train_offline.folder import HEADER, Pair, pairs_in

_TILE = re.compile(r"(?P<scene>.+)_\d+")


@dataclass(frozen=True)
class SplitSettings:
    """val_share: share of the scenes, not of their tiles, that go to val.csv."""

    folder: Path
    val_share: float = 0.1
    seed: int = 0


def scene_of(name: str) -> str:
    """The scene that a file belongs to by its name: `12_3` is tile 3 of scene `12`; `12` is scene `12`."""
    match = _TILE.fullmatch(name)
    return match["scene"] if match else name


def split(pairs: list[Pair], val_share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """(train, val), each in the order of `pairs`; the same seed gives the same split on every machine.

    At least one scene goes to each side. Raises UsageError when all pairs are tiles of one scene.
    """
    scenes = sorted({scene_of(pair.name) for pair in pairs})
    if len(scenes) < 2:
        raise UsageError(f"{pairs[0].image.parent}: cannot be split, it holds one scene only ({scenes[0]})")
    order = np.random.default_rng(seed).permutation(len(scenes))
    count = min(max(1, round(val_share * len(scenes))), len(scenes) - 1)
    held_out = {scenes[i] for i in order[:count]}
    train = [pair for pair in pairs if scene_of(pair.name) not in held_out]
    return train, [pair for pair in pairs if scene_of(pair.name) in held_out]


def write_list(folder: Path, list_name: str, pairs: list[Pair]) -> None:
    """Write DIR/`list_name` whole or not at all; UsageError when the folder cannot be written."""
    path, partial = folder / list_name, folder / f".{list_name}.part"
    rows = [[p.relative_to(folder).as_posix() for p in (pair.image, pair.label)] for pair in pairs]
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
        os.replace(partial, path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, not {text!r}")
    return share


def _parse(argv: list[str] | None) -> SplitSettings:
    parser = Parser(
        prog="split", description="Write train.csv and val.csv of a data folder, divided by scene."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="data folder with image/ and gt/")
    parser.add_argument("--val-share", type=_share, default=SplitSettings.val_share, metavar="F",
                        help="share of the scenes in val.csv (%(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=SplitSettings.seed, metavar="N", help="(%(default)s)")
    settings = SplitSettings(**vars(parser.parse_args(argv)))
    if settings.seed < 0:
        raise UsageError(f"--seed must not be negative, not {settings.seed}")
    return settings


def main(argv: list[str] | None = None) -> int:
    def work() -> None:
        settings = _parse(argv)
        train, val = split(pairs_in(settings.folder), settings.val_share, settings.seed)
        write_list(settings.folder, "train.csv", train)
        write_list(settings.folder, "val.csv", val)
        print(f"{settings.folder}: {len(train)} in train.csv, {len(val)} in val.csv")

    return run("split", work)


if __name__ == "__main__":
    sys.exit(main())
