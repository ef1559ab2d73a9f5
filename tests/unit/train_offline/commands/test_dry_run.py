"""What the command line of the dry run refuses."""

from __future__ import annotations

import pytest

from infer.errors import UsageError
from train_offline.commands.dry_run import make_parser, parse


def test_hard_limits_are_for_containers() -> None:
    with pytest.raises(UsageError, match="--docker or --image"):
        parse(make_parser(), ["--hard"])
    assert parse(make_parser(), ["--hard", "--docker"]).hard
    assert parse(make_parser(), ["--hard", "--image", "x"]).hard
