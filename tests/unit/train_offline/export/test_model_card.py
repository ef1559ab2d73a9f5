"""A card names the weights file that it speaks of, and no other card is touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.helpers.offline.checkpoints import RANDOM
from train_offline.commands.export import main


def test_a_named_card_gets_the_new_digest_and_no_other_card(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, card, other = tmp_path / "w.safetensors", tmp_path / "card.md", tmp_path / "MODEL_CARD.md"
    text = "# A card\n\n    sha256  {}\n\nIoU 0.8, not sha256  of anything\n"
    for path in (card, other):
        path.write_text(text.format("0" * 64))
    arguments = ["--output", str(output), "--verify", str(trained / "data"), "--card", str(card), *RANDOM]
    assert main([str(trained), *arguments]) == 0
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert card.read_text() == text.format(digest)
    assert other.read_text() == text.format("0" * 64)  # it may speak of any other weights
    assert digest in capsys.readouterr().out


def test_a_card_without_the_line_is_refused_before_anything_is_written(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "card.md"
    card.write_text("# A card\n")
    output = tmp_path / "w.safetensors"
    arguments = [
        str(trained),
        "--output",
        str(output),
        "--verify",
        str(trained / "data"),
        "--card",
        str(card),
    ]
    assert main(arguments) == 2
    assert "needs one line `sha256" in capsys.readouterr().err
    assert not output.exists()
