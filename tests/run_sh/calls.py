"""How the tests call run.sh."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
RUN_SH = REPO / "run.sh"

# Stands in place of .venv/bin/python and prints how it was called: what run.sh makes of its words.
TELLER = """#!/usr/bin/env bash
printf '%s\\n' "$$" "$PWD" "${PYTHONPATH%%:*}" "$@"
"""


def run(
    script: Path, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """env: in place of this process's own variables, without those that run.sh heeds."""
    line, env = [str(script), *arguments], env or clean_environment()
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120, cwd=cwd, env=env)


def clean_environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEA_ICE", "PYTHON"))}
    return {**kept, **more}
