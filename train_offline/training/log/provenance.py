"""What a run was made from: data, code and packages, for its folder and its checkpoints."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from typing import Any

from train_offline.data.sources import Source
from train_offline.runtime.code_version import commit_of, versions


def facts_of(train: Iterable[Source], val: Iterable[Source]) -> dict[str, Any]:
    """Return plain values: data_sha256 (of the training scenes), data, val, commit, dirty, versions.

    Hashes are of decoded pixels and labels, so the same scenes have the same hash on every machine. commit
    and dirty (the code differs from the commit) are None outside of git.
    """
    train = list(train)
    whole = hashlib.sha256("".join(source.sha256 for source in train).encode()).hexdigest()
    return {
        "data_sha256": whole,
        "data": [_described(source) for source in train],
        "val": [_described(source) for source in val],
        **commit_of(),
        "versions": {"python": platform.python_version(), **versions()},
        "machine": platform.platform(),
    }


def _described(source: Source) -> dict[str, Any]:
    return {"name": source.name, "scenes": len(source.scenes), "sha256": source.sha256}
