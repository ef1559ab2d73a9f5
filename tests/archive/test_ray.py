"""A run on a real Ray cluster and a real store with faults: a worker, the store, a node and the driver die.

SEA_ICE_ARCHIVE_SCENES: so many scenes instead of 160; 2000 are the bar.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import psutil
import pytest

from infer.archive.objects.place import Place
from infer.archive.record.receipts import done_units
from infer.archive.store import open_place
from infer.archive.units.unit import mask_key
from tests.archive.proxy import Faults
from tests.archive.ray_nodes import RayNodes
from tests.archive.seaweed import Seaweed
from tests.archive.whole import check
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, heed_signals, random_rgb, run_infer

COUNT, SIDE = int(os.environ.get("SEA_ICE_ARCHIVE_SCENES", "160")), 256
UNIT = 4  # scenes


@pytest.fixture
def nodes(store_url: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayNodes]:
    """Nodes that know the store, as store_url has put it into the environment."""
    nodes = RayNodes(tmp_path_factory.mktemp("r"))
    yield nodes
    nodes.close()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for i in range(COUNT):
        write_placed(folder / f"s{i:04d}.tif", random_rgb(SIDE, SIDE, i), **UTM)
    return folder


@pytest.fixture(scope="module")
def plain(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("masks")
    result = run_infer("--input", scenes, "--output", out, "--format", "geotiff", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    return {mask_key(f"{path.stem}.tif", ".tif"): path.read_bytes() for path in out.iterdir()}


class Drivers:
    """Programs that work at one run on a cluster."""

    def __init__(self, nodes: RayNodes, run: str, log: Path) -> None:
        self._nodes, self._run, self._log = nodes, run, log

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "infer.archive", "run", *arguments, "--output", self._run]
        command += [
            "--address",
            self._nodes.address,
            "--workers",
            "2",
            "--no-pictures",
            "--store-timeout",
            "90",
        ]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, cwd=REPO, env=self._nodes.environment, stdout=log, stderr=log)

    def end(self, driver: subprocess.Popen[bytes]) -> None:
        assert driver.wait(timeout=1200) == 0, self.said()

    def said(self) -> str:
        return self._log.read_text()


def wait_for_receipts(run: Place, count: int) -> None:
    deadline = time.monotonic() + 600
    while len(done_units(run)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_worker_the_store_a_node_and_the_driver_die_and_every_mask_is_made(
    store_url: Callable[[str], str],
    seaweed: Seaweed,
    faults: Faults,
    nodes: RayNodes,
    scenes: Path,
    plain: dict[str, bytes],
    tmp_path: Path,
) -> None:
    bucket, units = store_url("ray"), COUNT // UNIT
    source, run = open_place(f"{bucket}/in", 60, print), open_place(f"{bucket}/run", 60, print)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: source.put(path.name, path), scenes.iterdir()))
    drivers = Drivers(nodes, f"{bucket}/run", tmp_path / "drivers.log")
    faults.usual()
    first = drivers.start(f"{bucket}/in", "--unit-scenes", str(UNIT))
    wait_for_receipts(run, 1)
    nodes.kill_a_worker()
    wait_for_receipts(run, units // 6)
    seaweed.kill()
    seaweed.start()
    wait_for_receipts(run, units // 3)
    nodes.kill(1)
    Timer(5, nodes.add).start()
    wait_for_receipts(run, units // 2)
    assert first.poll() is None, drivers.said()
    first.kill()
    first.wait()
    two = [drivers.start(), drivers.start()]
    for driver in two:
        drivers.end(driver)
    faults.none()
    check(run, (f"s{i:04d}.tif" for i in range(COUNT)), plain)


def test_without_a_cluster_it_works_on_this_machine(scenes: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(scenes.iterdir())[:3]:
        (few / path.name).symlink_to(path)
    (few / "broken.tif").write_bytes(b"no TIFF")
    command = [sys.executable, "-m", "infer.archive", "run", str(few), "--output", str(tmp_path / "run")]
    result = subprocess.run(
        [*command, "--workers", "1"], cwd=REPO, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "4 scenes in 1 units: 3 ok, 1 degraded, 0 failed\n"
    told = [line for line in result.stderr.splitlines() if line.startswith("archive: ")]  # Ray says some, too
    assert told[0] == "archive: 4 scenes in 1 units"
    assert told[1].startswith("archive: broken.tif: degraded: ")
    assert len(told) == 2, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("number", "while_ray_starts"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)]
)
def test_a_driver_that_is_stopped_ends_ray_too(
    scenes: Path, tmp_path: Path, number: int, while_ray_starts: bool
) -> None:
    command = [sys.executable, "-m", "infer.archive", "run", str(scenes), "--output", str(tmp_path / "run")]
    command += ["--workers", "1", "--unit-scenes", "2"]
    driver = subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals)
    deadline = time.monotonic() + 120
    started: list[psutil.Process] = []
    while not (started if while_ray_starts else list((tmp_path / "run").glob("receipts/*"))):
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
        started = psutil.Process(driver.pid).children(recursive=True)
    time.sleep(2 if while_ray_starts else 0)
    assert while_ray_starts or any("ray" in process.name() for process in started)
    driver.send_signal(number)
    _, stderr = driver.communicate(timeout=30)
    assert driver.returncode == 128 + number
    assert stderr.splitlines()[-1].startswith("archive: stopped: ")
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive


def test_a_gpu_that_is_not_there_is_one_line(scenes: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infer.archive", "run", str(scenes), "--output", str(tmp_path / "run")]
    command += ["--gpus-per-worker", "64"]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith("archive: this machine has no 64 GPUs for a worker: ")
    assert "Traceback" not in result.stderr


def test_no_cluster_is_one_line(scenes: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infer.archive", "run", str(scenes), "--output", str(tmp_path / "run")]
    command += ["--address", "127.0.0.1:1"]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert result.stderr.startswith("archive: no Ray cluster at 127.0.0.1:1: ")
    assert not (tmp_path / "run" / "run.json").exists()
