"""Writes masks from a bounded pool of threads: each appears whole under its name, or not at all."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from infer.errors import GpuLostError
from infer.plan.scenes import Scene
from infer.process.budget import Budget
from infer.process.files import DRAFT_PREFIX, DRAFT_SUFFIX, drop_scratch, scratch_folder
from infer.process.limits import cpus
from infer.write.audit import Written
from infer.write.form import MaskForm, PngForm
from infer.write.png_rows import RowSink, write_empty

MIN_THREADS, MAX_THREADS = 4, 16  # as many as processors between these: a GPU gives them 32 masks at once
MAX_WAITING = 64 * 1024**2  # bytes: two of a GPU's batches of 32 scenes of 512 x 512 are a quarter of it
OVERHEAD = 4096  # bytes that one more costs, however small
GATE_SECONDS = 1.0  # a disk that hangs may hold a file up that is being opened, but not the end


class MaskWriter:
    """Writing threads over one folder. Use it in a `with` block: leaving it waits for the last mask.

    write_seconds is the time spent in all threads together; first_mask_at is time.monotonic() when the first
    mask stood under its name, None before that. stamp: what predicted masks are made with (see png_stamp).
    encodes: is told the names of the scenes whose masks are being encoded, whenever these change.
    What processes that are no more left half written is removed first.
    """

    def __init__(self, folder: Path, form: MaskForm | None = None) -> None:
        """form: of the masks, PNG by default."""
        self.form: MaskForm = form or PngForm()
        self.encodes: Callable[[list[str]], None] | None = None
        self.write_seconds = 0.0
        self.first_mask_at: float | None = None
        self.stamp: str | None = None
        self._folder = folder
        self._unfinished: set[Path] = set()
        self._scratches: set[Path] = set()
        self._in_hand: list[str] = []
        threads = min(MAX_THREADS, max(MIN_THREADS, cpus()))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="writer")
        self._waiting = Budget(MAX_WAITING)
        self._lock, self._gate = threading.Lock(), threading.Lock()
        _remove_left_behind(folder)

    def put(
        self, name: str, mask: np.ndarray, predicted: bool = False, scene: Scene | None = None
    ) -> Future[Written]:
        """Queue mask uint8 [H, W] to be written as `name`; waits while too many are queued.

        `predicted` masks get the stamp; those that stand in for a lost scene do not, so --resume tries again.
        scene: whose place on the Earth the mask gets where its form has one, None for none. The future gives
        the share of ice (0 to 1) and notes, or raises OSError when the file could not be written.
        """
        size = mask.nbytes + OVERHEAD
        self._waiting.take(size)
        future = self._pool.submit(self._write, name, mask, self.stamp if predicted else None, scene)
        future.add_done_callback(lambda _: self._waiting.give_back(size))
        return future

    def by_rows(self, scene: Scene, write: Callable[[RowSink], float | None]) -> Written:
        """Let the predicted mask of a scene be written some rows at a time, here and now.

        It has its name when this returns. write: returns the share of ice. Raises OSError where the file
        cannot be written, and what `write` raises: then there is no such file.
        """
        return self._by_rows(scene.mask_name, scene, write, self.stamp)

    def put_empty(self, name: str, shape: tuple[int, int], scene: Scene | None = None) -> Future[Written]:
        """Queue a mask without data, of this height and width, that is too large for memory; see put."""
        return self._pool.submit(self._write_empty, name, shape, scene)

    def discard_unfinished(self) -> None:
        """Remove what is half written and lets nothing begin, for a process that leaves without waiting."""
        self._gate.acquire(timeout=GATE_SECONDS)  # and never given back: this process is at its end
        for path in list(self._unfinished):
            with suppress(OSError):
                path.unlink()
        for folder in list(self._scratches):
            drop_scratch(folder)

    def __enter__(self) -> MaskWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        cancel = kind is not None and not issubclass(kind, GpuLostError)  # those masks are good
        self._pool.shutdown(wait=True, cancel_futures=cancel)

    def _write(self, name: str, mask: np.ndarray, stamp: str | None, scene: Scene | None) -> Written:
        start = time.monotonic()
        notes: list[str] = []
        with self._naming(scene):
            content = self.form.encode(mask, scene, stamp, notes.append)
        with self._draft(name) as file:
            file.write(content)
        self._note_written(time.monotonic() - start)
        return Written(self.form.ice_fraction(mask), tuple(notes))

    @contextmanager
    def _naming(self, scene: Scene | None) -> Iterator[None]:
        """Say that this scene's mask is being encoded, for as long as it is."""
        if scene is None or self.encodes is None:
            yield
            return
        with self._lock:
            self._in_hand.append(scene.name)
            self.encodes(self._in_hand)
        try:
            yield
        finally:
            with self._lock:
                self._in_hand.remove(scene.name)
                self.encodes(self._in_hand)

    def _write_empty(self, name: str, shape: tuple[int, int], scene: Scene | None) -> Written:
        start, nodata = time.monotonic(), self.form.nodata

        def write(rows: RowSink) -> float | None:
            write_empty(rows, shape, nodata)
            return None if nodata else 0.0

        with self._naming(scene):
            written = self._by_rows(name, scene, write, None)
        self._note_written(time.monotonic() - start)
        return written

    def _by_rows(
        self, name: str, scene: Scene | None, write: Callable[[RowSink], float | None], stamp: str | None
    ) -> Written:
        notes: list[str] = []
        with (
            self._draft(name) as file,
            self._scratch() as scratch,
            self.form.rows(file, scratch, scene, stamp, notes.append) as rows,
        ):
            ice_fraction = write(rows)
        return Written(ice_fraction, tuple(notes))

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """Give a temporary folder that goes with the block, or with the process where it leaves in time."""
        with self._gate:
            folder = scratch_folder("sea-ice-mask")
            self._scratches.add(folder)
        try:
            yield folder
        finally:
            drop_scratch(folder)
            self._scratches.discard(folder)

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
