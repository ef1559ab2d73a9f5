"""The picture of a run."""

from __future__ import annotations

from pathlib import Path

import cv2

from train_offline.training.log.curves import draw_curves


def test_curves_show_what_the_history_holds(tmp_path: Path) -> None:
    rows = [
        {"step": str(k), "loss": str(1 / k), "lr": "0.1", "x/fwiou": "", "x/ice_iou": ""} for k in (1, 2, 3)
    ]
    draw_curves(rows, tmp_path / "curves.png")
    plain = cv2.imread(str(tmp_path / "curves.png"))
    assert plain.shape[0] > 300
    rows[1] |= {"x/fwiou": "0.5", "x/ice_iou": "nan"}
    rows[2] |= {"x/fwiou": "0.7", "x/ice_iou": "0.4"}
    draw_curves(rows, tmp_path / "curves.png")
    scored = cv2.imread(str(tmp_path / "curves.png"))
    assert scored.shape == plain.shape
    changed = (scored != plain).any(axis=(0, 2))
    third = plain.shape[1] // 3
    assert changed[third : 2 * third].any()
