"""Scenes in batches: each ends in the sink, with its mask or as lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from infer.errors import GpuLostError
from infer.process.text import first_line
from infer.read.reader import DecodedBatch
from infer.write.messages import Told
from infer.write.sink import MaskSink

if TYPE_CHECKING:
    import numpy as np

    from infer.predict.engine import Pixels
    from infer.predict.predictor import Predictor


def predict_all(batches: Iterable[DecodedBatch], predictor: Predictor, sink: MaskSink) -> None:
    """Predict what was decoded; every scene ends in the sink, with its mask or as lost.

    A GPU has the next batch before the masks of the last one are looked at.
    """
    in_flight: deque[_InFlight] = deque()
    try:
        for batch in batches:
            in_flight.append(_InFlight(batch, predictor, sink, [one.batch for one in in_flight]))
            while len(in_flight) > predictor.ahead:
                in_flight.popleft().end()
    finally:
        for one in in_flight:
            one.end()


class _InFlight:
    """A batch whose prediction has begun, beside those before it that have not ended."""

    def __init__(
        self, batch: DecodedBatch, predictor: Predictor, sink: MaskSink, before: list[DecodedBatch]
    ) -> None:
        self.batch, self._predictor, self._sink = batch, predictor, sink
        sink.starts([scene for one in (*before, batch) for scene in one.scenes], predictor.tile)
        decoded = zip(batch.scenes, batch.decoded, strict=True)
        self._images = {scene.name: one.pixels for scene, one in decoded if one.pixels is not None}
        self._begun = predictor.begin(list(self._images.values())) if self._images else list

    def end(self) -> None:
        """Wait for the masks and let each scene of the batch end in the sink."""
        masks = _masks(self._predictor, self._images, self._sink.told, self._begun)
        for scene, one in zip(self.batch.scenes, self.batch.decoded, strict=True):
            mask = one.error or masks[scene.name]
            if isinstance(mask, str):
                self._sink.lost(scene, mask)
            else:
                self._sink.predicted(scene, mask, one.notes, one.valid)


def _masks(
    predictor: Predictor,
    images: dict[str, Pixels],
    told: Told,
    begun: Callable[[], list[np.ndarray]],
) -> dict[str, np.ndarray | str]:
    """Return by the names of the scenes each one's mask, or the reason why there is none.

    begun: gives the masks. What fails together is tried one by one.
    """
    told.at_hand = tuple(images)
    try:
        return dict(zip(images, begun(), strict=True))
    except GpuLostError:  # another process makes them
        raise
    except Exception as error:  # whatever it is, it must not cost the scenes of other batches their masks
        reason = first_line(f"prediction failed: {type(error).__name__}: {error}")
        if len(images) == 1:
            return dict.fromkeys(images, reason)
    told.redone("predict", f"infer: {reason}: trying the {len(images)} scenes of the batch one by one")
    masks: dict[str, np.ndarray | str] = {}
    for name, image in images.items():
        masks |= _masks(predictor, {name: image}, told, partial(predictor.predict, [image]))
    return masks
