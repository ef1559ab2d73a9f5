"""What the STAC items of a run share, and the item of its weights."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from infer.archive.record.identity import ArchiveRun
from infer.archive.stac.items import ItemFacts
from infer.archive.stac.weights_item import weights_item
from infer.archive.store import Place
from infer.archive.units.extras import STAC
from infer.archive.wire.facts import MapperSettings, made_by
from infer.settings import DEFAULT_NODATA

MODEL, WEIGHTS, CARD = f"{STAC}/weights.json", f"{STAC}/weights.safetensors", "MODEL_CARD.md"


def item_facts(place: Place, run: ArchiveRun) -> ItemFacts:
    """Return what all items of a run share."""
    return ItemFacts(
        root=place.url,
        software={"infer": run.code, "GDAL": run.gdal},
        lineage=f"A network, by {made_by(run.device, run.engine, run.precision)}, "
        f"tiles of {run.tile} pixels, ice above a probability of {run.threshold}",
        planned=datetime.fromtimestamp(run.created, timezone.utc),
        nodata=DEFAULT_NODATA if run.nodata is None else run.nodata,
        model=f"{place.url.rstrip('/')}/{MODEL}",
    )


def put_weights(place: Place, settings: MapperSettings) -> None:
    """Put the weights of a run into its place, and the item that describes them beside them."""
    weights = settings.weights
    href = f"{place.url.rstrip('/')}/{WEIGHTS}"
    item = weights_item(weights, href, weights.with_name(CARD), settings.job())
    place.put(WEIGHTS, weights)
    told = item.to_dict(include_self_link=False, transform_hrefs=False)
    place.put(MODEL, json.dumps(told, indent=1).encode())
