"""Whatever is wrong with a call is one line: of that command, naming only flags that it has and that help."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.wrong_calls.calls import CALLS, SHORT, WrongCall
from tests.helpers.support import REPO

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# What numbers nobody means are answered with: each flag of `train` that takes one.
NUMBERS = ("-1", "nan", "inf", "text", "''")


def arguments_of(text: str, there: Path, new: Path) -> list[str]:
    for name, meaning in SHORT.items():
        text = re.sub(rf"\b{name}\b", meaning, text)
    return [part.format(there=there, new=new) for part in shlex.split(text)]


def main_of(command: str):
    return importlib.import_module(f"train_offline.commands.{command.replace('-', '_')}").main


def flags_of(command: str, capfd: pytest.CaptureFixture[str]) -> set[str]:
    """Of the lines of its help that begin with one."""
    with pytest.raises(SystemExit):
        main_of(command)(["--help"])
    lines = re.findall(r"^  (-.*?)(?:  |$)", capfd.readouterr().out, re.MULTILINE)
    return {flag for line in lines for flag in FLAG.findall(line)}


def called(call: WrongCall, line: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Its exit code, and what it writes to stderr."""
    if not call.alone:
        code = main_of(call.command)(line)
        return code, capfd.readouterr().err
    module = f"train_offline.commands.{call.command.replace('-', '_')}"
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    environment = {**ours, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", module, *line], capture_output=True, text=True, env=environment, timeout=300
    )
    assert "Traceback" not in done.stdout
    return done.returncode, done.stderr


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_wrong_call_is_one_line_whose_remedy_works(
    call: WrongCall,
    there: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if call.path:
        monkeypatch.setenv("PATH", str(there / call.path))
    flags = flags_of(call.command, capfd)
    line = arguments_of(call.arguments, there, tmp_path)

    code, said = called(call, line, capfd)

    assert code == 2
    assert said.count("\n") == 1
    assert said.startswith(f"{call.command}: ")
    says = call.says.format(there=there)
    assert says in said
    assert {*FLAG.findall(said)} - {*line} <= flags
    if call.instead:
        code, said = called(call, arguments_of(call.instead, there, tmp_path), capfd)
        assert code == 0, said


@pytest.mark.parametrize("value", NUMBERS)
def test_every_number_of_a_training_is_checked(
    value: str, there: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from train_offline.training.config.arguments import make_parser

    numbers = [
        action
        for action in make_parser()._actions
        if action.type and action.type is not Path and action.dest != "data"
    ]
    assert len(numbers) > 25
    for action in numbers:
        flag = action.option_strings[0]
        line = arguments_of(f"TRAIN {flag} {value}", there, tmp_path)
        assert main_of("train")(line) == 2, flag
        said = capfd.readouterr().err
        assert said.startswith(f"train: argument {'/'.join(action.option_strings)}: must be"), said
        assert said.count("\n") == 1


def test_encoder_weights_out_of_reach_are_one_line_within_seconds(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As processes: nothing answers at the hub, the cache is empty, and what the line offers starts."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    for encoder, instead in (
        ("timm-tf_efficientnet_lite3", "--encoder-weights imagenet-lite2"),
        ("resnet18", ""),
    ):
        usual = f"TRAIN --encoder {encoder}"
        call = WrongCall("train", f"{usual} --encoder-weights imagenet", "", f"{usual} {instead}", alone=True)
        code, said = called(call, arguments_of(call.arguments, there, tmp_path), capfd)
        assert code == 2
        assert said.count("\n") == 1
        assert (f"or give {instead}" if instead else "or leave --encoder-weights out") in said
        code, said = called(
            call, arguments_of(f"{call.instead} --run {{new}}/{encoder}", there, tmp_path), capfd
        )
        assert code == 0, said
