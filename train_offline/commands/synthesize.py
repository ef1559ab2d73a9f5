"""Draw Bohai-like sea-ice scenes with exact masks from a seed.

What is drawn lives in train_offline/scenery; this is the door to it.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from infer.errors import UsageError
from train_offline.runtime.files import new_folder
from train_offline.runtime.program import Parser, run
from train_offline.scenery.batch import Beside, plan, write_orders
from train_offline.scenery.embedded import embedded_split, write_embedded_split
from train_offline.scenery.scene import LARGEST, SMALLEST, TRAINING_ICE_SHARE, Scene, make_scene
from train_offline.scenery.surfaces.textures import RealScenes, read_textures
from train_offline.scenery.tiff_form import write_scene

__all__ = ["Scene", "embedded_split", "main", "make_scene", "write_embedded_split", "write_scene"]


@dataclass(frozen=True)
class Settings:
    """What one run draws."""

    output: Path
    count: int  # scenes
    sizes: tuple[int, ...]  # pixels, taken in turn
    seed: int
    ice_share: float  # share of scenes that hold ice
    list_name: str  # the CSV that names the scenes
    embedded: bool  # the fixed validation split instead of all the above
    workers: int | None  # processes, None for one per core
    beside: Beside


def _settings(argv: list[str] | None) -> Settings:
    parser = Parser(prog="synthesize", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="absent or empty folder")
    parser.add_argument(
        "--count", type=_whole(1), default=20, metavar="N", help="scenes (default %(default)s)"
    )
    parser.add_argument("--size", type=_sizes, default=(512,), metavar="S[,S..]", help="pixels (default 512)")
    parser.add_argument("--seed", type=_whole(0), default=0, metavar="K", help="default %(default)s")
    parser.add_argument(
        "--ice-share", type=_share, default=TRAINING_ICE_SHARE, metavar="F",
        help="share of scenes with ice, 0 to 1 (default %(default)s; the challenge has about 0.25)",
    )  # fmt: skip
    parser.add_argument(
        "--list", type=_file_name, default="train.csv", metavar="NAME", help="name of the list (train.csv)"
    )
    parser.add_argument("--embedded", action="store_true", help="draw the embedded validation split")
    parser.add_argument(
        "--workers", type=_whole(1), default=None, metavar="N", help="processes (default: cores)"
    )
    parser.add_argument(
        "--ice-from", type=Path, action="append", default=[], metavar="DIR",
        help="data folder of real scenes whose ice half of the scenes show, in their own colours; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--ground-from", type=Path, action="append", default=[], metavar="DIR",
        help="data folder of real scenes that half of the scenes show as their ground; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--lookalikes", action="store_true", help="forest, farmland, smoke and clouds in many of the scenes"
    )
    args = parser.parse_args(argv)
    return Settings(
        args.output,
        args.count,
        args.size,
        args.seed,
        args.ice_share,
        args.list,
        args.embedded,
        args.workers,
        Beside(RealScenes(tuple(args.ice_from), tuple(args.ground_from)), args.lookalikes),
    )


def _file_name(text: str) -> str:
    if text != Path(text).name:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a file")
    return text


def _whole(lowest: int):
    def read(text: str) -> int:
        if not text.isdigit() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest}")
        return int(text)

    return read


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(p.strip().isdigit() and SMALLEST <= int(p) <= LARGEST for p in parts):
        raise argparse.ArgumentTypeError(f"{text!r}: sizes are whole numbers from {SMALLEST} to {LARGEST}")
    return tuple(int(p) for p in parts)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return value


def main(argv: list[str] | None = None) -> int:
    """Runs the program; returns its exit code: 0, 2 with one line on stderr, or 128 + N after signal N."""
    return run("synthesize", lambda: synthesize(_settings(argv)))


def synthesize(settings: Settings) -> None:
    """Draw into a new folder, which is not there before all of it is; raises UsageError."""
    read_textures(settings.beside.real)  # complains before anything is made
    with new_folder(settings.output) as folder:
        try:
            if settings.embedded:
                write_embedded_split(folder, settings.workers)
            else:
                orders = plan(settings.count, settings.sizes, settings.seed, settings.ice_share)
                write_orders(folder, orders, settings.list_name, settings.workers, settings.beside)
        except BrokenProcessPool as error:
            raise UsageError(f"a process that draws has died: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
