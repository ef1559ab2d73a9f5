"""How far a run is: counts, rate, time left, cost and reasons, from its receipts alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infer.archive.record.manifest import Planned
from infer.archive.wire.facts import DEGRADED, FAILED, OK

MAX_REASONS = 10  # that are printed; --json has all
RECENT_SECONDS = 600.0  # the rate is that of the last so many, where work goes on


@dataclass
class Progressed:
    """What the receipts of a run add up to.

    units, scenes: of receipts; by_state: scenes. busy: seconds that all workers together were at work.
    first, last: Unix seconds, when the first unit began and the last one ended. reasons: of lost scenes.
    """

    planned: Planned
    units: int = 0
    scenes: int = 0
    by_state: Counter[str] = field(default_factory=Counter)
    busy: float = 0.0
    first: float | None = None
    last: float | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    ends: list[tuple[float, int]] = field(default_factory=list)

    @classmethod
    def of(cls, receipts: Iterable[Mapping[str, Any]], planned: Planned) -> Progressed:
        """Add receipts up."""
        made = cls(planned)
        for receipt in receipts:
            made.add(receipt)
        return made

    def add(self, receipt: Mapping[str, Any]) -> None:
        """Count one receipt; it may be without its scenes."""
        scenes = sum(receipt["states"].values())
        end = receipt["began"] + receipt["seconds"]
        self.units += 1
        self.scenes += scenes
        self.busy += receipt["seconds"]
        self.first = min(self.first or receipt["began"], receipt["began"])
        self.last = max(self.last or end, end)
        self.ends.append((end, scenes))
        self.by_state.update(receipt["states"])
        self.reasons.update(receipt["lost"])

    @property
    def is_done(self) -> bool:
        """Whether every unit has its receipt."""
        return self.units >= self.planned.units

    def scenes_per_second(self, now: float) -> float | None:
        """Return the rate of the last RECENT_SECONDS, of the whole run where it is done; None without any."""
        if self.first is None or self.last is None:
            return None
        if self.is_done or now - self.last > RECENT_SECONDS:
            return self.scenes / max(self.last - self.first, 1e-9)
        begin = max(self.first, now - RECENT_SECONDS)
        return sum(count for end, count in self.ends if end >= begin) / max(now - begin, 1e-9)

    def facts(self, price_per_hour: float | None = None, now: float | None = None) -> dict[str, Any]:
        """Return it all as JSON has it; cost: of the time that workers were at work, at a price for one."""
        now = time.time() if now is None else now
        rate = self.scenes_per_second(now)
        left = self.planned.scenes - self.scenes
        return {
            "scenes": self.planned.scenes,
            "units": self.planned.units,
            "units_done": self.units,
            "scenes_done": self.scenes,
            **{state: self.by_state[state] for state in (OK, DEGRADED, FAILED)},
            "scenes_per_second": rate,
            "seconds_left": None if rate is None else left / rate if rate else None,
            "worker_hours": self.busy / 3600,
            "cost": None if price_per_hour is None else self.busy / 3600 * price_per_hour,
            "reasons": dict(self.reasons.most_common()),
        }


def lines_of(facts: Mapping[str, Any]) -> list[str]:
    """Return the facts as lines for a reader."""
    share = facts["scenes_done"] / max(facts["scenes"], 1)
    lines = [
        f"scenes     {facts['scenes_done']} of {facts['scenes']} ({share:.1%}): {facts[OK]} ok, "
        f"{facts[DEGRADED]} degraded, {facts[FAILED]} failed",
        f"units      {facts['units_done']} of {facts['units']}",
    ]
    if facts["scenes_per_second"] is not None:
        lines.append(f"rate       {facts['scenes_per_second']:.2f} scenes/s")
    if facts["seconds_left"]:
        lines.append(f"left       {_span(facts['seconds_left'])}")
    lines.append(f"workers    {facts['worker_hours']:.2f} hours")
    if facts["cost"] is not None:
        lines.append(f"cost       {facts['cost']:.2f}")
    reasons = list(facts["reasons"].items())
    lines += [f"{count:>7} x  {reason}" for reason, count in reasons[:MAX_REASONS]]
    if len(reasons) > MAX_REASONS:
        lines.append(f"and {len(reasons) - MAX_REASONS} more reasons; --json names all")
    return lines


def _span(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
