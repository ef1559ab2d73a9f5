"""The day of a GPU: what is done stays done, what is missing or fails is told and costs no other part."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infer.errors import UsageError
from tests.bench.gpu import day as running
from tests.bench.gpu import results
from tests.bench.gpu.__main__ import main
from tests.bench.gpu.day import Day, run_day
from tests.bench.gpu.plan import PARTS, Part
from tests.bench.gpu.results import Figure, Machine, replace_part
from tests.helpers.support import REPO

HERE = Machine("dry", "", "", "2.0", "abc")
BODIES = {
    "good": """
    with open(place.work / "calls", "a") as file: file.write(place.device + " ")
    yield Figure("speed", 1.5, "MP/s", ", ".join(arguments))
    yield Figure("seconds", 2, "s")""",
    "fails": """
    yield Figure("speed", 1.5, "MP/s")
    print("before")
    raise ValueError("no ice")""",
    "calls": """
    yield Figure("speed", 1.5, "MP/s")
    call(sys.executable, "-c", "print('out'); raise SystemExit('the wall is cold')")""",
    "calls_absent": """
    yield from ()
    call(sys.executable, "-c", "import nowhere_to_be_found.at_all")""",
    "absent": """
    yield from ()
    import nowhere_to_be_found""",
    "ours": """
    yield from ()
    import infer.nowhere_to_be_found""",
    "skips": """
    yield from ()
    raise SkippedPart("the sea is open")""",
    "silent": """
    yield from ()""",
    "killed": """
    yield Figure("speed", 1.5, "MP/s")
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)""",
    "slow": """
    yield Figure("speed", 1.5, "MP/s")
    print("still at it", flush=True)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (place.work / "child").write_text(str(child.pid))
    child.wait()""",
}
HEAD = """
import subprocess, sys
from tests.bench.gpu.part import SkippedPart, call
from tests.bench.gpu.results import Figure
def measure(place, *arguments):
"""


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Part]:
    modules = tmp_path / "modules"
    modules.mkdir()
    for name, body in BODIES.items():
        (modules / f"parts_of_a_test_{name}.py").write_text(HEAD + body.removeprefix("\n"))
    monkeypatch.setenv("PYTHONPATH", str(modules))
    return lambda name, **fields: Part(name, f"parts_of_a_test_{name}", **fields)


@pytest.fixture
def day(tmp_path: Path) -> Day:
    for name in ("output", "work"):
        (tmp_path / name).mkdir()
    return Day(tmp_path / "output", tmp_path / "work", HERE, 60.0)


def run(day: Day, *parts: Part) -> tuple[int, list[tuple[str, ...]]]:
    code = run_day(day, parts, [part.name for part in parts])
    rows = results.read(day.output)
    return code, [(row["part"], row["what"], row["value"], row["note"]) for row in rows]


def test_a_part_that_is_done_is_not_run_again(day: Day, part: Callable[..., Part]) -> None:
    good = part("good", arguments=("two", "words"))
    expected = [("good", "speed", "1.5", "two, words"), ("good", "seconds", "2", "")]
    assert run(day, good) == (0, expected)
    assert run(day, good) == (0, expected)
    assert (day.work / "calls").read_text() == "cpu "
    (row, _) = results.read(day.output)
    assert row["unit"] == "MP/s"
    assert [row[name] for name in Machine._fields] == list(HERE)
    assert list(row) == ["part", "what", "value", "unit", "note", "mode", "gpu", "driver", "torch", "commit"]


def test_a_failure_is_told_with_the_last_line_and_the_rest_goes_on(
    day: Day, part: Callable[..., Part], capsys: pytest.CaptureFixture[str]
) -> None:
    code, rows = run(day, part("fails"), part("calls"), part("killed"), part("silent"), part("good"))
    assert code == 1
    failed = {name: note for name, what, _, note in rows if what == "failed"}
    assert failed == {
        "fails": "ValueError: no ice",
        "calls": "exit code 1: the wall is cold",
        "killed": "speed  1.5  MP/s",
        "silent": "it ended without a figure",
    }
    assert [name for name, what, _, _ in rows if what == "speed"] == ["fails", "calls", "killed", "good"]
    assert "before" in (day.output / "fails.log").read_text()
    said = capsys.readouterr().err
    assert "gpu: fails: failed: ValueError: no ice\n" in said
    assert "failed: fails, calls, killed, silent;" in said


def test_what_failed_is_tried_again_only_when_asked(day: Day, part: Callable[..., Part]) -> None:
    replace_part(day.output, "good", [Figure("failed", note="no luck")], HERE, ["good"])
    assert run(day, part("good"))[0] == 1
    assert not (day.work / "calls").exists()
    code, rows = run(Day(day.output, day.work, HERE, 60.0, again=True), part("good"))
    assert code == 0
    assert [what for _, what, _, _ in rows] == ["speed", "seconds"]


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("absent", {}, "the package nowhere_to_be_found is not installed here"),
        ("calls_absent", {}, "the package nowhere_to_be_found is not installed here"),
        ("skips", {}, "the sea is open"),
        ("good", {"needs": ("json", "nowhere.at_all")}, "the package nowhere.at_all is not installed here"),
    ],
)
def test_what_cannot_be_measured_is_skipped_by_name(
    name: str,
    fields: dict[str, object],
    reason: str,
    day: Day,
    part: Callable[..., Part],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(day, part(name, **fields)) == (0, [(name, "skipped", "", reason)])
    assert f"gpu: {name}: skipped: {reason}\n" in capsys.readouterr().err


def test_a_missing_module_of_ours_is_a_failure(day: Day, part: Callable[..., Part]) -> None:
    code, rows = run(day, part("ours"))
    assert code == 1
    assert rows[0][1] == "failed"


def test_without_a_gpu_parts_are_skipped_and_run_once_there_is_one(
    day: Day, part: Callable[..., Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "gpu_visible", lambda: False)
    without = Day(day.output, day.work, HERE._replace(mode="gpu"), 60.0)
    assert run(without, part("good")) == (0, [("good", "skipped", "", "no GPU here: nvidia-smi lists none")])
    card = Day(day.output, day.work, HERE._replace(mode="gpu", gpu="a card"), 60.0)
    code, rows = run(card, part("good"))
    assert (code, len(rows)) == (0, 2)
    assert (day.work / "calls").read_text() == "cuda "


def test_a_part_that_takes_too_long_is_ended_with_all_that_it_started(
    day: Day, part: Callable[..., Part]
) -> None:
    began = time.monotonic()
    code, rows = run(day, part("slow", seconds=3.0), part("good"))
    assert time.monotonic() - began < 30
    assert code == 1
    assert rows[:2] == [
        ("slow", "speed", "1.5", ""),
        ("slow", "failed", "", "not done after 3 s: still at it"),
    ]
    assert len(rows) == 4
    child = int((day.work / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().rpartition(") ")[2][0] == "Z"


def test_after_the_budget_no_part_is_begun(
    day: Day, part: Callable[..., Part], capsys: pytest.CaptureFixture[str]
) -> None:
    short = Day(day.output, day.work, HERE, 1e-9)
    assert run(short, part("good"), part("skips")) == (0, [])
    assert "2 parts are left: call again with the same folder (good is next)" in capsys.readouterr().out


def test_a_rehearsal_and_a_measurement_do_not_share_a_folder(day: Day, part: Callable[..., Part]) -> None:
    run(day, part("good"))
    with pytest.raises(UsageError, match="another mode"):
        run(Day(day.output, day.work, HERE._replace(mode="gpu"), 60.0), part("good"))


def test_rows_stand_in_the_order_of_the_parts_whatever_ran_first(tmp_path: Path) -> None:
    for name in ("c", "a", "b", "a"):
        replace_part(tmp_path, name, [Figure(f"{name}, the speed", 1)], HERE, ["a", "b", "c"])
    assert [row["what"] for row in results.read(tmp_path)] == [f"{n}, the speed" for n in "abc"]
    assert os.listdir(tmp_path) == [results.NAME]


def test_names_are_unique_and_every_part_ends_in_ten_minutes() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)
    assert max(part.seconds for part in PARTS) < 600


def test_a_wrong_call_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--only", "lunch"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_rehearsal_of_some_parts(tmp_path: Path) -> None:
    line = [REPO / "tests" / "bench" / "gpu.sh", tmp_path / "o", "--dry", "--work", tmp_path / "w"]
    line += ["--only", "agreement", "--only", "clock", "--only", "tile", "--only", "scenario-many"]
    variables = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(line, capture_output=True, text=True, env=variables, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "left out" in done.stderr
    rows = results.read(tmp_path / "o")
    assert list(dict.fromkeys(row["part"] for row in rows)) == ["agreement", "clock", "tile"]
    found = {row["what"]: row["value"] for row in rows}
    assert 0.99 < float(found["one: equal pixels"]) <= 1
    assert 0 < float(found["one: device"]) < float(found["one: total"])
    assert float(found["1 tiles of 64 x 64: busy"]) > 0
    assert {row["mode"] for row in rows} == {"dry"}
