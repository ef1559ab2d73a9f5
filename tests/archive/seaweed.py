"""A real object store, SeaweedFS, for as long as the tests run."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

KEY, SECRET = "testkey", "testsecret"
IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}
SERVICES = ("master", "volume", "filer", "s3")


class Seaweed:
    """One server with its data in a folder; port: that of S3."""

    def __init__(self, folder: Path) -> None:
        self._folder, ports = folder, _free_ports(2 * len(SERVICES))
        self._ports = ports
        named = dict(zip(SERVICES, zip(ports[::2], ports[1::2], strict=True), strict=True))
        self.port, self._filer = named["s3"][0], named["filer"][0]
        (folder / "data").mkdir()
        (folder / "s3.json").write_text(json.dumps({"identities": [IDENTITY]}))
        self._command = [
            str(Path(sys.executable).with_name("weed")), f"-logdir={folder}", "server",
            f"-dir={folder / 'data'}",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder / 's3.json'}",
            "-master.volumeSizeLimitMB=256", "-volume.max=60",
            *(f"-{name}.port={port}" for name, (port, _) in named.items()),
            *(f"-{name}.port.grpc={port}" for name, (_, port) in named.items()),
        ]  # fmt: skip
        self.start()

    def start(self, seconds: float = 60) -> None:
        """Start it, also after kill, and wait until it answers."""
        with (self._folder / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder)
        end = time.monotonic() + seconds
        while _status(Request(f"http://127.0.0.1:{self.port}/")) != 403:
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"no store: {(self._folder / 'weed.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once: asked to end, it waits for half a minute."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for port in self._ports:
            for left in Path("/tmp").glob(f"seaweedfs-*{port}.sock"):
                left.unlink(missing_ok=True)

    def make_bucket(self, name: str) -> None:
        """Make a bucket, by the files below the store: its owner needs no signature."""
        address = f"http://127.0.0.1:{self._filer}/buckets/{name}/"
        end = time.monotonic() + 30
        while _status(Request(address, method="POST")) not in (200, 201, 409):
            assert time.monotonic() < end
            time.sleep(0.1)


def _status(request: Request) -> int:
    with suppress(URLError, OSError):
        try:
            with urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
    return 0


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
