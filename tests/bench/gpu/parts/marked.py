"""`pytest -m gpu`: of the files with such tests only, for the others may want packages that are not here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from xml.etree import ElementTree

from tests.bench.gpu.part import REPO, FailedPart, Place, absent_package, call, missing
from tests.bench.gpu.results import FAILED, SKIPPED, Figure

COLUMNS = {"failure": FAILED, "error": FAILED, "skipped": SKIPPED}


def measure(place: Place) -> Iterator[Figure]:
    folder = REPO / "tests"
    files = [path for path in sorted(folder.rglob("test_*.py")) if "pytest.mark.gpu" in path.read_text()]
    junit = place.output / "tests.xml"
    junit.unlink(missing_ok=True)
    line = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "gpu",
        "-p",
        "no:cacheprovider",
        "-c",
        REPO / "pyproject.toml",
    ]
    try:
        call(*line, "--continue-on-collection-errors", "-rs", f"--junitxml={junit}", *files)
    except FailedPart:
        if not junit.is_file():
            raise
    yield from figures(ElementTree.parse(junit).getroot())


def figures(root: ElementTree.Element) -> Iterator[Figure]:
    """How many have passed, and a row for each that was skipped or has failed."""
    cases = list(root.iter("testcase"))
    yield Figure("passed", sum(len(case) == 0 or case[0].tag not in COLUMNS for case in cases), "tests")
    for case in cases:
        name = f"{case.get('classname', '')}::{case.get('name')}".removeprefix("::")
        for child in case:
            if child.tag in COLUMNS:
                yield _row(name, COLUMNS[child.tag], child)


def _row(name: str, what: str, child: ElementTree.Element) -> Figure:
    if absent := absent_package(child.text or ""):
        return Figure(SKIPPED, note=f"{name}: {missing(absent)}")
    said = (child.get("message") or child.text or "").strip().splitlines()
    return Figure(what, note=f"{name}: {said[0] if said else ''}"[:300])
