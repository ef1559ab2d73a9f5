"""Who has a unit in hand, by signs of life."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infer.archive.record.attempts import ALIVE_SECONDS, Place, beat, begin, end, is_in_other_hands, worker
from infer.archive.store import open_place


@pytest.fixture
def run(tmp_path: Path) -> Place:
    return open_place(tmp_path, 5, print)


def write(run: Place, name: str, seconds_ago: float) -> None:
    content = {"nonce": "n", "worker": name, "beat": time.time() - seconds_ago}
    run.put("attempts/00000007/0001", json.dumps(content).encode())


def test_a_unit_is_in_hand_from_its_begin_to_its_end(run: Place) -> None:
    assert not is_in_other_hands(run, 7)
    attempt = begin(run, 7, "n")
    assert is_in_other_hands(run, 7)
    assert not is_in_other_hands(run, 70)
    end(run, attempt)
    assert not is_in_other_hands(run, 7)
    beat(run, attempt)
    assert is_in_other_hands(run, 7)
    assert begin(run, 7, "m").number == 2


@pytest.mark.parametrize(
    ("seconds_ago", "alive"), [(0, True), (ALIVE_SECONDS - 20, True), (ALIVE_SECONDS + 1, False)]
)
def test_another_machine_is_believed_for_a_while(run: Place, seconds_ago: float, alive: bool) -> None:
    write(run, "elsewhere pid:[1] 1", seconds_ago)
    assert is_in_other_hands(run, 7) == alive


def test_a_process_of_this_machine_that_has_died_is_not_waited_for(run: Place) -> None:
    here, _, _ = worker().rpartition(" ")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write(run, f"{here} {process.pid}", 0)
    assert is_in_other_hands(run, 7)
    process.kill()
    process.wait()
    assert not is_in_other_hands(run, 7)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"beat": "x"}', b'{"nonce": "of another version"}'])
def test_what_cannot_be_read_shows_no_life(run: Place, content: bytes) -> None:
    run.put("attempts/00000007/0001", content)
    assert not is_in_other_hands(run, 7)
