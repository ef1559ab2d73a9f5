"""An object store as a place: obstore, synchronous, with what it does not do itself.

It compares no digest, gives up a store that is down after some seconds, and cannot tell whether an
object that stands there already is its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from infer.archive.objects.faults import fault_of, lacks_bucket
from infer.archive.objects.place import ObjectFacts, Place, Say, holds_nonce, md5_of
from infer.archive.objects.waiting import AgainError, Patience, StoreCalls
from infer.errors import ChangedError, MissingError, UsageError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, ObjectStore, RetryConfig
    from typing_extensions import Buffer

_T = TypeVar("_T")
CHUNK = 2**22  # bytes held of an object that goes to a file
MAX_STALL = 60.0  # seconds without a byte after which a connection is given up
_ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_PREFIXES = ("AWS_", "GOOGLE_", "AZURE_")
# Of the environment: obstore forgets these where it is given any option of the client.
_OPTIONS = ("proxy_url", "proxy_ca_certificate", "proxy_excludes", "user_agent")
_SWITCHES = ("allow_http", "allow_invalid_certificates")


def open_remote(url: str, timeout_s: float, say: Say) -> Place:
    """Return the place at s3://, gs:// or az://; see open_place."""
    try:
        from obstore.store import from_url
    except ImportError as error:
        remedy = " (or .venv: ./run.sh setup)"
        raise UsageError(f'{url} needs the packages of the image\'s target "archive"', remedy) from error
    waiting = StoreCalls(url, timeout_s, say)
    for name in _ENDPOINTS:  # an address that is none would make obstore panic, on stderr
        value = os.environ.get(name)
        if value and url.startswith("s3") and not re.match(r"https?://[^/?#]", value):
            raise UsageError(f"{name} is no address of a store", "; it begins with http:// or https://")
    try:
        store = from_url(url, client_options=_client(timeout_s), retry_config=_retry(timeout_s))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # it also panics, as without an account
        fault = fault_of(error)
        remedy = fault.remedy or "; look at the URL and at the variables of the store in the environment"
        raise waiting.lasting(fault._replace(remedy=remedy)) from error
    return RemotePlace(url, store, waiting, say)


def _client(timeout_s: float) -> ClientConfig:
    stall = timedelta(seconds=min(MAX_STALL, max(1.0, timeout_s / 8)))
    options: dict[str, object] = {
        "connect_timeout": min(stall, timedelta(seconds=5)),
        "read_timeout": stall,
        "timeout": timedelta(hours=1),  # of a whole request: large scenes on slow lines
    }
    for prefix in _PREFIXES:
        found = {name: os.environ.get(prefix + name.upper()) for name in (*_OPTIONS, *_SWITCHES)}
        options |= {name: value for name, value in found.items() if value and name in _OPTIONS}
        options |= {
            name: True for name in _SWITCHES if (found[name] or "").lower() in ("1", "true", "yes", "on")
        }
    return cast("ClientConfig", options)


def _retry(timeout_s: float) -> RetryConfig:
    """Return how obstore itself tries again: a few times, as the rest is said to the user."""
    longest = timedelta(seconds=min(20.0, max(1.0, timeout_s / 4)))
    backoff = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2}
    return cast("RetryConfig", {"max_retries": 5, "retry_timeout": longest, "backoff": backoff})


