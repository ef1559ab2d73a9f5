"""Make the file to submit: build the image, judge it in a container, and only if it passes save it.

Writes DIR/sea-ice-DATE-COMMIT.tar.gz, its .sha256, and .report.html, .report.json and .cdx.json (what the
image holds, in CycloneDX's form) beside it, all under one name. `docker load` reads the archive as it is and
brings the tags sea-ice:latest and sea-ice:COMMIT. With --image the image's id stands for the commit, the tag
is its own name, and there is no .cdx.json. Exit code: 0 saved; 1 the dry run failed, nothing is saved; 2
wrong call.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from infer.errors import UsageError
from train_offline.commands.dry_run import dry_run
from train_offline.judging.release.archive import require_space, save
from train_offline.judging.release.sbom import write_sbom
from train_offline.judging.run.container import Image, build, docker, find_image, require_engine
from train_offline.judging.settings import Settings, add_arguments, check
from train_offline.runtime import program as command
from train_offline.runtime.code_version import revision
from train_offline.runtime.files import writable_folder

REPORT_DIR = Path("runs/pack")
NAME = "sea-ice"
RUN_LINE = 'docker run --rm --gpus all -v "$PWD/in":/input:ro -v "$PWD/out":/output'


def parse(argv: list[str] | None) -> tuple[Settings, Path]:
    """The settings of the dry run, and the folder for the archive; raises UsageError for a wrong call."""
    parser = command.Parser(
        prog="pack", allow_abbrev=False, description="Build, judge and save the image to submit."
    )
    parser.add_argument("--output", type=Path, default=Path("submissions"), metavar="DIR",
        help="where the archive goes (%(default)s, in the current folder)")  # fmt: skip
    add_arguments(parser, REPORT_DIR)
    given = vars(parser.parse_args(argv))
    output = given.pop("output")
    return check(Settings(**given)), output


def pack(settings: Settings, output: Path) -> int:
    """Build, judge, save; returns the exit code."""
    require_engine()
    folder = writable_folder(output, "output")
    writable_folder(settings.report_dir, "report_dir")
    ours = settings.image is None
    if ours:
        print("pack: building the image", file=sys.stderr)
        settings = replace(settings, image=build(settings.report_dir / "build.log"))
    image = find_image(settings.image)
    require_space(folder, image.size_bytes)
    code = dry_run(settings)
    if code:
        print("pack: nothing is saved: the dry run did not pass", file=sys.stderr)
        return code
    if find_image(settings.image).id != image.id:
        raise UsageError(f"{settings.image} was changed while it was judged; pack again")
    version = revision(12) if ours else image.id.removeprefix("sha256:")[:12]
    target = folder / f"sea-ice-{datetime.now(timezone.utc):%Y%m%d}-{version}.tar.gz"
    names = _tagged(image, version) if ours else [settings.image]
    print(f"pack: saving {names[0]}", file=sys.stderr)
    seconds = save(names, target, image.size_bytes)
    for kind in ("html", "json"):
        beside = target.with_name(target.name.replace(".tar.gz", f".report.{kind}"))
        shutil.copyfile(settings.report_dir / f"report.{kind}", beside)
    if ours:
        write_sbom(settings.image, target.with_name(target.name.replace(".tar.gz", ".cdx.json")), version)
    _tell(target, seconds, names)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("pack", lambda: pack(*parse(argv)))


def _tagged(image: Image, version: str) -> list[str]:
    """Our image under the names that the judge loads: the plain one first, then the one of its version."""
    names = [f"{NAME}:latest", f"{NAME}:{version}"]
    for name in names:
        answer = docker("tag", image.id, name)
        if answer.returncode:
            raise UsageError(f"docker cannot tag the image as {name}: {answer.stderr.strip()}")
    return names


def _tell(target: Path, seconds: float, names: list[str]) -> None:
    """What was saved, and what the judge types in the folder of the archive."""
    lines = {
        "archive": f"{target} ({target.stat().st_size / 1e9:.2f} GB in {seconds:.0f} s)",
        "image": ", ".join(names),
        "check": f"sha256sum --check {target.name}.sha256",
        "load": f"docker load --input {target.name}",
        "run": f"{RUN_LINE} {names[0]}",
    }
    for name, value in lines.items():
        print(f"{name:<12} {value}")


if __name__ == "__main__":
    sys.exit(main())
