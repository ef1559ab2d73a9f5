"""Makes the file to submit: an image built, judged and, only if it passes, saved under its version."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from infer.errors import UsageError
from infer.settings import WEIGHTS
from train_offline.judging.release.archive import require_space, save
from train_offline.judging.release.sbom import write_sbom
from train_offline.judging.release.weights_origin import origin_of
from train_offline.judging.run.container import Image, build, docker, find_image, require_engine
from train_offline.judging.settings import DryRunSettings
from train_offline.runtime.code_version import revision
from train_offline.runtime.files import writable_folder

NAME = "sea-ice"
RUN_LINE = 'docker run --rm --gpus all -v "$PWD/in":/input:ro -v "$PWD/out":/output'


def pack(settings: DryRunSettings, output: Path, judge: Callable[[DryRunSettings], int]) -> int:
    """Build, judge, save; returns the exit code.

    Args:
        settings: of the dry run. Without an image, that of this checkout is built.
        output: the folder that the archive and what belongs to it go to.
        judge: the dry run, which returns its exit code.

    Raises UsageError for an image or a folder that cannot be used, and where no engine answers.
    """
    require_engine()
    folder = writable_folder(output, "output")
    writable_folder(settings.report_dir, "report_dir")
    ours, name = settings.image is None, settings.image
    origin = origin_of(WEIGHTS) if ours else None
    if name is None:
        print("pack: building the image", file=sys.stderr)
        name = build(settings.report_dir / "build.log")
    image = find_image(name)
    require_space(folder, image.size_bytes)
    code = judge(replace(settings, image=name))
    if code:
        print("pack: nothing is saved: the dry run did not pass", file=sys.stderr)
        return code
    if find_image(name).id != image.id:
        raise UsageError(f"{name} was changed while it was judged; pack again")
    version = revision(12) if ours else image.id.removeprefix("sha256:")[:12]
    target = folder / f"sea-ice-{datetime.now(timezone.utc):%Y%m%d}-{version}.tar.gz"
    names = _tag(image, version) if ours else [name]
    print(f"pack: saving {names[0]}", file=sys.stderr)
    seconds = save(names, target, image.size_bytes)
    for kind in ("html", "json"):
        shutil.copyfile(settings.report_dir / f"report.{kind}", _beside(target, f"report.{kind}"))
    if ours:
        write_sbom(name, _beside(target, "cdx.json"), version)
    _tell(target, seconds, names, origin)
    return 0


def _beside(archive: Path, ending: str) -> Path:
    """Return the path of another file that bears the archive's name."""
    return archive.with_name(archive.name.replace(".tar.gz", f".{ending}"))


def _tag(image: Image, version: str) -> list[str]:
    """Name our image as the judge loads it: the plain name first, then the one of its version."""
    names = [f"{NAME}:latest", f"{NAME}:{version}"]
    for name in names:
        answer = docker("tag", image.id, name)
        if answer.returncode:
            raise UsageError(f"docker cannot tag the image as {name}: {answer.stderr.strip()}")
    return names


def _tell(target: Path, seconds: float, names: list[str], weights: str | None) -> None:
    """Print what was saved, and what the judge types in the folder of the archive."""
    lines = {
        "archive": f"{target} ({target.stat().st_size / 1e9:.2f} GB in {seconds:.0f} s)",
        "image": ", ".join(names),
        **({"weights": weights} if weights else {}),
        "check": f"sha256sum --check {target.name}.sha256",
        "load": f"docker load --input {target.name}",
        "run": f"{RUN_LINE} {names[0]}",
    }
    for name, value in lines.items():
        print(f"{name:<12} {value}")
