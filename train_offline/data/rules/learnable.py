"""Rules on what there is to learn from, and to score by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from train_offline.data.facts.facts import Facts, Remark
from train_offline.data.folder import Pair, within
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.runtime.files import real_path

_CLASSES = ("background", "255 everywhere"), ("ice", "no 255")  # with what the masks of the other one are


def learnable(sides: Sequence[Side]) -> list[DataFinding]:
    """Find out if there are no two scenes, or no two classes, in all folders to train on together."""
    usable = [one for side in sides for _, one in side.usable]
    files = {real_path(pair.image): pair.name for side in sides for pair in side.pairs}
    findings = []
    if len(files) == 1:
        what = f"one scene only to train on ({next(iter(files.values()))})"
        findings.append(
            _of_all(sides, "image", what, "add scenes, or train on it together with other folders")
        )
    if not usable:
        return findings  # each of them is a finding already
    pixels = sum(one.counted - one.ice for one in usable), sum(one.ice for one in usable)
    for count, (name, looks) in zip(pixels, _CLASSES, strict=True):
        if not count:
            what = f"no pixel of {name} that counts in any of the {len(usable)} masks to train on"
            what += f" ({looks}, or ignored): a network cannot learn from one class"
            fix = f"add scenes with {name}, or train on it together with other folders"
            findings.append(_of_all(sides, "gt", what, fix))
    return findings


def scorable(side: Side) -> list[DataFinding]:
    """Find out if a score of these scenes says nothing."""
    usable = [one for _, one in side.usable]
    if not usable:
        return []
    if not any(one.counted for one in usable):
        what = f"every pixel of {_its(usable)} to score is ignored: there is no score"
        return [side.finding(what, "ignore fewer, or score other scenes", part="ignore", stops=True)]
    findings = _copies(side)
    if not any(one.ice for one in usable):
        what = f"no ice in {_its(usable)} to score: there is no IoU of ice, only false ice"
        findings.append(side.finding(what, "put scenes with ice on it", part="gt"))
    return findings


def _copies(side: Side) -> list[DataFinding]:
    """Find scenes that are scored again under another name: the same pixels in another file."""
    seen: dict[str, Pair] = {}
    copies = [
        (pair, first)
        for pair, one in side.usable
        if one.signature.pixels
        and (first := seen.setdefault(one.signature.pixels, pair)).identity[0] != pair.identity[0]
    ]
    if not copies:
        return []
    one, other = (within(side.folder, pair.image) for pair in copies[0])
    what = f"{len(copies)} of its scenes have the pixels of others to score, {one} those of {other}"
    return [side.finding(what, "leave one of them out")]


def of_scenes(side: Side) -> list[DataFinding]:
    """Return what is odd in the scenes themselves."""
    found = [finding for pair, one in side.usable for finding in of_scene(side.folder, pair, one.remarks)]
    return list(dict.fromkeys(found))


def of_scene(folder: Path, pair: Pair, remarks: Sequence[Remark]) -> list[DataFinding]:
    """Return remarks on a scene as findings about its files."""
    files = {"image": pair.image, "label": pair.label, "ignore": pair.ignore or pair.label}
    return [DataFinding(folder, within(folder, files[one.part]), one.what, one.fix) for one in remarks]


def _its(usable: Sequence[Facts]) -> str:
    return f"its {len(usable)} scenes" if len(usable) > 1 else f"its only scene {usable[0].name}"


def _of_all(sides: Sequence[Side], part: str, what: str, fix: str) -> DataFinding:
    """Return a finding that stops, about a folder's list or part, or about those of several folders."""
    if len(sides) == 1:
        return sides[0].finding(what, fix, part=part, stops=True)
    places = " and ".join(str(side.folder.absolute() / (side.list_name or part)) for side in sides)
    return DataFinding(sides[0].folder, places, what, fix, stops=True)
