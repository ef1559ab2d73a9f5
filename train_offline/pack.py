"""Make the file to submit: build the image, judge it in a container, and only if it passes save it.

Writes DIR/sea-ice-DATE-COMMIT.tar.gz, its .sha256, and .report.html, .report.json and .cdx.json (what the
image holds, in CycloneDX's form) beside it, all under one name; with --image the image's id stands for the
commit, and there is no .cdx.json. `docker load` reads the archive as it is. Exit code: 0 saved; 1 the dry
run failed, nothing is saved; 2 wrong call.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from infer.settings import UsageError
from train_offline import command
from train_offline.code_version import commit_of
from train_offline.dry_run import dry_run, writable_folder
from train_offline.judging.container import build, find_image, require_engine
from train_offline.judging.settings import Settings, add_arguments, check
from train_offline.sbom import write_sbom

REPORT_DIR = Path("runs/pack")
CHUNK = 4 * 1024**2  # bytes
LEVEL = 1  # of gzip: the libraries in the image hardly shrink further, and it takes minutes as it is
SPARE = 0.6  # of the image's size must be free: about what the archive takes


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
    folder = writable_folder(output, "--output")
    writable_folder(settings.report_dir, "--report-dir")
    ours = settings.image is None
    if ours:
        print("pack: building the image", file=sys.stderr)
        settings = replace(settings, image=build(settings.report_dir / "build.log"))
    image = find_image(settings.image)
    _require_space(folder, image.size_bytes)
    code = dry_run(settings)
    if code:
        print("pack: nothing is saved: the dry run did not pass", file=sys.stderr)
        return code
    if find_image(settings.image).id != image.id:
        raise UsageError(f"{settings.image} was changed while it was judged; pack again")
    version = _version() if ours else image.id.removeprefix("sha256:")[:12]
    target = folder / f"sea-ice-{datetime.now(timezone.utc):%Y%m%d}-{version}.tar.gz"
    _save(settings.image, target)
    for kind in ("html", "json"):
        beside = target.with_name(target.name.replace(".tar.gz", f".report.{kind}"))
        shutil.copyfile(settings.report_dir / f"report.{kind}", beside)
    if ours:
        write_sbom(settings.image, target.with_name(target.name.replace(".tar.gz", ".cdx.json")), version)
    print(f"{'archive':<12} {target} ({target.stat().st_size / 1e9:.2f} GB)")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("pack", lambda: pack(*parse(argv)))


def _version() -> str:
    """The commit of this checkout, "-changed" where the code differs from it."""
    code = commit_of()
    return (code["commit"] or "no-commit")[:12] + "-changed" * bool(code["dirty"])


def _require_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < SPARE * size:
        raise UsageError(
            f"--output {folder}: has {free / 1e9:.1f} GB free, the archive may take "
            f"{SPARE * size / 1e9:.1f}; make room or name another folder"
        )


def _save(image: str, target: Path) -> None:
    """The image as `docker save` gives it, compressed, and its SHA-256 as sha256sum writes it."""
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    print(f"pack: saving {image}, which takes minutes for a large image", file=sys.stderr)
    try:
        saver = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
        with draft.open("wb") as file:
            digest = _compress(saver.stdout, file)
        if saver.wait():
            raise UsageError(f"docker save {image} ended with exit code {saver.returncode}")
        draft.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(ProcessLookupError):
            saver.kill()
        draft.unlink(missing_ok=True)
    target.with_name(target.name + ".sha256").write_text(f"{digest}  {target.name}\n")


def _compress(source: BinaryIO, target: BinaryIO) -> str:
    """Copy through gzip, without a time stamp; returns the SHA-256 of what was written, in hex."""
    hashing = _Hashing(target)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=hashing, mtime=0) as packed:
        shutil.copyfileobj(source, packed, CHUNK)
    return hashing.sha256.hexdigest()


class _Hashing:
    """A file to write to that hashes what goes through it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha256, self._file = hashlib.sha256(), file

    def write(self, chunk: Any) -> int:
        self.sha256.update(chunk)
        return self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


if __name__ == "__main__":
    sys.exit(main())
