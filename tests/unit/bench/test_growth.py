"""The growth bench's own arithmetic."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from tests.bench.growth.__main__ import main
from tests.bench.growth.line import Point, line, nested, plot


def test_a_straight_line_is_found_and_a_bent_one_told() -> None:
    straight = [Point(n, 4.0 * n, 0.5 + 0.25 * 4 * n, 900) for n in (1, 2, 4, 8)]
    assert line(straight) == pytest.approx((0.5, 0.25, 1.0))
    assert line([Point(n, n, n * n, 900) for n in (1, 2, 4, 8)])[2] < 0.98


def test_beginnings_hold_large_and_small_scenes_as_the_whole_does() -> None:
    scenes = [Path(f"m512_{i:03}.tif") for i in range(188)] + [Path(f"m1024_{i}.tif") for i in range(9)]
    scenes += [Path(f"m2048_{i}.tif") for i in range(3)]
    ordered = nested(scenes)
    assert sorted(ordered) == sorted(scenes)
    for count in (50, 100):
        large = sum(scene.name.startswith("m1024") for scene in ordered[:count])
        assert large == pytest.approx(9 * count / 200, abs=1)


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    plot([Point(n, n, n + 1.0, 900) for n in (1, 2, 4)], tmp_path / "growth.png")
    picture = cv2.imread(str(tmp_path / "growth.png"))
    assert picture is not None
    assert picture.std() > 5


def test_two_points_are_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenes", "3", "3", "5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
