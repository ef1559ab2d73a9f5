"""Where the scenes of a mapper end: masks are written where the request says, and spoken of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np

from infer.archive.wire.facts import LocalScene
from infer.archive.wire.lines import Wire
from infer.archive.wire.masks import empty_mask, put_mask
from infer.plan.scenes import Readable, Scene
from infer.process.budget import Budget
from infer.process.limits import cpus
from infer.process.progress import Progress
from infer.write.form import MaskForm
from infer.write.mask_writer import MAX_THREADS, MAX_WAITING, MIN_THREADS, OVERHEAD
from infer.write.messages import Told
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
        self._put(scene, mask, None, (*notes, *more), made_by)

    def lost(self, scene: Scene, error: str) -> None:
        """Write a mask without data for a scene."""
        self._put(scene, empty_mask(self._form, scene), error, (), None)

    def _put(
        self, scene: Scene, mask: np.ndarray, error: str | None, notes: tuple[str, ...], made_by: str | None
    ) -> None:
        size, name = mask.nbytes + OVERHEAD, scene.name
        self._waiting.take(size)
        stamp = None if error else self._stamp
        self._note_writing(name, True)

        def write() -> None:
            try:
                mapped = put_mask(
                    self._form, self._locals[name], scene, mask,
                    stamp=stamp, error=error, notes=notes, made_by=made_by,
                )  # fmt: skip
                self._wire.mapped(mapped)
            finally:
                self._note_writing(name, False)
                self._waiting.give_back(size)

        self._pool.submit(write)

    def _note_writing(self, name: str, now: bool) -> None:
        """Let a crash find those whose masks are being encoded by native code."""
        with self._lock:
            (self._being_written.append if now else self._being_written.remove)(name)
            self._wire.starts("write", self._being_written)
