"""How the tests call run.sh."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
RUN_SH = REPO / "run.sh"

# Stands in place of .venv/bin/python and prints how it was called: what run.sh makes of its words.
TELLER = """#!/usr/bin/env bash
printf '%s\\n' "$$" "$PWD" "${PYTHONPATH%%:*}" "$@"
"""


def run(script: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    options = {"env": clean_environment(), "timeout": 120, **options}
    return subprocess.run([str(script), *arguments], capture_output=True, text=True, check=False, **options)


def clean_environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEA_ICE", "PYTHON"))}
    return {**kept, **more}
