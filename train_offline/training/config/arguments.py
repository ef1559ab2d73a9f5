"""The command line of the training program, made from the options of its settings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from train_offline.runtime.options import NO_DEFAULT, Option, options_of
from train_offline.runtime.program import Parser
from train_offline.training.config.presets import PRESETS
from train_offline.training.config.settings import TrainSettings


def parse(argv: Sequence[str] | None = None, parser: Parser | None = None) -> dict[str, Any]:
    """Return the options, by key, that the command line gives; the others are left out.

    Absent is not the same as default: the preset, or with --resume the checkpoint, comes between the two.
    """
    given = vars((parser or make_parser()).parse_args(argv))
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}


def make_parser(settings: type[TrainSettings] = TrainSettings) -> Parser:
    """Make the parser with a flag for each option."""
    parser = Parser(
        prog="train",
        description="Train the sea-ice network on data folders (image/, gt/, optional ignore/).",
        epilog="Defaults: " + "; ".join(map(_preset_line, PRESETS)) + "; else those in brackets, if any.",
        argument_default=argparse.SUPPRESS,
    )
    sections: dict[str, argparse._ArgumentGroup] = {}
    for option in options_of(settings):
        if option.section not in sections:
            sections[option.section] = parser.add_argument_group(option.section)
        sections[option.section].add_argument(*option.flags, dest=option.key, **_argument(option))
    return parser


def _argument(option: Option) -> dict[str, Any]:
    """Return the keyword arguments of add_argument; argparse fills none of the defaults in."""
    default, form = option.default, option.form
    plain = default in (None, (), NO_DEFAULT) or isinstance(default, bool)
    shown = "" if plain or all(option.key in preset for preset in PRESETS.values()) else f"({default})"
    argument: dict[str, Any] = {"help": " ".join(filter(None, (form.help, shown))) or None}
    if isinstance(default, bool):
        return argument | {"action": "store_false" if default else "store_true"}
    if isinstance(default, tuple):
        argument["action"] = "append"
    if default is NO_DEFAULT:
        argument["required"] = True
    said = {"type": form.type, "choices": form.choices, "metavar": form.metavar}
    return argument | {name: value for name, value in said.items() if value is not None}


def _preset_line(name: str) -> str:
    return f"{name}: " + " ".join(
        f"--{key.replace('_', '-')} {value}" for key, value in PRESETS[name].items()
    )
