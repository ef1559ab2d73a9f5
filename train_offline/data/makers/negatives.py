"""A data folder of scenes without ice, for a network to learn what ice is not.

    python -m train_offline.data.makers.negatives --output DIR [--hold-out PREFIX ...] FOLDER [FOLDER ...]

Every .tif and .tiff directly in a FOLDER becomes a scene of DIR with a black mask. Whoever calls this says
that none of them shows sea ice. With --hold-out there are lists: val.csv has the scenes whose names begin
with one of the prefixes, so that the tiles of one scene are on one side, and train.csv the others.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np

from infer.errors import FileError, UsageError
from train_offline.data.folder import SCENE_SUFFIXES
from train_offline.data.list_file import write_list
from train_offline.data.pixels import read_image
from train_offline.runtime.files import new_folder
from train_offline.runtime.program import Parser, run


def make_empties(folders: list[Path], output: Path, held_out: tuple[str, ...] = ()) -> int:
    """Copy scenes of `folders` to output/image and black masks to output/gt, or nothing; returns how many.

    held_out: beginnings of the names that val.csv has; without any there are no lists.

    Raises FileError: an output that is there already, a folder without scenes, a name used
    twice, a scene that cannot be read. UsageError for a prefix of no scene, and where all would be held out.
    """
    scenes: dict[str, Path] = {}
    for folder in folders:
        found = _scenes(folder)
        for path in found:
            if path.stem in scenes:
                reason = f"{scenes[path.stem]} has the same name"
                raise FileError(path, reason, "; rename one of the two")
            scenes[path.stem] = path
    sizes = {
        stem: read_image(path).pixels.shape[:2] for stem, path in scenes.items()
    }  # before any is written
    held = [path for path in scenes.values() if path.name.startswith(held_out)] if held_out else []
    for prefix in held_out:
        if not any(path.name.startswith(prefix) for path in held):
            raise UsageError(f"no scene has a name that begins with {prefix!r}", ": leave this prefix out")
    if held_out and len(held) == len(scenes):
        raise UsageError(f"all of {len(scenes)} scenes would be held out", ": give fewer prefixes")
    with new_folder(output) as folder:
        for part in ("image", "gt"):
            (folder / part).mkdir()
        for stem, path in scenes.items():
            shutil.copyfile(path, folder / "image" / path.name)
            _, png = cv2.imencode(".png", np.zeros(sizes[stem], np.uint8))
            (folder / "gt" / f"{stem}.png").write_bytes(png.tobytes())
        if held_out:
            write_list(folder / "val.csv", _rows(held))
            write_list(folder / "train.csv", _rows([path for path in scenes.values() if path not in held]))
    return len(scenes)


def _rows(scenes: list[Path]) -> list[tuple[str, str]]:
    return [(f"image/{scene.name}", f"gt/{scene.stem}.png") for scene in scenes]


def _scenes(folder: Path) -> list[Path]:
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SCENE_SUFFIXES)
    except OSError as error:
        raise FileError(folder, f"cannot be read as a folder: {error.strerror}", kind="unreadable") from error
    if not found:
        raise FileError(folder, "no .tif or .tiff file in it", kind="missing")
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns the exit code: 0, or 2 with one line on stderr."""
    parser = Parser(prog="negatives", description="Make a data folder of scenes without ice.")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="scenes, none with sea ice")
    of_output = "absent or empty data folder"
    of_held = "scenes whose names begin so are not trained on: val.csv; repeatable"
    parser.add_argument("--hold-out", action="append", default=[], metavar="PREFIX", help=of_held)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help=of_output)

    def work() -> None:
        given = parser.parse_args(argv)
        count = make_empties(given.folders, given.output, tuple(given.hold_out))
        print(f"{given.output}: {count} scenes without ice")

    return run("negatives", work, parser)


if __name__ == "__main__":
    sys.exit(main())
