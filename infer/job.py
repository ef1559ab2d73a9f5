"""The single pass, readable at a glance: plan, read, predict, write, audit."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infer.device import gpu_visible
from infer.progress import Progress
from infer.reader import DecodedBatch, Reader
from infer.report import Report, SceneResult
from infer.scenes import Scene, batches, find_scenes
from infer.settings import Settings, UsageError
from infer.writer import MaskWriter, is_whole_mask

if TYPE_CHECKING:
    from infer.predictor import Predictor

DONE, DEGRADED, NOT_WRITTEN = 0, 3, 4


@dataclass(frozen=True)
class Pending:
    """A mask on its way to the disk. error says why it is black, None when it was predicted."""

    scene: Scene
    error: str | None
    ice_fraction: Future[float]


def run(settings: Settings) -> int:
    """Does the job and returns the exit code; raises UsageError for what only the user can mend."""
    report = Report()
    report.seconds.start = report.elapsed()
    scenes = find_scenes(settings.input)
    _check_output(settings)
    if not scenes:
        print(f"infer: warning: no .tif or .tiff in {settings.input}", file=sys.stderr)
    kept = [s for s in scenes if settings.resume and is_whole_mask(settings.output / s.mask_name, s.shape)]
    with MaskWriter(settings.output) as writer, Progress(len(scenes), settings.quiet) as progress:
        progress.update(len(kept))
        pending = _process([s for s in scenes if s not in kept], settings, writer, progress, report)
    report.scenes = _audit(scenes, pending, settings)
    report.seconds.write = writer.write_seconds
    report.seconds.first_mask = writer.first_mask_at and writer.first_mask_at - report.began
    report.seconds.total = report.elapsed()
    return _conclude(report, settings)


def _process(
    scenes: list[Scene], settings: Settings, writer: MaskWriter, progress: Progress, report: Report
) -> list[Pending]:
    black = [scene for scene in scenes if scene.error]
    gpu = settings.device != "cpu" and gpu_visible()
    plan = batches([scene for scene in scenes if not scene.error], settings.tile, settings.batch, gpu)
    if not plan:
        return [_put_black(scene, scene.error, writer, progress) for scene in black]
    with Reader(plan, gpu) as reader:  # decodes the first batch while torch is being imported
        predictor = _load_predictor(settings, report)  # unusable weights end the run before any mask
        pending = [_put_black(scene, scene.error, writer, progress) for scene in black]
        for batch in reader:
            start = time.monotonic()
            pending += _predict(batch, predictor, writer, progress)
            report.seconds.predict += time.monotonic() - start
        report.seconds.read = reader.decode_seconds
        report.device, report.precision = predictor.device, predictor.precision
        report.peak_gpu_bytes = predictor.peak_gpu_bytes()
    return pending


def _load_predictor(settings: Settings, report: Report) -> Predictor:
    from infer.predictor import (
        Predictor,
    )  # torch takes most of the start-up: nothing waits for it before here
    from infer.weights import load_model

    model = load_model(settings.weights)
    predictor = Predictor(model, settings)
    report.weights_sha256 = model.sha256
    report.seconds.setup = report.elapsed() - report.seconds.start
    return predictor


def _predict(
    batch: DecodedBatch, predictor: Predictor, writer: MaskWriter, progress: Progress
) -> list[Pending]:
    errors, images = list(batch.errors), [pixels for pixels in batch.pixels if pixels is not None]
    masks = iter(())
    try:
        masks = iter(predictor.predict(images) if images else ())
    except Exception as error:  # whatever it is, it must not cost the scenes of other batches their masks
        reason = f"prediction failed: {type(error).__name__}: {error}".splitlines()[0]
        errors = [known or reason for known in errors]
    pending = []
    for scene, error in zip(batch.scenes, errors, strict=True):
        if error:
            pending.append(_put_black(scene, error, writer, progress))
        else:
            pending.append(Pending(scene, None, writer.put(scene.mask_name, next(masks))))
            progress.update(1)
    return pending


def _put_black(scene: Scene, error: str, writer: MaskWriter, progress: Progress) -> Pending:
    progress.say(f"infer: {scene.name}: {error}: its mask is black")
    progress.update(1)
    black = np.zeros(scene.shape, np.uint8)
    return Pending(scene, error, writer.put(scene.mask_name, black))


def _audit(scenes: list[Scene], pending: list[Pending], settings: Settings) -> list[SceneResult]:
    """What became of each scene, checked against the files that lie in the output folder now."""
    there = set(os.listdir(settings.output))
    processed = {item.scene: item for item in pending}
    results = []
    for scene in sorted(scenes, key=lambda scene: scene.name):
        status, error, ice_fraction = "kept", None, None
        if item := processed.get(scene):
            status, error = ("degraded", item.error) if item.error else ("ok", None)
            try:
                ice_fraction = item.ice_fraction.result()
            except OSError as failure:
                status, error = "failed", f"cannot write {scene.mask_name}: {failure.strerror or failure}"
        if status != "failed" and scene.mask_name not in there:
            status, error = "failed", f"{scene.mask_name} has gone from the output folder"
        results.append(SceneResult(scene.name, *scene.shape, status, error, ice_fraction))
    return results


def _conclude(report: Report, settings: Settings) -> int:
    failures = [scene for scene in report.scenes if scene.status == "failed"]
    for scene in failures:
        print(f"infer: {scene.name}: {scene.error}", file=sys.stderr)
    if not settings.quiet:
        print(report.summary())
    if settings.report:
        report.write(settings.report)
    if failures:
        return NOT_WRITTEN
    return DEGRADED if settings.strict and report.count("degraded") else DONE


def _check_output(settings: Settings) -> None:
    """Makes the output folder and tries it with an empty file, before any time is spent on scenes."""
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=settings.output).close()
    except OSError as error:
        raise UsageError(
            f"cannot write to the output folder {settings.output}: {error.strerror}: give --output another"
        ) from None
