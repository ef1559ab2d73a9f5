"""A run on a real Ray cluster of three nodes on one machine, of which one is killed, and the driver too."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infer.archive.units.unit import mask_key
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, random_rgb, run_infer

COUNT, SIDE = 40, 256  # over two megapixels: there the plain job chooses the engine that the archive does
RAY = Path(sys.executable).with_name("ray")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class RayNodes:
    """A head that computes nothing, and nodes of one processor each."""

    def __init__(self, folder: Path) -> None:
        (folder / "token").write_text("0123456789abcdef" * 4)
        self.environment = {
            **os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "PYTHONPATH": str(REPO),
        }  # fmt: skip
        self.address = f"127.0.0.1:{free_port()}"
        self._nodes: list[subprocess.Popen[bytes]] = []
        self._temporary = f"--temp-dir={folder / 'r'}"
        port = self.address.partition(":")[2]
        self._start("--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", self._temporary)
        for _ in range(2):
            self.add()

    def add(self) -> None:
        self._start(f"--address={self.address}", "--num-cpus=1")

    def _start(self, *arguments: str) -> None:
        common = ["--node-ip-address=127.0.0.1", "--object-store-memory=80000000", "--disable-usage-stats"]
        command = [RAY, "start", "--block", *common, *arguments]
        log = subprocess.DEVNULL
        node = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        self._nodes.append(node)
        time.sleep(4 if "--head" in arguments else 1)

    def kill(self, number: int) -> None:
        """End a node and all of its processes as a machine ends that loses its power."""
        main = psutil.Process(self._nodes[number].pid)
        for process in [main, *main.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        for node in range(len(self._nodes)):
            if self._nodes[node].poll() is None:
                self.kill(node)
                self._nodes[node].wait()


@pytest.fixture
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayNodes]:
    nodes = RayNodes(Path(tmp_path_factory.mktemp("r")))
    yield nodes
    nodes.close()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for i in range(COUNT):
        write_placed(folder / f"s{i:02d}.tif", random_rgb(SIDE, SIDE, i), **UTM)
    return folder


@pytest.fixture(scope="module")
def plain(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("masks")
    result = run_infer("--input", scenes, "--output", out, "--format", "geotiff", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    return {mask_key(f"{path.stem}.tif", ".tif"): path.read_bytes() for path in out.iterdir()}


def test_a_node_and_the_driver_die_and_every_mask_is_made(
    nodes: RayNodes, scenes: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def driver(*arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "infer.archive", "run", *map(str, arguments), "--output", str(run)]
        command += ["--address", nodes.address, "--workers", "2", "--no-pictures"]
        return subprocess.Popen(command, cwd=REPO, env=nodes.environment, stderr=subprocess.PIPE, text=True)

    def wait_for_receipts(count: int) -> None:
        deadline = time.monotonic() + 240
        while len(list(run.glob("receipts/*.json"))) < count:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    first = driver(scenes, "--unit-scenes", "2")
    wait_for_receipts(1)
    nodes.kill(1)
    wait_for_receipts(5)
    first.kill()
    first.communicate(timeout=60)
    nodes.add()
    second = driver()
    _, stderr = second.communicate(timeout=300)
    assert second.returncode == 0, stderr
    entries = [e for path in run.glob("receipts/*.json") for e in json.loads(path.read_bytes())["scenes"]]
    assert sorted(entry["key"] for entry in entries) == [f"s{i:02d}.tif" for i in range(COUNT)]
    assert {str(path.relative_to(run)): path.read_bytes() for path in run.glob("masks/*/*")} == plain


def test_no_cluster_is_one_line(scenes: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infer.archive", "run", str(scenes), "--output", str(tmp_path / "run")]
    command += ["--address", "127.0.0.1:1"]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert "no Ray cluster at 127.0.0.1:1" in result.stderr
