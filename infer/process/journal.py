"""What a child process does and has done, in memory that outlives it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MaskMade:
    """One mask that stands under its name. error: why it is black; None where it was predicted.

    ice_fraction: None where the mask says nothing of ice. notes: what a user should know of how the scene was
    read.
    """

    error: str | None
    ice_fraction: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Redone:
    """What did not go at once and was done again in another way: a mask may be right, but the run was slower.

    stage: "start" (what cannot run here), "decode", "predict", or "process" (a crash). scenes: names.
    """

    stage: str
    scenes: tuple[str, ...]
    reason: str


class Journal:
    """An append-only file without a name, shared by all processes forked from this one.

    A child writes whole lines of JSON; a line that a crash cut short is left out.
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("journal")

    def starts(self, stage: str, names: Sequence[str], tile: int = 0) -> None:
        """Note the scenes that a stage ("decode", "predict", "write") has at hand now, none when it is done.

        tile: the longest side in pixels that goes through the network with them.
        """
        self._append({"stage": stage, "names": list(names), "tile": tile})

    def on_gpu(self, now: bool) -> None:
        """Note whether a GPU is in hand from now on."""
        self._append({"gpu": now})

    def gpu_lost(self, reason: str) -> None:
        """Note why no child is to use the GPU any more."""
        self._append({"gpu": False, "reason": reason})

    def gpu(self) -> bool:
        """Tell whether the last child that said so had a GPU in hand, which was not lost."""
        return next((line["gpu"] for line in reversed(self._lines()) if "gpu" in line), False)

    def why_lost(self) -> str:
        """Return why the GPU was lost, as a child has noted; "" where none has."""
        return next((line["reason"] for line in reversed(self._lines()) if "reason" in line), "")

    def made(self, name: str, mask: MaskMade) -> None:
        """Note that the mask of the scene of this name stands in the output folder."""
        self._append({"made": name, "error": mask.error, "ice": mask.ice_fraction, "notes": mask.notes})

    def at_hand(self) -> list[str]:
        """Return the scenes that the last child had at hand when it ended, in all stages."""
        stages: dict[str, list[str]] = {}
        for line in self._lines():
            if "stage" in line:
                stages[line["stage"]] = line["names"]
        made = self.done()
        return list(dict.fromkeys(n for names in stages.values() for n in names if n not in made))

    def tile(self) -> int:
        """Return the longest side that was last put through the network, 0 where no child came to that."""
        return next((line["tile"] for line in reversed(self._lines()) if line.get("tile")), 0)

    def done(self) -> dict[str, MaskMade]:
        """Return the masks that have been made so far, by the name of the scene."""
        return {
            line["made"]: MaskMade(line["error"], line["ice"], tuple(line["notes"]))
            for line in self._lines()
            if "made" in line
        }

    def _append(self, line: dict[str, Any]) -> None:
        text = json.dumps(line).encode() + b"\n"  # ASCII: names that are no UTF-8 survive it
        os.write(self._file, text)

    def _lines(self) -> list[dict[str, Any]]:
        size = os.fstat(self._file).st_size
        lines = os.pread(self._file, size, 0).split(b"\n")
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found
