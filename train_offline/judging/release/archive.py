"""An image as a file: what `docker save` gives, through gzip on all cores, with its SHA-256 beside it.

gzip, because every Docker engine loads it: 20.10 refuses zstd, which is no faster here: docker itself takes
most of the time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from isal import igzip_threaded  # Intel's ISA-L: the same format as gzip's, several times as fast

from infer.errors import FileError, UsageError
from train_offline.judging.release.byte_progress import ByteProgress
from train_offline.runtime.files import whole_file, write_whole

CHUNK = 4 * 1024**2  # bytes
LEVEL = 1  # of 0 to 3: the libraries in an image hardly shrink further
SPARE = 0.6  # of the image's size must be free: about what the archive takes


def save(images: list[str], target: Path, size: int) -> float:
    """Write target and target.sha256, as sha256sum writes it; returns the seconds. Whole or not at all.

    images: names, all of which the archive holds. size: about how many bytes docker will give. Raises
    FileError where it cannot be written, UsageError where docker does not give the images.
    """
    began = time.monotonic()
    try:
        with whole_file(target) as draft:
            digest = _save(images, draft, size)
        write_whole(target.with_name(f"{target.name}.sha256"), f"{digest}  {target.name}\n")
    except OSError as error:
        raise FileError(target, f"cannot be written ({error.strerror})", kind="unwritable") from error
    return time.monotonic() - began


def _save(images: list[str], draft: Path, size: int) -> str:
    """Write the images to a file; returns its SHA-256 in hex."""
    saver = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
    assert saver.stdout is not None, "it is a pipe"
    try:
        with draft.open("wb") as file, ByteProgress("pack: saving", size) as progress:
            digest = compress(saver.stdout, file, progress)
        if saver.wait():
            raise UsageError(f"docker save {images[0]} ended with exit code {saver.returncode}")
        return digest
    finally:
        with suppress(ProcessLookupError):
            saver.kill()
        saver.wait()


def compress(source: IO[bytes], target: BinaryIO, progress: ByteProgress) -> str:
    """Copy through gzip, without a time stamp; returns the SHA-256 of what was written, in hex."""
    hashing = _Hashing(target)
    cores = len(os.sched_getaffinity(0))
    settings = {"compresslevel": LEVEL, "threads": cores, "block_size": CHUNK}
    with igzip_threaded.open(hashing, "wb", **settings) as packed:  # type: ignore[no-untyped-call]  # no types
        while chunk := source.read(CHUNK):
            packed.write(chunk)
            progress.add(len(chunk))
    return hashing.sha256.hexdigest()


class _Hashing:
    """A file to write to that hashes what goes through it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha256, self._file = hashlib.sha256(), file

    def write(self, chunk: Any) -> int:
        self.sha256.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


def require_space(folder: Path, size: int) -> None:
    """Raise FileError where an image of `size` bytes will hardly fit into the folder as an archive."""
    free, needed = shutil.disk_usage(folder).free, SPARE * size
    if free < needed:
        reason = f"has {free / 1e9:.1f} GB free, the archive may take {needed / 1e9:.1f}"
        raise FileError(folder, reason, "; make room or name another folder", kind="full", setting="output")
