"""How the judge runs it: no network, no rights, a number for a user, only /output and /tmp writable."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from tests.helpers.judging.judged import SCHEMA
from train_offline.commands import dry_run

USER, GROUP = 12345, 23456
HARDENED = shlex.split(
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 256 "
    "--memory 6g --shm-size 64m --tmpfs /tmp"
)


def docker(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
    )


@dataclass(frozen=True)
class Judge:
    """Runs the image as the judge would."""

    image: str

    def options(self, scenes: Path | None, masks: Path | None) -> list[str]:
        """The arguments of `docker run` up to the image: read-only scenes, masks, an arbitrary user."""
        line = [*HARDENED, "--user", f"{USER}:{GROUP}"]
        if scenes:
            line += ["--volume", f"{scenes}:/input:ro"]
        if masks:
            line += ["--volume", f"{masks}:/output"]
        return line

    def run(
        self,
        *arguments: object,
        scenes: Path | None = None,
        masks: Path | None = None,
        python: bool = False,
        flags: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """One container from start to end; with `python` the arguments go to its Python, not to run.sh.

        flags: further ones of `docker run`, the last word on what ours say.
        """
        entry = ["--entrypoint", "python"] if python else []
        return docker("run", "--rm", *self.options(scenes, masks), *flags, *entry, self.image, *arguments)


def judged(data: Path, report_dir: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report.json, which fits its schema, of a dry run."""
    code = dry_run.main(["--data", str(data), "--report-dir", str(report_dir), *arguments])
    report = json.loads((report_dir / "report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    return code, report
