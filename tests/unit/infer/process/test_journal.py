"""What a process noted down is there when it has gone."""

from __future__ import annotations

import os

from infer.process.journal import Journal, MaskMade


def test_a_journal_outlives_the_process_that_wrote_it() -> None:
    journal = Journal()
    child = os.fork()
    if not child:
        journal.starts("decode", ["a", "b\udcff"])
        journal.starts("predict", ["z"])
        journal.made("z", MaskMade(None, 0.25))
        os._exit(0)
    os.waitpid(child, 0)
    assert journal.at_hand() == ["a", "b\udcff"]
    assert journal.done() == {"z": MaskMade(None, 0.25)}
    journal.starts("decode", ())
    assert journal.at_hand() == []
