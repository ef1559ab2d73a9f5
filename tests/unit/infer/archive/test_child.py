"""What kills the mapper, makes it hang, or takes its disk: it costs the scene to blame, and no other."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from infer.archive.child import Child
from infer.archive.wire.facts import LocalScene, Mapped, MapperSettings
from infer.errors import UsageError
from tests.helpers.support import REPO, random_rgb, write_tiff

CPU = MapperSettings(device="cpu", batch=4)
# Any Python imports it when it starts. A decoder then fails as a native one does, at scenes of certain names.
SITE = """
    import importlib.machinery, os, signal, sys, threading, time

    def patch(module):
        read = module.read_scene
        def read_scene(path, header):
            if path.name.startswith("poison"):
                signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)
            if path.name.startswith("memory"):
                signal.pthread_kill(threading.get_ident(), signal.SIGKILL)
            if path.name.startswith("hang"):
                time.sleep(1000)
            if path.name.startswith("noise"):
                os.write(1, b'{"end": true}\\n')
            if path.name.startswith("slow"):
                time.sleep(1.5)
            return read(path, header)
        module.read_scene = read_scene

    class Finder(importlib.machinery.PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name != "infer.read.decoder":
                return None
            spec = super().find_spec(name, path, target)
            execute = spec.loader.exec_module
            def exec_module(module):
                execute(module)
                patch(module)
            spec.loader.exec_module = exec_module
            return spec
    sys.meta_path.insert(0, Finder)
"""


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(textwrap.dedent(SITE))
    monkeypatch.setenv("PYTHONPATH", str(site))


def scenes_of(folder: Path, *names: str) -> list[LocalScene]:
    folder.mkdir(exist_ok=True)
    return [
        LocalScene(
            f"k/{name}", write_tiff(folder / f"{name}.tif", random_rgb(64, 96, i + 1)), folder / f"{name}.png"
        )
        for i, name in enumerate(names)
    ]


def states(mapped: list[Mapped]) -> dict[str, str]:
    return {one.key.removeprefix("k/"): one.status for one in mapped}


@pytest.mark.usefixtures("faults")
@pytest.mark.parametrize(("name", "number"), [("poison", 11), ("memory", 9)])
def test_a_scene_that_kills_the_process_is_named(name: str, number: int, tmp_path: Path) -> None:
    scenes = scenes_of(tmp_path / "s", "a", "b", name, "c", "d", "e")
    said: list[str] = []
    with Child(CPU, said.append) as child:
        mapped = child.map(scenes)
        assert states(mapped) == {**dict.fromkeys("abcde", "ok"), name: "degraded"}
        assert (mapped[2].error or "").startswith(f"it crashed the process: signal {number}")
        assert (mapped[2].height, mapped[2].width, mapped[2].made_by) == (64, 96, None)
        black = cv2.imread(str(scenes[2].mask), cv2.IMREAD_UNCHANGED)
        assert black is not None
        assert np.array_equal(black, np.zeros((64, 96), np.uint8))
        assert mapped[2].bytes == scenes[2].mask.stat().st_size
        assert any(f"k/{name}" in line for line in said)
        assert states(child.map(scenes[:2])) == {"a": "ok", "b": "ok"}


@pytest.mark.usefixtures("faults")
def test_a_scene_that_hangs_is_named_and_the_process_killed(tmp_path: Path) -> None:
    with Child(CPU, scene_timeout_s=1.0) as child:
        before = child.start() and child.pid
        mapped = child.map(scenes_of(tmp_path / "s", "a", "hang", "b"))
        assert states(mapped) == {"a": "ok", "hang": "degraded", "b": "ok"}
        assert mapped[1].error == "it hung the process: nothing happened for 1 s"
        assert before is not None
        assert not psutil.pid_exists(before)


@pytest.mark.usefixtures("faults")
def test_what_libraries_print_is_no_part_of_the_protocol(tmp_path: Path) -> None:
    with Child(CPU) as child:
        assert states(child.map(scenes_of(tmp_path / "s", "noise", "b"))) == {"noise": "ok", "b": "ok"}


def test_a_process_that_is_killed_between_calls_is_started_again(tmp_path: Path) -> None:
    scenes = scenes_of(tmp_path / "s", "a", "b")
    with Child(CPU) as child:
        first = [one.sha256 for one in child.map(scenes)]
        before = child.pid
        assert before is not None
        child.map(scenes)
        assert child.pid == before  # it is kept
        os.kill(before, signal.SIGKILL)
        assert [one.sha256 for one in child.map(scenes)] == first
        assert child.pid != before
        for number in (signal.SIGINT, signal.SIGTERM):  # as a terminal sends it to all
            os.kill(child.pid or 0, number)
        kept = child.pid
        assert [one.sha256 for one in child.map(scenes)] == first
        assert child.pid == kept
        assert os.getsid(kept or 0) == kept
    assert child.pid is None
    assert not psutil.pid_exists(kept or 0)


@pytest.mark.usefixtures("faults")
def test_a_process_that_is_killed_within_a_call_costs_no_scene(tmp_path: Path) -> None:
    scenes = scenes_of(tmp_path / "s", "a", "slow1", "slow2", "b")
    with Child(CPU) as child:
        child.start()
        before = child.pid or 0
        timer = threading.Timer(0.7, os.kill, (before, signal.SIGKILL))
        timer.start()
        assert set(states(child.map(scenes)).values()) == {"ok"}
        timer.join()
        assert child.pid != before


def test_it_may_be_used_from_threads_that_end(tmp_path: Path) -> None:
    """The kernel ends a process with the thread that has started it, if that is what it was asked for."""
    scenes = scenes_of(tmp_path / "s", "a")
    with Child(CPU) as child:
        pids = []
        for _ in range(2):
            thread = threading.Thread(target=lambda: pids.append((child.map(scenes), child.pid)[1]))
            thread.start()
            thread.join()
            time.sleep(0.2)
        assert pids[0] == pids[1] is not None


def test_a_parent_that_dies_takes_it_along(tmp_path: Path) -> None:
    program = (
        "import time\nfrom infer.archive.child import *\n"
        "c = Child(MapperSettings(device='cpu'))\nc.start()\nprint(c.pid, flush=True)\ntime.sleep(100)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_until_gone(pid)


def wait_until_gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_a_full_disk_fails_the_scene_and_leaves_nothing(tmp_path: Path) -> None:
    """The kernel's limit to the size of a file stands in for the disk's: another errno, the same way."""
    small, noisy = scenes_of(tmp_path / "s", "a", "b")
    grown = write_tiff(tmp_path / "s" / "large.tif", random_rgb(1024, 1024))
    large = LocalScene("large", grown, tmp_path / "s" / "large.png")
    with Child(CPU) as child:
        child.start()
        resource.prlimit(child.pid or 0, resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
        mapped = child.map([small, large, noisy])
        assert [one.status for one in mapped] == ["ok", "failed", "ok"]
        assert mapped[1].error == "cannot write large.png: File too large"
        assert (mapped[1].sha256, mapped[1].bytes) == (None, 0)
        assert not large.mask.exists()
        assert list(large.mask.parent.glob(".*")) == []
        resource.prlimit(child.pid or 0, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert child.map([large])[0].status == "ok"


def test_a_folder_that_is_missing_fails_the_scene(tmp_path: Path) -> None:
    (scene,) = scenes_of(tmp_path / "s", "a")
    with Child(CPU) as child:
        (one,) = child.map([LocalScene("a", scene.path, tmp_path / "no" / "a.png")])
    assert (one.status, one.error) == ("failed", "cannot write a.png: No such file or directory")


def test_what_only_the_user_can_mend_is_one_error(tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"no weights")
    settings = MapperSettings(weights=weights, device="cpu")
    with Child(settings) as child, pytest.raises(UsageError, match=r"w\.safetensors"):
        child.map(scenes_of(tmp_path / "s", "a"))


def test_a_process_that_never_starts_fails_the_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    with Child(CPU) as child:
        (one,) = child.map(scenes_of(tmp_path / "s", "a"))
        assert (one.status, one.error) == (
            "failed", "something crashed the process: signal 6, again and again",
        )  # fmt: skip
        with pytest.raises(OSError, match="does not start"):
            child.start()
