"""How much of a run has passed, and the learning rate that belongs to it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

SCHEDULES = ("cosine", "poly")
POWER = 0.9  # of the polynomial


@dataclass(frozen=True)
class Clock:
    """Seconds of training, earlier sittings of a resumed run included."""

    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Return the seconds until now."""
        return self.seconds_before + time.monotonic() - self.started


@dataclass(frozen=True)
class End:
    """The end of a run: after `steps` batches or `seconds` of training, whichever comes first."""

    steps: int | None
    seconds: float | None

    def share_passed(self, step: int, seconds: float) -> float:
        """Return 0 at the start, 1 (or a little more, by the clock) at the end."""
        by_step = step / self.steps if self.steps else 0.0
        by_clock = seconds / self.seconds if self.seconds else 0.0
        return max(by_step, by_clock)


def learning_rate(share_passed: float, highest: float, warm_up: float, schedule: str = "cosine") -> float:
    """Return the rate: a straight rise over the `warm_up` share of the run, then a fall over the rest.

    "cosine": half a cosine down to a hundredth (Loshchilov & Hutter 2017, arXiv:1608.03983); "poly": what is
    left of the run to the power of 0.9, down to 0 (Liu et al. 2015, arXiv:1506.04579). Both know shares only,
    never steps: a run that a time limit ends goes through the whole curve too.
    """
    share_passed = min(share_passed, 1.0)
    if share_passed < warm_up:
        return highest * max(0.01, share_passed / warm_up)
    fall = (share_passed - warm_up) / (1 - warm_up)
    if schedule == "poly":
        return highest * math.pow(1 - fall, POWER)
    return highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))
