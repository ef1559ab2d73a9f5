"""Masks of one run held against those of another one: each that is not as it was there is a finding."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from train_offline.judging.cases import Case, mask_sizes
from train_offline.judging.finding import Finding
from train_offline.judging.masks.audit import audit_mask

THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class _Fault:
    """what: the same words for every file that has this fault. detail: of this file alone."""

    file: str
    what: str
    detail: str = ""


def other_masks(cases: list[Case], first: Path, second: Path, agreement: float) -> list[Finding]:
    """Find what `second` lacks or has otherwise than `first`, both folders of masks; faults of both are none.

    agreement: the share of a mask's pixels that must be alike, 1 for all. The findings have neither a kind
    nor a remedy: what they mean depends on how the two were made.
    """
    try:
        present = set(os.listdir(second))
    except FileNotFoundError:
        present = set()
    except OSError as error:
        return [Finding("", "", f"the output folder cannot be read ({error.strerror})", "")]
    compare = partial(_compare, first=first, second=second, agreement=agreement)
    with ThreadPoolExecutor(THREADS) as pool:
        faults = [fault for fault in pool.map(compare, cases) if fault]
    known = {*os.listdir(first), *(f"{case.name}.png" for case in cases)}
    faults += [_Fault(name, "should not be there") for name in sorted(present - known)]
    return list(_told(faults))


def _compare(case: Case, first: Path, second: Path, agreement: float) -> _Fault | None:
    name, sizes = f"{case.name}.png", mask_sizes(case)
    if not os.path.lexists(first / name):
        return None
    flaws, expected = audit_mask(first / name, sizes, None)
    if not os.path.lexists(second / name):
        return _Fault(name, "no such file in the output folder")
    more, pixels = audit_mask(second / name, sizes, None)
    for flaw in more:
        if flaw not in flaws:
            return _Fault(name, flaw.what)
    if expected is None or pixels is None:
        return None
    return _difference(name, expected, pixels, agreement)


def _difference(name: str, expected: np.ndarray, pixels: np.ndarray, agreement: float) -> _Fault | None:
    if pixels.shape != expected.shape:
        return _Fault(name, "has another size than the strict run's mask")
    if expected.any() and not pixels.any():
        return _Fault(name, "is black, the strict run's mask is not")
    differ = np.count_nonzero(pixels != expected)
    if differ > (1 - agreement) * pixels.size:
        return _Fault(name, "differs from the strict run's mask", f" on {differ} of {pixels.size} pixels")
    return None


def _told(faults: list[_Fault]) -> Iterable[Finding]:
    """Make one finding for each kind of fault: where one mask is missing, often all of them are."""
    for what in dict.fromkeys(fault.what for fault in faults):
        first, *others = (fault for fault in faults if fault.what == what)
        if others:
            words = f"{len(others) + 1} files, {first.file} for one: {what}{first.detail}"
            yield Finding("", "", words, "")
        else:
            yield Finding("", first.file, f"{what}{first.detail}", "")
