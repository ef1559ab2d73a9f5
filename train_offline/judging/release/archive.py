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
from typing import Any, BinaryIO

from isal import igzip_threaded  # Intel's ISA-L: the same format as gzip's, several times as fast

from infer.errors import UsageError
from train_offline.judging.release.byte_progress import ByteProgress

CHUNK = 4 * 1024**2  # bytes
LEVEL = 1  # of 0 to 3: the libraries in an image hardly shrink further
SPARE = 0.6  # of the image's size must be free: about what the archive takes


def save(images: list[str], target: Path, size: int) -> float:
    """Write target and target.sha256, as sha256sum writes it; returns the seconds. Whole or not at all.

    images: names, all of which the archive holds. size: about how many bytes docker will give.
    """
    began = time.monotonic()
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        digest = _saved(images, draft, size)
        draft.replace(target)
        target.with_name(target.name + ".sha256").write_text(f"{digest}  {target.name}\n")
    except OSError as error:
        raise UsageError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        draft.unlink(missing_ok=True)
    return time.monotonic() - began


def _saved(images: list[str], draft: Path, size: int) -> str:
    saver = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
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


def compress(source: BinaryIO, target: BinaryIO, progress: ByteProgress) -> str:
    """Copy through gzip, without a time stamp; returns the SHA-256 of what was written, in hex."""
    hashing = _Hashing(target)
    cores = len(os.sched_getaffinity(0))
    with igzip_threaded.open(hashing, "wb", compresslevel=LEVEL, threads=cores, block_size=CHUNK) as packed:
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
    """Raises UsageError where an image of `size` bytes will hardly fit in there as an archive."""
    free, needed = shutil.disk_usage(folder).free, SPARE * size
    if free < needed:
        raise UsageError(
            f"--output {folder}: has {free / 1e9:.1f} GB free, the archive may take {needed / 1e9:.1f}; "
            "make room or name another folder"
        )
