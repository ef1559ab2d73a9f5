"""The flags that make the runs of an image different."""

from __future__ import annotations

from pathlib import Path

from train_offline.judging.run.flags import hard, plain


def test_the_plain_line_says_nothing_of_users_and_rights() -> None:
    line = plain(Path("/a"), Path("/b"), "3g", "cpu")
    assert line == [
        *("--network", "none", "--memory", "3g", "--memory-swap", "3g"),
        *("--volume", "/a:/input:ro", "--volume", "/b:/output"),
    ]


def test_under_hard_limits_only_the_masks_can_be_written() -> None:
    line = " ".join(hard(Path("/a"), Path("/b"), "cpu"))
    for flag in ("--cpus 1 ", "--memory 1g ", "--read-only ", "--cap-drop ALL ", "--pids-limit 128 "):
        assert flag in line
    assert "--tmpfs" not in line
    assert "target=/input,readonly" in line