class RemotePlace(Place):
    """Objects in a bucket below a prefix."""

    def __init__(self, url: str, store: ObjectStore, waiting: StoreCalls, say: Say) -> None:
        self.url = url
        self._store, self._waiting, self._say = store, waiting, say
        self._lock = threading.Lock()
        self._digests: bool | None = None  # whether ETags of this store that look like an MD5 are one

    def check(self) -> None:
        """See Place."""
        next(self.list(), None)

    def read(self, key: str) -> bytes:
        """See Place."""
        strange: set[str] = set()
        return self._found(key, lambda: self._read(key, strange))

    def _read(self, key: str, strange: set[str]) -> bytes:
        got = self._store.get(key)
        content = bytes(got.bytes())
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self._compare(_facts(got.meta, key), len(content), digest, strange)
        return content

    def read_start(self, key: str, count: int) -> bytes:
        """See Place."""

        def once() -> bytes:
            content = bytes(self._store.get(key, options={"range": (0, count)}).bytes())
            return content[:count]  # of a store that takes no notice of ranges

        return self._found(key, once)

    def head(self, key: str) -> ObjectFacts | None:
        """See Place."""
        try:
            return self._found(key, lambda: _facts(self._store.head(key), key))
        except MissingError:
            return None

    def fetch(self, key: str, to: Path, etag: str | None = None) -> ObjectFacts:
        """See Place."""
        strange: set[str] = set()

        def once() -> ObjectFacts:
            got = self._store.get(key, options={"if_match": etag} if etag else None)
            facts = _facts(got.meta, key)
            if etag and facts.etag and facts.etag.strip('"') != etag.strip('"'):
                raise self._changed(key)  # of a store that takes no notice of If-Match
            with to.open("wb") as file:
                size, digest = _stream(got.stream(CHUNK), file)
            self._compare(facts, size, digest, strange)
            return facts

        return self._found(key, once)

    def put(self, key: str, content: bytes | Path) -> None:
        """See Place."""
        self._found(key, lambda: self._store.put(key, content))

    def create(self, key: str, content: bytes, nonce: str) -> bool:
        """See Place; never in parts: of a conditional upload in parts two writers can win."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        def once() -> bool:
            try:
                self._store.put(key, content, mode="create", use_multipart=False)
                return True
            except (AlreadyExistsError, PreconditionError):
                try:
                    return holds_nonce(self.read(key), nonce)
                except MissingError:  # deleted meanwhile, or the store is about to decide between two
                    raise AgainError("it gives no object that it says to hold") from None

        return self._waiting(once)

    def delete(self, key: str) -> None:
        """See Place."""
        try:
            self._found(key, lambda: self._store.delete(key))
        except MissingError:
            return

    def list(self, prefix: str = "", after: str | None = None) -> Iterator[ObjectFacts]:
        """See Place; one that breaks goes on after its last key: a store's pages follow its own order."""
        patience, last = Patience(self._waiting), after
        while True:
            try:
                for page in self._store.list(prefix or None, offset=last, chunk_size=1000):
                    for meta in page:
                        if meta["path"] != last:
                            last = meta["path"]
                            yield _facts(meta, last)
                    patience.forget()
                return
            except GeneratorExit:
                raise
            except BaseException as error:
                patience.after(error)

    def _found(self, key: str, ask: Callable[[], _T]) -> _T:
        """Return what `ask` returns, at last; raises MissingError, ChangedError."""
        from obstore.exceptions import PreconditionError

        try:
            return self._waiting(ask)
        except PreconditionError as error:
            raise self._changed(key) from error
        except FileNotFoundError as error:
            if error.errno is not None:  # of the disk that is written to
                raise
            if lacks_bucket(error):
                raise self._waiting.lasting(fault_of(error)) from error
            raise MissingError(f"there is no {self.url}/{key}") from error

    def _changed(self, key: str) -> ChangedError:
        return ChangedError(f"{self.url}/{key} is another object than was listed")

    def _compare(self, facts: ObjectFacts, size: int, digest: str, strange: set[str]) -> None:
        """Raise AgainError for a body that is cut or whose MD5 differs; strange: the digests so far that did.

        Encrypted by a key of the store (SSE-KMS), an object has an ETag that only looks like an MD5: then the
        same bytes come twice.
        """
        if size != facts.size:
            raise AgainError(f"it sent {size} of {facts.size} bytes")
        expected = md5_of(facts.etag)
        if expected is None or self._digests is False:
            return
        if digest == expected:
            self._digests = True
            return
        if digest not in strange:
            strange.add(digest)
            raise AgainError("it sent bytes that do not agree with their ETag")
        if self._digests:
            raise ChangedError(f"{self.url}/{facts.key} is damaged: its bytes do not agree with its ETag")
        with self._lock:
            told, self._digests = self._digests is False, False
        if not told:
            self._say(f"the ETags of {self.url} are no digests: of what comes only the length is checked")


def _facts(meta: ObjectMeta, key: str) -> ObjectFacts:
    return ObjectFacts(key, meta["size"], meta["e_tag"])


def _stream(chunks: Iterable[Buffer], file: BinaryIO) -> tuple[int, str]:
    """Write chunks to a file and return how many bytes they were, and their MD5."""
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
        size += file.write(chunk)
    return size, digest.hexdigest()
