"""`python -m infer.archive.mapper`: loads the network once, then makes the masks of request after request.

The first line on stdin is its settings, each further one a request; on the pipe that was stdout it answers
with the lines of wire/lines. A mask depends on its scene alone: neither the engine nor the padding is chosen
by what else is asked for, as the plain job does by its folder. `archive.child` starts it and outlives it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from infer.archive.wire.facts import LocalScene, MapperSettings, Ready, made_by
from infer.archive.wire.lines import Wire
from infer.errors import GpuLostError, UsageError
from infer.network.architecture import STRIDE
from infer.plan.scenes import Broken, Readable, Scene, look_at, part_huge
from infer.process.environment import prepare_environment
from infer.process.progress import tell
from infer.process.supervisor import PR_SET_PDEATHSIG

if TYPE_CHECKING:
    from infer.archive.wire.sink import WireSink
    from infer.predict.predictor import Predictor

PIXELS = 2**40  # of the job as which the engine is chosen: so large that no start-up counts
FIRST_PASS = (1, 512, 512)  # tiles, height and width in pixels that a GPU is tried with
UNUSABLE, GPU_LOST, NO_PARENT = 2, 3, 4  # exit codes


@dataclass(frozen=True)
class _KeyedReadable(Readable):
    """A scene that is known by its key: in other folders there may be files of its name."""

    key: str

    @property
    def name(self) -> str:
        return self.key


class Mapper:
    """The network on its device, and all that is the same for every request."""

    def __init__(self, settings: MapperSettings, wire: Wire) -> None:
        """Start the engine; raises UsageError for unusable weights, form or GPU."""
        from infer.network.weights_file import read_slim, with_threshold
        from infer.plan.tile_size import resident
        from infer.predict.choose import GpuWish, import_engine, start_engine
        from infer.predict.gpu import GpuContext, device_for
        from infer.write.outputs import form_of
        from infer.write.png_stamp import stamp_of

        self._settings, self._wire = settings.job(), wire
        self._form = form_of(self._settings)
        gpu = device_for(settings.device, PIXELS, settings.weights) != "cpu"
        context = GpuContext() if gpu else None
        self._slim = with_threshold(read_slim(settings.weights), settings.threshold)
        required = settings.device == "cuda"
        wish = GpuWish(context, settings.engine, required, FIRST_PASS) if context else None
        import_engine(self._slim, wish, PIXELS)
        self._engine = start_engine(self._slim, wish, PIXELS, tell)
        self._gpu = context if self._engine.device == "cuda" else None
        self._stamp = stamp_of(self._slim.sha256, self._settings)
        self._resident = resident()

    @property
    def ready(self) -> Ready:
        """What computes."""
        engine = self._engine
        return Ready(engine.device, engine.name, engine.precision, self._slim.sha256)

    def answer(self, places: Sequence[LocalScene], tile: int | None) -> None:
        """Make the masks of scenes and say of each what became of it; raises GpuLostError.

        tile: the largest that memory allows, in pixels, as a crash has shown; None where none has.
        """
        from infer.archive.wire.sink import WireSink

        now: list[Predictor] = []  # the one at work
        by_key = {place.key: place for place in places}
        known_of = partial(self._known_of, now)
        with WireSink(self._wire, by_key, self._form, self._stamp, known_of) as sink:
            by_tile: dict[int, list[Readable]] = {}
            for place in places:
                scene = self._look_at(place)
                if isinstance(scene, Readable):
                    by_tile.setdefault(self._tile_within_memory(scene, tile), []).append(scene)
                elif isinstance(scene, Broken):
                    sink.lost(scene, scene.error)
            self._wire.starts("look", ())
            for largest, scenes in sorted(by_tile.items(), reverse=True):
                now[:] = [self._predictor(largest, sink)]
                self._predict(scenes, now[0], sink)

    def _look_at(self, place: LocalScene) -> Scene:
        self._wire.starts("look", [place.key])
        scene = look_at(place.path, self._settings.limits)
        if isinstance(scene, Readable):
            return _KeyedReadable(scene.path, scene.mask_name, scene.header, place.key)
        assert isinstance(scene, Broken)
        return _KeyedBroken(scene.path, scene.mask_name, scene.error, scene.header, key=place.key)

    def _tile_within_memory(self, scene: Readable, tile: int | None) -> int:
        """Return the tile for a scene, in pixels; not dependent on what is mapped beside or before it."""
        from infer.plan.by_rows import is_huge
        from infer.plan.tile_size import resident, tile_that_fits
        from infer.predict.hardware import batch_size
        from infer.process.limits import memory

        wanted, limit = min(self._settings.tile, tile or self._settings.tile), memory()
        if self._engine.device != "cpu" or limit is None:
            return wanted
        alone = is_huge(scene.header)
        others_like_it = [scene] * (1 if alone else batch_size(scene.padded_shape, gpu=False))
        kept_for_later = resident() - self._resident  # by the engine, from earlier requests: it is used again
        return tile_that_fits(wanted, others_like_it, limit + kept_for_later)

    def _predictor(self, tile: int, sink: WireSink) -> Predictor:
        from infer.predict.choose import start_on_cpu
        from infer.predict.predictor import Predictor

        on_cpu = partial(start_on_cpu, self._slim, PIXELS, tell)
        redone = partial(sink.told.redone, "predict")
        return Predictor(self._engine, self._settings, redone, on_cpu, STRIDE, tile)

    def _predict(self, scenes: list[Readable], predictor: Predictor, sink: WireSink) -> None:
        from infer.flow.batches import predict_all
        from infer.flow.huge import make_huge
        from infer.plan.batches import batches
        from infer.read.reader import Reader
        from infer.settings import TORCH

        usual, huge = part_huge(scenes)
        in_order = sorted(usual, key=lambda scene: (scene.padded_shape, scene.name), reverse=True)
        plan = batches(in_order, self._settings.tile, self._settings.batch, self._gpu is not None)
        tensors = self._settings.engine == TORCH
        with Reader(plan, self._gpu, tell, lambda _: None, self._wire, tensors) as reader:
            predict_all(reader, predictor, sink)
        make_huge(huge, predictor, sink, sink)

    def _known_of(self, now: list[Predictor], scene: Readable) -> tuple[str, tuple[str, ...]]:
        """Return by what a scene has been predicted, and a note where memory had a say in its mask."""
        engine, tile = now[0].engine, now[0].tile
        notes: tuple[str, ...] = ()
        if tile < min(self._settings.tile, max(scene.padded_shape)):
            notes = (f"cut into tiles of {tile} pixels, as memory was short",)
        return made_by(engine.device, engine.name, engine.precision), notes


@dataclass(frozen=True)
class _KeyedBroken(Broken):
    key: str = ""

    @property
    def name(self) -> str:
        return self.key


def serve(lines: BinaryIO, wire: Wire) -> int:
    """Answer the requests that are read from `lines` until they end; return the exit code."""
    try:
        mapper = Mapper(MapperSettings.from_line(json.loads(lines.readline())), wire)
        wire.ready(mapper.ready)
        for line in lines:
            request: dict[str, Any] = json.loads(line)
            mapper.answer([LocalScene.from_line(scene) for scene in request["scenes"]], request["tile"])
            wire.end()
    except UsageError as error:
        wire.unusable(error)
        return UNUSABLE
    except GpuLostError as error:
        wire.gpu_lost(error.reason)
        return GPU_LOST
    return 0


def _main() -> None:
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # as a terminal or Slurm sends it to all: the parent ends us
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = int(sys.argv[1])
    if os.getppid() != parent:  # it died before that
        os._exit(NO_PARENT)
    wire = Wire(os.dup(1))
    os.dup2(2, 1)  # whatever native libraries print is no part of the protocol
    prepare_environment()
    code = serve(sys.stdin.buffer, wire)
    sys.stderr.flush()
    os._exit(code)  # every mask is on the disk; taking the engine apart only costs time


if __name__ == "__main__":
    _main()
