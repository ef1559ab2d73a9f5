"""Look through a data folder: every scene with its masks, the lists, and the folder as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from infer.errors import FileError
from infer.plan.tiff_header import Header
from train_offline.data.check.lists import Lists, finding_of, read_lists
from train_offline.data.check.report import CheckReport, Row
from train_offline.data.check.thumbnail import Thumbnail, thumbnail
from train_offline.data.facts.facts import Facts, Remark
from train_offline.data.facts.inspect import inspect
from train_offline.data.folder import IGNORED, Pair, pair_of, scene_files, within
from train_offline.data.rules import whole_folder
from train_offline.data.rules.all_rules import after_reading, before_reading
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.data.rules.learnable import of_scene
from train_offline.data.rules.rows import once
from train_offline.runtime.files import real_path
from train_offline.runtime.threads import in_threads

NUMBERS = {1: "uint", 2: "int", 3: "float", 5: "complex int", 6: "complex"}  # by TIFF's SampleFormat


@dataclass(frozen=True)
class _Seen:
    """What is kept of a scene without its pixels; ice, ignored: as Row has them."""

    header: Header | None
    ice: float | None
    ignored: float | None
    facts: Facts | None
    errors: list[FileError]
    remarks: list[Remark]
    picture: Thumbnail | None


def check(folder: Path, pictures: bool = False) -> CheckReport:
    """Find everything that is wrong in a data folder; raises FileError when it has no scene.

    What stops a training on the folder with itself to score is found by the rules that `train` applies, and
    marked so. pictures: keep a thumbnail of every scene.
    """
    lists = read_lists(folder)
    paths = scene_files(folder) if not lists.names or (folder / "image").is_dir() else []
    pairs = _all_pairs(folder, paths, lists)
    looked_at = in_threads(partial(_look_at, pictures), pairs, "check")
    rows, findings = [], list(lists.findings)
    for pair, one in zip(pairs, looked_at, strict=True):
        on = lists.of(pair)
        own = _findings_of(folder, pair, one, bool(on), lists)
        findings += own
        rows.append(_row(folder, pair, one, on, own))
    seen = {pair.identity: one for pair, one in zip(pairs, looked_at, strict=True)}
    findings += _of_folder(folder, paths, pairs, lists, seen)
    found = sorted(dict.fromkeys(findings), key=lambda one: not one.stops)
    return CheckReport(folder, rows, found)


def _all_pairs(folder: Path, paths: Sequence[Path], lists: Lists) -> list[Pair]:
    """Return the scenes of the lists with the masks that these name, and the others with those of gt/."""
    listed = once([pair for side in lists.sides for pair in side.pairs])
    known = {real_path(pair.image) for pair in listed}
    pairs = listed + [pair_of(folder, path) for path in paths if real_path(path) not in known]
    return sorted(dict.fromkeys(pairs), key=lambda pair: (pair.image, pair.label))


def _of_folder(
    folder: Path,
    paths: Sequence[Path],
    pairs: Sequence[Pair],
    lists: Lists,
    seen: dict[tuple[Path, Path], _Seen],
) -> list[DataFinding]:
    def read(sides: Sequence[Side]) -> list[Side]:
        return [replace(side, facts=[seen[pair.identity].facts for pair in side.pairs]) for side in sides]

    findings = whole_folder.lone_files(folder, pairs) + whole_folder.lists_by_other_names(folder)
    findings += whole_folder.doubled_names(folder, paths, stops=not lists.names)
    if lists.names:
        findings += whole_folder.unlisted(folder, paths, lists.sides)
    else:
        (whole,) = read([Side(folder, None, pairs)])
        findings += whole_folder.one_scene_in_tiles(whole) + whole_folder.look_alikes(whole)
    for train, val in lists.folds if lists.names else [([Side(folder, None, pairs)], [])]:
        findings += before_reading(train, val) + after_reading(read(train), read(val))
    return findings


def _look_at(pictures: bool, pair: Pair) -> _Seen:
    scene = inspect(pair)
    ice = ignored = None
    if scene.label is not None:
        counted = scene.label.size - int((scene.label == IGNORED).sum())
        ice = int((scene.label == 1).sum()) / max(1, counted)
        ignored = 1 - counted / scene.label.size
    picture = thumbnail(scene.image, scene.label) if pictures and scene.image is not None else None
    return _Seen(scene.header, ice, ignored, scene.facts, scene.errors, scene.remarks, picture)


def _findings_of(folder: Path, pair: Pair, one: _Seen, listed: bool, lists: Lists) -> list[DataFinding]:
    """Return what is wrong with a scene; it stops nothing where there are lists that leave the scene out."""
    named = listed and bool(lists.names)  # a mask that is missing is told with the line of the list
    errors = [
        error for error in one.errors if not (named and error.kind == "missing" and error.path != pair.ignore)
    ]
    stops = [finding_of(folder, error, stops=listed or not lists.names) for error in errors]
    return stops + of_scene(folder, pair, one.remarks)


def _row(folder: Path, pair: Pair, one: _Seen, on: list[str], findings: list[DataFinding]) -> Row:
    """Return the scene's row of the report."""
    header = one.header
    size, bands = (header.shape, header.samples) if header else (None, None)
    dtype = f"{NUMBERS.get(header.sample_format, 'uint')}{header.bits}" if header else ""
    file = within(folder, pair.image)
    return Row(file, size, bands, dtype, one.ice, one.ignored, on, findings, one.picture)
