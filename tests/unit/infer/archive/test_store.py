"""A local folder keeps objects as a store does: whole, in one order, and a name is given once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infer.archive.store import open_place
from infer.errors import ChangedError, FileError, MissingError, UsageError
from tests.helpers.support import REPO

RACER = """
import json, sys
from pathlib import Path
from infer.archive.store import open_place
place, me = open_place(sys.argv[1], 1, print), sys.argv[2]
Path(sys.argv[1], "ready", me).touch()
while len(list(Path(sys.argv[1], "ready").iterdir())) < 8: pass
content = {"nonce": me, "filling": me * 200_000}
won = [key for key in range(20) if place.create(f"made/{key}.json", json.dumps(content).encode(), me)]
for key in range(20):
    place.put(f"put/{key}.bin", me.encode() * 200_000)
print(json.dumps(won))
"""
KEYS = ["B.tif", "a!.tif", "a/x.tif", "a/y/z.tif", "a0.tif", "b.tif", "ä.tif"]


def test_of_racing_processes_one_makes_a_key_and_all_content_is_whole(tmp_path: Path) -> None:
    (tmp_path / "ready").mkdir()
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, tmp_path, str(me)], stdout=subprocess.PIPE, cwd=REPO)
        for me in range(8)
    ]
    won = {str(me): json.loads(racer.communicate(timeout=60)[0]) for me, racer in enumerate(racers)}
    assert sorted(key for keys in won.values() for key in keys) == list(range(20))
    for key in range(20):
        made = json.loads((tmp_path / f"made/{key}.json").read_bytes())
        assert key in won[made["nonce"]]
        assert made["filling"] == made["nonce"] * 200_000
        put = (tmp_path / f"put/{key}.bin").read_bytes()
        assert put == put[:1] * 200_000
    assert len(list(open_place(tmp_path, 1, print).list("made"))) == 20


def test_create_again_by_its_own_nonce_is_ours_and_changes_nothing(tmp_path: Path) -> None:
    place = open_place(tmp_path, 1, print)
    assert place.create("a.json", b'{"nonce": "1", "first": true}', "1")
    assert place.create("a.json", b'{"nonce": "1"}', "1")
    assert not place.create("a.json", b'{"nonce": "2"}', "2")
    assert place.read("a.json") == b'{"nonce": "1", "first": true}'


def test_put_replaces_and_takes_a_file(tmp_path: Path) -> None:
    place = open_place(f"file://{tmp_path / 'run'}", 1, print)
    place.put("a/b.bin", b"old")
    (tmp_path / "new").write_bytes(b"new content")
    place.put("a/b.bin", tmp_path / "new")
    assert place.read("a/b.bin") == b"new content"
    assert os.listdir(tmp_path / "run/a") == ["b.bin"]


def test_fetch_takes_what_was_listed_and_nothing_else(tmp_path: Path) -> None:
    place = open_place(tmp_path / "run", 1, print)
    place.put("a.tif", b"first")
    (listed,) = place.list()
    assert place.fetch("a.tif", tmp_path / "copy", listed.etag) == listed
    assert (tmp_path / "copy").read_bytes() == b"first"
    place.put("a.tif", b"other")
    with pytest.raises(ChangedError, match=r"a\.tif is another file than was listed"):
        place.fetch("a.tif", tmp_path / "copy", listed.etag)
    place.delete("a.tif")
    place.delete("a.tif")
    with pytest.raises(MissingError):
        place.fetch("a.tif", tmp_path / "copy", listed.etag)
    with pytest.raises(MissingError):
        place.read("a.tif")
    assert place.head("a.tif") is None


@pytest.mark.parametrize("after", [None, *KEYS])
def test_list_goes_on_after_any_key_in_byte_order(tmp_path: Path, after: str | None) -> None:
    place = open_place(tmp_path, 1, print)
    for key in reversed(KEYS):
        place.put(key, key.encode())
    (tmp_path / f".{'0' * 32}.part").touch()
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "gone.tif").symlink_to(tmp_path / "nowhere")
    listed = list(place.list(after=after))
    assert [facts.key for facts in listed] == [key for key in KEYS if after is None or key > after]
    assert all(facts.size == len(facts.key.encode()) for facts in listed)


def test_list_of_a_prefix_takes_whole_steps(tmp_path: Path) -> None:
    place = open_place(tmp_path, 1, print)
    for key in ("a/b/c.tif", "a/bc.tif", "a/b.tif"):
        place.put(key, b"")
    assert [facts.key for facts in place.list("a/b")] == ["a/b/c.tif"]
    assert list(place.list_names("a")) == ["b.tif", "b/c.tif", "bc.tif"]
    assert list(place.list("nothing")) == []


def test_what_is_no_place_is_told_in_one_line(tmp_path: Path) -> None:
    for url in ("ftp://host/a", "s3:///a", "s3://name:secret@bucket/a", "s3://bucket/a?key=secret"):
        with pytest.raises(UsageError) as caught:
            open_place(url, 1, print)
        assert "secret" not in str(caught.value).replace("without secrets", "")
        assert "\n" not in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="no folder"):
        open_place(tmp_path / "file", 1, print).check()
