"""What a job said of itself with --report, taken with caution: a stranger's image may call itself ours."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infer.process.journal import Redone
from infer.process.text import one_line

MAX_BYTES = 16 * 1024**2
MAX_LENGTH = 200  # characters of a text
MAX_SECONDS = 1e9
MAX_REDONE, MAX_SCENES = 200, 50  # what was done again that is taken over, and scenes of each
NEEDED = ("start", "setup", "imports", "weights", "device", "total")  # seconds without which none are told
TEXTS = ("version", "device", "precision", "weights_sha256")


@dataclass(frozen=True)
class JobSeconds:
    """As infer.write.report counts them; None where there was no first mask, no prediction or no retry."""

    start: float
    setup: float
    imports: float
    weights: float
    device: float
    total: float
    first_mask: float | None = None
    predicted: float | None = None
    retries: float | None = None


@dataclass(frozen=True)
class JobReport:
    """began: on time.monotonic(), None where it is not told. seconds: None where not all NEEDED are told.

    texts: by a name of TEXTS. scenes: status and error by file. redone: what did not go at once.
    """

    began: float | None = None
    seconds: JobSeconds | None = None
    texts: dict[str, str] = field(default_factory=dict)
    scenes: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    redone: tuple[Redone, ...] = ()


def read_report(path: Path) -> JobReport:
    """Read a report; an empty one where there is none that can be read: the exit code tells why."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
                return JobReport()
            content = json.loads(file.read(MAX_BYTES))
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
        redone=tuple(map(_redone, _dicts(content.get("redone"))[:MAX_REDONE])),
    )


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _redone(given: dict[str, Any]) -> Redone:
    scenes = given.get("scenes")
    names = [_text(name) for name in scenes[:MAX_SCENES]] if isinstance(scenes, list) else []
    return Redone(
        _text(given.get("stage")) or "not told",
        tuple(name for name in names if name is not None),
        _text(given.get("reason")) or "no reason given",
    )


def _seconds(given: Any) -> JobSeconds | None:
    if not isinstance(given, dict):
        return None
    needed = {name: value for name in NEEDED if (value := _number(given.get(name))) is not None}
    if len(needed) < len(NEEDED):
        return None
    first_mask, predicted = _number(given.get("first_mask")), _number(given.get("predicted"))
    return JobSeconds(
        **needed, first_mask=first_mask, predicted=predicted, retries=_number(given.get("retries"))
    )


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    return float(given) if 0 <= given <= MAX_SECONDS and math.isfinite(given) else None


def _text(given: Any) -> str | None:
    """Return one line of printable characters, None for what is no text."""
    return one_line(given[:MAX_LENGTH])[:MAX_LENGTH] if isinstance(given, str) else None
