"""infer starts lean, and keeps to itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.helpers.support import REPO, run_infer

HEAVY = (
    "segmentation_models_pytorch",
    "timm",
    "torchvision",
    "huggingface_hub",
    "train_offline",
    "sympy",
    "torch",  # on a CPU
    "nvidia",  # for a small job on a CPU
    "tifffile",  # for plain scenes
)


def test_a_whole_run_imports_none_of_the_training_packages(three_scenes: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from infer.__main__ import main\n"
        f"code = main(['--input', {str(three_scenes)!r}, '--output', {str(tmp_path / 'o')!r}, '--quiet'])\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules], 'onnxruntime' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)
    assert result.stdout == "0 [] True\n", result.stderr


def test_importtime_shows_none_of_them(three_scenes: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "infer"]
    command += ["--input", str(three_scenes), "--output", str(tmp_path / "o")]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in result.stderr.splitlines()}
    assert {"onnxruntime", "imagecodecs", "cv2"} <= imported
    assert not imported & set(HEAVY)


def test_no_module_of_infer_names_train_offline() -> None:
    for path in (REPO / "infer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in ("train_offline", "tests") for name in names), path


def test_no_module_of_infer_asks_a_clock_that_can_jump() -> None:
    """But for the archive's: its machines have no other clock in common."""
    for path in set((REPO / "infer").rglob("*.py")) - set((REPO / "infer" / "archive").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert "datetime" not in names, path
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "time"
            ):
                assert node.attr in ("monotonic", "perf_counter", "clock_gettime", "CLOCK_BOOTTIME"), path


def test_help_is_quick_and_complete() -> None:
    result = run_infer("--help")
    assert result.returncode == 0
    for flag in ("input", "output", "weights", "device", "tile", "overlap", "batch", "threshold", "report",
                 "resume", "strict", "quiet", "max-pixels", "max-bytes"):  # fmt: skip
        assert f"--{flag}" in result.stdout
