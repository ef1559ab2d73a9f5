"""`python -m tests.bench.single.huge [--side 40000] [--format geotiff]`: one huge scene by the plain job.

Prints seconds and the most memory that the job and its children held together, sampled.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import rasterio
from affine import Affine
from rasterio.windows import Window

from tests.helpers.support import REPO
from train_offline.scenery.scene import make_scene

SAMPLE_SECONDS = 0.1
STEP = 8  # blocks of 1,024 pixels: one in STEP x STEP has content, as files of any size cost time to make


def main(argv: list[str] | None = None) -> int:
    """Measure once and print one line."""
    parser = argparse.ArgumentParser(prog="huge", description=__doc__)
    parser.add_argument("--side", type=int, default=40_000)
    parser.add_argument("--format", default="geotiff", choices=("png", "geotiff"))
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-huge-") as folder:
        scenes = Path(folder) / "in"
        scenes.mkdir()
        _write_scene(scenes / "huge.tif", arguments.side)
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "infer", "--input", str(scenes), "--output", str(out)]
        began = time.monotonic()
        process = subprocess.Popen([*command, "--format", arguments.format, "--device", "cpu"], cwd=REPO)
        rss, pss = _peaks(process)
        seconds = time.monotonic() - began
        sizes = [path.stat().st_size for path in out.iterdir()]
    megapixels = arguments.side**2 / 1e6
    print(f"{arguments.side}^2 {arguments.format}: exit {process.returncode}, {seconds:.0f} s, "
          f"{megapixels / seconds:.2f} Mpx/s, peak {rss / 1e6:.0f} MB RSS, {pss / 1e6:.0f} MB PSS, "
          f"mask {sum(sizes) / 1e6:.2f} MB, load {psutil.getloadavg()[0]:.1f}")  # fmt: skip
    return process.returncode


def _write_scene(path: Path, side: int) -> None:
    image = np.moveaxis(make_scene(4, 1024, 1024, ice=True).image, 2, 0)
    form = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "SPARSE_OK": True}
    size = {"height": side, "width": side, "count": 3, "dtype": "uint8", "photometric": "RGB"}
    place = {"crs": "EPSG:3413", "transform": Affine(50, 0, -1e6, 0, -50, 1e6)}
    with rasterio.open(path, "w", driver="GTiff", BIGTIFF="YES", **size, **form, **place) as file:
        for row in range(0, side - 1023, 1024 * STEP):
            for col in range(0, side - 1023, 1024 * STEP):
                file.write(image, window=Window(col, row, 1024, 1024))


def _peaks(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Return the most bytes that a process and its children held, as RSS and as PSS, until it ended."""
    rss = pss = 0
    while process.poll() is None:
        here = there = 0
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(process.pid)
            for one in [main, *main.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    held = one.memory_full_info()
                    here, there = here + held.rss, there + held.pss
        rss, pss = max(rss, here), max(pss, there)
        time.sleep(SAMPLE_SECONDS)
    return rss, pss


if __name__ == "__main__":
    sys.exit(main())
