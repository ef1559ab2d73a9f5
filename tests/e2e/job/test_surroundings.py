"""What surrounds a run: full and read-only disks, closed streams, terminals, few threads. All of it real."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.job.disks import mounted
from tests.helpers.support import (
    REPO,
    job,
    random_rgb,
    read_masks,
    run_infer,
    write_tiff,
)


def test_an_output_folder_that_cannot_be_written_is_a_wrong_call(three_scenes: Path, tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "ro", "tmpfs", at=tmp_path / "o", lazy=False) as out:
        result = run_infer("--input", three_scenes, "--output", out)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "Read-only file system" in line


def test_a_full_disk_is_exit_4_and_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(40):
        write_tiff(tmp_path / "in" / f"{i}.tif", random_rgb(64, 64, seed=i))
    with mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", at=tmp_path / "o", lazy=False) as out:
        result = run_infer("--input", tmp_path / "in", "--output", out)
        assert result.returncode == 4
        assert "No space left on device" in result.stderr
        masks = read_masks(out)
    assert 0 < len(masks) < 40
    assert f"{40 - len(masks)} failed" in result.stdout


def test_nobody_reading_the_output_is_no_failure(three_scenes: Path, tmp_path: Path) -> None:
    for closing in (">&-", "2>&-", ">/dev/full", "| head -c 0"):
        out = tmp_path / f"o{len(closing)}"
        command = f'"{sys.executable}" -m infer --input "{three_scenes}"'
        line = f'{command} --output "{out}" --report "{out}.json" {closing}'
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], cwd=REPO, capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (0, ""), closing
        assert len(read_masks(out)) == 3
        assert json.loads(Path(f"{out}.json").read_text())["scenes"]


@pytest.mark.parametrize("stream", ["/dev/full", "head -c 0"])
def test_a_complaint_that_nobody_takes_costs_no_mask(three_scenes: Path, tmp_path: Path, stream: str) -> None:
    (three_scenes / "broken.tif").write_bytes(b"xx")
    command = job(three_scenes, tmp_path / "o")
    if stream == "/dev/full":
        with open(stream, "w") as full:
            code = subprocess.run(command, cwd=REPO, stdout=full, stderr=full).returncode
    else:
        with subprocess.Popen(stream.split(), stdin=subprocess.PIPE) as reader:
            reader.wait()
            code = subprocess.run(command, cwd=REPO, stdout=reader.stdin, stderr=reader.stdin).returncode
    assert code == 0
    assert len(read_masks(tmp_path / "o")) == 4  # of four scenes and a text


def test_a_terminal_sees_a_progress_bar_unless_quiet(three_scenes: Path, tmp_path: Path) -> None:
    for extra, seen in ([], True), (["--quiet"], False):
        command = job(three_scenes, tmp_path / "o", *extra)
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


def _without_roots_rights() -> None:
    """Between fork and exec: the permissions of files hold for root too (capabilities(7): DAC_OVERRIDE and
    DAC_READ_SEARCH leave the bounding set).
    """
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP


def test_a_folder_that_can_be_written_to_but_not_listed(three_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    out.mkdir(mode=0o300)
    listing = subprocess.run(["ls", out], capture_output=True, preexec_fn=_without_roots_rights)
    assert listing.returncode, "it can be listed: this would test nothing"
    result = run_infer("--input", three_scenes, "--output", out, preexec_fn=_without_roots_rights)
    assert (result.returncode, result.stderr) == (0, "")
    out.chmod(0o700)
    assert len(read_masks(out)) == 3


@pytest.fixture
def limit_processes() -> Iterator[Callable[[int], None]]:
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
    three_scenes: Path, tmp_path: Path, limit_processes: Callable[[int], None], most: int
) -> None:
    command = ["--input", three_scenes, "--output", tmp_path / "o"]
    result = run_infer(*command, preexec_fn=lambda: limit_processes(most))
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "--pids-limit" in line
