"""The rows of the table of scenes."""

from __future__ import annotations

from typing import Any

from train_offline.judging.report.page.page import _row, worst_first


def scene(confusion: list[list[int]] | None, **score: float | None) -> dict[str, Any]:
    return {
        "name": "a", "width": 10, "height": 10, "status": "ok", "error": None, "findings": [],
        "seconds": None,
        "ice_fraction": 0.25, "true_ice_fraction": 0.0, "confusion": confusion, "score": score or None,
    }  # fmt: skip


def test_the_worst_scenes_come_first() -> None:
    scenes = [
        {"name": "good", "findings": [], "status": "ok", "score": {"fwiou": 0.9}},
        {"name": "unknown", "findings": [], "status": None, "score": None},
        {"name": "bad", "findings": [], "status": "ok", "score": {"fwiou": 0.1}},
        {"name": "black", "findings": [], "status": "degraded", "score": {"fwiou": 1.0}},
        {"name": "faulty", "findings": [{}], "status": "ok", "score": {"fwiou": 1.0}},
    ]
    assert [s["name"] for s in worst_first(scenes)] == ["faulty", "black", "unknown", "bad", "good"]


def test_a_scene_without_true_ice_has_its_false_pixels_in_place_of_scores() -> None:
    row = _row(scene([[75, 1025], [0, 0]], fwiou=0.75, ice_iou=0.0, boundary_f1=None), None)
    assert row["iceless"] == "no ice in truth, 1,025 px false"
    assert row["told"] == "no ice in truth, 1,025 px false, ice in the mask 25.0 %"
    assert [row["order"][key] for key in ("fwiou", "ice_iou", "boundary_f1")] == [0.75] * 3
    assert "noice" in row["is"].split()


def test_other_scenes_keep_their_scores() -> None:
    row = _row(scene([[75, 5], [10, 10]], fwiou=0.75, ice_iou=0.4, boundary_f1=None), None)
    assert row["iceless"] is None
    assert "FWIoU 0.7500, IoU of ice 0.4000" in row["told"]
    assert row["order"]["boundary_f1"] is None
    assert _row(scene(None), None)["iceless"] is None
