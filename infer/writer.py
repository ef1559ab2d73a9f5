"""Writes masks as PNG from a bounded pool of threads: each appears whole under its name, or not at all."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

# A mask is long runs of two values: run-length matching finds them in a fraction of the time.
PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
MOST_THREADS = 4
MOST_WAITING = 16


class MaskWriter:
    """Writing threads over one folder. Use it in a `with` block: leaving it waits for the last mask.

    write_seconds is the time spent in all threads together; first_mask_at is time.monotonic() when the first
    mask stood under its name, None before that. What an earlier process of the same `run` left half written,
    as a crash does, is removed first.
    """

    def __init__(self, folder: Path, run: str | None = None) -> None:
        self.write_seconds = 0.0
        self.first_mask_at: float | None = None
        self._folder = folder
        self._unfinished: set[Path] = set()
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="writer")
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self._lock = threading.Lock()
        self._prefix = f".mask-{run or uuid.uuid4().hex}"
        if run:
            for path in folder.glob(f"{self._prefix}-*.part"):
                path.unlink(missing_ok=True)

    def put(self, name: str, mask: np.ndarray) -> Future[float]:
        """Queues mask uint8 [H, W] to be written as `name`; waits while too many are queued.

        The future gives the share of ice (0 to 1), or raises OSError when the file could not be written.
        """
        self._places.acquire()
        future = self._pool.submit(self._write, name, mask)
        future.add_done_callback(lambda _: self._places.release())
        return future

    def discard_unfinished(self) -> None:
        """Removes what is half written, for a process that is about to leave without waiting."""
        for path in list(self._unfinished):
            with suppress(OSError):
                path.unlink()

    def __enter__(self) -> MaskWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def _write(self, name: str, mask: np.ndarray) -> float:
        start = time.monotonic()
        try:
            _, encoded = cv2.imencode(".png", mask, PNG_OPTIONS)
        except cv2.error as error:
            raise OSError(f"PNG encoding failed: {error.err}") from error
        self._write_whole(name, encoded)
        end = time.monotonic()
        with self._lock:
            self.write_seconds += end - start
            self.first_mask_at = self.first_mask_at or end
        return np.count_nonzero(mask) / mask.size

    def _write_whole(self, name: str, content: np.ndarray) -> None:
        """A temporary file in the same folder, then a rename, which either happens or does not."""
        temporary = self._folder / f"{self._prefix}-{uuid.uuid4().hex}.part"
        self._unfinished.add(temporary)
        try:
            temporary.write_bytes(content)
            temporary.replace(self._folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            self._unfinished.discard(temporary)


def is_whole_mask(path: Path, shape: tuple[int, int]) -> bool:
    """Whether a file is a readable mask of that height and width: one 8-bit channel, only 0 and 255."""
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError:
        return False
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # torn masks are no news here
    mask = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    if mask is None or mask.dtype != np.uint8 or mask.shape != shape:
        return False
    return bool(((mask == 0) | (mask == 255)).all())
