"""What a verdict rests on: every kind of finding fails one check, what was not looked at is not passed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from train_offline.judging.finding import KINDS
from train_offline.judging.report.checks import CHECKS, Seen, results

ALL_THERE = Seen(scenes=3, masks=3, read=3, truths=3, time_limit=20.0)
ON_MASKS = {"whole files", "size", "PNG", "mode", "values", "owner", "readable"}


def passed(kinds: set[str], seen: Seen) -> dict[str, bool | None]:
    return {check["name"]: check["passed"] for check in results(kinds, seen)}


def test_every_kind_of_finding_belongs_to_one_check() -> None:
    kinds = Counter(kind for check in CHECKS for kind in check.kinds)
    assert set(KINDS) <= set(kinds)
    assert set(kinds.values()) == {1}
    assert len({check.name for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_finding_fails_its_check_and_no_other(kind: str) -> None:
    found = passed({kind}, ALL_THERE)
    failed = {check.name for check in CHECKS if kind in check.kinds}
    assert {name for name, one in found.items() if one is False} == failed
    assert {name for name, one in found.items() if one is None} == set()


def test_what_could_not_be_checked_is_not_passed() -> None:
    def unchecked(**changes: object) -> set[str]:
        return {name for name, one in passed(set(), replace(ALL_THERE, **changes)).items() if one is None}

    assert unchecked() == set()
    assert unchecked(masks=0, read=0) == ON_MASKS
    assert unchecked(read=0) == {"values"}
    assert unchecked(truths=0) == {"truths"}
    assert unchecked(time_limit=None) == {"time"}
    assert unchecked(in_container=True) == {"no process left"}
    assert unchecked(owner_known=False) == {"owner"}
    assert passed({"time"}, replace(ALL_THERE, timed_out=True))["exit code"] is None
    assert passed({"partial"}, replace(ALL_THERE, masks=0, read=0))["whole files"] is False


def test_the_words_say_how_much_was_looked_at() -> None:
    words = {check["name"]: check["words"] for check in results(set(), replace(ALL_THERE, masks=2, read=1))}
    assert words["size"].endswith("(2 of 3 looked at)")
    assert words["values"].endswith("(1 of 3 looked at)")
    assert words["time"].endswith("limit of 20 s")
    words = {check["name"]: check["words"] for check in results(set(), replace(ALL_THERE, time_limit=None))}
    assert words["time"].endswith("no limit was given")


def test_checks_of_further_runs_are_listed_when_there_were_such_runs() -> None:
    further = {check.name for check in CHECKS if check.variant}
    assert not further & set(passed(set(), ALL_THERE))
    found = passed(set(), replace(ALL_THERE, variants=["default-line"]))
    assert {name: found.get(name) for name in further} == {"default line": True, "hard limits": None}
    assert passed({"hard"}, ALL_THERE)["hard limits"] is False
