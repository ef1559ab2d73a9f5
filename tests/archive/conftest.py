"""A real store behind a faulty proxy, with its address and its keys in the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.archive.proxy import Faults, FaultyProxy
from tests.archive.seaweed import KEY, SECRET, Seaweed


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """The store itself, one for all of the tests: give each test a bucket of its own."""
    server = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield server
    server.kill()


@pytest.fixture
def proxy(seaweed: Seaweed) -> Iterator[FaultyProxy]:
    """What stands before the store: proxy.die() and proxy.revive()."""
    proxy = FaultyProxy(seaweed.port, Faults())
    yield proxy
    proxy.close()


@pytest.fixture
def faults(proxy: FaultyProxy) -> Faults:
    """Shares of faults, none at first: faults.usual(), or faults.busy = 0.1."""
    return proxy.faults


@pytest.fixture
def store_url(seaweed: Seaweed, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Make a bucket and return its URL; the environment, also of processes, has all that opens it."""
    environment = {
        "AWS_ENDPOINT": f"http://127.0.0.1:{proxy.port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def make(bucket: str) -> str:
        seaweed.make_bucket(bucket)
        return f"s3://{bucket}"

    return make
