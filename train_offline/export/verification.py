"""Whether an exported file gives the masks of the network that it was made from.

What is compared is the margin: the logit of ice less that of the background. A pixel is kept where its margin
has not gone far and has the checkpoint's sign, or the checkpoint's margin is next to nothing: there the order
of the additions decides. Over 16 trainings of 1 to 40 steps folding moved margins by up to 1.4 % of the usual
one, and turned none above 0.01 % of it; fp16 turned some of up to 38 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from infer.errors import UsageError
from train_offline.data.folder import IGNORED
from train_offline.data.pixels import in_one_line
from train_offline.export.scenes import Compared, read_case
from train_offline.scoring.evaluate import margins
from train_offline.scoring.score import counts, score

NOTHING = 0.001  # share of a scene's usual margin (root mean square) below which either class is right
FAR = 0.25  # share of it that a sound margin does not move by
FEW = 4  # pixels of a folder that may be lost however small it is


@dataclass(frozen=True)
class Agreement:
    """How far two networks agree on a folder: all pixels, those of the same class, those kept (see above).

    score: of the exported one, or why there is none. doubts: about the masks that it is computed from.
    """

    folder: Path
    pixels: int
    same: int
    kept: int
    score: str
    doubts: tuple[str, ...] = ()

    def __str__(self) -> str:
        agreed = f"{self.score}; same class as the checkpoint on {self.same / self.pixels:.4%}"
        return "\n".join([agreed, *in_one_line([*self.doubts])])

    @property
    def lost(self) -> str:
        """How many pixels are not kept, for a message."""
        count = self.pixels - self.kept
        return f"{count} of {self.pixels} pixels of {self.folder} ({count / self.pixels:.4%})"

    def is_enough(self, least: float) -> bool:
        """Tell whether at least this share of the pixels is kept, or all but a few."""
        return self.kept >= least * self.pixels or self.pixels - self.kept <= FEW

    def refusal(self, least: float) -> UsageError:
        """Return the error for an agreement that is not enough."""
        reason = f"the exported weights change the class of {self.lost}, or its logits by far: more than "
        reason += f"{1 - least:.4%}, and than rounding explains; nothing was written"
        share = math.floor(self.kept / self.pixels * 1e4) / 1e4
        return UsageError(
            reason, f"; {{agreement}} {share:g} takes them as they are, {{verify}} other scenes"
        )


def compare(network: nn.Module, exported: nn.Module, compared: Compared, stride: int) -> Agreement:
    """Compare two networks on the scenes of a folder, in fp32 on the CPU.

    The scenes are padded to a multiple of `stride` pixels. Raises FileError for a scene that cannot be read.
    """
    total, pixels, same, kept, scored = np.zeros((2, 2, 2), np.int64), 0, 0, 0, False
    doubts: list[str] = []
    for case in compared.cases:
        image, label, of_mask = read_case(case)
        doubts += of_mask if compared.held_out else []
        expected, found = (margins(n, image, stride) for n in (network, exported))
        agree = (expected > 0) == (found > 0)
        pixels, same = pixels + agree.size, same + int(np.count_nonzero(agree))
        kept += int(np.count_nonzero(_kept(expected, found, agree)))
        if label is not None and compared.held_out:
            total += counts(label == 1, found > 0, label == IGNORED)
            scored = True
    name = compared.folder.name
    why = "no masks" if compared.held_out else "trained on"
    return Agreement(
        compared.folder,
        pixels,
        same,
        kept,
        str(score(name, *total)) if scored else f"{name}: {why}, no score",
        tuple(doubts),
    )


def _kept(expected: np.ndarray, found: np.ndarray, agree: np.ndarray) -> np.ndarray:
    """Tell which pixels are kept, bool [H, W]; the margins of both networks are float32 [H, W]."""
    usual = float(np.sqrt(np.mean(np.square(expected, dtype=np.float64))))
    near = np.abs(found - expected) <= FAR * np.maximum(np.abs(expected), usual)  # NaN is not
    kept: np.ndarray = near & (agree | (np.abs(expected) <= NOTHING * usual))
    return kept
