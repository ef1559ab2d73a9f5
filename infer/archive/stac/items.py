"""A STAC 1.1 item for each mask: where, when, what its values mean, and what it was made from and by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from infer.archive.stac import packages
from infer.archive.stac.when import Taken, taken
from infer.errors import SceneError

if TYPE_CHECKING:
    import pystac

EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("projection/v2.0.0", "processing/v1.2.0", "classification/v2.0.0", "file/v2.1.0")
)
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
SHA256 = "1220"  # multihash: the code of SHA-256, then 32 bytes
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class NoItemError(SceneError):
    """There is nothing that an item could say of this scene; the reason says what is missing."""


@dataclass(frozen=True)
class ScenePlace:
    """Where a scene lies and when it was taken.

    footprint: GeoJSON (multi)polygon in WGS84, longitude first, cut at the antimeridian. transform: six
    numbers, pixel to CRS, as rasterio's Affine begins. code: such as "EPSG:3413"; wkt2: where the CRS has
    no code. tag: TIFFTAG_DATETIME. modified: when the object was last changed, with a time zone.
    """

    footprint: Mapping[str, Any] | None
    transform: tuple[float, ...] | None = None
    code: str | None = None
    wkt2: str | None = None
    bounds: tuple[float, float, float, float] | None = None  # in the CRS
    tag: str | None = None
    modified: datetime | None = None


@dataclass(frozen=True)
class ItemFacts:
    """What all items of a run share.

    root: URL of the run's folder. software: versions by name. lineage: how the masks were made, in words.
    planned: when the run was planned, with a time zone; no scene is later. nodata: a mask's value for pixels
    without data. model: URL of the weights' item.
    """

    root: str
    software: Mapping[str, str]
    lineage: str
    planned: datetime
    nodata: int = 254
    model: str | None = None


def item_id(key: str) -> str:
    """Return the id of a scene's item: readable by its begin, unique by its end, the same in every run."""
    stem = _UNSAFE.sub("-", PurePosixPath(key).stem)[:80].strip("-.") or "scene"
    return f"{stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def mask_item(entry: Mapping[str, Any], source_url: str, run: ItemFacts, place: ScenePlace) -> pystac.Item:
    """Return the item of a mask.

    entry: of the unit's receipt. Raises NoItemError where there is no mask, no place on the earth or no time,
    UsageError without pystac.
    """
    stac = packages.pystac()
    if not entry["mask"]:
        raise NoItemError(f"no item: there is no mask ({entry['error']})")
    if not place.footprint:
        raise NoItemError("no item: the scene has no georeference")
    time = taken(PurePosixPath(entry["key"]).name, place.tag, place.modified, run.planned)
    if time is None:
        raise NoItemError("no item: neither name, tag DateTime nor store says when the scene was taken")
    item = stac.Item(
        id=item_id(entry["key"]),
        geometry=_plain(place.footprint),
        bbox=_bbox(place.footprint),
        datetime=time.begin if time.begin == time.end else None,
        start_datetime=time.begin,  # always: a table has null instead of nothing, which STAC forbids
        end_datetime=time.end,
        properties=_properties(entry, run, place, time),
        stac_extensions=list(EXTENSIONS),
    )
    item.add_asset("mask", _mask_asset(stac, entry, run))
    if entry["picture"]:
        picture = stac.Asset(_under(run.root, entry["picture"]), "Overview", None, "image/jpeg", ["overview"])
        item.add_asset("overview", picture)
    item.add_link(stac.Link("derived_from", source_url, "image/tiff", "The scene"))
    if run.model:
        item.add_link(stac.Link("derived_from", run.model, "application/geo+json", "The weights"))
    return item  # type: ignore[no-any-return]


def _properties(entry: Mapping[str, Any], run: ItemFacts, place: ScenePlace, time: Taken) -> dict[str, Any]:
    """Return what the item says of the scene; what is not known is left out, never null."""
    known = {
        "proj:code": place.code,
        "proj:wkt2": None if place.code else place.wkt2,
        "proj:shape": [entry["height"], entry["width"]] if entry["height"] and entry["width"] else None,
        "proj:transform": [float(number) for number in place.transform] if place.transform else None,
        "proj:bbox": [float(number) for number in place.bounds] if place.bounds else None,
        "processing:software": dict(run.software),
        "processing:lineage": run.lineage,
        "seaice:status": entry["status"],
        "seaice:error": entry["error"],
        "seaice:ice_fraction": entry["ice_fraction"],
        "seaice:ice_m2": entry["ice_m2"],
        "seaice:datetime_source": time.source,
        "seaice:key": entry["key"],
        "seaice:etag": entry["etag"],
    }
    return {name: value for name, value in known.items() if value is not None}


def _mask_asset(stac: Any, entry: Mapping[str, Any], run: ItemFacts) -> pystac.Asset:
    fields = {
        "file:size": entry["bytes"],
        "file:checksum": SHA256 + entry["sha256"],
        "data_type": "uint8",
        "nodata": run.nodata,
        "classification:classes": classes(run.nodata),
    }
    href = _under(run.root, entry["mask"])
    return stac.Asset(href, "Sea ice mask", None, COG, ["data"], fields)  # type: ignore[no-any-return]


def classes(nodata: int) -> list[dict[str, Any]]:
    """Return what the values of a mask mean, as classification:classes."""
    return [
        {"value": 0, "name": "background", "description": "No sea ice: water, land, clouds", "nodata": False},
        {"value": 255, "name": "sea-ice", "description": "Sea ice", "nodata": False},
        {"value": nodata, "name": "no-data", "description": "No data in the scene", "nodata": True},
    ]


def _under(root: str, path: str) -> str:
    return f"{root.rstrip('/')}/{path}"


def _plain(shape: Mapping[str, Any]) -> dict[str, Any]:
    """GeoJSON with lists, where shapely gives tuples: what comes back from a table is equal then."""
    return {"type": shape["type"], "coordinates": _listed(shape["coordinates"])}


def _listed(numbers: Any) -> Any:
    return [_listed(one) for one in numbers] if isinstance(numbers, list | tuple) else float(numbers)


def _bbox(shape: Mapping[str, Any]) -> list[float]:
    """Return west, south, east, north; west is above east across the antimeridian (RFC 7946)."""
    parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    rings = [part[0] for part in parts]
    south, north = (limit(point[1] for ring in rings for point in ring) for limit in (min, max))
    spans = [(min(point[0] for point in ring), max(point[0] for point in ring)) for ring in rings]
    east_of, west_of = [s for s in spans if s[1] == 180], [s for s in spans if s[0] == -180]
    both = any(span not in west_of for span in east_of) and len(east_of) + len(west_of) == len(spans)
    if both and any(span not in east_of for span in west_of):
        west, east = min(span[0] for span in east_of), max(span[1] for span in west_of)
    else:
        west, east = min(span[0] for span in spans), max(span[1] for span in spans)
    return [float(number) for number in (west, south, east, north)]
