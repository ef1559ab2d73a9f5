"""The drawings of report.html as numbers: the bars of the phases, the curves of memory, the histogram."""

from __future__ import annotations

from typing import Any

from train_offline.judging.measure.timeline import WORDS

BINS = 10  # of the histogram
CURVE = (600, 120)  # width and height of a curve in its own units
MAX_TICKS = 8
HEADROOM = 1.08  # above the highest thing that is drawn


def waterfall(seconds: dict[str, Any]) -> dict[str, Any]:
    """Return a bar for each phase, its begin and length in percent of the axis, and the sum of all."""
    total = sum(phase["seconds"] for phase in seconds["parts"])
    whole = max(total, 1e-9)
    bars, begins = [], 0.0
    for phase in seconds["parts"]:
        share = 100 * phase["seconds"] / whole
        bars.append({**phase, "words": WORDS[phase["name"]], "left": begins, "share": share})
        begins += share
    wall = total + seconds["not_accounted_for"]
    return {"bars": bars, "ticks": ticks(whole), "total": total, "wall": wall}


def ticks(whole: float) -> list[dict[str, Any]]:
    """Place round figures on an axis from 0 to `whole`: their label, and where they are in percent."""
    step = 1e-6
    while whole / step > MAX_TICKS:  # 1, 2, 5, 10, 20 ...
        step *= 2.5 if f"{step:.0e}".startswith("2") else 2
    count = int(whole / step + 1e-9)
    return [{"label": f"{i * step:.6g}", "left": 100 * i * step / whole} for i in range(count + 1)]


def histogram(scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """Count scenes by their IoU of ice, but for those without true ice: theirs could only be 0 or nothing."""
    values = [s["score"]["ice_iou"] for s in scenes if s["score"] and sum(s["confusion"][1])]
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int(value * BINS))] += 1
    most = max(counts, default=0) or 1
    bars = [
        {"label": f"{i / BINS:.1f}", "count": count, "height": 100 * count / most}
        for i, count in enumerate(counts)
    ]
    without = sum(bool(s["score"]) for s in scenes) - len(values)
    return {"bars": bars, "scenes": len(values), "without": without}


def curves(cost: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the memory of the job, and of the GPU, over the seconds of the longest process, as SVG points.

    The first is of the same kind as the peak. `limit` is how far from the top, in percent, a container's
    limit lies; None where there is none.
    """
    samples = cost["samples"]
    at = samples.get("at", [])
    if len(at) < 2:
        return []
    of_group = cost["peak_is_of"] == "control group" and len(samples.get("group", [])) == len(at)
    drawn = [("memory", samples["group" if of_group else "rss"], cost["peak_bytes"], cost["limit_bytes"])]
    if cost["gpu"] and len(samples.get("gpu_memory", [])) == len(at):
        drawn.append(("GPU memory", samples["gpu_memory"], cost["gpu"]["peak_memory_bytes"], None))
    return [_curve(name, at, values, most, limit) for name, values, most, limit in drawn]


def _curve(name: str, at: list[float], values: list[float], most: int, limit: int | None) -> dict[str, Any]:
    top = max(*values, most, limit or 0, 1) * HEADROOM
    points = (
        f"{CURVE[0] * t / at[-1]:.1f},{CURVE[1] * (1 - v / top):.1f}" for t, v in zip(at, values, strict=True)
    )
    return {
        "name": name,
        "points": " ".join(points),
        "most": most,
        "most_at": 100 * (1 - most / top),
        "limit": None if limit is None else 100 * (1 - limit / top),
        "ticks": ticks(at[-1]),
        "seconds": at[-1],
    }
