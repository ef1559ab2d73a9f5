"""Who is timed, each as a whole process: `command(scenes, masks)` is its command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infer.errors import UsageError
from tests.helpers.support import REPO

PEERS = REPO / "tests" / "bench" / "peers"
STAMP = "made-from.lock"


@dataclass(frozen=True)
class Contestant:
    """module: what Python runs; arguments: after the folders; whole_scenes: it cannot cut large ones."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    whole_scenes: bool = False

    @property
    def ours(self) -> bool:
        return self.module == "infer"

    def command(self, scenes: Path, masks: Path, models: Path) -> list[str]:
        if self.ours:
            weights = models / "weights.safetensors"
            folders = ["--input", str(scenes), "--output", str(masks), "--weights", str(weights)]
            return [sys.executable, "-m", "infer", *folders, "--quiet", *self.arguments]
        folders = [str(folder) for folder in (scenes, masks, models)]
        return [sys.executable, "-m", f"tests.bench.peers.{self.module}", *folders, *self.arguments]


OURS = Contestant("ours", "infer")
ANYWHERE = (
    OURS,
    Contestant("seed", "seed", whole_scenes=True),
    Contestant("plain", "plain", whole_scenes=True),
    Contestant("monai", "monai_window"),
    Contestant("onnxruntime", "onnx_runtime"),
    Contestant("openvino latency", "openvino_engine", ("LATENCY",)),
    Contestant("openvino throughput", "openvino_engine", ("THROUGHPUT",)),
)
CONTESTANTS = (
    *ANYWHERE,
    Contestant("ours cuda", "infer", ("--device", "cuda")),
    Contestant("ours ort-cuda", "infer", ("--device", "cuda", "--engine", "ort-cuda")),
    Contestant("ours cpu", "infer", ("--device", "cpu")),
)


def environment(packages: Path | None) -> dict[str, str]:
    """Variables of a contestant; OpenMP as it is by itself.

    packages: the peers' own, which come before those of this Python; None for ours, which needs none.
    """
    path = [str(REPO), *([str(packages)] if packages else [])]
    path += [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    ours = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    return {**ours, "PYTHONPATH": os.pathsep.join(path), "PYTHONWARNINGS": "ignore"}


def peers_packages(work: Path) -> Path:
    """The folder of the peers' packages, installed from their lock unless that is done."""
    folder, lock = work / "packages", PEERS / "requirements.lock"
    if not (folder / STAMP).is_file() or (folder / STAMP).read_bytes() != lock.read_bytes():
        print("bench: installing the peers' packages", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        pip += ["--only-binary", ":all:", "--disable-pip-version-check", "--upgrade"]
        result = subprocess.run(
            [*pip, "--target", str(folder), "-r", str(lock)], capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise UsageError(f"the peers' packages could not be installed: {result.stderr.strip()[-300:]}")
        (folder / STAMP).write_bytes(lock.read_bytes())
    return folder


def apart(packages: Path | None, module: str, *arguments: Path) -> None:
    """Run tests.bench.harness.MODULE as a process.

    A child's peak memory begins at its parent's, which is so kept small.
    """
    command_line = [sys.executable, "-m", f"tests.bench.harness.{module}", *map(str, arguments)]
    if subprocess.run(command_line, cwd=REPO, env=environment(packages), check=False).returncode:
        raise UsageError(f"tests.bench.harness.{module} failed")
