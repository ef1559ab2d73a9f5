"""Where every scene ends: its mask goes to the writing threads, the news to the user and the journal."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

import numpy as np

from infer.plan.scenes import Broken, Readable, Scene
from infer.process.journal import Journal, MaskMade
from infer.settings import HUGE_PIXELS
from infer.write.audit import Pending, Written
from infer.write.mask_writer import MaskWriter
from infer.write.messages import Told


class MaskSink:
    """Takes each scene once, predicted or lost; `pending` has them all, for the audit.

    journal: what crashes are survived with, None without one.
    """

    def __init__(self, writer: MaskWriter, told: Told, journal: Journal | None = None) -> None:
        self.pending: list[Pending] = []
        self.told = told
        self._writer, self._journal, self._form = writer, journal, writer.form
        if journal and self._form.opens_scenes:  # what kills a writing thread is known by its name
            writer.encodes = partial(journal.starts, "write")

    def starts(self, scenes: list[Readable], tile: int) -> None:
        """Note that these scenes go through the network now, in tiles of so many pixels."""
        if self._journal:
            side = min(tile, max(max(scene.padded_shape) for scene in scenes))
            self._journal.starts("predict", [scene.name for scene in scenes], side)

    def predicted(
        self,
        scene: Readable,
        mask: np.ndarray,
        notes: tuple[str, ...] = (),
        valid: np.ndarray | None = None,
    ) -> None:
        """Write the mask uint8 [H, W] of a scene.

        notes: what a user should know of how it was read. valid: bool [H, W], False where there is no data;
        None: all is.
        """
        if valid is not None:  # no data, no ice
            mask = np.where(valid, mask, np.uint8(self._form.nodata))
        written = self._writer.put(scene.mask_name, mask, predicted=True, scene=scene)
        self.written(scene, written, notes)

    def written(self, scene: Readable, written: Future[Written], notes: tuple[str, ...] = ()) -> None:
        """Take a scene whose mask is on its way; written: see MaskWriter.put. notes: as for predicted."""
        self._enter(Pending(scene, None, written, notes))
        self.told.notes(scene.name, notes)
        self.told.progress.update(1)

    def lost(self, scene: Scene, error: str) -> None:
        """Write a mask without data, black in a PNG, for a scene, unless another's mask has its name."""
        owned = not isinstance(scene, Broken) or scene.owns_mask
        remedy = self._form.when_lost if owned else "rename one of them"
        self.told.degraded(f"infer: {scene.name}: {error}: {remedy}")
        written = None
        pixels = scene.shape[0] * scene.shape[1]
        # The file of a broken scene may be what has killed a process: nothing looks into it again.
        of = None if isinstance(scene, Broken) else scene
        if owned and pixels > HUGE_PIXELS:
            written = self._writer.put_empty(scene.mask_name, scene.shape, of)
        elif owned:
            empty = np.full(scene.shape, self._form.nodata, np.uint8)
            written = self._writer.put(scene.mask_name, empty, scene=of)
        self._enter(Pending(scene, error, written))

    def _enter(self, pending: Pending) -> None:
        """Keep it for the audit, and enter it in the journal as soon as the mask stands under its name."""
        self.pending.append(pending)
        if pending.written is None:
            return

        def made(future: Future[Written]) -> None:
            if future.cancelled() or future.exception():
                return
            ice_fraction, notes = future.result()
            if self._journal:
                mask = MaskMade(pending.error, ice_fraction, (*pending.notes, *notes))
                self._journal.made(pending.scene.name, mask)
            self.told.notes(pending.scene.name, notes)

        pending.written.add_done_callback(made)
