"""Rules on a data folder as a whole: lone files, names that nothing reads, scenes on no list, look-alikes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from train_offline.data.facts.scene_name import scene_of
from train_offline.data.facts.similar import linked, similar_pairs
from train_offline.data.folder import SCENE_SUFFIXES, Pair, files_of, list_name, within
from train_offline.data.near_miss import bare, list_near
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.runtime.files import real_path


def lone_files(folder: Path, pairs: Sequence[Pair]) -> list[DataFinding]:
    """Find masks without a scene, and files that nothing reads; a scene without a mask is found elsewhere.

    pairs: the scenes of the folder and of its lists, whose masks may have names of their own.
    """
    findings = []
    for path in files_of(folder, "image") if (folder / "image").is_dir() else []:
        if path.suffix.lower() not in SCENE_SUFFIXES:
            what, fix = "is not read, only .tif and .tiff are", "save it as TIFF, or move it away"
            findings.append(DataFinding(folder, f"image/{path.name}", what, fix))
    read = {path for pair in pairs for path in pair.files}
    scenes = {bare(pair.name): pair for pair in pairs}
    for part in ("gt", "ignore"):
        for path in files_of(folder, part) if (folder / part).is_dir() else []:
            if path.suffix != ".png":
                what, fix = "is not read, only .png is", "save it as PNG"
            elif path in read:
                continue
            else:
                what, fix = f"no scene image/{path.stem}.tif", "put the scene there, or delete the mask"
            if path.name != f"{path.stem}.png" or bare(path.stem) in scenes:
                near = scenes.get(bare(path.stem))
                fix = f"name it {part}/{near.name}.png if it is the mask of that scene" if near else fix
            findings.append(DataFinding(folder, f"{part}/{path.name}", what, fix))
    return findings


def doubled_names(folder: Path, paths: Sequence[Path], stops: bool) -> list[DataFinding]:
    """Find scenes of one name, which would share one mask; stops: no list says which of them is meant."""
    findings = []
    for name, count in Counter(path.stem for path in paths).items():
        if count > 1:
            what, fix = (
                f"{count} files have this name and share one mask",
                "rename all but one, and their masks",
            )
            findings.append(DataFinding(folder, f"image/{name}", what, fix, stops))
    return findings


def lists_by_other_names(folder: Path) -> list[DataFinding]:
    """Find files that may be meant as lists and that nothing reads."""
    findings = []
    for side in ("train", "val"):
        name = list_name(side)
        near = None if (folder / name).exists() else list_near(folder, name)
        if near:
            what, fix = f"is not read as a list, only {name} is", f"name it {name}"
            findings.append(DataFinding(folder, near.name, what, fix))
    return findings


def unlisted(folder: Path, paths: Sequence[Path], sides: Sequence[Side]) -> list[DataFinding]:
    """Find scenes that are on neither list, where there are both."""
    listed = {real_path(pair.image) for side in sides for pair in side.pairs}
    missing = [path for path in paths if real_path(path) not in listed]
    if len(sides) < 2 or not missing:
        return []
    what = f"{len(missing)} of {len(paths)} scenes are on neither list, {missing[0].name} for one"
    return [DataFinding(folder, list_name("train"), what, "list them, if they are to be used")]


def look_alikes(side: Side) -> list[DataFinding]:
    """Find groups of scenes (not: tiles of one) that look alike, in a folder that is not divided yet."""
    usable = side.usable
    scenes = [scene_of(pair.name) for pair, _ in usable]
    pairs = similar_pairs([one.signature for _, one in usable])
    pairs = [(one, other) for one, other in pairs if scenes[one] != scenes[other]]
    findings = []
    for members in linked(len(usable), pairs):
        if len(members) > 1:
            first, *others = [usable[index][0] for index in members]
            fix = "nothing if you use ./run.sh split, which keeps them on one side; or keep one of them"
            what = f"looks like {side.named(others)}"
            findings.append(DataFinding(side.folder, within(side.folder, first.image), what, fix))
    return findings


def one_scene_in_tiles(side: Side) -> list[DataFinding]:
    """Find out if all files are tiles of one scene by their names, which cannot be divided by scene."""
    scenes = {scene_of(pair.name) for pair in side.pairs}
    if len(scenes) != 1 or len(side.pairs) == 1:
        return []
    what = f"{len(side.pairs)} tiles of one scene by their names ({scenes.pop()}), nothing to split by scene"
    return [side.finding(what, "add scenes; or rename them, if they are different scenes")]
