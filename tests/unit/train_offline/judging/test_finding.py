"""Every kind of finding has its place in the format of the report."""

from __future__ import annotations

from tests.helpers.judging.judged import SCHEMA
from train_offline.judging.finding import KINDS


def test_the_schema_knows_every_kind_of_finding() -> None:
    assert SCHEMA["$defs"]["finding"]["properties"]["kind"]["enum"] == list(KINDS)
