"""What the parts of the day make of what they see: reports of tests, rows of the bench, spans of time."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench.gpu.parts import contest, damage, marked, training
from tests.bench.gpu.results import FAILED, SKIPPED, Figure
from tests.bench.ladder.gpu_rungs import GPU_RUNGS
from tests.bench.single.gpu_tile import covered, tile_time
from tests.helpers.support import random_rgb
from train_offline.training.config.arguments import make_parser

JUNIT = """<testsuites><testsuite>
<testcase classname="a.b" name="passes"/>
<testcase classname="a.b" name="prints"><system-out>x</system-out></testcase>
<testcase classname="a.b" name="fails"><failure message="assert 1 == 2&#10;more">long</failure></testcase>
<testcase classname="a.b" name="skips"><skipped message="no GPU">f:1</skipped></testcase>
<testcase classname="" name="a.c"><error message="collection failure">E   ModuleNotFoundError: No module named
 'x'
E   ModuleNotFoundError: No module named 'cv2.y'</error></testcase>
<testcase classname="" name="a.d"><error message="collection failure">E   ModuleNotFoundError: No module named
 'x'
E   ModuleNotFoundError: No module named 'tests.y'</error></testcase>
</testsuite></testsuites>"""


def test_every_test_that_did_not_pass_is_a_row() -> None:
    assert list(marked.figures(ElementTree.fromstring(JUNIT))) == [
        Figure("passed", 2, "tests"),
        Figure(FAILED, note="a.b::fails: assert 1 == 2"),
        Figure(SKIPPED, note="a.b::skips: no GPU"),
        Figure(SKIPPED, note="a.c: the package cv2.y is not installed here"),
        Figure(FAILED, note="a.d: collection failure"),
    ]


def test_a_contestant_without_seconds_is_told() -> None:
    row = dict.fromkeys(contest.UNITS, "") | {"scenario": "big", "contestant": "seed", "runs": ""}
    whole = row | {"note": "takes whole scenes only"}
    assert list(contest.figures(whole)) == [Figure(SKIPPED, note="big: seed: takes whole scenes only")]
    (failed,) = contest.figures(row | {"note": "exit code 1: no ice"})
    assert failed == Figure(FAILED, note="big: seed: exit code 1: no ice")
    figures = list(contest.figures(row | {"note": "", "seconds": "1.5", "runs": "3"}))
    assert figures[0] == Figure("big: seed: seconds", "1.5", "s", "median of 3")
    assert len(figures) == len(contest.UNITS)


def test_half_read_is_neither_refused_nor_exact() -> None:
    whole, half = random_rgb(20, 20), random_rgb(20, 20)
    half[10:] = 0
    assert damage.compared(None, None, whole) == "refused"
    assert damage.compared(whole.copy(), whole, whole) == "exact"
    assert (
        damage.compared(half.copy(), half, None) == "exact"
    )  # damage in the pixels themselves, alike for both
    assert damage.compared(half, None, whole) == "half read"
    assert damage.compared(half, half, whole) == "half read, as by the CPU's reader"
    assert damage.compared(half, None, None) == "read, though the CPU's reader refuses it"
    assert damage.compared(half, whole, None) == "other pixels than the CPU's reader has"
    assert damage.compared(None, whole, whole) == "refused, though the CPU's reader reads it"


def test_the_corpus_is_the_same_again_and_holds_whole_and_cut_files(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    first = {path.name: path.read_bytes() for path in damage.corpus(folder, 6, (0.5, 1.0)).iterdir()}
    again = {path.name: path.read_bytes() for path in damage.corpus(folder, 6, (0.5, 1.0)).iterdir()}
    assert first == again
    assert sum(name.startswith("damaged") for name in first) == 6
    for kind in damage.PLAIN:
        half, whole = first[f"{kind}-0.5.tif"], first[f"{kind}-1.0.tif"]
        assert whole.startswith(half)
        assert len(half) == round(len(whole) / 2)


def test_time_covered_twice_counts_once() -> None:
    assert covered([(5, 6), (0, 2), (1, 3), (1, 2)]) == 4
    assert covered([]) == 0


def test_a_tile_is_busy_no_longer_than_it_takes() -> None:
    took = tile_time(2, "cpu", side=64, rounds=3)
    assert took.batch == 2
    assert took.busy > 0
    assert took.elapsed > 0


@pytest.mark.parametrize("rung", GPU_RUNGS, ids=lambda rung: rung.name)
def test_a_technique_changes_what_is_there(rung: object) -> None:
    """A patch of a name that is gone would change nothing, and measure that."""
    for name, patch in rung.patches.items():  # type: ignore[attr-defined]
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        fresh = importlib.util.module_from_spec(spec)
        sys.modules[name], before = fresh, sys.modules.get(name)
        try:
            spec.loader.exec_module(fresh)
            for target in re.findall(r"^(?:\S+; )?([A-Za-z_][\w.]*) = ", patch, re.MULTILINE):
                assert _there(fresh, target) or target.startswith("_decode"), target
            exec(patch.replace("torch.backends", "import torch; torch.backends"), {**vars(fresh)})
        finally:
            sys.modules.pop(name)
            if before:
                sys.modules[name] = before


def _there(module: types.ModuleType, dotted: str) -> bool:
    found: object = module
    for part in dotted.split("."):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def test_the_recipe_is_one_that_train_understands() -> None:
    given = make_parser().parse_args(["--run", "r", *training.recipe()])
    assert given.batch == 6
