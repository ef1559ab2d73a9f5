"""plan: freezes which scenes a run has, and what its masks depend on."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from infer.archive.record.identity import ArchiveRun, code_version, create_run, require_same
from infer.archive.record.manifest import plan
from infer.archive.store import Place
from infer.archive.verbs.arguments import ArchiveArguments
from infer.archive.verbs.hands import hands_of
from infer.archive.verbs.places import DONE, opened, run_place
from infer.archive.wire.facts import MapperSettings, Ready
from infer.errors import UsageError
from infer.network.architecture import STRIDE
from infer.process.progress import tell
from infer.write.geotiff.gdal import load_rasterio
from infer.write.outputs import form_of


def plan_run(arguments: ArchiveArguments) -> int:
    """Plan a run."""
    source, run = checked(arguments)
    with hands_of(arguments, arguments.settings()) as hands:
        freeze(arguments, source, run, hands.ready)
    return DONE


def checked(arguments: ArchiveArguments) -> tuple[Place, Place]:
    """Return the places of source and run; finds what is wrong with them before anything is started."""
    source, run = opened(arguments, arguments.own.source), run_place(arguments)
    if "://" not in source.url and not Path(source.url).is_dir():
        raise UsageError(f"no folder {source}", ": give the folder or prefix that holds the scenes")
    if f"{run.url}/".startswith(f"{source.url}/"):
        reason = f"{run} lies in {source}: its masks would be taken for scenes"
        raise UsageError(reason, ": give another with {output}")
    source.check()
    run.check()
    return source, run


def freeze(arguments: ArchiveArguments, source: Place, run: Place, ready: Ready) -> None:
    """Write a run's identity and its manifest where none stand, else see that they are the same."""
    identity = identity_of(arguments.settings(), source, ready)
    if not create_run(run, identity):
        require_same(run, identity)
    planned = plan(source.list(), source, run, arguments.own.unit_scenes)
    refused = f"; {planned.refused} get no mask" if planned.refused else ""
    tell(f"archive: {planned.scenes} scenes in {planned.units} units{refused}")


def identity_of(settings: MapperSettings, source: Place, ready: Ready) -> ArchiveRun:
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
        format=job.format,
        nodata=form_of(job).nodata,
        max_pixels=job.max_pixels,
        max_bytes=job.max_bytes,
        source=source.url,
        nonce=uuid.uuid4().hex,
        created=time.time(),
    )
