"""Groups of scenes are dealt out whole, by share and stratum, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train_offline.data.facts.similar import Signature
from train_offline.data.split.groups import Facts, Group, deal, group, scene_of, stratum


def groups_of(sizes: list[int], ice: float = 0.0) -> list[Group]:
    """One group for each number of scenes."""
    return [Group([f"g{n}.{k}" for k in range(size)], [n], ice) for n, size in enumerate(sizes)]


def scenes(side: list[Group]) -> int:
    return sum(len(one.scenes) for one in side)


@given(st.lists(st.integers(1, 6), min_size=5, max_size=60), st.integers(2, 5), st.integers(0, 99))
def test_folds_are_whole_groups_of_about_one_size(sizes: list[int], folds: int, seed: int) -> None:
    groups = groups_of(sizes)
    sides = deal(groups, [1 / folds] * folds, seed)
    assert sorted(one.members[0] for side in sides for one in side) == list(range(len(groups)))
    assert all(sides)
    counts = [scenes(side) for side in sides]
    assert max(counts) - min(counts) <= 2 * max(sizes)


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 99))
def test_single_scenes_meet_the_share_exactly(count: int, share: float, seed: int) -> None:
    val, train = deal(groups_of([1] * count), [share, 1 - share], seed)
    assert val
    assert train
    assert len(val) == pytest.approx(share * count, abs=1)


def test_a_large_group_goes_where_there_is_room() -> None:
    for seed in range(20):
        val, train = deal(groups_of([40] + [1] * 60), [0.1, 0.9], seed)
        assert scenes(val) == 10
        assert 40 in [len(one.scenes) for one in train]


def test_every_group_is_held_out_by_some_seed() -> None:
    groups = groups_of([1] * 20)
    held_out = {one.members[0] for seed in range(60) for one in deal(groups, [0.1, 0.9], seed)[0]}
    assert held_out == set(range(20))


def test_one_scene_more_changes_little() -> None:
    before, after = groups_of([1] * 100), groups_of([1] * 101)
    one, other = ({g.members[0] for g in deal(groups, [0.2, 0.8], 0)[0]} for groups in (before, after))
    assert len(one & other) >= 10, "a new shuffle would keep about four of twenty"


@pytest.mark.parametrize(
    ("ice", "number"), [(0.0, 0), (1e-6, 1), (0.05, 1), (0.2, 2), (0.21, 3), (0.51, 4), (1.0, 4)]
)
def test_stratum_of_a_share(ice: float, number: int) -> None:
    assert stratum(ice) == number


def facts(name: str, looks: int | None, ice: float = 10, counted: int = 100) -> Facts:
    return Facts(name, (10, 10), ice, counted, Signature(None, looks))


def test_names_and_looks_join_into_one_group() -> None:
    far = int("10" * 32, 2)
    files = [facts("a_0", 0), facts("a_1", far, 50), facts("b", 0b111), facts("c", ~far & (2**64 - 1))]
    first, second = group(files)
    assert first == Group(["a", "b"], [0, 1, 2], pytest.approx(70 / 300))
    assert second == Group(["c"], [3], 0.1)
    assert [one.members for one in group(files, by_name=True)] == [[0, 1], [2], [3]]


def test_a_scene_that_is_ignored_throughout_has_no_ice() -> None:
    assert group([facts("a", None, 0, 0)])[0].ice == 0.0
    assert not np.isnan(group([facts("a", None, 0, 0)])[0].ice)


@pytest.mark.parametrize(
    ("name", "scene"),
    [("12", "12"), ("12_3", "12"), ("a_b_10", "a_b"), ("x.tiff_34", "x.tiff"), ("a_b", "a_b"), ("_7", "_7")],
)
def test_scene_of_a_name(name: str, scene: str) -> None:
    assert scene_of(name) == scene
