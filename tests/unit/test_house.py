"""The rules of the house that no linter checks: sizes, one meaning per class name, who names flags."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.helpers.support import REPO

MAX_LINES, MAX_ENTRIES = 250, 12
PACKAGES = ("infer", "train_offline")
# Parsers, and the checks of settings beside them; the job is one command, whose flags are in settings.py.
NAMING_FLAGS = (
    "infer/archive/verbs/arguments.py",
    "train_offline/commands/",
    "train_offline/training/config/",
    "train_offline/judging/settings.py",
    "train_offline/runtime/program.py",
    "infer/settings.py",
    "infer/predict/gpu.py",
)
# Errors of other libraries that have no type of their own.
READING_TEXT = (
    "infer/__main__.py",
    "infer/archive/objects/faults.py",
    "infer/predict/out_of_memory.py",
    "infer/process/text.py",
    "train_offline/training/run.py",
)
# The same network, folded for the job and with its BatchNorm for the training.
TWICE = {"LightStage", "ResidualBlock"}


def tracked() -> list[PurePosixPath]:
    listed = subprocess.run(["git", "-C", REPO, "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [PurePosixPath(line) for line in listed.stdout.splitlines() if (REPO / line).exists()]


def modules(*tops: str) -> Iterator[tuple[str, ast.Module]]:
    for path in tracked():
        if path.suffix == ".py" and path.parts[0] in tops:
            yield str(path), ast.parse(Path(REPO, path).read_text())


def test_modules_fit_one_sitting() -> None:
    lines = {
        path: len(Path(REPO, path).read_text().splitlines()) for path in tracked() if path.suffix == ".py"
    }
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_folders_have_few_entries() -> None:
    entries: dict[PurePosixPath, set[str]] = {}
    for path in tracked():
        for folder in path.parents:
            if folder.parts and folder.parts[0] in (*PACKAGES, "tests"):
                entries.setdefault(folder, set()).add(path.relative_to(folder).parts[0])
    crowded = {folder: len(names - {"__init__.py", "py.typed"}) for folder, names in entries.items()}
    assert {folder: count for folder, count in crowded.items() if count > MAX_ENTRIES} == {}


def test_a_class_name_has_one_meaning() -> None:
    seen: dict[str, list[str]] = {}
    for path, tree in modules(*PACKAGES):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                seen.setdefault(node.name, []).append(path)
    assert {name: paths for name, paths in seen.items() if len(paths) > 1 and name not in TWICE} == {}


def test_only_commands_name_flags_in_errors() -> None:
    found = [
        (path, text.value)
        for path, tree in modules(*PACKAGES)
        if not path.startswith(NAMING_FLAGS)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("UsageError", "FileError")
        for text in ast.walk(call)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
        and re.search(r"(?<!split )(?<![\w-])--[a-z]", text.value)
    ]  # fmt: skip
    assert found == []


def test_no_code_reads_the_text_of_an_error() -> None:
    """Neither `"x" in str(error)` nor `str(error).removeprefix(...)`."""
    found = [
        (path, node.lineno)
        for path, tree in modules(*PACKAGES)
        if path not in READING_TEXT
        for node in ast.walk(tree)
        if (isinstance(node, ast.Compare) and any(map(_is_text, node.comparators)))
        or (isinstance(node, ast.Attribute) and _is_text(node.value) and node.attr != "strip")
    ]
    assert found == []


def _is_text(node: ast.AST) -> bool:
    """Whether a node is `str(error)`."""
    return (
        isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "str"
        and any(isinstance(argument, ast.Name) and argument.id == "error" for argument in node.args)
    )
