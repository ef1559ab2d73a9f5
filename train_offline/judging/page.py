"""report.html: one file that opens from disk, made from the content of report.json and the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from train_offline.judging.parts import WORDS

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
BINS = 10  # of the histogram
CURVE = (600, 90)  # width and height of the memory curve in its own units


def page(content: dict[str, Any], pictures: dict[str, dict[str, Any]]) -> str:
    """The page as text. pictures: by the name of the scene, as pictures.picture gives them."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    templates.filters.update(score=_score, seconds=_seconds, size=_size, signed=_signed)
    return templates.get_template("dry_run.html").render(
        **content,
        bars=_waterfall(content["seconds"]),
        bins=_histogram(content["scenes"]),
        curves=_curves(content["cost"]["samples"]),
        worst=worst_first(content["scenes"]),
        pictures=pictures,
    )


def worst_first(scenes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Scenes with findings, then those without a score, then by FWIoU."""

    def badness(scene: dict[str, Any]) -> tuple[bool, bool, float]:
        fwiou = scene["score"] and scene["score"]["fwiou"]
        return not scene["findings"], fwiou is not None, fwiou or 0.0

    return sorted(scenes, key=badness)


def _waterfall(seconds: dict[str, Any]) -> list[dict[str, Any]]:
    """One bar for each part: where it begins and how long it is, in percent of the whole."""
    whole = max(sum(part["seconds"] for part in seconds["parts"]), 1e-9)
    bars, begins = [], 0.0
    for part in seconds["parts"]:
        share = 100 * part["seconds"] / whole
        bars.append({**part, "words": WORDS[part["name"]], "left": begins, "share": share})
        begins += share
    return bars


def _histogram(scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """Scenes by their IoU of ice; where there is no true ice, it could only be 0 or nothing."""
    values = [s["score"]["ice_iou"] for s in scenes if s["score"] and sum(s["confusion"][1])]
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int(value * BINS))] += 1
    most = max(counts, default=0) or 1
    bars = [
        {"label": f"{i / BINS:.1f}", "count": count, "height": 100 * count / most}
        for i, count in enumerate(counts)
    ]
    return {
        "bars": bars,
        "scenes": len(values),
        "without": sum(bool(s["score"]) for s in scenes) - len(values),
    }


def _curves(samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Memory of the processes, and of the GPU, over the seconds of the longest process, as SVG points."""
    at = samples.get("at", [])
    if len(at) < 2:
        return []
    curves = []
    for name, key in (("memory", "rss"), ("GPU memory", "gpu_memory")):
        values = samples.get(key, [])
        if len(values) == len(at):
            most = max(*values, 1)
            points = (
                f"{CURVE[0] * t / at[-1]:.1f},{CURVE[1] * (1 - v / most):.1f}"
                for t, v in zip(at, values, strict=True)
            )
            curves.append({"name": name, "points": " ".join(points), "most": most, "seconds": at[-1]})
    return curves


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"  # noqa: RUF001


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"  # noqa: RUF001


def _size(value: float | None) -> str:
    if value is None:
        return "–"  # noqa: RUF001
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"
