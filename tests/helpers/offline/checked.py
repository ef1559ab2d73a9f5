"""A data folder in order, and what `check` finds in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers.offline.data_folder import write_list, write_mask
from tests.helpers.support import write_tiff
from train_offline.commands.check import main
from train_offline.data.check.check import check

Fault = tuple[str, str, bool]  # file, how what is said of it begins, whether it stops a training
Spoil = Callable[[Path], Fault]


def texture(seed: int, height: int = 90, width: int = 120) -> np.ndarray:
    """Unlike every scene of another seed: uint8 [height, width, 3], never black."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 110, np.float32)
    for n, spread in ((3, 30), (9, 20), (30, 10), (90, 4)):
        part = rng.normal(0, spread, (n, n, 3)).astype(np.float32)
        image += cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 32, 225).astype(np.uint8)


def make_folder(folder: Path) -> Path:
    """Six scenes in order: ice on the left third of all but one; on two lists."""
    for part in ("image", "gt", "ignore"):
        (folder / part).mkdir(parents=True)
    mask = np.zeros((90, 120), np.uint8)
    mask[:, :40] = 255
    for seed, name in enumerate("abcdef"):
        write_tiff(folder / "image" / f"{name}.tif", texture(seed))
        write_mask(folder / "gt" / f"{name}.png", mask * (name != "c"))
    write_mask(folder / "ignore" / "b.png", 255 - mask)
    write_list(folder, "train.csv", "abcd")
    write_list(folder, "val.csv", "ef")
    return folder


def found(folder: Path) -> list[Fault]:
    """(file, what, stops) of every finding, each of which must say what to do; those that stop come first."""
    report = check(folder)
    assert all(one.fix for one in report.findings)
    stops = [one.stops for one in report.findings]
    assert stops == sorted(stops, reverse=True)
    return [(one.file, one.what, one.stops) for one in report.findings]


def assert_only_finding(folder: Path, spoil: Spoil, capsys: pytest.CaptureFixture[str]) -> None:
    """Spoil the folder; the fault must be the only finding, in the report as on the command's output."""
    file, what, stops = spoil(folder)
    findings = found(folder)
    assert len(findings) == 1, findings
    assert findings[0][0] == file
    assert findings[0][1].startswith(what)
    assert findings[0][2] == stops
    assert main([str(folder)]) == (1 if stops else 0)
    assert f"{'STOPS' if stops else 'look'}: {file}: {what}" in capsys.readouterr().out
