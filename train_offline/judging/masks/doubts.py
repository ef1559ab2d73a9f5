"""What makes the score of a dry run doubtful though its masks are in order: truths, and their list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from infer.errors import FileError
from train_offline.data.facts.facts import Facts
from train_offline.data.facts.similar import Signature
from train_offline.data.folder import list_name, pair_of
from train_offline.data.list_file import rows_of
from train_offline.data.pixels import in_one_line
from train_offline.data.rules.apart import apart_by_name
from train_offline.data.rules.finding import Side
from train_offline.data.rules.learnable import scorable
from train_offline.data.rules.rows import of_rows
from train_offline.judging.masks.judged import Judged

NO_LOOKS = Signature(None, None)


def doubts_of(folder: Path, judged: Sequence[Judged]) -> list[str]:
    """Return a line for each kind of doubt about the truths of a data folder: the rules that check has too.

    folder: where the scenes come from, whose val.csv, if there is one, listed them.
    """
    doubts = in_one_line([doubt for scene in judged for doubt in scene.doubts])
    side = _side(folder, list_name("val")) or Side(folder, None, [])
    train = _side(folder, list_name("train"))
    findings = of_rows(side, scored=True) + apart_by_name([train] if train else [], [side])
    findings += scorable(_as_judged(side, judged))
    return doubts + [f"the score is doubtful: {finding.file}: {finding.what}" for finding in findings]


def _side(folder: Path, name: str) -> Side | None:
    """Return what a list says; None where there is none that can be used."""
    try:
        rows = rows_of(folder, name)
    except FileError:
        return None
    return Side(folder, name, [pair_of(folder, row.image, row.label) for row in rows])


def _as_judged(side: Side, judged: Sequence[Judged]) -> Side:
    """Return the scenes that have a truth, with what is known of it."""
    with_truth = [scene for scene in judged if scene.true_ice_fraction is not None]
    facts = []
    for scene in with_truth:
        counted = int(np.prod(scene.size)) - scene.ignored_pixels
        ice = round((scene.true_ice_fraction or 0.0) * counted)
        facts.append(Facts(scene.name, scene.size, ice, counted, NO_LOOKS))
    pairs = [pair_of(side.folder, side.folder / "image" / scene.file) for scene in with_truth]
    return Side(side.folder, side.list_name, pairs, facts)
