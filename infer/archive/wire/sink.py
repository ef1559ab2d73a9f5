"""Where the scenes of a mapper end: masks are written where the request says, and spoken of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import numpy as np

from infer.archive.wire.facts import LocalScene, Mapped
from infer.archive.wire.lines import Wire
from infer.archive.wire.masks import failed, mapped_of_file, put_empty, put_mask, write_rows
from infer.plan.scenes import Readable, Scene
from infer.process.budget import Budget
from infer.process.limits import cpus
from infer.process.progress import Progress
from infer.settings import HUGE_PIXELS
from infer.write.audit import Written
from infer.write.form import MaskForm
from infer.write.mask_writer import MAX_THREADS, MAX_WAITING, MIN_THREADS, OVERHEAD
from infer.write.messages import Told
from infer.write.png_rows import RowSink
from infer.write.sink import MaskSink


class WireSink(MaskSink):
    """Takes the scenes of one request, by the names that are their keys; use it in a `with` block.

    It has no folder and nothing to audit: of its base it is the way in from the network alone. Leaving the
    block waits until every mask stands, or has failed.
    """

    def __init__(
        self,
        wire: Wire,
        places: Mapping[str, LocalScene],
        form: MaskForm,
        stamp: str,
        known_of: Callable[[Readable], tuple[str, tuple[str, ...]]],
    ) -> None:
        """known_of: says of a scene just predicted by what, and what should be noted of that."""
        self.told = Told(Progress(0, quiet=True), lambda _: None)
        self._wire, self._locals, self._form, self._stamp = wire, places, form, stamp
        self._known_of = known_of
        self._journal = wire
        self._pool = ThreadPoolExecutor(min(MAX_THREADS, max(MIN_THREADS, cpus())), "writer")
        self._waiting, self._lock = Budget(MAX_WAITING), Lock()
        self._being_written: list[str] = []

    def __enter__(self) -> WireSink:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True)  # what waits is good, whatever happened after it

    def predicted(
        self,
        scene: Readable,
        mask: np.ndarray,
        notes: tuple[str, ...] = (),
        valid: np.ndarray | None = None,
    ) -> None:
        """Write the mask uint8 [H, W] of a scene; notes and valid as MaskSink has them."""
        if valid is not None:  # no data, no ice
            mask = np.where(valid, mask, np.uint8(self._form.nodata))
        made_by, more = self._known_of(scene)
        self._put(scene, mask, (*notes, *more), made_by)

    def lost(self, scene: Scene, error: str) -> None:
        """Write a mask without data for a scene."""
        place, form = self._locals[scene.name], self._form
        height, width = scene.shape
        self._write(scene, min(height * width, HUGE_PIXELS), lambda: put_empty(form, place, scene, error))

    @property
    def form(self) -> MaskForm:
        """The form of the masks."""
        return self._form

    def by_rows(self, scene: Scene, write: Callable[[RowSink], float | None]) -> Written:
        """Let the predicted mask of a scene be written some rows at a time, here and now; see MaskWriter."""
        return write_rows(self._form, self._locals[scene.name].mask, scene, self._stamp, write)

    def written(self, scene: Readable, written: Future[Written], notes: tuple[str, ...] = ()) -> None:
        """Take a scene whose mask by_rows has written, or could not write."""
        place, (made_by, more) = self._locals[scene.name], self._known_of(scene)
        try:
            ice_fraction, when_written = written.result()
        except OSError as error:
            self._wire.mapped(failed(place, scene, error, notes))
            return
        notes = (*notes, *more, *when_written)
        self._wire.mapped(mapped_of_file(self._form, place, scene, ice_fraction, notes, made_by))

    def _put(self, scene: Scene, mask: np.ndarray, notes: tuple[str, ...], made_by: str | None) -> None:
        form, place, stamp = self._form, self._locals[scene.name], self._stamp

        def put() -> Mapped:
            return put_mask(form, place, scene, mask, stamp=stamp, notes=notes, made_by=made_by)

        self._write(scene, mask.nbytes, put)

    def _write(self, scene: Scene, size: int, put: Callable[[], Mapped]) -> None:
        """Have a mask of so many bytes written by a thread, and say what became of it."""
        self._waiting.take(size + OVERHEAD)
        self._note_writing(scene.name, True)

        def write() -> None:
            try:
                self._wire.mapped(put())
            finally:
                self._note_writing(scene.name, False)
                self._waiting.give_back(size + OVERHEAD)

        self._pool.submit(write)

    def _note_writing(self, name: str, now: bool) -> None:
        """Let a crash find those whose masks are being encoded by native code."""
        with self._lock:
            (self._being_written.append if now else self._being_written.remove)(name)
            self._wire.starts("write", self._being_written)
