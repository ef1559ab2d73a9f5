"""All that a run leaves in its folder for people: settings.json, history.csv, curves.png and tensorboard/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from train_offline.training.log.curves import draw_curves
from train_offline.training.log.run_log import read_rows, write_json, write_rows
from train_offline.training.log.tensorboard import Board

Pictures = list[tuple[str, np.ndarray]]


class Reports:
    """Written by the first process only; OSError where the folder cannot be written."""

    def __init__(self, folder: Path, step: int, tensorboard: bool) -> None:
        """`step`: where the run goes on. Rows after it are of work that a kill has undone."""
        self._history, self._curves = folder / "history.csv", folder / "curves.png"
        self._settings = folder / "settings.json"
        self._rows: list[dict[str, Any]] = [
            row for row in read_rows(self._history, ("step",)) if int(row["step"]) <= step
        ]
        self._board = Board(folder / "tensorboard", step) if tensorboard else None

    def start(self, settings: dict[str, Any], facts: dict[str, Any]) -> None:
        """Write settings.json."""
        write_json(self._settings, {**settings, "facts": facts})

    def epoch(self, row: dict[str, Any], scored: bool, pictures: Pictures) -> None:
        """Add a row of history; draw the curves anew where the row holds scores."""
        self._rows.append(row)
        write_rows(self._history, self._rows)
        if scored:
            self.draw()
        if self._board:
            figures = {name: float(value) for name, value in row.items() if name not in ("epoch", "step")}
            self._board.add(figures, pictures, int(row["step"]))

    def draw(self) -> None:
        """Draw curves.png of all rows so far."""
        draw_curves([{k: str(v) for k, v in row.items()} for row in self._rows], self._curves)

    def close(self) -> None:
        """Draw the curves to the end; nothing where no epoch was ended."""
        if self._rows:
            self.draw()
        if self._board:
            self._board.close()
