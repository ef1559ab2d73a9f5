"""What the archive asks of a place that keeps objects, whether a local folder or an object store."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

Say = Callable[[str], None]
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class ObjectFacts(NamedTuple):
    """What a listing tells of an object: its key in the place, its bytes, and the store's own ETag."""

    key: str
    size: int
    etag: str | None


class Place(ABC):
    """Objects under keys such as "a/b.tif", relative to url; every method may be called from many threads.

    Open it in the process that uses it: what lies behind it does not survive a fork.
    Each method raises UsageError where waiting is of no use (wrong credentials, no bucket, no permission) and
    StoreDownError where the store has not answered for the whole of its timeout.
    """

    url: str

    @abstractmethod
    def check(self) -> None:
        """Ask for a first key: whoever calls this before all else learns of wrong credentials at once."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """Return an object; raises MissingError."""

    @abstractmethod
    def read_start(self, key: str, count: int) -> bytes:
        """Return so many bytes of an object, or all if it has fewer; raises MissingError.

        For a glance: no digest is compared.
        """

    @abstractmethod
    def head(self, key: str) -> ObjectFacts | None:
        """Return the facts of an object, None where there is none."""

    @abstractmethod
    def fetch(self, key: str, to: Path, etag: str | None = None) -> ObjectFacts:
        """Write an object to a file, whose length is right, and whose MD5 is where the ETag shows one.

        etag: as it was listed, None for whatever stands there now. Raises ChangedError where the object is
        another one than that, MissingError where it is gone, OSError where `to` cannot be written.
        """

    @abstractmethod
    def put(self, key: str, content: bytes | Path) -> None:
        """Write an object whole or not at all, over one that stands there."""

    @abstractmethod
    def create(self, key: str, content: bytes, nonce: str) -> bool:
        """Write a small object where none stands yet; return whether the one that stands there now is ours.

        content: JSON, an object whose "nonce" is `nonce`: an acknowledgement can get lost, and then the
        second try finds our own.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is none the less deleted."""

    @abstractmethod
    def list(self, prefix: str = "", after: str | None = None) -> Iterator[ObjectFacts]:
        """Yield what lies in a folder and below it, each object once, in an order that is the store's own.

        prefix: whole steps of keys, "a/b" for "a/b/c.tif" but not for "a/bc.tif". after: a key that this
        place has listed; what follows it in its order.
        """

    def list_names(self, prefix: str) -> Iterator[str]:
        """Yield the keys in a folder and below it, without the prefix and its slash."""
        cut = len(prefix) + 1 if prefix else 0
        return (facts.key[cut:] for facts in self.list(prefix))

    def __str__(self) -> str:
        return self.url


def holds_nonce(content: bytes, nonce: str) -> bool:
    """Return whether this is a JSON object with that nonce."""
    try:
        found = json.loads(content)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("nonce") == nonce


def md5_of(etag: str | None) -> str | None:
    """Return the digest that an ETag is, as 32 hexadecimal digits; None where it is something else."""
    match = _MD5.fullmatch(etag or "")
    return match[1] if match else None
