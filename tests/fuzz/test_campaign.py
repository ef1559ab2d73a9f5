"""A short campaign of damaged scenes; `python -m tests.fuzz` runs the long one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.campaign import MAX_PAUSE, fuzz
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import generated


def test_damaged_scenes_cost_no_run_and_no_mask(tmp_path: Path) -> None:
    outcome = fuzz(list(generated().values()), seed=20211, count=400, per_folder=200, work=tmp_path)
    assert (outcome.scenes, outcome.crashes, outcome.faults) == (400, [], [])
    assert 0 < outcome.degraded < 400
    assert outcome.slowest < MAX_PAUSE
    assert outcome.peak < 4e9


def test_a_seed_gives_the_same_damage_again_and_always_some() -> None:
    files = list(generated().values())
    damaged = [mutated(files, Random(f"3/{i}")) for i in range(200)]
    assert damaged == [mutated(files, Random(f"3/{i}")) for i in range(200)]
    assert sum(content in files for content in damaged) < 20
