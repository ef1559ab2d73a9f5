"""The child's side of the pipe: a line of JSON for each thing that begins, and for each that is done."""

from __future__ import annotations

import json
import os
import pickle
import threading
from dataclasses import asdict
from typing import Any

from infer.archive.wire.facts import Mapped, Ready
from infer.errors import UsageError
from infer.process.journal import Journal


class Wire(Journal):
    """A journal that the supervisor reads as it is written: what stands in a pipe outlives its writer."""

    def __init__(self, pipe: int) -> None:
        """pipe: a file descriptor that nothing else writes to."""
        self._pipe, self._lock = pipe, threading.Lock()

    def ready(self, ready: Ready) -> None:
        """Say what computes from now on."""
        self._append({"ready": asdict(ready)})

    def mapped(self, mapped: Mapped) -> None:
        """Say what became of a scene."""
        self._append({"mapped": asdict(mapped)})

    def end(self) -> None:
        """Say that every scene of the request has been spoken of."""
        self._append({"end": True})

    def unusable(self, error: UsageError) -> None:
        """Say what only the user can mend."""
        self._append({"unusable": pickle.dumps(error).hex()})

    def _append(self, line: dict[str, Any]) -> None:
        rest = json.dumps(line).encode() + b"\n"  # ASCII: keys that are no UTF-8 survive it
        with self._lock:  # longer ones would be torn by those of other threads
            while rest:
                rest = rest[os.write(self._pipe, rest) :]


def unusable_of(line: dict[str, Any]) -> UsageError:
    """Return the error of a line that Wire.unusable wrote."""
    error = pickle.loads(bytes.fromhex(line["unusable"]))
    assert isinstance(error, UsageError)
    return error
