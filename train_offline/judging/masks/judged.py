"""Judges one scene: its mask's form, its score, its picture. One decode of each file serves all three."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from infer.errors import DecodeError, FileError, HeaderError
from infer.plan.tiff_header import read_header
from infer.read.scene import read_scene
from train_offline.data.pixels import doubts_of, read_mask
from train_offline.judging.cases import Case, mask_sizes
from train_offline.judging.finding import Finding
from train_offline.judging.masks.audit import audit_mask, missing
from train_offline.judging.masks.pictures import layers_of, picture
from train_offline.scoring.score import counts

THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Judged:
    """One scene.

    size: (height, width) of the scene. counts: int64 [2, 2, 2] as score.counts gives them, pixels to be
    ignored left out; with_ignored: with these. Both are None where the scene has no score. ice_fraction: of
    the mask. true_ice_fraction: of the truth, pixels to be ignored left out. mask_sha256: of the pixels, None
    where there are none. picture: as pictures.picture gives it. doubts: a line for each of its true masks
    that makes its score doubtful.
    """

    name: str
    file: str
    size: tuple[int, int]
    findings: list[Finding] = field(default_factory=list)
    has_truth: bool = False
    counts: np.ndarray | None = None
    with_ignored: np.ndarray | None = None
    ignored_pixels: int = 0
    ice_fraction: float | None = None
    true_ice_fraction: float | None = None
    mask_sha256: str | None = None
    picture: dict[str, Any] | None = None
    doubts: list[str] = field(default_factory=list)


def judge_scenes(
    cases: Iterable[Case], masks: Path, owner: int | None, side: int | None = None
) -> list[Judged]:
    """Judge every scene in turn, a few at a time in threads; no more of them are in memory at once.

    masks: the output folder. owner: as audit_mask. side: of the pictures, in pixels; None for no pictures.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(_in_order(pool.submit(_judge, case, masks, owner, side) for case in cases))


def _in_order(futures: Iterator[Future[Judged]]) -> Iterator[Judged]:
    """Yield results in order, with a bounded number of scenes under way."""
    waiting: list[Future[Judged]] = []
    for future in futures:
        waiting.append(future)
        if len(waiting) > 2 * THREADS:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _judge(case: Case, masks: Path, owner: int | None, side: int | None) -> Judged:
    sizes = mask_sizes(case)
    path = masks / f"{case.name}.png"
    findings, mask = audit_mask(path, sizes, owner) if os.path.lexists(path) else ([missing(path.name)], None)
    size = mask.shape if mask is not None else sizes[-1]
    truth, of_truth = _read_truth(case.label, size)
    ignore, of_ignore = _read_truth(case.ignore, size)
    scored = with_ignored = None
    if mask is not None and truth is not None:
        scored = counts(truth, mask, ignore)
        with_ignored = None if ignore is None else counts(truth, mask)
    return Judged(
        name=case.name,
        file=case.image.name,
        size=size,
        findings=[*findings, *of_truth, *of_ignore],
        has_truth=case.label is not None,
        counts=scored,
        with_ignored=with_ignored,
        ignored_pixels=0 if ignore is None else int(np.count_nonzero(ignore)),
        ice_fraction=None if mask is None else np.count_nonzero(mask) / mask.size,
        true_ice_fraction=None if truth is None else _share_of_ice(truth, ignore),
        mask_sha256=None if mask is None else hashlib.sha256(np.ascontiguousarray(mask).data).hexdigest(),
        picture=None if side is None else _picture(case, mask, truth, ignore, side),
        doubts=[*_doubts(case.label, truth, "ice"), *_doubts(case.ignore, ignore, "ignored")],
    )


def _doubts(path: Path | None, mask: np.ndarray | None, meaning: str) -> list[str]:
    return [] if path is None else doubts_of(path, mask, meaning)


def _share_of_ice(truth: np.ndarray, ignore: np.ndarray | None) -> float:
    """Return it of the pixels that count, 0 where none does."""
    counted = truth if ignore is None else truth[ignore == 0]
    return np.count_nonzero(counted) / max(1, counted.size)


def _read_truth(path: Path | None, size: tuple[int, int]) -> tuple[np.ndarray | None, list[Finding]]:
    if path is None:
        return None, []
    try:
        return read_mask(path, size), []
    except FileError as error:
        name = f"{path.parent.name}/{path.name}"
        return None, [Finding("truth", name, error.reason, "mend it: the scene is not scored")]


def _picture(
    case: Case, mask: np.ndarray | None, truth: np.ndarray | None, ignore: np.ndarray | None, side: int
) -> dict[str, Any] | None:
    """Draw a scene of any kind that the job accepts; None where it is broken, or its mask of another size."""
    try:
        image = read_scene(case.image, read_header(case.image)).pixels
    except (HeaderError, DecodeError, OSError):
        return None
    empty = np.zeros(image.shape[:2], np.uint8)
    shown = empty if mask is None else mask
    if shown.shape != image.shape[:2]:
        return None
    return picture(image, layers_of(shown, truth, ignore), side)
