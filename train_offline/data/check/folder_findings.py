"""What is wrong with a data folder as a whole: lone files, lists, look-alikes, too little to learn from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infer.errors import FileError
from train_offline.data.check.findings import MOVE_OUT, DataFinding
from train_offline.data.folder import SCENE_SUFFIXES, files_of
from train_offline.data.list_file import rows_of
from train_offline.data.split.groups import Facts, scene_of
from train_offline.data.split.similar import linked, similar_pairs

LISTS = ("train.csv", "val.csv")
SPLIT_ANEW = "make both lists anew with ./run.sh split"
NAMES_SHOWN = 4


@dataclass(frozen=True)
class Lists:
    """The scene files, within the data folder, that each list names, by the name of the list; findings."""

    files: dict[str, list[str]]
    findings: list[DataFinding]


def read_lists(folder: Path) -> Lists:
    """Read those of train.csv and val.csv that are there."""
    files: dict[str, list[str]] = {}
    findings: list[DataFinding] = []
    for name in LISTS:
        if not (folder / name).exists():
            continue
        try:
            rows = rows_of(folder, name)
        except FileError as error:
            findings.append(DataFinding(name, error.reason, error.remedy.strip("; "), stops=True))
            continue
        files[name] = [_within(folder, image) for image, _ in rows]
        for path in sorted({path for row in rows for path in row if not os.path.isfile(path)}):
            what = f"lists {_within(folder, path)}, which does not exist"
            findings.append(DataFinding(name, what, "put the file there, or take the line out", stops=True))
        for file, count in Counter(files[name]).items():
            if count > 1:
                findings.append(DataFinding(name, f"lists {file} {count} times", "leave one line of them"))
    there = [name for name in LISTS if (folder / name).exists()]
    if len(there) == 1:
        other = LISTS[there[0] == LISTS[0]]
        what, fix = f"is there, but {other} is not", f"write {other}, or {SPLIT_ANEW}"
        findings.append(DataFinding(there[0], what, fix))
    return Lists(files, findings)


def lone_files(folder: Path) -> list[DataFinding]:
    """Find masks without a scene, and files that nothing reads; a scene without a mask is found elsewhere."""
    findings = []
    images = files_of(folder, "image")
    scenes = Counter(path.stem for path in images if path.suffix.lower() in SCENE_SUFFIXES)
    for path in images:
        if path.suffix.lower() not in SCENE_SUFFIXES:
            fix = "save it as TIFF, or move it away"
            findings.append(DataFinding(f"image/{path.name}", "is not read, only .tif and .tiff are", fix))
    for name, count in scenes.items():
        if count > 1:
            what = f"{count} files have this name and share one mask"
            findings.append(
                DataFinding(f"image/{name}", what, "rename all but one, and their masks", stops=True)
            )
    for part in ("gt", "ignore"):
        for path in files_of(folder, part) if (folder / part).is_dir() else []:
            if path.suffix != ".png":
                findings.append(
                    DataFinding(f"{part}/{path.name}", "is not read, only .png is", "save it as PNG")
                )
            elif path.stem not in scenes:
                what = f"no scene image/{path.stem}.tif"
                fix = "put the scene there, or delete the mask"
                findings.append(DataFinding(f"{part}/{path.name}", what, fix))
    return findings


def sharing(lists: Lists) -> list[DataFinding]:
    """Find scenes on both lists, or tiles of one scene by their names."""
    train, val = (lists.files.get(name, []) for name in LISTS)
    both = sorted(set(train) & set(val))
    if both:
        return [DataFinding("val.csv", f"shares {_named(both)} with train.csv", SPLIT_ANEW, stops=True)]
    scenes = {scene_of(Path(file).stem) for file in train}
    tiles = [file for file in val if scene_of(Path(file).stem) in scenes]
    what = f"holds tiles of scenes in train.csv, by their names: {_named(tiles)}"
    return [DataFinding("val.csv", what, SPLIT_ANEW)] if tiles else []


def unlisted(folder: Path, paths: Sequence[Path], lists: Lists) -> list[DataFinding]:
    """Find scenes that are on neither list, where there are both."""
    listed = {file for files in lists.files.values() for file in files}
    missing = [path.name for path in paths if path.relative_to(folder).as_posix() not in listed]
    if len(lists.files) < 2 or not missing:
        return []
    what = f"{len(missing)} of {len(paths)} scenes are on neither list, {missing[0]} for one"
    return [DataFinding("train.csv", what, f"{SPLIT_ANEW}, if they are to be used")]


def look_alikes(facts: Sequence[Facts], files: Sequence[str], lists: Lists) -> list[DataFinding]:
    """Find groups of scenes (not: tiles of one) that look alike, unless lists keep them on one side."""
    pairs = similar_pairs([one.signature for one in facts])
    scenes = [scene_of(one.name) for one in facts]
    pairs = [(one, other) for one, other in pairs if scenes[one] != scenes[other]]
    findings = []
    for members in linked(len(facts), pairs):
        if len(members) == 1:
            continue
        names = [files[i] for i in members]
        sides = [name for name in LISTS if set(names) & set(lists.files.get(name, []))]
        what = f"looks like {_named(names[1:])}"
        if len(sides) > 1:
            findings.append(DataFinding(names[0], f"{what}, and train.csv and val.csv part them", SPLIT_ANEW))
        elif not sides:
            fix = "nothing if you use ./run.sh split, which keeps them on one side; or keep one of them"
            findings.append(DataFinding(names[0], what, fix))
    return findings


def too_little(facts: Sequence[Facts], unreadable: int) -> list[DataFinding]:
    """Find out if there are no two classes to be learned; `facts` of the scenes that can be used."""
    if unreadable and not facts:
        return []  # each of them is a finding already
    scenes = {scene_of(one.name) for one in facts}
    findings = []
    if len(scenes) == 1 and not unreadable:
        fix = "add scenes, or train on it together with other folders"
        findings.append(DataFinding("image", f"holds one scene only ({scenes.pop()})", fix, stops=True))
    if not any(one.ice for one in facts):
        fix = "draw the ice as 255, or train on it together with folders that have ice"
        findings.append(DataFinding("gt", "no mask holds ice that counts", fix, stops=True))
    elif all(one.ice == one.counted for one in facts):
        fix = f"add background, or {MOVE_OUT}"
        findings.append(DataFinding("gt", "every pixel that counts is ice", fix, stops=True))
    return findings


def _within(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
