"""Divide a data folder into train.csv and val.csv, by scene: tiles of one scene stay on one side.

python -m train_offline.commands.split DIR [--val-share 0.1 | --folds K] [--seed 0] [--tile 512 --output DIR]

Scenes that look alike stay on one side too, and both sides have about the same mixture of scenes with much,
little and no ice. With --folds K the lists train-0.csv, val-0.csv ... train-<K-1>.csv, val-<K-1>.csv are
written (every scene is in one val list), and train.csv and val.csv are those of fold 0.
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from train_offline.runtime.signals import leave_at_once

    leave_at_once("split")

import argparse
import re
import sys
from pathlib import Path

from infer.errors import UsageError
from train_offline.data.facts.scene_name import SCENE_NAME
from train_offline.data.split.settings import SplitSettings
from train_offline.data.split.split import split
from train_offline.runtime.arguments import COUNT, PART, whole_number
from train_offline.runtime.program import Parser, run


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, or 2 with one line on stderr."""
    parser = _parser()
    return run("split", lambda: print(split(_settings(parser, argv))), parser)


def _parser() -> Parser:
    parser = Parser(
        prog="split",
        description="Write train.csv and val.csv of a data folder, divided by scene; scenes that look alike "
        "stay on one side, and both sides have the same mixture of scenes with and without ice.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="data folder with image/ and gt/")
    share = parser.add_mutually_exclusive_group()
    of_val = "share of the scenes in val.csv (%(default)s)"
    share.add_argument("--val-share", type=PART, default=SplitSettings.val_share, metavar="F", help=of_val)
    of_folds = "write K pairs of lists, train-0.csv and val-0.csv to K-1; "
    of_folds += "train.csv and val.csv are those of fold 0"
    share.add_argument("--folds", type=whole_number(2), metavar="K", help=of_folds)
    add("--seed", type=whole_number(0), default=SplitSettings.seed, metavar="N", help="(%(default)s)")
    of_tile = "cut larger scenes into tiles of N pixels named <scene>_<n>; needs --output"
    add("--tile", type=COUNT, metavar="N", help=of_tile)
    add("--output", type=Path, metavar="DIR", help="new data folder for the tiles and their lists")
    of_name = "group 1 is what of a file's name is the scene (%(default)s)"
    add("--scene-name", type=_pattern, default=SCENE_NAME, metavar="REGEX", help=of_name)
    add("--by-name", action="store_true", help="do not look for scenes that look alike")
    return parser


def _settings(parser: Parser, argv: list[str] | None) -> SplitSettings:
    """Return the settings; raises UsageError for a wrong call."""
    settings = SplitSettings(**vars(parser.parse_args(argv)))
    if (settings.tile is None) != (settings.output is None):
        raise UsageError("--tile N and --output DIR go together: tiles are written to a new data folder")
    return settings


def _pattern(text: str) -> str:
    """Return a regular expression with a group, for argparse."""
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise argparse.ArgumentTypeError(f"is no regular expression: {error}") from error
    if not groups:
        example = "'(.+)_.*'"
        raise argparse.ArgumentTypeError(
            f"needs a group in brackets around the scene, as in {example}, not {text!r}"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
