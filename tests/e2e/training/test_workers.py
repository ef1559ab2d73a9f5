"""Processes that draw crops: little shared memory is enough, and one that is killed is told in a line."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.offline.training_process import command, finish, start, wait_for
from train_offline.training import checkpoint

IN_64_MB = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"'
LARGE = [
    "--crop",
    "512",
    "--batch",
    "8",
    "--epoch-crops",
    "160",
    "--arch",
    "Unet",
    "--encoder",
    "resnet18",
    "--steps",
    "1",
]
LONG = ("--epochs", 9, "--epoch-crops", 40_000, "--save-every", 0.005)  # one epoch, saved again and again
PATIENCE = 60  # seconds, against hanging: a busy machine takes some


def children_of(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def is_alive(process: int) -> bool:
    """Tell whether it is there and no zombie, which is its parent's to clear away."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def environment_of(process: int) -> str:
    return Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace")


def wait_for_children(process: subprocess.Popen[str], count: int) -> list[int]:
    deadline = time.monotonic() + PATIENCE
    while len(found := list(children_of(process.pid))) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("workers", [1, 8])
def test_the_shared_memory_that_docker_gives_is_enough(data: Path, tmp_path: Path, workers: int) -> None:
    line = command(data, tmp_path / "run", *LARGE, "--steps", 1, "--workers", workers)
    confined = ["unshare", "--mount", "sh", "-c", IN_64_MB, "sh"]
    if subprocess.run([*confined, "true"], capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a file system here")
    result = finish(data, [*confined, *line])
    assert (result.returncode, result.stderr) == (0, "")
    assert checkpoint.load(tmp_path / "run" / "last.pt").step == 1


@pytest.mark.parametrize("more", [("--workers", 1), ("--workers", 3)], ids=str)
def test_a_killed_worker_ends_the_run_in_one_line(
    data: Path, tmp_path: Path, more: tuple[object, ...]
) -> None:
    """As the kernel kills one where memory runs out; what was saved is whole and goes on."""
    run = tmp_path / "run"
    process = start(data, command(data, run, *LONG, *more))
    wait_for(run / "last.pt", process)
    victim = wait_for_children(process, int(str(more[1])))[-1]
    os.kill(victim, signal.SIGKILL)
    error = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 2, error
    (line,) = error.splitlines()
    assert line == (
        "train: a process that draws crops has ended by signal 9, for want of memory perhaps; "
        "what was saved is kept: lower --workers and go on with --resume"
    )
    steps = checkpoint.load(run / "last.pt").step
    resumed = [
        *command(data, run)[:3],
        "--run",
        str(run),
        "--resume",
        "--workers",
        "0",
        "--steps",
        str(steps + 1),
    ]
    result = finish(data, resumed)
    assert result.returncode == 0, result.stderr
    assert checkpoint.load(run / "last.pt").step == steps + 1


def test_no_process_is_left_where_a_worker_was_killed(
    data: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = tmp_path / "run"
    process = start(data, command(data, run, *LONG, "--workers", 2, "--devices", 2))
    wait_for(run / "last.pt", process)
    request.addfinalizer(process.kill)
    wait_for_children(process, 3)  # the other process of the run, and two workers
    family = set(children_of(process.pid))
    family |= {grandchild for child in family for grandchild in children_of(child)}
    (other,) = [pid for pid in children_of(process.pid) if "LOCAL_RANK=1" in environment_of(pid)]
    os.kill(next(iter(children_of(other))), signal.SIGKILL)
    error = process.communicate(timeout=PATIENCE)[1]
    # Fabric kills the first process, too, where it has not ended within seconds of the other
    assert process.returncode in (2, -signal.SIGKILL), error
    assert error.count("a process that draws crops has ended by signal 9") == 1
    assert "Traceback" not in error
    deadline = time.monotonic() + PATIENCE
    while any(is_alive(pid) for pid in family):
        assert time.monotonic() < deadline, "processes are left behind"
        time.sleep(0.1)


def test_workers_end_with_a_training_that_is_killed(data: Path, tmp_path: Path) -> None:
    """Those too that have more to hand over than a pipe holds."""
    large = ("--crop", 256, "--batch", 8)
    process = start(data, command(data, tmp_path / "run", *LONG, *large, "--workers", 2))
    workers = wait_for_children(process, 2)
    wait_for(tmp_path / "run" / "last.pt", process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + PATIENCE
    while any(is_alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers are left behind"
        time.sleep(0.1)


def test_a_run_folder_in_use_is_named_with_its_process(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(data, command(data, run, "--epochs", 1000, "--workers", 1))
    try:
        wait_for(run / "last.pt", process)
        for more in (("--epochs", 1), ("--resume",)):
            second = finish(data, command(data, run, *more))
            assert second.returncode == 2
            told = f"train: --run {run}: is in use by process {process.pid}; "
            assert second.stderr == f"{told}wait for it, or choose another --run folder\n"
    finally:
        process.kill()
        process.wait()
    saved = checkpoint.load(run / "last.pt").step
    line = [*command(data, run)[:3], "--run", str(run), "--resume", "--steps", str(saved + 1)]
    result = finish(data, line)
    assert result.returncode == 0, (
        "a lock does not outlive its process, whatever its workers do: " + result.stderr
    )
    assert not (run / ".lock").exists()


def test_what_a_longer_end_means_is_said_and_that_nothing_is_left(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert finish(data, command(data, run, "--steps", 4, "--workers", 0)).returncode == 0
    resume = [*command(data, run)[:3], "--run", str(run), "--resume"]
    again = finish(data, resume)
    assert again.returncode == 0
    last = again.stdout.splitlines()[-1]
    assert last.startswith(
        f"train: nothing is left, {run} is at step 4 already; go on with a larger --epochs, "
    )
    longer = finish(data, [*resume, "--steps", "8"])
    assert longer.returncode == 0
    assert "another end than before: the learning rate was" in longer.stdout
    assert "nothing is left" not in longer.stdout


@pytest.mark.parametrize("more", [("--workers", 8), ("--devices", 2), ("--precision", "bf16")], ids=str)
def test_nothing_but_our_own_lines_is_written(data: Path, tmp_path: Path, more: tuple[object, ...]) -> None:
    """No library's warning about workers, processors or processes."""
    result = finish(data, command(data, tmp_path / "run", "--steps", 1, "--workers", 1, *more))
    assert (result.returncode, result.stderr) == (0, "")
    assert all(line.startswith(("train: ", "epoch 1, ")) for line in result.stdout.splitlines()), (
        result.stdout
    )
