"""What the tests share: real scenes, small TIFF writers, the job as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SEA_ICE_SHARED", REPO.parent / "shared"))
WEIGHTS = REPO / "weights" / "seaice.safetensors"
# The job, with lines that are executed at the end of a module as soon as that is imported.
PATCHED_JOB = """
import importlib.machinery, sys
PATCHES = {patches!r}
class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name not in PATCHES:
            return None
        spec = super().find_spec(name, path, target)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            exec(PATCHES[name], module.__dict__)
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Finder)
from infer.__main__ import _work
from infer.process.supervisor import supervise
from infer.settings import smaller_tile
sys.exit(supervise(_work, smaller_tile))
"""
# Engines of the fast network on a CPU, by name: lines that make the job take one whatever the folder.
ENGINES = {
    "torch": {"infer.predict.choose": "FAST = None"},
    "onnxruntime": {"infer.predict.choose": "WORTH_BF16 = float('inf')"},
    "openvino fp32": {
        "infer.predict.choose": "WORTH_BF16 = 0; cpu_is_fast_at_bf16 = lambda: True",
        "infer.predict.openvino_engine": "HINTS['bf16'] = 'f32'",
    },
    "openvino bf16": {"infer.predict.choose": "WORTH_BF16 = 0; cpu_is_fast_at_bf16 = lambda: True"},
}


def shared(part: str) -> Path:
    """A path in the folder of real data; skips the test where that folder is absent."""
    path = SHARED / part
    if not path.exists():
        pytest.skip(f"no real data at {path} (set SEA_ICE_SHARED)")
    return path


def random_rgb(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [H, W, 3], smooth enough to look like something and never all zero."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(1, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    fine = generator.integers(0, 32, (height, width, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))[:height, :width] // 2 + fine + 1


def write_tiff(path: Path, image: np.ndarray, **options: Any) -> Path:
    """A TIFF in the challenge's own form unless told otherwise: LZW, predictor, strips of five rows."""
    form: dict[str, Any] = {
        "compression": "lzw",
        "predictor": True,
        "rowsperstrip": 5,
        "metadata": None,
        **options,
    }
    if "photometric" not in form:
        form["photometric"] = "rgb" if image.shape[-1] in (3, 4) and image.ndim == 3 else "minisblack"
    tifffile.imwrite(path, image, **form)
    return path


def job(scenes: Path, masks: Path, *arguments: str) -> list[str]:
    """The command line of the job, for a process that a test disturbs."""
    return [sys.executable, "-m", "infer", "--input", str(scenes), "--output", str(masks), *arguments]


def run_infer(
    *arguments: object,
    engine: str | None = None,
    patches: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    preexec_fn: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """`python -m infer` as the judge runs it, a process of its own.

    engine: of ENGINES, not the job's choice. patches: lines for modules, as those of ENGINES. env: variables
    beside those of this process. cwd, preexec_fn: of subprocess.
    """
    changed = {**(ENGINES[engine] if engine else {}), **(patches or {})}
    start = ["-c", PATCHED_JOB.format(patches=changed)] if changed else ["-m", "infer"]
    command = [sys.executable, *start, *map(str, arguments)]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}
    path = os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH"))))
    environment = {**ours, "PYTHONPATH": path, **(env or {})}
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=300, cwd=cwd, preexec_fn=preexec_fn
    )
    result.stderr = without_progress(result.stderr)
    return result


def without_progress(stderr: str) -> str:
    """Without the lines that a run of more than ten seconds leaves: no test counts on a fast machine."""
    return re.sub(r"^infer: \d+ of \d+ scenes, .*\n", "", stderr, flags=re.MULTILINE)


def heed_signals() -> None:
    """Between fork and exec: tests in the background are deaf to SIGINT, under nohup to SIGHUP too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def read_masks(folder: Path) -> dict[str, np.ndarray]:
    """Every file of a folder of masks, which must be nothing but whole masks: uint8 [H, W], 0 and 255."""
    masks = {}
    for path in sorted(folder.iterdir()):
        image = Image.open(path)
        assert image.format == "PNG"
        assert image.mode == "L"
        masks[path.name] = np.asarray(image)
        assert set(masks[path.name].flat) <= {0, 255}
    return masks
