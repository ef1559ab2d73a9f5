"""What surrounds a run: full and read-only disks, closed streams, terminals, signals. All of it real."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.helpers.support import (
    REPO,
    heed_signals,
    random_rgb,
    read_masks,
    run_infer,
    without_progress,
    write_tiff,
)


@contextmanager
def _small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A real file system of its own at the folder; skips the test where mounting is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_an_output_folder_that_cannot_be_written_is_a_wrong_call(scenes: Path, tmp_path: Path) -> None:
    with _small_disk(tmp_path / "o", "ro") as out:
        result = run_infer("--input", scenes, "--output", out)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "Read-only file system" in line


def test_a_full_disk_is_exit_4_and_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(40):
        write_tiff(tmp_path / "in" / f"{i}.tif", random_rgb(64, 64, seed=i))
    with _small_disk(tmp_path / "o", "size=64k") as out:
        result = run_infer("--input", tmp_path / "in", "--output", out)
        assert result.returncode == 4
        assert "No space left on device" in result.stderr
        masks = read_masks(out)
    assert 0 < len(masks) < 40
    assert f"{40 - len(masks)} failed" in result.stdout


def test_nobody_reading_the_output_is_no_failure(scenes: Path, tmp_path: Path) -> None:
    for closing in (">&-", "2>&-", ">/dev/full", "| head -c 0"):
        out = tmp_path / f"o{len(closing)}"
        line = (
            f'"{sys.executable}" -m infer --input "{scenes}" --output "{out}" --report "{out}.json" {closing}'
        )
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], cwd=REPO, capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (0, ""), closing
        assert len(read_masks(out)) == 3
        assert json.loads(Path(f"{out}.json").read_text())["scenes"]


@pytest.mark.parametrize("stream", ["/dev/full", "head -c 0"])
def test_a_complaint_that_nobody_takes_costs_no_mask(scenes: Path, tmp_path: Path, stream: str) -> None:
    (scenes / "broken.tif").write_bytes(b"xx")
    command = [sys.executable, "-m", "infer", "--input", str(scenes), "--output", str(tmp_path / "o")]
    if stream == "/dev/full":
        with open(stream, "w") as full:
            code = subprocess.run(command, cwd=REPO, stdout=full, stderr=full).returncode
    else:
        with subprocess.Popen(stream.split(), stdin=subprocess.PIPE) as reader:
            reader.wait()
            code = subprocess.run(command, cwd=REPO, stdout=reader.stdin, stderr=reader.stdin).returncode
    assert code == 0
    assert len(read_masks(tmp_path / "o")) == 4  # of four scenes and a text


def test_a_terminal_sees_a_progress_bar_unless_quiet(scenes: Path, tmp_path: Path) -> None:
    for extra, seen in ([], True), (["--quiet"], False):
        command = [sys.executable, "-m", "infer", "--input", scenes, "--output", tmp_path / "o", *extra]
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        process = subprocess.Popen(command, cwd=REPO, stdout=slave, stderr=slave)
        os.close(slave)
        shown = b""
        with suppress(OSError):  # a terminal whose other end has closed
            while data := os.read(master, 4096):
                shown += data
        assert process.wait(timeout=60) == 0
        assert (b"3/3" in shown or b"0/3" in shown) == seen


def _start(folder: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infer", "--input", str(folder), "--output", str(out)]
    return subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True, preexec_fn=heed_signals)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
STOPPED = "infer: stopped: the masks so far are whole; --resume makes the rest\n"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for i in range(60):
        write_tiff(tmp_path / "in" / f"{i}.tif", random_rgb(512, 512, seed=i % 3))
    return tmp_path / "in"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_stopped_run_leaves_whole_masks_only(many: Path, tmp_path: Path, number: int, code: int) -> None:
    out = tmp_path / "o"
    process = _start(many, out)
    deadline = time.monotonic() + 120
    while not (out.is_dir() and any(out.glob("*.png"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, without_progress(stderr)) == (code, STOPPED)
    masks = read_masks(out)
    assert 0 < len(masks) < 60
    assert all(mask.shape == (512, 512) for mask in masks.values())


def _loads_numpy(pid: int) -> bool:
    """Whether the child that works has come to NumPy."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return any("numpy" in Path(f"/proc/{child}/maps").read_text() for child in children)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5, 0.8, 1.1])
def test_a_signal_while_it_starts_ends_it(
    many: Path, tmp_path: Path, number: int, code: int, delay: float
) -> None:
    process = _start(many, tmp_path / "o")
    while process.poll() is None and not _loads_numpy(process.pid):
        time.sleep(0.005)
    time.sleep(delay)  # somewhere among the imports of NumPy, OpenCV, DALI and torch
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (code, STOPPED)


def test_a_signal_need_not_wait_for_native_code() -> None:
    program = (
        "import hashlib; from infer.process.signals import leave_on_signals_at_any_moment as on_signals\n"
        "on_signals(lambda: print('cleaned', flush=True)); print('ready', flush=True)\n"
        "hashlib.pbkdf2_hmac('sha512', b'', b'', 10**9)"  # many minutes, no step of Python in between
    )
    for number, code in SIGNALS:
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=REPO, text=True, preexec_fn=heed_signals,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout, stderr) == (code, "cleaned\n", STOPPED)


def _without_roots_rights() -> None:
    """Between fork and exec: the permissions of files hold for root too (capabilities(7): DAC_OVERRIDE and
    DAC_READ_SEARCH leave the bounding set).
    """
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP


def test_a_folder_that_can_be_written_to_but_not_listed(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    out.mkdir(mode=0o300)
    listing = subprocess.run(["ls", out], capture_output=True, preexec_fn=_without_roots_rights)
    assert listing.returncode, "it can be listed: this would test nothing"
    result = run_infer("--input", scenes, "--output", out, preexec_fn=_without_roots_rights)
    assert (result.returncode, result.stderr) == (0, "")
    out.chmod(0o700)
    assert len(read_masks(out)) == 3


@pytest.fixture
def few_processes() -> Iterator[Callable[[int], None]]:
    """Puts a process, between fork and exec, into a control group of a few processes and threads."""
    group = Path("/sys/fs/cgroup/pids" if Path("/sys/fs/cgroup/pids").is_dir() else "/sys/fs/cgroup")
    group /= f"sea-ice-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "pids.max").write_text("max")
    except OSError as error:
        pytest.skip(f"cannot make a control group for processes here: {error}")

    def enter(most: int) -> None:
        (group / "pids.max").write_text(str(most))
        (group / "cgroup.procs").write_text(str(os.getpid()))

    yield enter
    group.rmdir()


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_a_limit_on_threads_is_one_line(
    scenes: Path, tmp_path: Path, few_processes: Callable[[int], None], most: int
) -> None:
    command = ["--input", scenes, "--output", tmp_path / "o"]
    result = run_infer(*command, preexec_fn=lambda: few_processes(most))
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "--pids-limit" in line
