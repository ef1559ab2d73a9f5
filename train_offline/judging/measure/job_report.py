"""What a job said of itself with --report, taken with caution: a stranger's image may call itself ours."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST = 16 * 1024**2  # bytes
LONGEST = 200  # characters of a text
MOST = 1e9  # seconds
SECONDS = ("start", "setup", "imports", "weights", "device", "total")
MAYBE = ("first_mask", "predicted", "retries")  # None where there was none
MOST_REDONE, MOST_SCENES = 200, 50  # what was done again that is taken over, and scenes of each
TEXTS = ("version", "device", "precision", "weights_sha256")


@dataclass(frozen=True)
class Redone:
    """What did not go at once and was done again, as infer.write.report has it. scenes: names, if known."""

    stage: str
    scenes: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class JobReport:
    """began: on time.monotonic(), and seconds by name, both None where not all of them are there.

    texts: by a name of TEXTS. scenes: status and error by file. redone: what did not go at once.
    """

    began: float | None = None
    seconds: dict[str, float | None] | None = None
    texts: dict[str, str] = field(default_factory=dict)
    scenes: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    redone: tuple[Redone, ...] = ()


def read_report(path: Path) -> JobReport:
    """The report in a file; an empty one where there is none that can be read: the exit code tells why."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
                return JobReport()
            content = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return JobReport()
    if not isinstance(content, dict):
        return JobReport()
    known = _dicts(content.get("scenes"))
    return JobReport(
        began=_number(content.get("began")),
        seconds=_seconds(content.get("seconds")),
        texts={name: text for name in TEXTS if (text := _text(content.get(name))) is not None},
        scenes={str(s.get("name")): (_text(s.get("status")), _text(s.get("error"))) for s in known},
        redone=tuple(map(_redone, _dicts(content.get("redone"))[:MOST_REDONE])),
    )


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _redone(given: dict[str, Any]) -> Redone:
    scenes = given.get("scenes")
    names = [_text(name) for name in scenes[:MOST_SCENES]] if isinstance(scenes, list) else []
    return Redone(
        _text(given.get("stage")) or "not told",
        tuple(name for name in names if name is not None),
        _text(given.get("reason")) or "no reason given",
    )


def _seconds(given: Any) -> dict[str, float | None] | None:
    if not isinstance(given, dict):
        return None
    seconds = {name: _number(given.get(name)) for name in SECONDS}
    if None in seconds.values():
        return None
    return seconds | {name: _number(given.get(name)) for name in MAYBE}


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    return float(given) if 0 <= given <= MOST and math.isfinite(given) else None


def _text(given: Any) -> str | None:
    """One line of printable characters."""
    if not isinstance(given, str):
        return None
    return "".join(c if c.isprintable() else "?" for c in given[:LONGEST])
