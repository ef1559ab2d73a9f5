"""The ways in which judges run a container, each as a row: who they are, what they forbid, what they set."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OWNER, GROUP = 1234, 2345  # of a judge who is not root


@dataclass(frozen=True)
class Situation:
    """One judge. {evil} in flags is a folder of hostile Python and shell files.

    flags: of `docker run`. command: what follows the image. folder: makes the output folder, None where
    Docker is to. volume: a named volume in its place. owner: whose the masks must be, (user, group).
    mounts: where scenes and masks are mounted.
    """

    name: str
    flags: str = ""
    command: tuple[str, ...] = ()
    folder: Callable[[Path], None] | None = None
    volume: bool = False
    owner: tuple[int, int] | None = (0, 0)
    mounts: tuple[str, str] = ("/input", "/output")

    def words(self, evil: Path) -> list[str]:
        return shlex.split(self.flags.replace("{evil}", str(evil)))


def folder(user: int, group: int, mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        os.chown(path, user, group)
        path.chmod(mode)

    return make


def filled(user: int, mode: int) -> Callable[[Path], None]:
    """A folder of root's that holds masks of another user's earlier run."""

    def make(path: Path) -> None:
        folder(0, 0, mode)(path)
        for name in ("a.png", "b.png", "c.png"):
            (path / name).write_bytes(b"of an earlier run")
            os.chown(path / name, user, user)
            (path / name).chmod(0o644)

    return make


JUDGES = folder(OWNER, GROUP, 0o755)
OPEN = folder(0, 0, 0o777)
HARD = "--read-only --network none --cap-drop ALL --security-opt no-new-privileges --pids-limit 128"

EVIL = "--volume {evil}:/evil:ro"
HERS = {"folder": JUDGES, "owner": (OWNER, GROUP)}  # the judge's own folder, and so her masks
ELSEWHERE = {**HERS, "mounts": ("/data/in", "/data/out")}

WHOSE = (
    Situation("the plain line"),
    Situation("a folder of root's", folder=folder(0, 0, 0o755)),
    Situation("a folder of the judge's", **HERS),
    Situation("a private folder of the judge's", folder=folder(OWNER, GROUP, 0o700), owner=(OWNER, GROUP)),
    Situation("a folder of the judge's, root's group", folder=folder(OWNER, 0, 0o770), owner=(OWNER, 0)),
    Situation("--user, open folder", "--user 777:888", folder=OPEN, owner=(777, 888)),
    Situation("--user, her own folder", f"--user {OWNER}:{GROUP}", **HERS),
    Situation("--user without a group", f"--user {OWNER}", folder=JUDGES, owner=(OWNER, 0)),
    Situation("--user by name", "--user nobody", folder=OPEN, owner=None),
    Situation("a new volume", volume=True),
    Situation("a new volume, --user", "--user 777:888", volume=True, owner=(777, 888)),
    Situation("filled by another user", folder=filled(999, 0o777)),
    Situation("filled by another, --user", "--user 777:888", folder=filled(999, 0o777), owner=(777, 888)),
    Situation("sticky, filled by another user", folder=filled(999, 0o1777)),
    Situation("--group-add", "--group-add 4321", **HERS),
    Situation("a subfolder to be made", command=("--output", "/output/run 1"), **HERS),
)
FORBIDDEN = (
    Situation("no capabilities", "--cap-drop ALL"),
    Situation("no capabilities, open folder", "--cap-drop ALL", folder=OPEN),
    Situation("no SETPCAP", "--cap-drop SETPCAP", **HERS),
    Situation("no new privileges", "--security-opt no-new-privileges", **HERS),
    Situation("read-only", "--read-only", **HERS),
    Situation("all of it, root", HARD),
    Situation("all of it, --user", f"{HARD} --user 777:888", folder=OPEN, owner=(777, 888)),
    Situation("read-only /tmp", f"{HARD} --tmpfs /tmp:ro", folder=OPEN),
    Situation("half a processor", "--cpus 0.5", **HERS),
    Situation("one processor", "--cpuset-cpus 0"),
    Situation("1 GB", "--memory 1g --memory-swap 1g"),
    Situation("few processes", "--pids-limit 48"),
)
SET = (
    Situation("PYTHONPATH", f"--env PYTHONPATH=/evil {EVIL}", **HERS),
    Situation("PYTHONHOME", "--env PYTHONHOME=/nowhere"),
    Situation("PYTHONOPTIMIZE", "--env PYTHONOPTIMIZE=2 --env PYTHONWARNINGS=error --env PYTHONUTF8=0"),
    Situation("PATH", "--env PATH=/nowhere", **HERS),
    Situation("LD_PRELOAD", "--env LD_PRELOAD=/nowhere.so"),
    Situation("LD_LIBRARY_PATH", f"--env LD_LIBRARY_PATH=/evil {EVIL}"),
    Situation("BASH_ENV", f"--env BASH_ENV=/evil/shell --env ENV=/evil/shell {EVIL}"),
    Situation("SEA_ICE_IMAGE", "--env SEA_ICE_IMAGE="),
    Situation("a bare locale, no home", "--env LC_ALL=C --env HOME= --env TMPDIR=/nowhere"),
    Situation("threads by variables", "--env OMP_NUM_THREADS=64 --env OPENBLAS_NUM_THREADS=64"),
    Situation("another working folder", "--workdir /"),
    Situation("a hostile working folder", f"--workdir /evil {EVIL}", **HERS),
    Situation(
        "as apptainer does",
        f"--user {OWNER}:{GROUP} --read-only --init --env HOME=/home/me --env PYTHONPATH=/evil "
        f"--workdir /evil {EVIL}",
        **HERS,
    ),
)
CALLED = (
    Situation("--init", "--init", **HERS),
    Situation("the host's processes", "--pid host", **HERS),
    Situation("a login shell", "--entrypoint bash", ("-lc", "/app/run.sh"), **HERS),
    Situation("run.sh as entry point", "--entrypoint /app/run.sh", **HERS),
    Situation("the verb", command=("infer", "--device", "cpu"), **HERS),
    Situation("python -m infer", command=("python", "-m", "infer"), **HERS),
    Situation("python -m infer, PYTHONHOME", "--env PYTHONHOME=/nowhere", ("python", "-m", "infer"), **HERS),
    Situation("a shell's line", command=("/bin/sh", "-c", "python -m infer --quiet"), **HERS),
    Situation("two folders", command=("/data/in", "/data/out"), **ELSEWHERE),
    Situation("two folders and a flag", command=("/data/in", "/data/out", "--strict"), **ELSEWHERE),
    Situation("the challenge's old paths", mounts=("/input_path", "/output_path"), **HERS),
)
SITUATIONS = (*WHOSE, *FORBIDDEN, *SET, *CALLED)
