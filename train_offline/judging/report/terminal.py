"""The short table that a dry run prints, from the content of its report."""

from __future__ import annotations

from typing import Any

RATE = "{scenes_per_second:.2f} scenes/s  {megapixels_per_second:.2f} MP/s"


def table(content: dict[str, Any]) -> str:
    """Return the short table for the terminal, without a newline at its end."""
    data, job, wall = content["data"], content["submission"], content["seconds"]["wall"]
    machine = ", ".join(filter(None, (job["image"], job["device"], job["precision"])))
    lines = [
        ("scenes", f"{data['scenes']} of {data['folder']}" + (f" on {machine}" if machine else "")),
        *_score_lines(content),
        ("seconds", _seconds_line(wall)),
        ("where", "  ".join(f"{p['name']} {p['seconds']:.2f}" for p in content["seconds"]["parts"])),
        ("cost", _cost_line(content["cost"])),
        ("rate", RATE.format(**content["rate"])),
        *((variant["name"], _variant_line(variant)) for variant in content["variants"]),
        *_comparison_lines(content["comparison"]),
        *(("note", note) for note in content["notes"]),
        ("verdict", content["verdict"]),
    ]
    return "\n".join(f"{name:<12} {value}" for name, value in lines)


def _score_lines(content: dict[str, Any]) -> list[tuple[str, str]]:
    facts = content["score"]
    if facts is None:
        return [("score", "none: no scene has both a mask and a truth that fit together")]

    def both(name: str) -> str:
        return f"ice {_score(facts[f'ice_{name}'])}  background {_score(facts[f'background_{name}'])}"

    data = content["data"]
    scored = "" if data["scored"] == data["scenes"] else f"  ({data['scored']} of {data['scenes']} scenes)"
    lines = [
        ("FWIoU", _score(facts["fwiou"]) + scored),
        ("IoU", both("iou")),
        ("F1", both("f1")),
        ("accuracy", _score(facts["accuracy"])),
        ("boundary F1", _score(facts["boundary_f1"])),
    ]
    if others := content["score_with_ignored"]:
        words = f"FWIoU {_score(others['fwiou'])}  IoU of ice {_score(others['ice_iou'])}"
        lines.append(("with ignored", words))
    return lines


def _seconds_line(wall: dict[str, Any]) -> str:
    runs = len(wall["runs"])
    spread = f", median of {runs} ({wall['min']:.2f} to {wall['max']:.2f})" if runs > 1 else ""
    return f"{wall['median']:.2f} from start to end{spread}"


def _cost_line(cost: dict[str, Any]) -> str:
    words = f"{cost['cpu_seconds']:.1f} s of processor  {cost['peak_bytes'] / 1e6:.0f} MB"
    if gpu := cost["gpu"]:
        words += f"  GPU {gpu['peak_memory_bytes'] / 1e6:.0f} MB, busy {gpu['busy_seconds']:.1f} s"
    return words


def _variant_line(variant: dict[str, Any]) -> str:
    if variant["passed"]:
        return f"passed in {variant['seconds']:.2f} s"
    return f"FAILED after {variant['seconds']:.2f} s with exit code {variant['exit_code']}"


def _comparison_lines(comparison: dict[str, Any] | None) -> list[tuple[str, str]]:
    if comparison is None:
        return []
    words = f"{comparison['better']} scenes better, {comparison['worse']} worse, {comparison['same']} alike"
    before, now = comparison["fwiou"]
    if before is not None and now is not None:
        words += f"; FWIoU {now - before:+.4f}"
    if comparison["seconds"] and comparison["seconds"][0]:
        words += f"; {comparison['seconds'][1] / comparison['seconds'][0]:.2f} x the seconds"
    return [("last time", words)]


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
