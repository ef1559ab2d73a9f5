"""An image run again in other ways than the strict one, untimed: do the same masks come out?

"default-line": the line that most judges type. Docker makes the folder for the masks, and it is root's.
"hard": with --hard, under limits that leave next to nothing.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from infer.errors import UsageError
from train_offline.judging.cases import Case
from train_offline.judging.finding import Finding
from train_offline.judging.masks.compare import other_masks
from train_offline.judging.masks.leftovers import differing
from train_offline.judging.run.container import Container, Image, docker, refusal
from train_offline.judging.run.flags import hard, mount, plain
from train_offline.judging.run.process import ProcessOutcome, run_process
from train_offline.judging.run.runs import Run, ending
from train_offline.judging.run.sandbox import lay_out, open_folder
from train_offline.judging.settings import DryRunSettings

DEFAULT_LINE, HARD = "default-line", "hard"
FIX = {
    DEFAULT_LINE: "Docker makes /output as root's, mode 755, and nobody says --user: start as root, then at "
    "best give /output to a user and go on as that one",
    HARD: "make it work with 1 processor and 1 GB, without rights, writing to /output alone",
}
WORDS = {DEFAULT_LINE: "by the judge's plain docker line", HARD: "with --hard"}
CLOSE = 0.99  # share of pixels that must agree where tiles, batches or engines may be others


@dataclass(frozen=True)
class Variant:
    """One more run. command: what a user would type, for folders IN and OUT. findings: of its own kind."""

    name: str
    command: str
    seconds: float
    exit_code: int
    findings: list[Finding]


@dataclass(frozen=True)
class _Way:
    """flags: of `docker run`, for scenes and masks. made: the folder for the masks is there beforehand.

    agreement: the share of pixels that must be those of the strict run. limit: seconds, None for no limit.
    """

    name: str
    flags: Callable[[Path, Path], list[str]]
    made: bool
    agreement: float
    limit: float | None


def play(
    image: Image, cases: list[Case], settings: DryRunSettings, runs: list[Run], scratch: Path
) -> tuple[list[Variant], list[str]]:
    """Run the variants, judged by the masks of the last strict run; returns them, and notes on what was not.

    scratch: the folder of the whole dry run.
    """
    strict = runs[-1].masks
    if not any(os.path.isfile(strict / f"{case.name}.png") for case in cases):
        return [], ["not run by the judge's plain line too: the strict run left no masks to compare with"]
    exact = not settings.per_scene and not differing([run.masks for run in runs])
    ways, notes = _ways(settings, 1.0 if exact else CLOSE), []
    if ":" in str(scratch):
        ways = [way for way in ways if way.made]
        notes = [f"not run by the judge's plain line: -v cannot name {scratch}; set TMPDIR to a plain path"]
    return [_play(way, image, cases, strict, scratch / way.name) for way in ways], notes


def _ways(settings: DryRunSettings, agreement: float) -> list[_Way]:
    device, limit = settings.device, settings.time_limit
    ways = [_Way(DEFAULT_LINE, lambda i, o: plain(i, o, settings.memory, device), False, agreement, limit)]
    if settings.hard:
        patience = limit and limit * (os.cpu_count() or 1)  # one processor has the work of all to do
        ways.append(_Way(HARD, lambda i, o: hard(i, o, device), True, CLOSE, patience))
    return ways


def _play(way: _Way, image: Image, cases: list[Case], strict: Path, folder: Path) -> Variant:
    print(f"dry-run: {way.name}: the same scenes once more", file=sys.stderr)
    folder.mkdir()
    folder.chmod(0o755)
    scenes, masks = lay_out(cases, folder / "scenes", real_files=True), folder / "masks"
    if way.made:
        open_folder(masks)
    try:
        outcome, faults = _run(Container(image, way.flags(scenes, masks)), folder, way.limit)
        faults = faults or other_masks(cases, strict, masks, way.agreement)  # a bad end explains its masks
    finally:
        remove(masks, image)
    where, fix = WORDS[way.name], FIX[way.name]
    findings = [replace(x, kind=way.name, what=f"{where}: {x.what}", fix=fix) for x in faults]
    typed = ["docker", "run", "--rm", *way.flags(Path("IN"), Path("OUT")), image.name]
    return Variant(way.name, shlex.join(typed), outcome.wall, outcome.exit_code, findings)


def _run(container: Container, work: Path, limit: float | None) -> tuple[ProcessOutcome, list[Finding]]:
    """Return how it ended and what is wrong with that; the kind and the remedy are for the caller to say."""
    try:
        outcome = run_process(container.command([]), cwd=work, limit=limit, on_kill=container.kill)
        state = container.state()
    finally:
        container.remove()
    if reason := refusal(outcome, state):
        return outcome, [Finding("", "", f"docker cannot run it: {reason}", "")]
    killed = bool(state.get("OOMKilled")) and outcome.exit_code != 0  # 0: it got over the loss of a child
    return outcome, ending(outcome, killed, limit)


def remove(folder: Path, image: Image) -> None:
    """Remove a folder that a container may have made: where it is root's and we are not, from a container.

    Says so in a line where even that does not help, as with an image that has no `rm`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        return
    inside = ["--network", "none", "--user", "0:0", "--entrypoint", "rm"]
    with suppress(UsageError):
        place = ["--mount", mount(folder.parent, "/sweep")]
        docker("run", "--rm", *inside, *place, image.name, "-rf", f"/sweep/{folder.name}")
    if os.path.lexists(folder):
        command = f"sudo rm -r {shlex.quote(str(folder))}"
        print(f"dry-run: {folder} is root's and stays; remove it with {command}", file=sys.stderr)
