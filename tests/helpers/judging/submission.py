"""A small stranger's submission, right or with one planted fault: python submission.py INPUT OUTPUT FAULT

It needs Pillow alone. Every scene gets the mask `brighter than 128`, so that a right one has a score.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image


def mask_of(scene: Path) -> Image.Image:
    """0 and 255, mode L."""
    with Image.open(scene) as image:
        return image.convert("L").point(lambda value: 255 if value > 128 else 0)


def write_all(scenes: Path, masks: Path, fault: str) -> None:
    for number, scene in enumerate(sorted(scenes.iterdir())):
        path, mask = masks / f"{scene.stem}.png", mask_of(scene)
        if number == 1 and fault in ONE_MASK:
            ONE_MASK[fault](path, mask)
        else:
            mask.save(path)


def _partial(path: Path, mask: Image.Image) -> None:
    mask.save(path)
    os.truncate(path, path.stat().st_size // 2)


def _save(**options: object):
    return lambda path, mask: mask.save(path, **options)


def _converted(mode: str):
    return lambda path, mask: mask.convert(mode).save(path)


def _rights(path: Path, mask: Image.Image) -> None:
    mask.save(path)
    path.chmod(0o600)


def _owner(path: Path, mask: Image.Image) -> None:
    mask.save(path)
    os.chown(path, 4711, 4711)


def _link(path: Path, mask: Image.Image) -> None:
    path.symlink_to("/etc/hostname")


ONE_MASK = {
    "missing": lambda path, mask: None,
    "stem": lambda path, mask: mask.save(path.with_name(f"{path.stem}.tif.png")),
    "partial": _partial,
    "left part": lambda path, mask: (mask.save(path), path.with_name(".a.png.part").write_bytes(b"x")),
    "jpeg": _save(format="JPEG"),
    "noise": lambda path, mask: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50 + b"IEND\xaeB`\x82"),
    "size": lambda path, mask: mask.resize((mask.width + 3, mask.height)).save(path),
    "turned": lambda path, mask: mask.transpose(Image.Transpose.ROTATE_90).save(path),
    "rgb": _converted("RGB"),
    "one bit": _converted("1"),
    "sixteen bit": lambda path, mask: mask.convert("I").point(lambda v: v * 257).convert("I;16").save(path),
    "palette": _converted("P"),
    "values": lambda path, mask: mask.point(lambda value: value // 255).save(path),
    "smoothed": lambda path, mask: mask.point(lambda value: 254 if value else 7).save(path),
    "rights": _rights,
    "owner": _owner,
    "link": _link,
    "pipe": lambda path, mask: os.mkfifo(path),
    "folder": lambda path, mask: path.mkdir(),
}


def main(scenes: Path, masks: Path, fault: str) -> int:
    if fault == "nothing":
        return 0
    if fault == "crash":
        print("about to fail", file=sys.stderr)
        raise RuntimeError("out of ideas")
    if fault == "signal":
        os.kill(os.getpid(), 11)
    if fault == "hang":
        print("still waiting for the network", file=sys.stderr, flush=True)
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
    write_all(scenes, masks, fault)
    if fault == "exit code":
        return 7
    if fault == "extra":
        (masks / "log.txt").write_text("done")
    if fault == "megabytes":
        for number in range(40_000):
            print(f"{number} " + "tile " * 25)
    if fault == "outside":
        (masks.parent / "log.txt").write_text("done")
    if fault == "working folder":
        Path("cache.bin").write_bytes(b"x")
    if fault == "input":
        (scenes / "seen.txt").write_text("x")
    if fault == "no working folder":
        Path.cwd().rmdir()
    if fault == "another folder":
        kept = scenes.parent / "elsewhere"
        masks.rename(kept)
        masks.symlink_to(kept)
    if fault == "removed":
        min(scenes.iterdir()).unlink()
    if fault == "pipe for a report" and Path("/report").is_dir():
        os.mkfifo("/report/job.json")
    if fault == "processes":
        subprocess.Popen(["sleep", "600"], start_new_session=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
