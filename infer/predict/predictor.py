"""Masks from pixels: tiles, batches, and what to do when memory runs out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar

import numpy as np

from infer.errors import GpuLostError, NotFiniteError, SeaIceError
from infer.network.architecture import STRIDE
from infer.predict.engine import Engine, Overlapping
from infer.predict.hardware import batch_size
from infer.predict.out_of_memory import is_out_of_memory
from infer.predict.tile_limits import TileLimits
from infer.predict.tiles import Span, Tile, TileOfImage, crop, spans, stitch_all
from infer.process.text import first_line
from infer.settings import MIN_TILE, Settings, half_tile

if TYPE_CHECKING:
    from infer.predict.engine import Pixels

Result = TypeVar("Result")


def _lost(error: Exception) -> GpuLostError:
    return GpuLostError(first_line(f"{type(error).__name__}: {error}"))


def _fail(error: Exception) -> NoReturn:
    raise error


class Predictor:
    """Turns scenes into masks; seconds is the time spent predicting so far.

    on_cpu: makes the engine to go on with when a GPU has no room even for the smallest tile.
    multiple: what scenes are padded to, in pixels, where the engine prepares for each shape anew.
    tile: where memory allows no more than this, in pixels; then they go through one by one.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        say: Callable[[str], None],
        on_cpu: Callable[[], Engine],
        multiple: int = STRIDE,
        tile: int | None = None,
    ) -> None:
        self.seconds = 0.0
        self._engine, self._on_cpu = engine, on_cpu
        self._on_gpu = engine.device == "cuda"
        self._say, self._multiple = say, multiple
        self._alone = False  # whether memory has room for one batch only
        self._at_once = (0, 0, 0)  # the latest forward pass: tiles, height and width of each
        self._limits = TileLimits(settings.tile, settings.overlap, sys.maxsize, settings.batch)
        if tile is not None and tile < settings.tile:
            self._limits = self._limits.with_tile(tile)

    @property
    def device(self) -> str:
        """Where the engine computes, "cuda" or "cpu"."""
        return self._engine.device

    @property
    def tile(self) -> int:
        """What scenes are cut into now, in pixels."""
        return self._limits.tile

    @property
    def engine(self) -> Engine:
        """What computes now."""
        return self._engine

    @property
    def ahead(self) -> int:
        """How many batches may have begun before one is ended: on a CPU the next one would only wait."""
        return 0 if self._overlapping() is None else 1

    def _overlapping(self) -> Overlapping | None:
        engine = self._engine
        beside = engine.device == "cuda" and not self._alone
        return engine if beside and isinstance(engine, Overlapping) else None

    def predict(self, images: Sequence[Pixels], finite: bool = True) -> list[np.ndarray]:
        """Return masks uint8 [H, W], 0 and 255, of images uint8 [H, W, 3] that all have one padded shape.

        finite: False where the engine's own precision is known to be too little for them.
        Raises the out-of-memory error when not even the smallest tile fits, NotFiniteError where fp32 gives
        no finite logits either, GpuLostError for any other one where a GPU is in use (CUDA's errors stay, and
        a CPU can do it all), else what comes.
        """
        return self.guard(lambda: self._predict(images), finite)

    def guard(self, work: Callable[[], Result], finite: bool = True) -> Result:
        """Do `work`, which predicts a scene; anew with less at once or in fp32 where that is needed.

        Raises as predict does, and what is raised on purpose as it is.
        """
        start = time.monotonic()
        try:
            return self._do_finite(work, finite)
        except Exception as error:
            if not self._on_gpu or isinstance(error, SeaIceError) or is_out_of_memory(error):
                raise
            raise _lost(error) from error
        finally:
            self.seconds += time.monotonic() - start

    def begin(self, images: Sequence[Pixels]) -> Callable[[], list[np.ndarray]]:
        """Begin `predict`, where the engine works beside us and one pass is enough; what is returned ends it.

        Where memory runs out on the way, `predict` does it again, alone, as it does all others from then on.
        """
        engine, start = self._overlapping(), time.monotonic()
        if engine is None:
            return lambda: self.predict(images)
        try:
            masks = [np.empty(image.shape[:2], np.uint8) for image in images]
            windows = self._windows(masks, images)
            if len(windows) <= self.batch(windows[0].tile.shape):
                wait = engine.begin(self._crops(windows))
                return lambda: self._end(images, masks, windows, wait)
        except Exception as error:
            return self._after(error, images)  # in its turn: those before it may be good
        finally:
            self.seconds += time.monotonic() - start
        return lambda: self.predict(images)

    def _end(
        self,
        images: Sequence[Pixels],
        masks: list[np.ndarray],
        windows: list[TileOfImage],
        wait: Callable[[], np.ndarray],
    ) -> list[np.ndarray]:
        start = time.monotonic()
        try:
            stitch_all(windows, wait())
            return masks
        except Exception as error:
            again = self._after(error, images)
        finally:
            self.seconds += time.monotonic() - start
        return again()

    def _after(self, error: Exception, images: Sequence[Pixels]) -> Callable[[], list[np.ndarray]]:
        """Return what is to be done; it keeps nothing of the error, and so none of the tensors behind it."""
        if isinstance(error, NotFiniteError):
            return lambda: self.predict(images, finite=False)
        if is_out_of_memory(error):
            if not self._alone:
                self._say("infer: out of memory: going on with one batch at a time")
            self._alone = True
            return lambda: self.predict(images)
        return partial(_fail, _lost(error))

    def _do_finite(self, work: Callable[[], Result], finite: bool) -> Result:
        """Predict in the engine's own precision; in fp32 where that one's numbers overflow."""
        usual = self._engine
        if finite:
            try:
                return self._do_within_memory(work)
            except NotFiniteError:
                pass
        precise = self._engine.more_precise()
        if precise is None:
            raise NotFiniteError
        self._say(f"infer: the network's output is not finite in {self._engine.precision}: trying fp32")
        self._engine = precise
        try:
            return self._do_within_memory(work)
        finally:
            self._engine = usual

    def _do_within_memory(self, work: Callable[[], Result]) -> Result:
        while True:
            try:
                return work()
            except Exception as error:  # ONNX Runtime's errors have no common kind
                if not is_out_of_memory(error) or not self._can_shrink():
                    raise
            # Past the except clause, where the failed attempt's tensors are free.
            self._engine.release()
            self._shrink()

    def _predict(self, images: Sequence[Pixels]) -> list[np.ndarray]:
        masks = [np.empty(image.shape[:2], np.uint8) for image in images]
        windows = self._windows(masks, images)
        batch = self.batch(windows[0].tile.shape)
        for chunk in (windows[i : i + batch] for i in range(0, len(windows), batch)):
            stitch_all(chunk, self.forward([crop(window.image, window.tile) for window in chunk]))
        return masks

    def forward(self, windows: Sequence[Pixels]) -> np.ndarray:
        """Turn B tiles uint8 [h, w, 3] into masks uint8 [B, h, w]; only for work that `guard` does."""
        self._at_once = (len(windows), windows[0].shape[0], windows[0].shape[1])
        return self._engine.forward([self._at_hand(window) for window in windows])

    def spans(self, shape: tuple[int, int]) -> tuple[list[Span], list[Span]]:
        """Return the rows and the columns of the tiles that a scene of this height and width is cut into."""
        multiple = self._multiple if self._engine.prepares_shapes else STRIDE
        rows, cols = (spans(side, self._limits.tile, self._limits.overlap, multiple) for side in shape)
        return rows, cols

    def _windows(self, masks: Sequence[np.ndarray], images: Sequence[Pixels]) -> list[TileOfImage]:
        cuts = [self.spans((mask.shape[0], mask.shape[1])) for mask in masks]
        return [
            TileOfImage(mask, image, Tile(row, col))
            for mask, image, (rows, cols) in zip(masks, images, cuts, strict=True)
            for row in rows
            for col in cols
        ]

    def _crops(self, chunk: Sequence[TileOfImage]) -> list[Pixels]:
        return [self._at_hand(crop(window.image, window.tile)) for window in chunk]

    def _at_hand(self, window: Pixels) -> Pixels:
        """Return pixels where the engine is: what was decoded on the GPU may be for one on the CPU by now."""
        return window if self.device == "cuda" or isinstance(window, np.ndarray) else window.cpu().numpy()

    def batch(self, shape: tuple[int, int]) -> int:
        """Return how many tiles of this shape go through the network at once."""
        wanted = self._limits.batch or batch_size(shape, self.device == "cuda")
        return max(1, min(wanted, self._limits.area // (shape[0] * shape[1])))

    def _can_shrink(self) -> bool:
        tiles, height, width = self._at_once
        return tiles > 1 or max(height, width) > MIN_TILE or self.device == "cuda"

    def _shrink(self) -> None:
        """Go on with half the batch, then half the tile, then the CPU."""
        limits, (tiles, height, width) = self._limits, self._at_once
        if tiles > 1:
            limits = replace(limits, area=tiles // 2 * height * width)
            step = "half as many tiles at once"
        elif max(height, width) > MIN_TILE:
            limits = limits.with_tile(half_tile(max(height, width)))
            step = f"tiles of {limits.tile} pixels"
        else:
            self._engine = self._on_cpu()
            step = "the CPU"
        self._limits = limits
        self._say(f"infer: out of memory: going on with {step}")
