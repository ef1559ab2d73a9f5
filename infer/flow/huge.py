"""Huge scenes, one after the other: each ends in the sink, with its mask or as lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import numpy as np

from infer.errors import DecodeError, GpuLostError, NotWrittenError
from infer.flow.windows import predict_rows
from infer.plan.scenes import Readable
from infer.predict.predictor import Predictor
from infer.process.text import first_line
from infer.read.scene_rows import SceneRows
from infer.write.audit import Written
from infer.write.mask_writer import MaskWriter
from infer.write.png_rows import RowSink
from infer.write.sink import MaskSink

SECONDS_BETWEEN_LINES = 60.0  # about how far a scene has come


def make_huge(scenes: list[Readable], predictor: Predictor, writer: MaskWriter, sink: MaskSink) -> None:
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
    scene: Readable, predictor: Predictor, writer: MaskWriter, sink: MaskSink, written: Future[Written]
) -> tuple[str, ...]:
    """Make the mask of a scene and return what a user should know of how it was read."""
    with SceneRows(scene.path, scene.header) as source:

        def write(rows: RowSink) -> Written:
            counted = _Counting(rows, sink.told.progress.say, scene)
            predictor.guard(lambda: predict_rows(predictor, scene.shape, source, counted, writer.form.nodata))
            return Written(counted.ice / (scene.shape[0] * scene.shape[1]))

        with _errors_of_the_disk():
            written.set_result(writer.by_rows(scene.mask_name, write))
        return source.notes


class _Counting:
    """A sink of rows that counts ice, says how far it is, and tells the disk's errors from others."""

    def __init__(self, inner: RowSink, say: Callable[[str], None], scene: Readable) -> None:
        self.ice = 0
        self._inner, self._say, self._scene = inner, say, scene
        self._told_at = time.monotonic()

    def begin(self, shape: tuple[int, int]) -> None:
        """Begin anew."""
        self.ice = 0
        with _errors_of_the_disk():
            self._inner.begin(shape)

    def rows(self, y: int, mask: np.ndarray) -> None:
        """Pass the next rows on."""
        self.ice += int(np.count_nonzero(mask))
        with _errors_of_the_disk():
            self._inner.rows(y, mask)
        if time.monotonic() > self._told_at + SECONDS_BETWEEN_LINES:
            self._told_at = time.monotonic()
            self._say(f"infer: {self._scene.name}: {y + len(mask)} of {self._scene.shape[0]} rows")

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
