"""Flags follow from the options: their help, their values, and a new one without any other change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from train_offline.runtime.arguments import COUNT
from train_offline.runtime.options import NO_DEFAULT, group, option, options_of
from train_offline.training.config.arguments import make_parser, parse
from train_offline.training.config.groups import EndSettings
from train_offline.training.config.presets import PRESETS
from train_offline.training.config.settings import TrainSettings, from_json

HELP = Path(__file__).with_name("help.txt")  # in 100 columns, as the hand-written parser printed it


def entries(text: str) -> dict[tuple[str, str], str]:
    """The text of each flag by its section and its spelling."""
    found: dict[tuple[str, str], str] = {}
    section = entry = ""
    for line in text.partition("options:")[2].splitlines():
        if heading := re.fullmatch(r"(\S.*):", line):
            section = heading[1]
        elif flag := re.match(r"  (-.*?)(?:  +(\S.*))?$", line):
            entry = flag[1]
            found[section, entry] = flag[2] or ""
        elif line.startswith("   "):
            found[section, entry] += f" {line.strip()}"
        else:
            entry = "end"
            found[section, entry] = f"{found.get((section, entry), '')} {line}"
    return found


def test_help_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    now, before = entries(make_parser().format_help()), entries(HELP.read_text())
    assert len(before) > 45
    assert {key: text.split() for key, text in now.items()} == {k: t.split() for k, t in before.items()}
    assert list(dict.fromkeys(section for section, _ in now)) == list(dict.fromkeys(s for s, _ in before))


def test_help_says_every_default_that_the_presets_leave_open() -> None:
    in_presets = set.intersection(*map(set, PRESETS.values()))
    defaults = {one.key: one.default for one in options_of(TrainSettings)}
    for action in make_parser()._actions:
        default = defaults.get(action.dest)
        if action.dest not in in_presets and action.nargs != 0 and default not in (None, (), NO_DEFAULT):
            assert f"({default})" in action.help, action.dest


@dataclass(frozen=True)
class LongerEnd(EndSettings):
    """A group with one option more."""

    budget: int = option(3, "end after so many coins", type=COUNT, metavar="COINS")
    lists: tuple[Path, ...] = option((), "where coins are counted", type=Path)


@dataclass(frozen=True)
class LongerSettings(TrainSettings):
    """Settings with that group."""

    end: LongerEnd = group("end of the run", LongerEnd)  # noqa: RUF009, it is a field of a dataclass


def test_an_option_more_is_a_flag_a_json_key_and_a_setting_at_once() -> None:
    parser = make_parser(LongerSettings)
    assert ("end of the run", "--budget COINS") in entries(parser.format_help())
    assert "end after so many coins (3)" in parser.format_help()
    given = parse(["--run", "r", "--budget", "5", "--lists", "a", "--lists", "b"], parser)
    assert given == {"run": Path("r"), "budget": 5, "lists": (Path("a"), Path("b"))}
    settings = LongerSettings.of(given)
    assert (settings.end.budget, settings.end.lists) == (5, (Path("a"), Path("b")))
    plain = settings.to_json()
    assert (plain["budget"], plain["lists"]) == (5, [str(Path(name).absolute()) for name in "ab"])
    again = LongerSettings.of(from_json(plain, LongerSettings))
    assert again.end == LongerEnd(budget=5, lists=(Path("a").absolute(), Path("b").absolute()))
    assert LongerSettings.of({"run": Path("r")}).end.budget == 3


def test_what_is_not_given_is_left_out() -> None:
    assert parse(["--run-folder", "r"]) == {"run": Path("r")}
    assert parse(["--run", "r", "--no-tensorboard"]) == {"run": Path("r"), "tensorboard": False}
    assert parse(["--run", "r", "--resume", "--data", "d:2", "--data", "e"]) == {
        "run": Path("r"),
        "resume": True,
        "data": ((Path("d"), 2.0), (Path("e"), 1.0)),
    }
