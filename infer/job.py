"""The single pass, readable at a glance: plan, read, predict, write, audit."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infer.flow.batches import predict_all
from infer.plan.batches import WholeFolder, batches, whole_folder
from infer.plan.preflight import check_places
from infer.plan.scenes import (
    Readable,
    Scene,
    break_scene,
    broken,
    find_scenes,
    not_looked_at,
    part_huge,
    readable,
)
from infer.plan.tile_size import tile_that_fits
from infer.predict.gpu import GpuContext, device_for
from infer.process.journal import Redone
from infer.process.limits import memory
from infer.process.progress import Progress, tell
from infer.process.signals import leave_on_signals_at_any_moment
from infer.process.supervisor import Order
from infer.read.reader import Reader
from infer.settings import STOPPED, TORCH, Settings
from infer.write.audit import audit, made_before
from infer.write.exit_code import DONE, conclude
from infer.write.form import MaskForm
from infer.write.mask_writer import MaskWriter
from infer.write.messages import Told
from infer.write.outputs import draw_polygons, form_of
from infer.write.png_stamp import stamp_of
from infer.write.report import RunReport
from infer.write.sink import MaskSink

if TYPE_CHECKING:
    from infer.predict.predictor import Predictor


class _Job(NamedTuple):
    """What is the same for all scenes of a run."""

    settings: Settings
    order: Order
    whole: WholeFolder
    report: RunReport
    told: Told


def run(settings: Settings, order: Order) -> int:
    """Do the job, or what `order` leaves of it, and return the exit code.

    Raises UsageError for what only the user can mend.
    """
    crashed = [Redone("process", (name,), reason) for name, reason in order.again.items()]
    if order.gpu_lost:
        settings = replace(settings, device="cpu")
        crashed.append(Redone("process", (), f"the GPU was lost: {order.gpu_lost}"))
    report = RunReport(began=order.began, redone=crashed, threshold=settings.threshold)
    report.seconds.start, report.seconds.retries = report.elapsed(), order.retries
    form = form_of(settings)
    scenes = find_scenes(settings.input, settings.limits, form.suffix)
    check_places(settings, [scene.mask_name for scene in scenes])
    if order.only is None and not order.retries:  # the first child has said it
        for line in not_looked_at(settings.input, found=bool(scenes)):
            tell(f"infer: {line}")
    whole = whole_folder(scenes, settings.tile)
    scenes = [_unless_lost(scene, order) for scene in scenes]
    todo = _left_to_do(scenes, settings, order, form)
    with MaskWriter(settings.output, form) as writer, Progress(len(scenes), settings.quiet) as progress:
        leave_on_signals_at_any_moment(STOPPED, writer.discard_unfinished)
        progress.begin_at(len(scenes) - len(todo))
        told = Told(progress, report.redone.append)
        sink = MaskSink(writer, told, order.journal)
        _make_masks(todo, _Job(settings, order, whole, report, told), writer, sink)
        told.say_how_many_more()
    if order.only is not None:
        return DONE
    before = [made_before(scene, order.done[scene.name]) for scene in scenes if scene.name in order.done]
    report.scenes = audit(scenes, [*sink.pending, *before], settings.output)
    report.seconds.write = writer.write_seconds
    report.seconds.first_mask = writer.first_mask_at and writer.first_mask_at - report.began
    draw_polygons(report, scenes, settings, form)
    report.seconds.total = report.elapsed()
    return conclude(report, settings)


def _unless_lost(scene: Scene, order: Order) -> Scene:
    """Return the scene; as a broken one where a crash has shown that no process may touch it."""
    reason = order.lost.get(scene.name, order.all_lost)
    return break_scene(scene, reason) if reason else scene


def _left_to_do(scenes: list[Scene], settings: Settings, order: Order, form: MaskForm) -> list[Scene]:
    """Leave out what earlier children made, what this one is not asked for, and what --resume keeps."""
    kept = _stamp(settings) if settings.resume else None
    asked = (s for s in scenes if s.name not in order.done and (order.only is None or s.name in order.only))
    return [scene for scene in asked if kept is None or not _is_kept(scene, settings.output, kept, form)]


def _stamp(settings: Settings) -> str:
    from infer.network.weights_file import sha256_of  # else it loads beside the first scenes

    return stamp_of(sha256_of(settings.weights), settings)


def _is_kept(scene: Scene, output: Path, stamp: str, form: MaskForm) -> bool:
    """Tell whether a resumed run leaves the mask as it is; those of broken scenes have no stamp."""
    return bool(readable([scene])) and form.is_whole_mask(output / scene.mask_name, scene.shape, stamp)


def _make_masks(scenes: list[Scene], job: _Job, writer: MaskWriter, sink: MaskSink) -> None:
    settings, report = job.settings, job.report
    device = device_for(settings.device, job.whole.pixels, settings.weights)
    usual, huge = part_huge(readable(scenes))
    plan = batches(usual, settings.tile, settings.batch, device != "cpu")
    if not plan and not huge:
        _lose_broken(scenes, sink)
        return
    gpu = GpuContext() if device != "cpu" else None
    journal = job.order.journal
    if gpu and journal:
        journal.on_gpu(True)
    # Decodes the first batch while the engine is being imported.
    tensors = settings.engine == TORCH
    with Reader(plan, gpu, job.told.progress.say, report.redone.append, journal, tensors) as reader:
        first = plan[0] if plan else huge[:1]
        predictor, weights_sha256 = _start_predictor(job, gpu, first)  # unusable weights end it here
        if gpu and journal:
            journal.on_gpu(predictor.device == "cuda")
        writer.stamp = stamp_of(weights_sha256, settings)
        report.seconds.setup = report.elapsed() - report.seconds.start
        _lose_broken(scenes, sink)
        predict_all(reader, predictor, sink)
        if huge:
            from infer.flow.huge import make_huge  # seldom needed

            make_huge(huge, predictor, writer, sink)
        report.seconds.predicted = report.elapsed()
        report.seconds.read, report.seconds.predict = reader.decode_seconds, predictor.seconds
        engine = predictor.engine
        report.device, report.engine, report.precision = engine.device, engine.name, engine.precision
        report.peak_gpu_bytes = engine.peak_gpu_bytes()


def _lose_broken(scenes: list[Scene], sink: MaskSink) -> None:
    for scene in broken(scenes):
        sink.lost(scene, scene.error)


def _start_predictor(job: _Job, gpu: GpuContext | None, first: list[Readable]) -> tuple[Predictor, str]:
    """Read the weights and start an engine with them for the first batch; return also their SHA-256."""
    began = time.monotonic()
    # The engine takes most of the start-up: nothing waits for it before here.
    from infer.network.weights_file import read_slim, with_threshold
    from infer.predict.choose import GpuWish, import_engine, start_engine, start_on_cpu
    from infer.predict.predictor import Predictor
    from infer.predict.tile_limits import first_pass

    settings, pixels, seconds = job.settings, job.whole.pixels, job.report.seconds
    say = partial(job.told.redone, "start")
    slim = with_threshold(read_slim(settings.weights), settings.threshold)
    loaded = time.monotonic()
    shapes = first_pass([scene.shape for scene in first], settings)
    wish = GpuWish(gpu, settings.engine, settings.device == "cuda", shapes) if gpu else None
    import_engine(slim, wish, pixels)
    imported = time.monotonic()
    engine = start_engine(slim, wish, pixels, say)
    seconds.weights, seconds.imports = loaded - began, imported - loaded
    seconds.device = time.monotonic() - imported
    job.report.weights_sha256 = slim.sha256
    on_cpu = partial(start_on_cpu, slim, pixels, say)
    tile = min(settings.tile, job.order.tile or settings.tile)
    if engine.device == "cpu":
        tile = _tile_within_memory(tile, job)
    redone = partial(job.told.redone, "predict")
    return Predictor(engine, settings, redone, on_cpu, job.whole.multiple, tile), slim.sha256


def _tile_within_memory(wanted: int, job: _Job) -> int:
    limit = memory()
    tile = tile_that_fits(wanted, job.whole.readable, limit)
    if limit is not None and tile < wanted:
        line = f"infer: {limit / 2**20:.0f} MB of memory: going on with tiles of {tile} pixels"
        job.told.redone("start", line)
    return tile
