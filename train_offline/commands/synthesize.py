"""Draw Bohai-like sea-ice scenes with exact masks from a seed.

What is drawn lives in train_offline/scenery; this is the door to it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train_offline.runtime.arguments import COUNT, SHARE, whole_number
from train_offline.runtime.program import Parser, run
from train_offline.scenery.batch import Beside
from train_offline.scenery.scene import MAX_SIDE, MIN_SIDE, TRAINING_ICE_SHARE
from train_offline.scenery.surfaces.textures import RealScenes
from train_offline.scenery.synthesize import SynthesizeSettings, synthesize

ONE_SIZE = whole_number(MIN_SIDE, MAX_SIDE)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 2 with one line on stderr, or 128 + N after signal N."""
    parser = _parser()
    return run("synthesize", lambda: synthesize(_settings(parser.parse_args(argv))), parser)


def _parser() -> Parser:
    what = "Draw Bohai-like sea-ice scenes with exact masks from a seed."
    parser = Parser(prog="synthesize", description=what)
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="DIR", help="absent or empty folder")
    add("--count", type=COUNT, default=20, metavar="N", help="scenes (default %(default)s)")
    add("--size", type=_sizes, default=(512,), metavar="S[,S..]", help="pixels (default 512)")
    add("--seed", type=whole_number(0), default=0, metavar="K", help="default %(default)s")
    of_ice = "share of scenes with ice, 0 to 1 (default %(default)s; the challenge has about 0.25)"
    add("--ice-share", type=SHARE, default=TRAINING_ICE_SHARE, metavar="F", help=of_ice)
    add("--list", type=_file_name, default="train.csv", metavar="NAME", help="name of the list (train.csv)")
    add("--embedded", action="store_true", help="draw the embedded validation split")
    add("--workers", type=COUNT, metavar="N", help="processes (default: cores)")
    of_ice = "data folder of real scenes whose ice half of the scenes show, in their own colours; repeatable"
    add("--ice-from", type=Path, action="append", default=[], metavar="DIR", help=of_ice)
    of_ground = "data folder of real scenes that half of the scenes show as their ground; repeatable"
    add("--ground-from", type=Path, action="append", default=[], metavar="DIR", help=of_ground)
    of_coasts = "data folder of real scenes without ice that half of the scenes lie on; repeatable"
    add("--coast-from", type=Path, action="append", default=[], metavar="DIR", help=of_coasts)
    add(
        "--bleak",
        action="store_true",
        help="thin ice that only its texture shows, mud, thin cloud, any exposure",
    )
    add("--lookalikes", action="store_true", help="forest, farmland, smoke and clouds in many of the scenes")
    return parser


def _settings(given: argparse.Namespace) -> SynthesizeSettings:
    real = RealScenes(tuple(given.ice_from), tuple(given.ground_from))
    return SynthesizeSettings(
        output=given.output,
        count=given.count,
        sizes=given.size,
        seed=given.seed,
        ice_share=given.ice_share,
        list_name=given.list,
        embedded=given.embedded,
        workers=given.workers,
        beside=Beside(real, tuple(given.coast_from), given.lookalikes, given.bleak),
    )


def _file_name(text: str) -> str:
    if text != Path(text).name or Path(text).suffix != ".csv":
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a file that ends with .csv")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(ONE_SIZE(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
