"""Dry runs on the same data are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train_offline.judging.report import history


def run_of(fwiou: dict[str, float], **changes: Any) -> dict[str, Any]:
    """As much of a report's content as history looks at; a scene for each score, their mean for the whole."""
    scenes = [
        {"name": n, "seconds": None, "mask_sha256": None, "score": {"fwiou": v, "ice_iou": None}}
        for n, v in fwiou.items()
    ]
    return {
        "when": changes.get("when", "2026-01-01"),
        "passed": True,
        "data": {"folder": "/data"},
        "settings": {"per_scene": changes.get("per_scene", False), "cold": False},
        "submission": {"mode": "process", "device": changes.get("device", "cpu"), "image_id": None,
                       "weights_sha256": "ab" * 32},
        "score": {"fwiou": sum(fwiou.values()) / len(fwiou), "ice_iou": 0.5},
        "seconds": {"wall": {"median": changes.get("wall", 10.0)}},
        "scenes": scenes,
    }  # fmt: skip


def test_scenes_are_compared_with_the_latest_run_on_the_same_data(tmp_path: Path) -> None:
    history.append(tmp_path, run_of({"a": 0.1, "b": 0.1}, when="2026-01-01"))
    history.append(tmp_path, run_of({"a": 0.5, "b": 0.5, "gone": 1.0}, when="2026-01-02", wall=20.0))
    now = run_of({"a": 0.75, "b": 0.5, "new": 0.9}, when="2026-01-03")
    found = history.compare(history.earlier_run(tmp_path, "/data"), now)
    assert (found["when"], found["better"], found["worse"], found["same"]) == ("2026-01-02", 1, 0, 1)
    assert (found["new_scenes"], found["gone_scenes"], found["seconds"]) == (1, 1, [20.0, 10.0])
    assert found["scenes"]["a"]["fwiou"] == pytest.approx(0.25)
    assert history.compare(history.earlier_run(tmp_path, "/other"), now) is None
    for other in ({"device": "cuda"}, {"per_scene": True}):
        elsewhere = run_of({"a": 0.75}, **other)
        assert history.compare(history.earlier_run(tmp_path, "/data"), elsewhere)["seconds"] is None
