"""What the tests of the dry run share: a small data folder, and strangers' submissions run on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.helpers.support import REPO, random_rgb, write_tiff
from train_offline.judging.dry_run import dry_run
from train_offline.judging.run.runs import Places, Process
from train_offline.judging.settings import DryRunSettings

SCHEMA = json.loads((REPO / "train_offline" / "judging" / "report" / "report.schema.json").read_text())
SUBMISSION = Path(__file__).with_name("submission.py")
SIZES = ((64, 96), (80, 80), (48, 112))


def random_mask(seed: int, height: int, width: int) -> np.ndarray:
    """uint8 [H, W] of blocks, 0 and 255, both of them there."""
    blocks = np.random.default_rng(seed).random((height // 8, width // 8)) < 0.5
    blocks.flat[:2] = True, False
    return np.kron(blocks, np.ones((8, 8), bool)).astype(np.uint8) * 255


def make_data(folder: Path) -> Path:
    """Three scenes with true masks, one of them with pixels to leave out."""
    for part in ("image", "gt", "ignore"):
        (folder / part).mkdir(parents=True)
    for number, size in enumerate(SIZES):
        write_tiff(folder / "image" / f"s.{number}.tif", random_rgb(*size, number))
        Image.fromarray(random_mask(number, *size)).save(folder / "gt" / f"s.{number}.png")
    Image.fromarray(random_mask(9, *SIZES[1])).save(folder / "ignore" / "s.1.png")
    return folder


class Stranger(Process):
    """tests/helpers/judging/submission.py with a planted fault, as a process."""

    def __init__(self, fault: str = "") -> None:
        super().__init__(DryRunSettings())
        self._fault = fault

    def command(self, places: Places) -> list[str]:
        return [sys.executable, str(SUBMISSION), str(places.scenes), str(places.masks), self._fault]


def judge(data: Path, report_dir: Path, fault: str = "", **settings: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and report.json of a dry run of a stranger's submission."""
    code = dry_run(DryRunSettings(data=data, report_dir=report_dir, **settings), Stranger(fault))
    return code, json.loads((report_dir / "report.json").read_text())
