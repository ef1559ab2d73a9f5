"""The single pass, readable at a glance: plan, read, predict, write, audit."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infer.errors import UsageError
from infer.plan.preflight import check_places
from infer.plan.scenes import Scene, batches, find_scenes, not_looked_at, pad_multiple
from infer.plan.tile_size import tile_that_fits
from infer.predict.hardware import gpu_visible
from infer.process.journal import Journal
from infer.process.limits import memory
from infer.process.progress import UNHEARD, Progress, tell
from infer.process.signals import leave_on_signals_at_any_moment
from infer.process.supervisor import Order
from infer.process.told import MOST_LINES, Told
from infer.read.reader import DecodedBatch, Reader
from infer.settings import Settings
from infer.write.audit import Pending, audit, made_before, note_when_made
from infer.write.mask_writer import MaskWriter, is_whole_mask
from infer.write.png_stamp import sha256_of, stamp_of
from infer.write.report import Redone, Report

if TYPE_CHECKING:
    from infer.predict.predictor import Predictor
    from infer.read.decoder import Pixels

DONE, DEGRADED, NOT_WRITTEN, NO_SCENE, NONE_READ = 0, 3, 4, 5, 6


@dataclass(frozen=True)
class Whole:
    """What all scenes of the folder decide, so that masks are the same whichever of them are left to do.

    pixels: of all of them, by which the engine is chosen. multiple: see infer.plan.scenes.pad_multiple.
    readable: by their headers.
    """

    pixels: int
    multiple: int
    readable: list[Scene]


def run(settings: Settings, order: Order) -> int:
    """Does the job, or what `order` leaves of it, and returns the exit code.

    Raises UsageError for what only the user can mend.
    """
    crashed = [Redone("process", (name,), reason) for name, reason in order.again.items()]
    report = Report(began=order.began, redone=crashed)
    report.seconds.start, report.seconds.retries = report.elapsed(), order.retries
    scenes = find_scenes(settings.input, settings.limits)
    check_places(settings, [scene.mask_name for scene in scenes])
    if order.only is None and not order.retries:  # the first child has said it
        for line in not_looked_at(settings.input, found=bool(scenes)):
            tell(f"infer: {line}")
    readable = [scene for scene in scenes if not scene.error]
    pixels = sum(scene.shape[0] * scene.shape[1] for scene in readable)
    whole = Whole(pixels, pad_multiple(scenes, settings.tile), readable)
    scenes = [_not_to_be_touched(scene, order) for scene in scenes]
    kept = stamp_of(sha256_of(settings.weights), settings) if settings.resume else None
    todo = [s for s in scenes if s.name not in order.done and _is_wanted(s, settings.output, kept, order)]
    with (
        MaskWriter(settings.output) as writer,
        Progress(len(scenes), settings.quiet) as progress,
    ):
        leave_on_signals_at_any_moment(writer.discard_unfinished)
        progress.begin_at(len(scenes) - len(todo))
        told = Told(progress, report)
        pending = _process(todo, whole, settings, writer, told, report, order)
        told.say_how_many_more()
    if order.only is not None:
        return DONE
    pending += [made_before(scene, order.done[scene.name]) for scene in scenes if scene.name in order.done]
    report.scenes = audit(scenes, pending, settings.output)
    report.seconds.write = writer.write_seconds
    report.seconds.first_mask = writer.first_mask_at and writer.first_mask_at - report.began
    report.seconds.total = report.elapsed()
    return _conclude(report, settings)


def _not_to_be_touched(scene: Scene, order: Order) -> Scene:
    reason = order.lost.get(scene.name, order.all_lost)
    return replace(scene, error=reason) if reason and not scene.error else scene


def _is_wanted(scene: Scene, output: Path, kept: str | None, order: Order) -> bool:
    """`kept`: the stamp of the masks that --resume leaves as they are; those of lost scenes have none."""
    if order.only is not None and scene.name not in order.only:
        return False
    return kept is None or bool(scene.error) or not is_whole_mask(output / scene.mask_name, scene.shape, kept)


def _process(
    scenes: list[Scene],
    whole: Whole,
    settings: Settings,
    writer: MaskWriter,
    told: Told,
    report: Report,
    order: Order,
) -> list[Pending]:
    journal = order.journal
    broken = [scene for scene in scenes if scene.error]
    gpu = settings.device != "cpu" and gpu_visible()
    plan = batches([scene for scene in scenes if not scene.error], settings.tile, settings.batch, gpu)
    if not plan:
        return [_put_black(scene, scene.error, writer, told, journal) for scene in broken]
    with Reader(
        plan, gpu, told.progress.say, report.redone.append, journal
    ) as reader:  # decodes the first batch while the engine is being imported
        predictor = _load_predictor(settings, whole, told, report, order.tile)  # unusable weights end it here
        writer.stamp = stamp_of(report.weights_sha256, settings)
        report.seconds.setup = report.elapsed() - report.seconds.start
        pending = [_put_black(scene, scene.error, writer, told, journal) for scene in broken]
        for batch in reader:
            pending += _predict(batch, predictor, writer, told, journal)
        report.seconds.predicted = report.elapsed()
        report.seconds.read, report.seconds.predict = reader.decode_seconds, predictor.seconds
        report.device, report.precision = predictor.device, predictor.precision
        report.peak_gpu_bytes = predictor.peak_gpu_bytes()
    return pending


def _load_predictor(
    settings: Settings, whole: Whole, told: Told, report: Report, most: int | None
) -> Predictor:
    """most: the largest tile that memory allows, as a crash has shown."""
    began = time.monotonic()
    # The engine takes most of the start-up: nothing waits for it before here.
    from infer.network.weights_file import read_slim
    from infer.predict.engine import import_engine, start_engine, start_on_cpu
    from infer.predict.predictor import Predictor

    slim = read_slim(settings.weights)
    loaded = time.monotonic()
    import_engine(slim, settings.device, whole.pixels)
    imported = time.monotonic()
    engine = start_engine(slim, settings.device, whole.pixels, partial(told.redone, "start"))
    seconds = report.seconds
    seconds.weights, seconds.imports = loaded - began, imported - loaded
    seconds.device = time.monotonic() - imported
    report.weights_sha256 = slim.sha256
    on_cpu = partial(start_on_cpu, slim, whole.pixels, partial(told.redone, "start"))
    tile = min(settings.tile, most or settings.tile)
    if engine.device == "cpu":
        tile = _tile_within_memory(tile, whole, told)
    return Predictor(engine, settings, partial(told.redone, "predict"), on_cpu, whole.multiple, tile)


def _tile_within_memory(wanted: int, whole: Whole, told: Told) -> int:
    limit = memory()
    tile = tile_that_fits(wanted, whole.readable, limit)
    if tile < wanted:
        told.redone("start", f"infer: {limit / 2**20:.0f} MB of memory: going on with tiles of {tile} pixels")
    return tile


def _predict(
    batch: DecodedBatch,
    predictor: Predictor,
    writer: MaskWriter,
    told: Told,
    journal: Journal | None = None,
) -> list[Pending]:
    if journal:
        side = min(predictor.tile, max(batch.scenes[0].padded_shape))
        journal.starts("predict", [scene.name for scene in batch.scenes], side)
    decoded = zip(batch.scenes, batch.outcomes, strict=True)
    images = {scene.name: outcome.pixels for scene, outcome in decoded if outcome.pixels is not None}
    masks = _masks(predictor, images, told)
    pending = []
    for scene, outcome in zip(batch.scenes, batch.outcomes, strict=True):
        mask = outcome.error or masks[scene.name]
        if isinstance(mask, str):
            pending.append(_put_black(scene, mask, writer, told, journal))
        else:
            if outcome.valid is not None:  # no data, no ice
                mask = np.where(outcome.valid, mask, np.uint8(0))
            written = writer.put(scene.mask_name, mask, predicted=True)
            pending.append(Pending(scene, None, written, outcome.notes))
            note_when_made(journal, pending[-1])
            told.notes(scene.name, outcome.notes)
            told.progress.update(1)
    return pending


def _masks(predictor: Predictor, images: dict[str, Pixels], told: Told) -> dict[str, np.ndarray | str]:
    """By the names of the scenes: each one's mask, or the reason why there is none.

    What fails together is tried one by one.
    """
    told.at_hand = tuple(images)
    try:
        return dict(zip(images, predictor.predict(list(images.values())), strict=True)) if images else {}
    except Exception as error:  # whatever it is, it must not cost the scenes of other batches their masks
        reason = f"prediction failed: {type(error).__name__}: {error}".splitlines()[0]
        if len(images) == 1:
            return dict.fromkeys(images, reason)
    told.redone("predict", f"infer: {reason}: trying the {len(images)} scenes of the batch one by one")
    masks: dict[str, np.ndarray | str] = {}
    for name, image in images.items():
        masks |= _masks(predictor, {name: image}, told)
    return masks


def _put_black(
    scene: Scene, error: str, writer: MaskWriter, told: Told, journal: Journal | None = None
) -> Pending:
    remedy = "its mask is black" if scene.owns_mask else "rename one of them"
    told.degraded(f"infer: {scene.name}: {error}: {remedy}")
    if not scene.owns_mask:
        return Pending(scene, error, None)
    pending = Pending(scene, error, writer.put(scene.mask_name, np.zeros(scene.shape, np.uint8)))
    note_when_made(journal, pending)
    return pending


def _conclude(report: Report, settings: Settings) -> int:
    failures = [scene for scene in report.scenes if scene.status == "failed"]
    for scene in failures[:MOST_LINES]:
        tell(f"infer: {scene.name}: {scene.error}")
    if len(failures) > MOST_LINES:
        tell(f"infer: and {len(failures) - MOST_LINES} more failed; --report names them all")
    if settings.report:
        try:
            report.write(settings.report)
        except UsageError as error:  # the place was fine when the run began, and the masks are there
            tell(f"infer: {error}")
    if not settings.quiet:
        with suppress(*UNHEARD):  # nobody reads it, as in `| head -0`: no reason to call the run a failure
            print(report.summary(), flush=True)
    if failures:
        return NOT_WRITTEN
    if not report.scenes:
        return NO_SCENE
    if report.count("degraded") == len(report.scenes):
        return NONE_READ
    return DEGRADED if settings.strict and report.count("degraded") else DONE
