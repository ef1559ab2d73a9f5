"""The growth bench's own arithmetic."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import pytest

from infer.predict.hardware import gpu_visible
from tests.bench.__main__ import main as bench
from tests.bench.growth.__main__ import main
from tests.bench.growth.crossover import Pair, crossing, told
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


def test_where_two_lines_cross() -> None:
    def points(*seconds: tuple[float, float]) -> list[Pair]:
        return [Pair(4**i, cpu, other) for i, (cpu, other) in enumerate(seconds)]

    crossed = points((1, 3), (2, 3), (4, 3), (16, 4))  # 1 s behind at 4 scenes, 1 s ahead at 16
    assert crossing(crossed) == pytest.approx(10 * 512 * 512 / 1e6)
    assert told(crossed, "cuda") == "cuda is faster than cpu from 2.6 megapixels on"
    assert crossing(points((3, 1), (2, 3), (5, 4))) == pytest.approx(
        10 * 512 * 512 / 1e6
    )  # the last one counts
    assert crossing(points((3, 1), (4, 2))) == 0
    assert "from 0.26 megapixels on" in told(points((3, 1), (4, 2)), "cuda")
    assert crossing(points((1, 3), (2, 3))) is None
    assert told(points((1, 3), (2, 3)), "cuda") == "cuda is slower than cpu up to 1.0 megapixels"


def test_a_crossover_without_a_gpu_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    if gpu_visible():
        pytest.skip("there is a GPU")
    assert bench(["--crossover"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("bench --crossover: a crossover needs a GPU")
    assert said.err.count("\n") == 1


def test_a_crossover_of_two_runs_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["--crossover", "--against", "auto", "--scenes", "1", "--repeat", "1"]
    assert bench([*line, "--work", str(tmp_path / "w"), "--output", str(tmp_path)]) == 0
    (row,) = csv.DictReader((tmp_path / "crossover.csv").open())
    assert (row["scenes"], row["megapixels"], row["runs"]) == ("1", "0.26", "1")
    assert 0 < float(row["seconds_cpu"]) < 60
    assert 0 < float(row["seconds_auto"]) < 60
    assert capsys.readouterr().out.splitlines()[-1].startswith("auto is ")
