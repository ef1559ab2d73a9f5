"""The cache of decoded scenes: decoded once, mapped by all, made anew when a file has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from infer.errors import UsageError
from tests.helpers.offline.blobs import write_scene
from train_offline.data import cache
from train_offline.data.cache import cached_scenes
from train_offline.data.facts.inspect import inspect
from train_offline.data.folder import pairs_in, read_labelled

REPO = Path(__file__).resolve().parents[4]


@pytest.fixture
def three_scenes(tmp_path: Path) -> Path:
    for number in range(3):
        write_scene(tmp_path / "data", str(number), number, 40 + number, 30)
    return tmp_path / "data"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_scenes_come_back_pixel_by_pixel_in_their_order(three_scenes: Path, tmp_path: Path) -> None:
    pairs = pairs_in(three_scenes)[::-1]
    decoded = cached_scenes(pairs, "data", tmp_path / "kept")
    scenes, digest = decoded.scenes, decoded.sha256
    second = cached_scenes(pairs, "data", tmp_path / "kept")
    assert second.sha256 == digest
    assert second.facts == decoded.facts == [inspect(pair).facts for pair in pairs]
    again = second.scenes
    assert len(files(tmp_path / "kept")) == 1
    for pair, scene, second in zip(pairs, scenes, again, strict=True):
        expected = read_labelled(pair)
        for found in (scene, second):
            assert found.name == expected.name
            np.testing.assert_array_equal(found.image, expected.image)
            np.testing.assert_array_equal(found.label, expected.label)
            with pytest.raises(ValueError, match="read-only"):
                found.image[0, 0] = 1


def test_pixels_are_mapped_not_read(three_scenes: Path, tmp_path: Path) -> None:
    scenes = cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept").scenes
    base = scenes[0].image
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    (name,) = files(tmp_path / "kept")
    assert name in Path("/proc/self/maps").read_text()


def test_nothing_is_decoded_twice(
    three_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    monkeypatch.setattr(cache, "inspect", lambda pair: pytest.fail(f"{pair.image} is decoded again"))
    assert len(cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept").scenes) == 3


@pytest.mark.parametrize("changed", ["image", "gt"])
def test_a_changed_file_makes_the_cache_anew_and_removes_the_old_one(
    three_scenes: Path, tmp_path: Path, changed: str
) -> None:
    before = cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept").sha256
    old = files(tmp_path / "kept")
    other = tmp_path / "other"
    write_scene(other, "1", 77, 41, 30)
    suffix = {"image": "tif", "gt": "png"}[changed]
    os.replace(other / changed / f"1.{suffix}", three_scenes / changed / f"1.{suffix}")
    decoded = cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    scenes, after = decoded.scenes, decoded.sha256
    assert after != before
    np.testing.assert_array_equal(scenes[1].label, read_labelled(pairs_in(three_scenes)[1]).label)
    assert len(files(tmp_path / "kept")) == 1
    assert files(tmp_path / "kept") != old


def test_the_hash_is_of_the_pixels_not_of_place_or_time(three_scenes: Path, tmp_path: Path) -> None:
    first = cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept").sha256
    for number in range(3):
        write_scene(tmp_path / "copy", str(number), number, 40 + number, 30)
    second = cached_scenes(pairs_in(tmp_path / "copy"), "copy", tmp_path / "kept").sha256
    assert first == second
    assert len(files(tmp_path / "kept")) == 2


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[100:], lambda b: b"", lambda b: b[:8] * 9])
def test_a_file_that_is_not_whole_is_made_anew(
    three_scenes: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    (path,) = (tmp_path / "kept").iterdir()
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    scenes = cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept").scenes
    assert path.read_bytes() == whole
    np.testing.assert_array_equal(scenes[2].image, read_labelled(pairs_in(three_scenes)[2]).image)


def test_what_a_killed_process_left_is_cleared_away(three_scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "data.1.part").write_bytes(b"half")
    cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    assert all(name.endswith(".scenes") for name in files(tmp_path / "kept"))


def test_many_processes_at_once_make_one_file(three_scenes: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from train_offline.data.cache import cached_scenes;"
        "from train_offline.data.folder import pairs_in;"
        "print(cached_scenes(pairs_in(Path(sys.argv[1])), 'data', Path(sys.argv[2])).sha256)"
    )
    line = [sys.executable, "-c", code, str(three_scenes), str(tmp_path / "kept")]
    running = [
        subprocess.Popen(line, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    results = [process.communicate(timeout=120) for process in running]
    assert {error for _, error in results} == {""}
    assert len({digest for digest, _ in results}) == 1
    assert len(files(tmp_path / "kept")) == 1


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A real file system of its own; skips the test where mounting is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(three_scenes: Path, tmp_path: Path) -> None:
    write_scene(three_scenes, "large", 9, 200, 200)
    with small_disk(tmp_path / "kept", "size=64k") as kept:
        with pytest.raises(UsageError, match=r"No space left on device.*--cache DIR") as caught:
            cached_scenes(pairs_in(three_scenes), "data", kept)
        assert files(kept) == []
    assert "\n" not in str(caught.value)


def test_a_read_only_folder_is_one_line_unless_the_scenes_are_there(
    three_scenes: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "kept", "size=4m") as kept:
        cached_scenes(pairs_in(three_scenes), "data", kept)
        subprocess.run(["mount", "-o", "remount,ro", kept], check=True)
        assert len(cached_scenes(pairs_in(three_scenes), "data", kept).scenes) == 3
        with pytest.raises(UsageError, match=r"Read-only file system.*--cache DIR"):
            cached_scenes(pairs_in(three_scenes)[:2], "data", kept)


def test_the_data_folder_is_never_written(three_scenes: Path, tmp_path: Path) -> None:
    def state() -> list[tuple[Path, int]]:
        return [(p, p.stat().st_mtime_ns) for p in sorted(three_scenes.rglob("*"))]

    before = state()
    time.sleep(0.01)
    cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    assert state() == before


def test_default_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / "sea-ice"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.default_folder() == tmp_path / "home" / ".cache" / "sea-ice"


def test_a_file_of_an_earlier_reader_is_not_served(
    three_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(cache, "_MARK", b"seaice/1")
        cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    old = files(tmp_path / "kept")
    cached_scenes(pairs_in(three_scenes), "data", tmp_path / "kept")
    assert len(files(tmp_path / "kept")) == 1
    assert files(tmp_path / "kept") != old
