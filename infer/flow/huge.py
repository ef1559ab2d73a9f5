"""Huge scenes, one after the other: each ends in the sink, with its mask or as lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from infer.errors import DecodeError, GpuLostError, NotWrittenError
from infer.flow.windows import predict_rows
from infer.plan.scenes import Readable, Scene
from infer.predict.predictor import Predictor
from infer.process.text import first_line
from infer.read.scene_rows import SceneRows
from infer.write.audit import Written
from infer.write.form import MaskForm
from infer.write.png_rows import RowSink
from infer.write.sink import MaskSink

ICE = 255
SECONDS_BETWEEN_LINES = 60.0  # about how far a scene has come


class WritesByRows(Protocol):
    """Where masks go, as MaskWriter has it."""

    @property
    def form(self) -> MaskForm:
        """The form of the masks."""

    def by_rows(self, scene: Scene, write: Callable[[RowSink], float | None]) -> Written:
        """Let the predicted mask of a scene be written some rows at a time, here and now."""


def make_huge(scenes: list[Readable], predictor: Predictor, writer: WritesByRows, sink: MaskSink) -> None:
    """Read, predict and write each scene by rows; raises GpuLostError."""
    for scene in scenes:
        sink.starts([scene], predictor.tile)
        sink.told.at_hand = (scene.name,)
        written: Future[Written] = Future()
        try:
            notes = _make(scene, predictor, writer, sink, written)
        except GpuLostError:  # another process makes it
            raise
        except DecodeError as error:
            sink.lost(scene, error.reason)
        except NotWrittenError as error:
            written.set_exception(error.__cause__ or OSError(error.reason))
            sink.written(scene, written)
        except Exception as error:  # whatever it is, it must not cost other scenes their masks
            sink.lost(scene, first_line(f"prediction failed: {type(error).__name__}: {error}"))
        else:
            sink.written(scene, written, notes)


def _make(
    scene: Readable, predictor: Predictor, writer: WritesByRows, sink: MaskSink, written: Future[Written]
) -> tuple[str, ...]:
    """Make the mask of a scene and return what a user should know of how it was read."""
    with SceneRows(scene.path, scene.header) as source:

        def alive(line: str) -> None:
            sink.told.progress.say(line)
            sink.starts([scene], predictor.tile)  # whoever watches for a process that hangs

        def write(rows: RowSink) -> float | None:
            counted = _Counting(rows, alive, scene, writer.form.nodata)
            predictor.guard(lambda: predict_rows(predictor, scene.shape, source, counted, writer.form.nodata))
            return counted.ice_fraction

        with _errors_of_the_disk():
            written.set_result(writer.by_rows(scene, write))
        return source.notes


class _Counting:
    """A sink of rows that counts ice, says how far it is, and tells the disk's errors from others."""

    def __init__(self, inner: RowSink, say: Callable[[str], None], scene: Readable, nodata: int) -> None:
        self._ice = self._with_data = 0
        self._inner, self._say, self._scene, self._nodata = inner, say, scene, nodata
        self._told_at = time.monotonic()

    def begin(self, shape: tuple[int, int]) -> None:
        """Begin anew."""
        self._ice = self._with_data = 0
        with _errors_of_the_disk():
            self._inner.begin(shape)

    def rows(self, y: int, mask: np.ndarray) -> None:
        """Pass the next rows on."""
        self._ice += int(np.count_nonzero(mask == ICE))
        self._with_data += int(np.count_nonzero(mask != self._nodata)) if self._nodata else mask.size
        with _errors_of_the_disk():
            self._inner.rows(y, mask)
        if time.monotonic() > self._told_at + SECONDS_BETWEEN_LINES:
            self._told_at = time.monotonic()
            self._say(f"infer: {self._scene.name}: {y + len(mask)} of {self._scene.shape[0]} rows")

    @property
    def ice_fraction(self) -> float | None:
        """The share of ice, as MaskForm.ice_fraction has it for the whole mask."""
        return self._ice / self._with_data if self._with_data else None

    def end(self) -> None:
        """Finish it."""
        with _errors_of_the_disk():
            self._inner.end()


@contextmanager
def _errors_of_the_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWrittenError(error.strerror or str(error)) from error
