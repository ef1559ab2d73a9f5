"""history.csv: every dry run of a report folder, a row for the whole and one for each scene."""

from __future__ import annotations

import csv
import fcntl
import io
import math
import os
from pathlib import Path
from typing import Any

FILE_NAME = "history.csv"
COLUMNS = (
    "when", "data", "mode", "device", "way", "submission", "passed", "scene", "seconds", "fwiou", "ice_iou",
    "mask",
)  # fmt: skip
WHOLE = ""  # the scene of the row that is about a whole run
SAME = 5e-5  # difference of a score that no table shows


def earlier_run(folder: Path, data: str) -> list[dict[str, str]]:
    """Return the rows of the latest run on the same data; none without one, or without a readable history."""
    rows = [row for row in _read(folder / FILE_NAME) if row["data"] == data]
    return [row for row in rows if row["when"] == rows[-1]["when"]]


def append(folder: Path, content: dict[str, Any]) -> None:
    """Add a run, given as the content of its report. A file of other columns is moved aside."""
    path = folder / FILE_NAME
    if path.exists() and _header(path) != list(COLUMNS):
        os.replace(path, path.with_suffix(".old.csv"))
    with path.open("a+", newline="", encoding="utf-8", errors="surrogateescape") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another dry run may be at its end too
        rows = io.StringIO(newline="")
        writer = csv.DictWriter(rows, COLUMNS, lineterminator="\n")
        if file.seek(0, os.SEEK_END) == 0:
            writer.writeheader()
        elif not _ends_with_newline(path):
            rows.write("\n")  # a run was cut off while it wrote
        writer.writerows(_rows_of(content))
        file.write(rows.getvalue())


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def compare(earlier: list[dict[str, str]], content: dict[str, Any]) -> dict[str, Any] | None:
    """Return what has changed since `earlier`; None where there is nothing to compare with.

    Seconds are compared only where both ran in the same way on the same device. A scene is better or worse by
    its FWIoU.
    """
    before = {row["scene"]: row for row in earlier}
    now = {row["scene"]: row for row in _rows_of(content)}
    if WHOLE not in before:
        return None
    old, new = before.pop(WHOLE), now.pop(WHOLE)
    alike = all(old[key] == new[key] for key in ("mode", "device", "way"))
    scenes = {name: _change(before[name], row) for name, row in now.items() if name in before}
    changes = [scene["fwiou"] for scene in scenes.values() if scene["fwiou"] is not None]
    return {
        "when": old["when"],
        "submission": old["submission"],
        "seconds": [_number(old["seconds"]), _number(new["seconds"])] if alike else None,
        "fwiou": [_number(old["fwiou"]), _number(new["fwiou"])],
        "ice_iou": [_number(old["ice_iou"]), _number(new["ice_iou"])],
        "better": sum(change > SAME for change in changes),
        "worse": sum(change < -SAME for change in changes),
        "same": sum(abs(change) <= SAME for change in changes),
        "new_scenes": len(now.keys() - before.keys()),
        "gone_scenes": len(before.keys() - now.keys()),
        "scenes": scenes,
    }


def _change(old: dict[str, str], new: dict[str, str]) -> dict[str, Any]:
    was, now = _number(old["fwiou"]), _number(new["fwiou"])
    return {
        "fwiou": None if was is None or now is None else now - was,
        "same_mask": bool(old["mask"]) and old["mask"] == new["mask"],
    }


def _rows_of(content: dict[str, Any]) -> list[dict[str, str]]:
    score, job = content["score"] or {}, content["submission"]
    shared = {
        "when": content["when"],
        "data": content["data"]["folder"],
        "mode": job["mode"],
        "device": job["device"] or "",
        "way": " ".join(name for name in ("per_scene", "cold") if content["settings"][name]),
        "submission": (job["image_id"] or job["weights_sha256"] or "").removeprefix("sha256:")[:12],
        "passed": str(content["passed"]).lower(),
    }
    whole = {"scene": WHOLE, "seconds": content["seconds"]["wall"]["median"], "mask": "", **_scores(score)}
    rows = [whole, *map(_row_of, content["scenes"])]
    return [{key: _text(value) for key, value in (shared | row).items()} for row in rows]


def _row_of(scene: dict[str, Any]) -> dict[str, Any]:
    mask = (scene["mask_sha256"] or "")[:16]
    scores = _scores(scene["score"] or {})
    return {"scene": scene["name"], "seconds": scene["seconds"], "mask": mask, **scores}


def _scores(figures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: figures.get(name) for name in ("fwiou", "ice_iou")}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            rows = [row for row in reader if None not in row.values() and None not in row]
            return rows if reader.fieldnames == list(COLUMNS) else []
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []
