"""The arguments of an archive, and which part of it an array job's member does."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.archive.units.work import Shard
from infer.archive.verbs.arguments import parse, place_url, shard_of
from infer.errors import UsageError


def test_the_job_s_own_flags_are_passed_on() -> None:
    arguments = parse(["run", "in", "--tile", "512", "--output", "out", "--max-pixels=99"])
    assert (arguments.own.source, arguments.own.output, arguments.own.shard) == ("in", "out", Shard(0, 1))
    settings = arguments.settings()
    assert (settings.tile, settings.max_pixels, settings.format) == (512, 99, "geotiff")
    assert arguments.given == {"tile", "max_pixels"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "VERB"),
        ("fly", "fly"),
        ("run", "--output"),
        ("plan --output o", "SOURCE"),
        ("run --output o --report r", "unrecognized arguments: --report"),
        ("run --output o --tile 77", "--tile"),
        ("run --output o --shard 3/3", "I/N"),
        ("status --output o --tile 512", "unrecognized"),
        ("status --output o --price-per-hour -1", "--price-per-hour"),
        ("run a b --output o", "unrecognized"),
    ],
)
def test_a_wrong_call_is_one_line(line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse(line.split())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("0/1", {}, Shard(0, 1)),
        ("3/7", {"JOB_COMPLETION_INDEX": "1"}, Shard(3, 7)),
        ("auto/7", {"JOB_COMPLETION_INDEX": "1"}, Shard(1, 7)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "9"}, Shard(2, 9)),
        ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "2"}, Shard(0, 2)),
    ],
)
def test_an_array_job_says_which_shard_is_meant(text: str, environment: dict[str, str], shard: Shard) -> None:
    assert shard_of(text, environment) == shard


@pytest.mark.parametrize("text", ["auto", "auto/3", "1", "1/1", "-1/2", "a/b", "1/2/3", ""])
def test_what_names_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"give I/N|must be I/N"):
        shard_of(text, {})


def test_shards_share_all_units_out() -> None:
    assert [[unit for unit in range(7) if Shard(i, 3).has(unit)] for i in range(3)] == [
        [0, 3, 6],
        [1, 4],
        [2, 5],
    ]


def test_paths_are_absolute_and_urls_stay() -> None:
    assert place_url("a/b") == str(Path("a/b").absolute())
    assert place_url("s3://bucket/a") == "s3://bucket/a"
    with pytest.raises(UsageError):
        place_url("")
