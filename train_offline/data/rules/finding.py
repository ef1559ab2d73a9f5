"""What a rule finds in a data folder, and the scenes that rules look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infer.errors import FileError
from train_offline.data.facts.facts import Facts
from train_offline.data.folder import LabelledScene, Pair, within

NAMES_SHOWN = 4


@dataclass(frozen=True)
class DataFinding:
    """folder: the data folder. file: within it, or a whole path. stops: no training can use it as it is."""

    folder: Path
    file: str
    what: str
    fix: str
    stops: bool = False

    def __str__(self) -> str:
        return f"{self.folder / self.file}: {self.what}; to do: {self.fix}"

    def error(self, others: int = 0) -> FileError:
        """Return it as an error; others: further findings that stop."""
        more = f" (and {others} more: ./run.sh check {self.folder})" * bool(others)
        return FileError(self.folder / self.file, self.what, f"; {self.fix}{more}")


@dataclass(frozen=True)
class Side:
    """What a data folder gives to one side: the scenes to train on, or to score.

    list_name: None where it has no list and gives all scenes. facts: of each pair, None for one that cannot
    be used; empty before scenes are read. scenes: of each pair, or none, where no pixels are at hand.
    """

    folder: Path
    list_name: str | None
    pairs: Sequence[Pair]
    facts: Sequence[Facts | None] = ()
    scenes: Sequence[LabelledScene] = field(default=(), repr=False)

    @property
    def usable(self) -> list[tuple[Pair, Facts]]:
        """The scenes that can be used."""
        return [(pair, one) for pair, one in zip(self.pairs, self.facts, strict=False) if one is not None]

    def finding(self, what: str, fix: str, *, part: str = "image", stops: bool = False) -> DataFinding:
        """Return a finding about its list, or where it has none about a folder of it."""
        return DataFinding(self.folder, self.list_name or part, what, fix, stops)

    def named(self, pairs: Sequence[Pair]) -> str:
        """Name the first few scenes."""
        names = list(dict.fromkeys(within(self.folder, pair.image) for pair in pairs))
        more = len(names) - NAMES_SHOWN
        return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
