"""Runs the parts, one process after the other: what is there is left, what fails costs no other part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infer.errors import UsageError
from infer.predict.hardware import gpu_visible
from tests.bench.gpu.part import REPO, missing
from tests.bench.gpu.plan import Part
from tests.bench.gpu.results import FAILED, NAME, SKIPPED, Figure, Machine, outcome, read, replace_part

GRACE = 5.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Day:
    """seconds: after which no part is begun any more. again: also parts that failed before."""

    output: Path
    work: Path
    machine: Machine
    seconds: float
    again: bool = False


def run_day(day: Day, parts: Sequence[Part], order: Sequence[str]) -> int:
    """All parts that are left; returns 1 where one of them has failed, now or before, else 0.

    order: names of all parts, as the table has them. Raises UsageError for a folder with results of another
    mode: a rehearsal's figures must not stand among others.
    """
    began = time.monotonic()
    if others := {row["mode"] for row in read(day.output)} - {day.machine.mode}:
        raise UsageError(f"{day.output / NAME} is of another mode ({', '.join(others)}): give another folder")
    left = [part for part in parts if _is_left(day, part)]
    while left and time.monotonic() - began < day.seconds:
        part = left.pop(0)
        started = time.monotonic()
        figures = [*run_part(day, part)]
        replace_part(day.output, part.name, figures, day.machine, order)
        told = f"{time.monotonic() - started:.0f} s, {len(figures)} rows"
        print(f"gpu: {part.name}: {outcome(read(day.output), part.name)}, {told}", flush=True)
        for figure in figures:
            if figure.what in (SKIPPED, FAILED):
                print(f"gpu: {part.name}: {figure.what}: {figure.note}", file=sys.stderr, flush=True)
    if left:
        print(f"gpu: {len(left)} parts are left: call again with the same folder ({left[0].name} is next)")
    rows = read(day.output)
    failed = [part.name for part in parts if outcome(rows, part.name) == FAILED]
    if failed:
        print(f"gpu: failed: {', '.join(failed)}; logs in {day.output}", file=sys.stderr)
    return 1 if failed else 0


def _is_left(day: Day, part: Part) -> bool:
    """What was skipped is looked at again: the package or the GPU may have come."""
    before = outcome(read(day.output), part.name)
    return before in (None, SKIPPED) or (day.again and before == FAILED)


def run_part(day: Day, part: Part) -> list[Figure]:
    """The figures of a part; the last one says why where it was skipped or failed."""
    if reason := _obstacle(day, part):
        return [Figure(SKIPPED, note=reason)]
    rows, log = day.output / f"{part.name}.rows", day.output / f"{part.name}.log"
    rows.unlink(missing_ok=True)
    where = (rows, day.work, day.output, day.machine.mode)
    line = [sys.executable, "-m", "tests.bench.gpu.child", part.module, *map(str, where), *part.arguments]
    with log.open("wb") as said:
        code = _run(line, said.fileno(), part.seconds)
    figures = _figures(rows)
    rows.unlink(missing_ok=True)
    if code is None:
        return [*figures, Figure(FAILED, note=f"not done after {part.seconds:.0f} s: {last_line(log)}")]
    if code:
        return [*figures, Figure(FAILED, note=last_line(log) or f"exit code {code}, and it said nothing")]
    return figures or [Figure(FAILED, note="it ended without a figure")]


def _obstacle(day: Day, part: Part) -> str | None:
    if day.machine.mode != "dry" and not (day.machine.gpu or gpu_visible()):
        return "no GPU here: nvidia-smi lists none"
    absent = next((package for package in part.needs if not _is_here(package)), None)
    return missing(absent) if absent else None


def _is_here(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def _run(line: list[str], said: int, seconds: float) -> int | None:
    """The exit code of a process, None where it took too long; none that it started is left behind."""
    path = os.pathsep.join(dict.fromkeys([str(REPO), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))
    variables = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        line, cwd=REPO, env=variables, stdout=said, stderr=said, stdin=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group: the part, and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _figures(rows: Path) -> list[Figure]:
    """What a part has written so far; a last line that was cut off is left out."""
    with suppress(FileNotFoundError):
        text = rows.read_text(encoding="utf-8")
        return [Figure(*json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return []


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
