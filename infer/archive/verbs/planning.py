"""plan: freezes which scenes a run has, and what its masks depend on."""

from __future__ import annotations

import time
import uuid

from infer.archive.record.identity import ArchiveRun, code_version, create_run, require_same
from infer.archive.record.manifest import freeze as freeze_scenes
from infer.archive.record.manifest import scenes_of
from infer.archive.store import Place
from infer.archive.verbs.arguments import ArchiveArguments
from infer.archive.verbs.hands import hands_of
from infer.archive.verbs.places import DONE, run_place
from infer.archive.verbs.sources import SceneSource, source_of
from infer.archive.verbs.stac import put_weights
from infer.archive.wire.facts import MapperSettings, Ready
from infer.errors import UsageError
from infer.network.architecture import STRIDE
from infer.process.progress import tell
from infer.settings import GEOTIFF
from infer.write.geotiff.gdal import load_rasterio
from infer.write.outputs import form_of


def plan_run(arguments: ArchiveArguments) -> int:
    """Plan a run."""
    with source_of(arguments) as source:
        run = checked(arguments, source)
        with hands_of(arguments, arguments.settings()) as hands:
            freeze(arguments, source, run, hands.ready)
    return DONE


def checked(arguments: ArchiveArguments, source: SceneSource) -> Place:
    """Return the place of the run; finds what is wrong with it before anything is started."""
    run, place = run_place(arguments), source.place
    if arguments.own.stac and arguments.settings().format != GEOTIFF:
        raise UsageError("STAC items are made of GeoTIFF masks", ": give {format} geotiff, or no {stac}")
    if source.is_listing and f"{run.url}/".startswith(f"{place.url.rstrip('/')}/"):
        reason = f"{run} lies in {place}: its masks would be taken for scenes"
        raise UsageError(reason, ": give another with {output}")
    run.check()
    return run


def freeze(arguments: ArchiveArguments, source: SceneSource, run: Place, ready: Ready) -> None:
    """Write a run's identity and its manifest where none stand, else see that they are the same."""
    own, settings = arguments.own, arguments.settings()
    identity = identity_of(settings, source.place, ready, own.vector, own.stac)
    scenes = scenes_of(source.objects(), source.place)  # before anything is written: it may be no list
    if not create_run(run, identity):
        require_same(run, identity)
    if own.stac:
        put_weights(run, settings)
    planned = freeze_scenes(scenes, source.place, run, own.unit_scenes)
    refused = f"; {planned.refused} get no mask" if planned.refused else ""
    tell(f"archive: {planned.scenes} scenes in {planned.units} units{refused}")


def identity_of(
    settings: MapperSettings, source: Place, ready: Ready, vector: bool, stac: bool
) -> ArchiveRun:
    """Return what masks made here depend on."""
    job = settings.job()
    return ArchiveRun(
        weights=ready.weights_sha256,
        code=code_version(),
        gdal=load_rasterio().__gdal_version__,
        device=ready.device,
        engine=ready.engine,
        precision=ready.precision,
        tile=job.tile,
        overlap=job.overlap,
        multiple=STRIDE,
        threshold=job.threshold,
        format=job.format,
        nodata=form_of(job).nodata,
        max_pixels=job.max_pixels,
        max_bytes=job.max_bytes,
        vector=vector,
        stac=stac,
        source=source.url,
        nonce=uuid.uuid4().hex,
        created=time.time(),
    )
