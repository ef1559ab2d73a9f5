"""Score of a folder of masks, to stand beside every time."""

from __future__ import annotations

from pathlib import Path

import cv2

from train_offline.metrics import confusion, fwiou, iou


def score_masks(data: Path, masks: Path) -> str:
    """FWIoU and IoU of ice of masks against data/gt, as text."""
    total = sum(
        confusion(cv2.imread(str(truth), cv2.IMREAD_UNCHANGED), cv2.imread(str(masks / truth.name), -1))
        for truth in sorted((data / "gt").glob("*.png"))
    )
    return f"FWIoU {fwiou(total):.4f}  IoU of ice {iou(total)[1]:.4f}"
