"""A local folder as a place: its listing streams in one order, and nothing torn stands under a key.

Not obstore's LocalStore: that lists in the order of the disk, and listings must be comparable.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infer.archive.objects.place import ObjectFacts, Place, holds_nonce
from infer.errors import ChangedError, FileError, MissingError

_DRAFT = re.compile(r"\.[0-9a-f]{32}\.part")


class LocalPlace(Place):
    """Objects as files below a folder, which is made by the first one that is written."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self._folder = folder

    def check(self) -> None:
        """See Place; a folder that is not there yet is an empty one."""
        with self._told(self._folder), suppress(FileNotFoundError):
            os.scandir(self._folder).close()

    def read(self, key: str) -> bytes:
        """See Place."""
        path = self._path(key)
        with self._told(path):
            return path.read_bytes()

    def read_start(self, key: str, count: int) -> bytes:
        """See Place."""
        path = self._path(key)
        with self._told(path), path.open("rb", buffering=0) as file:
            return file.read(count)

    def head(self, key: str) -> ObjectFacts | None:
        """See Place."""
        path = self._path(key)
        try:
            with self._told(path):
                found = path.stat()
        except MissingError:
            return None
        return _facts(key, found) if stat.S_ISREG(found.st_mode) else None

    def fetch(self, key: str, to: Path, etag: str | None = None) -> ObjectFacts:
        """See Place; the ETag is made of inode, time and size, which a file that is written to changes."""
        path = self._path(key)
        with self._told(path):
            source = path.open("rb")
        with source, to.open("wb") as target:
            facts = _facts(key, os.fstat(source.fileno()))
            if etag is None or facts.etag == etag:
                shutil.copyfileobj(source, target, 2**20)
            after = os.fstat(source.fileno())
            if (
                facts.etag != (etag or facts.etag)
                or _facts(key, after) != facts
                or target.tell() != facts.size
            ):
                raise ChangedError(f"{key} is another file than was listed", path)
        return facts

    def put(self, key: str, content: bytes | Path) -> None:
        """See Place."""
        path = self._path(key)
        with self._told(path, writing=True), _draft(path) as draft:
            if isinstance(content, Path):
                shutil.copyfile(content, draft)
            else:
                draft.write_bytes(content)
            _to_disk(draft)
            os.replace(draft, path)

    def create(self, key: str, content: bytes, nonce: str) -> bool:
        """See Place; the name is given by a link to the whole file, which takes no name that is taken."""
        path = self._path(key)
        with self._told(path, writing=True), _draft(path) as draft:
            draft.write_bytes(content)
            _to_disk(draft)
            while True:
                try:
                    os.link(draft, path)
                    return True
                except FileExistsError:
                    # Also ours where an answer of a network disk got lost; one deleted meanwhile makes room.
                    with suppress(FileNotFoundError):
                        return holds_nonce(path.read_bytes(), nonce)

    def delete(self, key: str) -> None:
        """See Place."""
        path = self._path(key)
        with suppress(MissingError), self._told(path):
            path.unlink()

    def list(self, prefix: str = "", after: str | None = None) -> Iterator[ObjectFacts]:
        """See Place; in the order of the keys' bytes, as S3 has it."""
        steps = prefix.strip("/")
        folder = self._path(steps) if steps else self._folder
        with self._told(folder), suppress(FileNotFoundError):
            yield from _below(
                folder, f"{steps}/" if steps else "", _bytes(after) if after else b"", frozenset()
            )

    def _path(self, key: str) -> Path:
        if not key or any(step in ("", ".", "..") for step in key.split("/")):
            raise FileError(self._folder, f"{key!r} is no key of an object")
        return self._folder / key

    @contextmanager
    def _told(self, path: Path, writing: bool = False) -> Iterator[None]:
        """Make one line of what a disk answers; where something is written, nothing was to be there."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            if writing:
                raise FileError(path, "cannot be written there") from error
            if path == self._folder:
                raise FileError(path, "is no folder", kind="missing") from error
            raise MissingError(f"there is no {path}", path) from error
        except OSError as error:
            remedy = ""
            if error.errno in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                remedy = "; a run needs a file system with hard links"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                remedy = ": make room and start the same command again; what is done stands"
            raise FileError(path, (error.strerror or "cannot be used").lower(), remedy) from error


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _below(
    folder: Path, prefix: str, after: bytes, above: frozenset[tuple[int, int]]
) -> Iterator[ObjectFacts]:
    """Yield the files below a folder whose keys, that begin with prefix, come after a given one.

    above: device and inode of the folders on the way here, so that a link to one of them is no endless loop.
    """
    found = os.stat(folder)
    here = (found.st_dev, found.st_ino)
    if here in above:
        return
    with os.scandir(folder) as entries:
        named = sorted((entry.name + "/" * _is_folder(entry) for entry in entries), key=_bytes)
    for name in named:
        key = prefix + name
        raw = _bytes(key)
        if name.endswith("/"):
            if raw > after or after.startswith(raw):
                with suppress(FileNotFoundError):
                    yield from _below(folder / name[:-1], key, after, above | {here})
        elif raw > after and not _DRAFT.search(name):
            try:
                if stat.S_ISREG((found := os.stat(folder / name)).st_mode):
                    yield _facts(key, found)
            except FileNotFoundError:  # deleted since, or a link to nowhere
                pass
            except OSError:  # a link to itself ...: whoever fetches it is told
                yield ObjectFacts(key, 0, None)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _facts(key: str, found: os.stat_result) -> ObjectFacts:
    return ObjectFacts(key, found.st_size, f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"')


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Give a name beside path that no other process or thread uses, and that is gone afterwards."""
    draft = path.with_name(f".{uuid.uuid4().hex}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Have the content on the disk before the name is: a receipt must not outlive the mask it speaks of."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
