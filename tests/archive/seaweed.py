"""A real object store, SeaweedFS, for as long as the tests run."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from obstore.store import S3Store

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
        self.port = named["s3"][0]
        (folder / "data").mkdir()
        # Of its own accord it takes seven volumes for each bucket, and when it has no more it fails for good.
        (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
        (folder / "s3.json").write_text(json.dumps({"identities": [IDENTITY]}))
        self._command = [
            str(Path(sys.executable).with_name("weed")), f"-logdir={folder}", "server",
            f"-dir={folder / 'data'}",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder / 's3.json'}",
            "-master.volumeSizeLimitMB=256", "-volume.max=200",
            "-s3.port.iceberg=0", "-s3.port.lance=0",  # ports of their own, which two servers would fight for
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
        """Make a bucket: the store makes one for the first object that is put into it."""
        store = S3Store(
            name, endpoint=f"http://127.0.0.1:{self.port}", access_key_id=KEY, secret_access_key=SECRET,
            region="us-east-1", client_options={"allow_http": True},
        )  # fmt: skip
        store.put("first", b"1")
        store.delete("first")


def _status(request: Request) -> int:
    with suppress(URLError, OSError):
        try:
            with urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
    return 0


def _free_ports(count: int) -> list[int]:
    """Return ports below those that clients get: the server connects to itself before it has them all."""
    with ExitStack() as stack:
        ports: list[int] = []
        for port in random.sample(range(15000, 32000), 50 * count):
            if len(ports) < count:
                with suppress(OSError):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                    ports.append(port)
        return ports
