"""A real object store that fails in every way: what is written and read is right, or is said not to be."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infer.archive.objects.place import Place
from infer.archive.store import open_place
from infer.errors import ChangedError, MissingError, StoreDownError, UsageError
from tests.archive.proxy import Faults, FaultyProxy

StoreUrl = Callable[[str], str]


def opened(url: str, seconds: float = 60, said: list[str] | None = None) -> Place:
    return open_place(url, seconds, (said if said is not None else []).append)


def test_objects_come_right_through_faults(store_url: StoreUrl, faults: Faults, tmp_path: Path) -> None:
    place = opened(store_url("right") + "/a prefix")
    faults.usual()
    contents = {f"{i % 7}/scene {i}.tif": random.Random(i).randbytes(500 + 400 * i) for i in range(200)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(place.put, contents, contents.values()))
    listed = {facts.key: facts for facts in place.list()}
    assert {key: facts.size for key, facts in listed.items()} == {k: len(c) for k, c in contents.items()}

    def fetched(key: str) -> bytes:
        path = tmp_path / key.replace("/", "-")
        assert place.fetch(key, path, listed[key].etag) == listed[key]
        return path.read_bytes()

    with ThreadPoolExecutor(16) as pool:
        assert dict(zip(contents, pool.map(fetched, contents), strict=True)) == contents
    assert all(faults.seen[name] for name in ("busy", "broken", "reset", "cut", "lost", "flip"))


def test_the_start_of_an_object_is_read_whatever_its_size(store_url: StoreUrl, faults: Faults) -> None:
    place = opened(store_url("start"))
    contents = {str(size): random.Random(size).randbytes(size) for size in (1, 99, 100, 101, 50_000)}
    for key, content in contents.items():
        place.put(key, content)
    faults.busy = faults.reset = 0.2
    for key, content in contents.items():
        assert place.read_start(key, 100) == content[:100]
    with pytest.raises(MissingError):
        place.read_start("none", 100)


def test_another_object_than_was_listed_is_refused(store_url: StoreUrl, tmp_path: Path) -> None:
    place = opened(store_url("changed"))
    place.put("a.tif", b"first")
    (first,) = place.list()
    place.put("a.tif", b"other")
    with pytest.raises(ChangedError):
        place.fetch("a.tif", tmp_path / "a", first.etag)
    place.delete("a.tif")
    with pytest.raises(MissingError):
        place.fetch("a.tif", tmp_path / "a", first.etag)
    assert place.head("a.tif") is None
    place.delete("a.tif")


def test_of_racing_writers_one_makes_a_key(store_url: StoreUrl, faults: Faults) -> None:
    url = store_url("racing")
    places = [opened(url) for _ in range(8)]
    faults.usual()
    start = threading.Barrier(8)

    def race(me: int) -> list[int]:
        content = json.dumps({"nonce": str(me), "filling": str(me) * 3000}).encode()
        start.wait()
        return [key for key in range(15) if places[me].create(f"receipts/{key}.json", content, str(me))]

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(race, range(8)))
    assert sorted(key for keys in won for key in keys) == list(range(15))
    for me, keys in enumerate(won):
        for key in keys:
            assert json.loads(places[0].read(f"receipts/{key}.json"))["nonce"] == str(me)


def test_a_lost_acknowledgement_counts_as_ours(store_url: StoreUrl, faults: Faults) -> None:
    place = opened(store_url("lost"))
    faults.lose_next = 1
    assert place.create("a.json", b'{"nonce": "mine"}', "mine")
    assert faults.seen["lost"] == 1
    assert not place.create("a.json", b'{"nonce": "theirs"}', "theirs")
    assert place.read("a.json") == b'{"nonce": "mine"}'


def test_a_listing_that_breaks_half_way_loses_and_doubles_nothing(
    store_url: StoreUrl, faults: Faults, proxy: FaultyProxy
) -> None:
    place = opened(store_url("listing"))
    keys = {f"{folder}/{i}.tif" for folder in ("a", "a!", "b/c") for i in range(800)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: place.put(key, b""), keys))
    listing, seen = place.list(), []
    for facts in listing:
        seen.append(facts.key)
        if len(seen) in (500, 1500):
            proxy.die()
            threading.Timer(1.0, proxy.revive).start()
        if len(seen) == 1501:
            faults.busy = faults.cut = 0.3
    assert len(seen) == len(set(seen)) == len(keys)
    assert set(seen) == keys
    faults.busy = faults.cut = 0
    assert [facts.key for facts in place.list(after=seen[1234])] == seen[1235:]


def test_a_store_that_stays_away_is_given_up_in_one_line(store_url: StoreUrl, proxy: FaultyProxy) -> None:
    said: list[str] = []
    place = opened(store_url("dead"), 3, said)
    place.put("a.json", b"{}")
    proxy.die()
    began = time.monotonic()
    with pytest.raises(StoreDownError, match=r"has not answered for [3-9] s") as caught:
        place.read("a.json")
    assert 3 <= time.monotonic() - began < 10
    assert "\n" not in str(caught.value)
    assert said
    proxy.revive()


def test_a_store_that_comes_back_is_gone_on_with(store_url: StoreUrl, proxy: FaultyProxy) -> None:
    place = opened(store_url("back"), 30)
    place.put("a.json", b"{}")
    proxy.die()
    threading.Timer(4.0, proxy.revive).start()
    place.put("b.json", b"[]")
    assert {facts.key for facts in place.list()} == {"a.json", "b.json"}


@pytest.mark.parametrize("wrong", ["secret", "bucket", "address"])
def test_what_waiting_does_not_mend_is_told_at_once(
    store_url: StoreUrl, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = store_url("wrong")
    if wrong == "secret":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the one")
    if wrong == "address":
        monkeypatch.setenv("AWS_ENDPOINT", "127.0.0.1")
    said = {"secret": "access is refused", "bucket": "no such bucket", "address": "no address of a store"}
    began = time.monotonic()
    with pytest.raises(UsageError, match=said[wrong]) as caught:
        opened("s3://never-made" if wrong == "bucket" else url).check()
    assert time.monotonic() - began < 10
    assert "\n" not in str(caught.value)
    assert "not the one" not in str(caught.value)
