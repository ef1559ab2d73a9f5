"""Where every scene ends: its mask goes to the writing threads, the news to the user and the journal."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np

from infer.plan.scenes import Broken, Readable, Scene
from infer.process.journal import Journal, MaskMade
from infer.write.audit import Pending
from infer.write.mask_writer import MaskWriter
from infer.write.messages import Told


class MaskSink:
    """Takes each scene once, predicted or lost; `pending` has them all, for the audit.

    journal: what crashes are survived with, None without one.
    """

    def __init__(self, writer: MaskWriter, told: Told, journal: Journal | None = None) -> None:
        self.pending: list[Pending] = []
        self.told = told
        self._writer, self._journal = writer, journal

    def starts(self, scenes: list[Readable], tile: int) -> None:
        """Note that these scenes go through the network now, in tiles of so many pixels."""
        if self._journal:
            side = min(tile, max(max(scene.padded_shape) for scene in scenes))
            self._journal.starts("predict", [scene.name for scene in scenes], side)

    def predicted(self, scene: Readable, mask: np.ndarray, notes: tuple[str, ...] = ()) -> None:
        """Write the mask uint8 [H, W] of a scene. notes: what a user should know of how it was read."""
        self.written(scene, self._writer.put(scene.mask_name, mask, predicted=True), notes)

    def written(self, scene: Readable, ice_fraction: Future[float], notes: tuple[str, ...] = ()) -> None:
        """Take a scene whose mask is on its way already; ice_fraction: see MaskWriter.put."""
        self._enter(Pending(scene, None, ice_fraction, notes))
        self.told.notes(scene.name, notes)
        self.told.progress.update(1)

    def lost(self, scene: Scene, error: str) -> None:
        """Write a black mask for a scene, unless another scene's mask has its name."""
        owned = not isinstance(scene, Broken) or scene.owns_mask
        remedy = "its mask is black" if owned else "rename one of them"
        self.told.degraded(f"infer: {scene.name}: {error}: {remedy}")
        black = self._writer.put_black(scene.mask_name, scene.shape) if owned else None
        self._enter(Pending(scene, error, black))

    def _enter(self, pending: Pending) -> None:
        """Keep it for the audit, and enter it in the journal as soon as the mask stands under its name."""
        self.pending.append(pending)
        journal, ice_fraction = self._journal, pending.ice_fraction
        if journal is None or ice_fraction is None:
            return

        def made(future: Future[float]) -> None:
            if not future.cancelled() and not future.exception():
                mask = MaskMade(pending.error, future.result(), pending.notes)
                journal.made(pending.scene.name, mask)

        ice_fraction.add_done_callback(made)
