"""report.html: one file that opens from disk, made from the content of report.json and the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from train_offline.judging.report.page.drawings import CURVE, curves, histogram, waterfall

NONE = "\N{EN DASH}"  # stands for a figure that does not exist
TEMPLATES = Path(__file__).resolve().parent / "templates"
SCORES = {  # what each one says, in a line
    "fwiou": "FWIoU|IoU of ice and of background, weighted by their shares of the true pixels",
    "ice_iou": "IoU of ice|pixels that are ice in truth and mask, of those that are in either",
    "ice_f1": "F1 of ice|twice the pixels that are ice in both, of the ice of either added up",
    "accuracy": "accuracy|pixels of the right class, of all pixels",
    "boundary_f1": "boundary F1|how much of the true and the drawn edges lie within 2 pixels of each other",
}


def page(content: dict[str, Any], pictures: dict[str, dict[str, Any]]) -> str:
    """Return the page as text. pictures: by the name of the scene, as pictures.picture gives them."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    templates.filters.update(score=_score, seconds=_seconds, size=_size, signed=_signed, percent=_percent)
    return templates.get_template("dry_run.html").render(
        **content,
        score_words={name: words.split("|") for name, words in SCORES.items()},
        fall=waterfall(content["seconds"]),
        bins=histogram(content["scenes"]),
        curves=curves(content["cost"]),
        curve_size=CURVE,
        worst=[_row(scene, content["comparison"]) for scene in worst_first(content["scenes"])],
        pictures=pictures,
    )


def worst_first(scenes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort scenes: with findings, then degraded ones, then those without a score, then by FWIoU.

    Of a scene without true ice FWIoU is the share of its pixels that are not falsely ice: what it should be
    sorted by.
    """

    def badness(scene: dict[str, Any]) -> tuple[bool, bool, bool, float]:
        fwiou = scene["score"] and scene["score"]["fwiou"]
        return not scene["findings"], scene["status"] != "degraded", fwiou is not None, fwiou or 0.0

    return sorted(scenes, key=badness)


def _row(scene: dict[str, Any], comparison: dict[str, Any] | None) -> dict[str, Any]:
    """Return a scene, and what its row and the viewer say. order: what it is sorted by, None for last."""
    score, ice = scene["score"] or {}, _true_ice(scene)
    change = comparison["scenes"].get(scene["name"], {}).get("fwiou") if comparison else None
    iceless = f"no ice in truth, {scene['confusion'][0][1]:,} px false" if ice == 0 else None
    by = {key: score.get("fwiou" if iceless else key) for key in ("fwiou", "ice_iou", "boundary_f1")}
    told = [iceless or f"FWIoU {_score(by['fwiou'])}, IoU of ice {_score(by['ice_iou'])}"]
    shares = [("true ice", scene["true_ice_fraction"]), ("ice in the mask", scene["ice_fraction"])]
    if iceless:
        shares = shares[1:]
    told += [f"{name} {_percent(share)}" for name, share in shares if share is not None]
    told += [f"{scene['status']}: {scene['error']}"] if scene["error"] else []
    return {
        **scene,
        "iceless": iceless,
        "change": change,
        "told": ", ".join(told),
        "is": " ".join(_classes(scene, ice, change)),
        "order": {
            "scene": scene["name"],
            "pixels": scene["width"] * scene["height"],
            **by,
            "true": scene["true_ice_fraction"],
            "said": scene["ice_fraction"],
            "seconds": scene["seconds"],
            "change": change,
            "state": f"{len(scene['findings'])}{scene['status'] or ''}",
        },
    }


def _true_ice(scene: dict[str, Any]) -> int | None:
    """Return its pixels, None where nothing was compared."""
    return sum(scene["confusion"][1]) if scene["confusion"] else None


def _classes(scene: dict[str, Any], ice: int | None, change: float | None) -> list[str]:
    """Return what the table can be filtered by."""
    found = ["finding"] if scene["findings"] else []
    found += [scene["status"]] if scene["status"] == "degraded" else []
    found += [] if ice is None else ["ice" if ice else "noice"]
    return found + ([] if change is None or abs(change) <= 5e-5 else ["better" if change > 0 else "worse"])


def _score(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f} s"


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"


def _size(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"
