"""Bytes that wait between threads."""

from __future__ import annotations

import threading

from infer.process.budget import Budget


def test_what_fits_together_is_held_together_and_no_more() -> None:
    budget = Budget(10)
    assert budget.take(4)
    assert budget.take(6)
    assert not budget.take(1, seconds=0.01)
    budget.give_back(4)
    assert budget.take(4)


def test_one_thing_is_always_held_however_large() -> None:
    budget = Budget(10)
    assert budget.take(100)
    assert not budget.take(1, seconds=0.01)
    budget.give_back(100)
    assert budget.take(11)


def test_who_waits_goes_on_when_room_is_given_back() -> None:
    budget = Budget(10)
    budget.take(10)
    waiting = threading.Thread(target=budget.take, args=(5,))
    waiting.start()
    budget.give_back(6)
    waiting.join(5)
    assert not waiting.is_alive()
