"""From a training checkpoint to the weights file of infer: ./run.sh export RUN/best.pt.

The averaged weights; for the fast networks BatchNorm folded, unused parts cut, nearly all in fp16. The file
takes its place only after its masks were compared with the checkpoint's on whole scenes, and the model card
beside it gets its sha256.
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from train_offline.runtime.signals import leave_at_once

    leave_at_once("export")

import sys
from pathlib import Path

from infer.errors import FileError
from train_offline.export.program import ExportSettings, export
from train_offline.runtime.arguments import SHARE
from train_offline.runtime.program import Parser, run
from train_offline.training.checkpoint import BEST, LAST


def _parser() -> Parser:
    default = ExportSettings(Path())
    parser = Parser(prog="export", description="Write the weights file of infer from a training checkpoint.")
    add = parser.add_argument
    add(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT",
        help=f"a checkpoint, or a run folder: its {BEST}, else its {LAST}",
    )
    add("--output", type=Path, default=default.output, metavar="FILE", help="safetensors file (%(default)s)")
    add(
        "--verify",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="scenes to compare masks on, labelled or not (the training's --val folders, else its --data)",
    )
    add(
        "--agreement",
        type=SHARE,
        default=default.agreement,
        metavar="F",
        help="share of pixels that must keep their class, next to equal logits aside (%(default)s)",
    )
    add(
        "--card",
        type=Path,
        metavar="FILE",
        help="card whose sha256 line is renewed (that of the shipped weights for them)",
    )
    return parser


def _settings(parser: Parser, argv: list[str] | None) -> ExportSettings:
    given = vars(parser.parse_args(argv))
    path = given["checkpoint"]
    if path.is_dir():
        folder, names = path, (BEST, LAST)
        path = next((folder / name for name in names if (folder / name).is_file()), None)
        if path is None:
            reason = f"holds neither {BEST} nor {LAST}"
            raise FileError(folder, reason, "; name a run folder of train, or a checkpoint", kind="missing")
        print(f"export: {path}")
    return ExportSettings(**given | {"checkpoint": path, "verify": tuple(given["verify"])})


def main(argv: list[str] | None = None) -> int:
    """Export; returns the exit code, 2 for a wrong call or weights that give other masks."""
    parser = _parser()
    return run("export", lambda: export(_settings(parser, argv)), parser)


if __name__ == "__main__":
    sys.exit(main())
