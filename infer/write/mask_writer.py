"""Writes masks as PNG from a bounded pool of threads: each appears whole under its name, or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import cv2
import numpy as np

from infer.errors import GpuLostError
from infer.process.budget import Budget
from infer.process.files import DRAFT_PREFIX, DRAFT_SUFFIX
from infer.process.limits import cpus
from infer.settings import HUGE_PIXELS, WHOLE_PIXELS
from infer.write.png_rows import PngRows, RowSink, holds_mask, write_black
from infer.write.png_stamp import has_stamp, put_stamp

# A mask is long runs of two values: run-length matching finds them in a fraction of the time.
PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
MIN_THREADS, MAX_THREADS = 4, 16  # as many as processors between these: a GPU gives them 32 masks at once
MAX_WAITING = 64 * 1024**2  # bytes: two of a GPU's batches of 32 scenes of 512 x 512 are a quarter of it
OVERHEAD = 4096  # bytes that one more costs, however small
Result = TypeVar("Result")
GATE_SECONDS = 1.0  # a disk that hangs may hold a file up that is being opened, but not the end


class MaskWriter:
    """Writing threads over one folder. Use it in a `with` block: leaving it waits for the last mask.

    write_seconds is the time spent in all threads together; first_mask_at is time.monotonic() when the first
    mask stood under its name, None before that. stamp: what predicted masks are made with (see png_stamp).
    What processes that are no more left half written is removed first.
    """

    def __init__(self, folder: Path) -> None:
        self.write_seconds = 0.0
        self.first_mask_at: float | None = None
        self.stamp: str | None = None
        self._folder = folder
        self._unfinished: set[Path] = set()
        threads = min(MAX_THREADS, max(MIN_THREADS, cpus()))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="writer")
        self._waiting = Budget(MAX_WAITING)
        self._lock, self._gate = threading.Lock(), threading.Lock()
        _remove_left_behind(folder)

    def put(self, name: str, mask: np.ndarray, predicted: bool = False) -> Future[float]:
        """Queue mask uint8 [H, W] to be written as `name`; waits while too many are queued.

        `predicted` masks get the stamp; those that stand in for a lost scene do not, so --resume tries again.
        The future gives the share of ice (0 to 1), or raises OSError when the file could not be written.
        """
        size = mask.nbytes + OVERHEAD
        self._waiting.take(size)
        future = self._pool.submit(self._write, name, mask, self.stamp if predicted else None)
        future.add_done_callback(lambda _: self._waiting.give_back(size))
        return future

    def put_black(self, name: str, shape: tuple[int, int]) -> Future[float]:
        """Queue the mask of a lost scene of this height and width; see put."""
        if shape[0] * shape[1] <= HUGE_PIXELS:
            return self.put(name, np.zeros(shape, np.uint8))
        return self._pool.submit(self._write_black, name, shape)

    def by_rows(self, name: str, write: Callable[[RowSink], Result]) -> Result:
        """Let a predicted mask be written some rows at a time, under its name when `write` returns.

        Raises OSError where the file cannot be written, and what `write` raises: then there is no such file.
        """
        return self._by_rows(name, write, self.stamp)

    def discard_unfinished(self) -> None:
        """Remove what is half written and lets nothing begin, for a process that leaves without waiting."""
        self._gate.acquire(timeout=GATE_SECONDS)  # and never given back: this process is at its end
        for path in list(self._unfinished):
            with suppress(OSError):
                path.unlink()

    def __enter__(self) -> MaskWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        cancel = kind is not None and not issubclass(kind, GpuLostError)  # those masks are good
        self._pool.shutdown(wait=True, cancel_futures=cancel)

    def _write(self, name: str, mask: np.ndarray, stamp: str | None) -> float:
        start = time.monotonic()
        try:
            _, encoded = cv2.imencode(".png", mask, PNG_OPTIONS)
        except cv2.error as error:
            raise OSError(f"PNG encoding failed: {error.err}") from error
        with self._draft(name) as file:
            file.write(put_stamp(encoded, stamp) if stamp else encoded.tobytes())
        self._note_written(time.monotonic() - start)
        return np.count_nonzero(mask) / mask.size

    def _write_black(self, name: str, shape: tuple[int, int]) -> float:
        start = time.monotonic()
        self._by_rows(name, lambda rows: write_black(rows, shape), None)
        self._note_written(time.monotonic() - start)
        return 0.0

    def _by_rows(self, name: str, write: Callable[[RowSink], Result], stamp: str | None) -> Result:
        with self._draft(name) as file:
            return write(PngRows(file, stamp))

    def _note_written(self, seconds: float) -> None:
        with self._lock:
            self.write_seconds += seconds
            self.first_mask_at = self.first_mask_at or time.monotonic()

    @contextmanager
    def _draft(self, name: str) -> Iterator[BinaryIO]:
        """Give a temporary file in the same folder, then rename it, which either happens or does not."""
        temporary = self._folder / f"{DRAFT_PREFIX}{uuid.uuid4().hex}{DRAFT_SUFFIX}"
        try:
            with self._gate:
                self._unfinished.add(temporary)
                file = _open_locked(temporary)
            with file:
                yield file
                file.flush()
                temporary.replace(self._folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            self._unfinished.discard(temporary)


def _open_locked(path: Path) -> BinaryIO:
    """Open a new file that other runs leave alone; see _remove_left_behind."""
    while True:
        file = open(path, "xb")  # noqa: SIM115, the caller closes it
        with suppress(OSError):  # a file system without locks: there nothing is ever removed
            fcntl.flock(file, fcntl.LOCK_SH)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another run took it for left behind, in the instant before it was locked


def _remove_left_behind(folder: Path) -> None:
    """Remove temporary files that no process writes any more: one that was killed could not do it."""
    for path in folder.glob(f"{DRAFT_PREFIX}*{DRAFT_SUFFIX}"):
        with suppress(OSError), open(path, "rb", opener=_without_waiting) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe, which would wait for somebody to write to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def is_whole_mask(path: Path, shape: tuple[int, int], stamp: str | None = None) -> bool:
    """Tell whether a file is a readable mask of that height and width: one 8-bit channel, only 0 and 255.

    `stamp`: and made with that.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            return False
        if shape[0] * shape[1] > HUGE_PIXELS:  # most of them are written by rows
            with open(path, "rb") as file:
                if holds_mask(file, shape, stamp):
                    return True
        if shape[0] * shape[1] > WHOLE_PIXELS:
            return False
        content = path.read_bytes()
    except OSError:
        return False
    if not content or (stamp and not has_stamp(content, stamp)):
        return False
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # torn masks are no news here
    mask = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if mask is None or mask.dtype != np.uint8 or mask.shape != shape:
        return False
    return bool(((mask == 0) | (mask == 255)).all())
