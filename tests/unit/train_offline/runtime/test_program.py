"""A user's mistake is one line, which names the flags that the program has, and exit code 2."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from infer.errors import FileError, UsageError
from train_offline.runtime.program import Parser, run


@pytest.fixture
def parser() -> Parser:
    """Of a program whose flag for batch_size is --batch."""
    parser = Parser(prog="toy")
    parser.add_argument("--batch", dest="batch_size")
    parser.add_argument("--output")
    parser.add_argument("folder", nargs="?")
    return parser


def said(error: Exception, parser: Parser | None, capsys: pytest.CaptureFixture[str]) -> str:
    def work() -> None:
        raise error

    assert run("toy", work, parser) == 2
    return capsys.readouterr().err


def test_a_remedy_names_the_flags_of_the_program(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    error = UsageError("no memory left", "; lower {batch_size}")
    assert said(error, parser, capsys) == "toy: no memory left; lower --batch\n"
    assert said(error, None, capsys) == "toy: no memory left; lower --batch-size\n"


def test_a_remedy_without_its_flag_is_left_out(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(UsageError("no memory left", "; lower {crop}"), parser, capsys) == "toy: no memory left\n"


def test_a_file_is_named_after_the_flag_that_named_it(
    parser: Parser, capsys: pytest.CaptureFixture[str]
) -> None:
    error = FileError(Path("x"), "is there", "; name another", setting="output")
    assert said(error, parser, capsys) == "toy: --output x: is there; name another\n"
    error = FileError(Path("x"), "is there", "; name another", setting="folder")
    assert said(error, parser, capsys) == "toy: x: is there; name another\n"


def test_a_wrong_call_is_one_line(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("toy", lambda: bool(parser.parse_args(["--no"])), parser) == 2
    assert capsys.readouterr().err == "toy: unrecognized arguments: --no (see --help)\n"


def test_an_empty_path_is_not_the_current_folder(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    parser.add_argument("--report", type=Path)
    assert run("toy", lambda: bool(parser.parse_args(["--report", ""])), parser) == 2
    assert capsys.readouterr().err == "toy: argument --report: is empty, not a path (see --help)\n"


def test_warnings_of_libraries_are_no_lines_of_ours(recwarn: pytest.WarningsRecorder) -> None:
    assert run("toy", lambda: warnings.warn("for a programmer", stacklevel=2)) == 0
    assert not recwarn.list


def test_the_exit_code_is_what_the_work_returns() -> None:
    assert (run("toy", lambda: 6), run("toy", lambda: None)) == (6, 0)
