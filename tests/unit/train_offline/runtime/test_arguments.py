"""Numbers within bounds, and what is said of those outside."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from train_offline.runtime.arguments import (
    AMOUNT,
    COUNT,
    FRACTION,
    PART,
    POSITIVE,
    SHARE,
    number,
    whole_number,
)

Read = Callable[[str], float]


@pytest.mark.parametrize(
    ("read", "inside", "outside"),
    [
        (COUNT, ["1", "900"], ["0", "-1", "1.0", "", "one"]),
        (whole_number(0), ["0", "7"], ["-1", "nan"]),
        (whole_number(64, 2048), ["64", "2048"], ["63", "2049", "1e2"]),
        (POSITIVE, ["1e-9", "3"], ["0", "-1", "inf", "nan", "much"]),
        (AMOUNT, ["0", "2.5"], ["-0.1", "inf", "nan"]),
        (SHARE, ["0", "0.5", "1"], ["-0.1", "1.1", "nan"]),
        (FRACTION, ["0", "0.99"], ["1", "-0.1", "nan"]),
        (PART, ["0.01", "0.99"], ["0", "1", "nan", "inf"]),
        (number(above=2, at_most=3), ["2.5", "3"], ["2", "3.1"]),
    ],
)
def test_bounds(read: Read, inside: list[str], outside: list[str]) -> None:
    for text in inside:
        assert read(text) == float(text)
    for text in outside:
        with pytest.raises(argparse.ArgumentTypeError, match=r"^must be a .*number .*, not "):
            read(text)


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (COUNT, "must be a whole number of at least 1, not '-5'"),
        (whole_number(64, 2048), "must be a whole number from 64 to 2048, not '-5'"),
        (POSITIVE, "must be a number above 0, not '-5'"),
        (SHARE, "must be a number of at least 0 and at most 1, not '-5'"),
        (PART, "must be a number above 0 and below 1, not '-5'"),
    ],
)
def test_the_message_tells_the_bounds_and_what_was_given(read: Read, says: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        read("-5")
    assert str(caught.value) == says


def test_whole_numbers_stay_whole() -> None:
    assert isinstance(COUNT("3"), int)
