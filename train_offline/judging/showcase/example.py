"""Draws the README's picture: python -m train_offline.judging.showcase.example

One drawn scene that no training has seen: as it is, with its true ice outlined, and with the predicted ice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from train_offline.judging.showcase.run_infer import run_job
from train_offline.runtime.code_version import REPOSITORY
from train_offline.scenery.scene import make_scene
from train_offline.scenery.tiff_form import write_scene

SIDE = 400  # pixels of a panel
TRUTH, PREDICTION = (255, 176, 0), (100, 143, 255)  # RGB that the colour-blind tell apart (IBM's palette)


def outlined(image: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A copy of image [H, W, 3] with the borders of mask [H, W] drawn on it."""
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), contours, -1, colour, 2)


def draw(seed: int) -> np.ndarray:
    """Three panels side by side, uint8 [SIDE, 3 * SIDE, 3] RGB."""
    scene = make_scene(seed, 512, 512, ice=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_scene(folder, "scene", scene)
        code = run_job(["--input", folder / "image", "--output", folder / "masks", "--quiet"])
        if code:
            raise SystemExit(code)
        predicted = cv2.imread(str(folder / "masks" / "scene.png"), cv2.IMREAD_GRAYSCALE)
    panels = (
        scene.image,
        outlined(scene.image, scene.mask, TRUTH),
        outlined(scene.image, predicted, PREDICTION),
    )
    return np.hstack([cv2.resize(panel, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for panel in panels])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="example", description=__doc__.split(":", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=106, metavar="K", help="of the scene (%(default)s)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "weights" / "example.png", metavar="FILE")
    arguments = parser.parse_args(argv)
    cv2.imwrite(str(arguments.output), cv2.cvtColor(draw(arguments.seed), cv2.COLOR_RGB2BGR))
    return 0


if __name__ == "__main__":
    sys.exit(main())
