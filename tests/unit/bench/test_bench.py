"""The bench's own arithmetic: rows, ratios, agreement, processes that fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.bench.harness import table
from tests.bench.harness.measure import Failed, TimedRun, agreement, medians, run
from tests.bench.peers.common import batches, padded, windows


def row(contestant: str, seconds: float, scenario: str = "one") -> dict[str, object]:
    figures = {"seconds": seconds, "seconds_min": seconds, "seconds_max": seconds, "agreement": 0.99951}
    return {"machine": "m", "gpu": "", "scenario": scenario, "scenes": 1, "contestant": contestant} | figures


def test_rows_of_the_same_machine_are_replaced_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    table.write(path, [row("ours", 1.0), row("seed", 6.0)])
    table.write(path, [row("ours", 2.0), row("ours", 3.0, "split"), row("ours", 9.0) | {"machine": "other"}])
    found = {(r["machine"], r["scenario"], r["contestant"]): float(r["seconds"]) for r in table.read(path)}
    assert found == {
        ("m", "one", "seed"): 6.0,
        ("m", "one", "ours"): 2.0,
        ("m", "split", "ours"): 3.0,
        ("other", "one", "ours"): 9.0,
    }


def test_ratios_are_those_of_the_medians(tmp_path: Path) -> None:
    idle = row("monai", 0.0) | {"seconds": None, "note": "takes whole scenes only"}
    lines = table.ratios([row("ours", 2.0), row("seed", 9.0), idle], "ours")
    assert len(lines) == 2
    assert "4.50 x" in lines[1]
    assert "0.99951" in lines[1]
    table.plot([row("ours", 2.0), row("seed", 9.0)], tmp_path / "p.png")
    picture = cv2.imread(str(tmp_path / "p.png"))
    assert picture is not None
    assert picture.shape[0] > 100


def test_medians_of_runs() -> None:
    runs = [TimedRun(3.0, 5.0, 10**6), TimedRun(1.0, 4.0, 3 * 10**6), TimedRun(2.0, 9.0, 2 * 10**6)]
    assert medians(runs) == {
        "runs": 3, "seconds": 2.0, "seconds_min": 1.0, "seconds_max": 3.0, "cpu_seconds": 5.0,
        "peak_rss_mb": 3.0,
    }  # fmt: skip


def test_agreement_counts_pixels_and_misses_count_against_it(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    mask = np.zeros((10, 10), np.uint8)
    for name in ("a", "b"):
        cv2.imwrite(str(theirs / f"{name}.png"), mask)
    mask[0, :5] = 255
    cv2.imwrite(str(ours / "a.png"), mask)
    assert agreement(ours, theirs) == pytest.approx(95 / 200)


def test_a_process_is_timed_and_its_failure_told() -> None:
    took = run([sys.executable, "-c", "x = bytearray(100_000_000)"], dict(os.environ))
    assert took.wall > 0
    assert took.peak_rss > 100e6
    with pytest.raises(Failed, match=r"exit code 1: ValueError: no ice"):
        run([sys.executable, "-c", "raise ValueError('no ice')"], dict(os.environ))


@pytest.mark.parametrize("size", [(512, 512), (2048, 2048), (10_000, 10_000), (100, 5000)])
def test_the_peers_tiles_cover_every_pixel(size: tuple[int, int]) -> None:
    seen = np.zeros(size, bool)
    for top, left, height, width in windows(*size):
        assert top >= 0
        assert left >= 0
        seen[top : top + height, left : left + width] = True
    assert seen.all()


def test_the_peers_batches_hold_scenes_of_one_size() -> None:
    sized = [(Path(f"{i}"), (512, 512) if i % 3 else (1024, 1024)) for i in range(30)]
    plan = list(batches(sized))
    assert sorted(path for _, paths in plan for path in paths) == sorted(path for path, _ in sized)
    assert max(len(paths) for size, paths in plan if size == (512, 512)) == 8
    assert max(len(paths) for size, paths in plan if size == (1024, 1024)) == 2
    assert [padded(n) for n in (1, 16, 17, 512)] == [16, 16, 32, 512]
