"""Comparing folders of masks, also while a run is at work on them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from infer.process.files import DRAFT_PREFIX, DRAFT_SUFFIX
from tests.helpers.support import read_masks


def same_masks(masks: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> bool:
    """Whether both have the same names and pixels."""
    return masks.keys() == expected.keys() and all(np.array_equal(masks[n], expected[n]) for n in masks)


def whole_masks(out: Path) -> dict[str, np.ndarray]:
    """Like read_masks, while temporary files may lie about."""
    looked = out.with_name(f"{out.name}-looked-at")
    shutil.rmtree(looked, ignore_errors=True)
    shutil.copytree(out, looked, ignore=shutil.ignore_patterns(f"{DRAFT_PREFIX}*{DRAFT_SUFFIX}"))
    return read_masks(looked)
