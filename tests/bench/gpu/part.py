"""What the parts share: where they work, how they run programs, and how they say that they cannot."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
OUR_PACKAGES = ("infer", "train_offline", "tests")
ABSENT = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


@dataclass(frozen=True)
class Place:
    """work: scenes and weights, kept for later runs. output: the day's results. dry: on a CPU, small."""

    work: Path
    output: Path
    dry: bool

    @property
    def device(self) -> str:
        """The job's --device."""
        return "cpu" if self.dry else "cuda"

    def scratch(self, name: str) -> Path:
        """A folder for what nobody needs afterwards, made."""
        folder = self.work / "gpu" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class SkippedPart(Exception):  # noqa: N818  noted down, nobody's mistake
    """The part cannot be measured here; the text says why."""


class FailedPart(Exception):  # noqa: N818  likewise
    """What the part ran has failed; the text is one line."""


def call(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end, its output in the log too; returns that.

    Raises FailedPart with its last line, and SkippedPart where that misses a package.
    """
    line = [str(argument) for argument in command]
    print("$", *line, flush=True)
    process = subprocess.Popen(
        line, cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace",
    )  # fmt: skip
    said = []
    assert process.stdout
    for text in process.stdout:
        print(text, end="", flush=True)
        said.append(text)
    if process.wait():
        last = next((text.strip() for text in reversed(said) if text.strip()), "it said nothing")
        if absent := absent_package(last):
            raise SkippedPart(missing(absent))
        raise FailedPart(f"exit code {process.returncode}: {last}")
    return "".join(said)


def absent_package(line: str) -> str | None:
    """The package that a line of Python's says is missing; None for other lines, and for code of ours."""
    found = ABSENT.search(line)
    return found[1] if found and found[1].partition(".")[0] not in OUR_PACKAGES else None


def missing(package: str) -> str:
    """The reason for what needs a package that is not here."""
    return f"the package {package} is not installed here"
