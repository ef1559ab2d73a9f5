"""results.csv, the ratios that follow from it, and their plot."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

COLUMNS = (
    "machine", "cores", "gpu", "scenario", "scenes", "megapixels", "contestant", "runs", "seconds",
    "seconds_min", "seconds_max", "cpu_seconds", "peak_rss_mb", "megapixels_per_second", "agreement", "fwiou",
    "note",
)  # fmt: skip
DIGITS = {"agreement": 6, "fwiou": 5, "peak_rss_mb": 0, "megapixels": 2}


def read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Replace the rows of the same machine, scenario and contestant; the others stay."""
    new = [{name: _text(name, row.get(name)) for name in COLUMNS} for row in rows]
    taken = {_key(row) for row in new}
    kept = [row for row in read(path) if _key(row) not in taken]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *new])


def ratios(rows: list[dict[str, Any]], ours: str) -> list[str]:
    """A line for each other contestant of each scenario: how many times our seconds it takes."""
    lines = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        here = {row["contestant"]: row for row in rows if row["scenario"] == scenario and row.get("seconds")}
        if ours not in here:
            continue
        base = float(here[ours]["seconds"])
        lines.append(f"{scenario}: ours {base:.2f} s, agreement {float(here[ours]['agreement']):.5f}")
        for name, row in here.items():
            if name != ours:
                lines.append(
                    f"  {name:<20} {float(row['seconds']):8.2f} s  {float(row['seconds']) / base:6.2f} x  "
                    f"agreement {float(row['agreement']):.5f}"
                )
    return lines


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Seconds of every contestant, one panel for each scenario, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    scenarios = list(dict.fromkeys(row["scenario"] for row in rows))
    figure, axes = pyplot.subplots(1, len(scenarios), figsize=(4.2 * len(scenarios), 3.2), squeeze=False)
    for axis, scenario in zip(axes[0], scenarios, strict=True):
        here = [row for row in rows if row["scenario"] == scenario and row.get("seconds")]
        here.sort(key=lambda row: -float(row["seconds"]))
        seconds = [float(row["seconds"]) for row in here]
        spread = [
            [float(row["seconds"]) - float(row["seconds_min"]) for row in here],
            [float(row["seconds_max"]) - float(row["seconds"]) for row in here],
        ]
        colours = ["#d55e00" if row["contestant"] == "ours" else "#0072b2" for row in here]
        bars = axis.barh([row["contestant"] for row in here], seconds, xerr=spread, color=colours)
        axis.bar_label(bars, [f" {value:.1f}" for value in seconds], fontsize=8)
        axis.set(title=f"{scenario}, {here[0]['scenes']} scene(s)" if here else scenario, xlabel="seconds")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("machine", "gpu", "scenario", "contestant"))


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.{DIGITS.get(name, 3)}f}" if isinstance(value, float) else str(value)
