"""A real Ray cluster of several nodes on this machine, each of which can be killed as a machine is."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.helpers.support import REPO

RAY = Path(sys.executable).with_name("ray")


class RayNodes:
    """A head that computes nothing and two nodes of one processor, with the environment of this process."""

    def __init__(self, folder: Path) -> None:
        (folder / "token").write_text(secrets.token_hex(32))
        self.environment = {
            **os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "PYTHONPATH": str(REPO),
        }  # fmt: skip
        self.address, self._folder = f"127.0.0.1:{_free_port()}", folder
        self._nodes: list[subprocess.Popen[bytes]] = []
        port = self.address.partition(":")[2]
        temporary = f"--temp-dir={folder / 'r'}"
        self._start("--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", temporary)
        self.add()
        self.add()

    def add(self) -> None:
        """Start one more node."""
        self._start(f"--address={self.address}", "--num-cpus=1")

    def kill(self, number: int) -> None:
        """End a node, 0 the head, and all of its processes as a machine ends that loses its power."""
        main = psutil.Process(self._nodes[number].pid)
        for process in [main, *main.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self._nodes[number].wait()

    def kill_a_worker(self) -> None:
        """End one process that maps, and leave its node alone; waits until there is one."""
        deadline = time.monotonic() + 120
        while not (workers := self._workers()):
            assert time.monotonic() < deadline, "no worker"
            time.sleep(0.1)
        workers[0].kill()

    def close(self) -> None:
        """End them all."""
        for number, node in enumerate(self._nodes):
            if node.poll() is None:
                self.kill(number)

    def _workers(self) -> list[psutil.Process]:
        found = []
        for node in self._nodes:
            with suppress(psutil.NoSuchProcess):
                for process in psutil.Process(node.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        if "RayWorker" in " ".join(process.cmdline()):
                            found.append(process)
        return found

    def _start(self, *arguments: str) -> None:
        common = ["--node-ip-address=127.0.0.1", "--object-store-memory=80000000", "--disable-usage-stats"]
        command = [RAY, "start", "--block", *common, *arguments]
        with (self._folder / f"node{len(self._nodes)}.log").open("wb") as log:
            node = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._nodes.append(node)
        if "--head" in arguments:
            self._wait_for_head()

    def _wait_for_head(self) -> None:
        host, _, port = self.address.partition(":")
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError):
                socket.create_connection((host, int(port)), 1).close()
                return
            assert self._nodes[0].poll() is None, (self._folder / "node0.log").read_text()
            assert time.monotonic() < deadline, "no head"
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
