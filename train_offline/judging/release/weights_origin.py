"""Where the weights in the image come from, as their file says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from infer.network.weights_file import sha256_of

UNKNOWN = "origin not told"


def origin_of(weights: Path) -> str:
    """Return one line: the file, its SHA-256, and the data and the commit that it was trained with.

    Raises UsageError for a weights file that cannot be read.
    """
    told = f"{weights.name}, sha256 {sha256_of(weights)[:12]}"
    try:
        with safe_open(weights, framework="np") as file:
            facts = file.metadata() or {}
    except (OSError, SafetensorError):
        facts = {}
    trained = _plain(facts, "data")
    folders = sorted(trained["train"]) if isinstance(trained, dict) and "train" in trained else []
    commit = _plain(facts, "commit")
    if not folders:
        return f"{told}, {UNKNOWN}"
    at = f" at commit {commit[:12]}" if isinstance(commit, str) else ""
    return f"{told}, trained on {', '.join(folders)}{at}"


def _plain(facts: dict[str, str], name: str) -> Any:
    """Return a fact of the file's header; None where it is not there or no JSON."""
    try:
        return json.loads(facts[name])
    except (KeyError, ValueError):
        return None
