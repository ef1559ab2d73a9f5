"""What a run must have left in a store, whatever became of those that worked at it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from infer.archive.objects.place import Place
from infer.archive.record.receipts import read_receipts


def check(run: Place, keys: Iterable[str], plain: dict[str, bytes]) -> None:
    """Each scene once, and the plain job's mask of it, byte for byte; keys: of the scenes, sorted."""
    entries = [entry for receipt in read_receipts(run) for entry in receipt["scenes"]]
    assert sorted(entry["key"] for entry in entries) == list(keys)
    assert {entry["status"] for entry in entries} == {"ok"}
    assert {facts.key for facts in run.list("masks")} == plain.keys()
    for entry in entries:
        content = run.read(entry["mask"])
        assert content == plain[entry["mask"]]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
