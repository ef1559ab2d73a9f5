"""What a training run tells: the progress bar, lines above it, history.csv and settings.json."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from infer.errors import FileError
from train_offline.runtime.files import whole_file, write_whole

PER_CENT = 100


def read_rows(path: Path, needed: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Read the rows of a CSV file with a header; none where there is no file.

    Raises FileError where it is no CSV file or lacks one of the columns `needed`.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(path, f"cannot be read as a list in UTF-8: {error}", kind="unreadable") from error
    if any(row.get(name) is None for row in rows for name in needed):
        reason = f"lacks the column {' or '.join(needed)}"
        raise FileError(path, reason, "; move it away or undo its changes", kind="form")
    return rows


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the file whole or not at all; columns in the order in which they first appear."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with whole_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write the file whole or not at all; raises OSError."""
    write_whole(path, json.dumps(content, indent=2) + "\n")


class TrainingProgress:
    """A bar from 0 to 100 % of the run on a terminal (nothing elsewhere), and lines above it."""

    def __init__(self, share_passed: float, shown: bool) -> None:
        self._bar = tqdm(
            total=PER_CENT,
            initial=share_passed * PER_CENT,
            disable=None if shown else True,  # None: off where stderr is no terminal
            bar_format="{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
        )
        self._shown = shown

    def update(self, share_passed: float, **figures: str | int) -> None:
        """Move the bar; figures such as loss and rate stand behind it."""
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update(max(0.0, min(1.0, share_passed) * PER_CENT - self._bar.n))

    def line(self, text: str) -> None:
        """Print a line, above the bar."""
        if self._shown:
            tqdm.write(text)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
