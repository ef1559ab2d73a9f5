from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import Any

import pystac.validation
import pytest
from jsonschema import Draft7Validator
from pystac.extensions.mlm import MLMExtension
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from stac_geoparquet.arrow import stac_table_to_items

from infer.archive.stac.items import ItemFacts, NoItemError, ScenePlace, item_id, mask_item
from infer.archive.stac.table import read_items, write_items
from infer.archive.stac.weights_item import weights_item
from infer.archive.stac.when import taken
from infer.settings import Settings
from tests.helpers.support import REPO, shared

PLANNED = datetime(2026, 1, 1, tzinfo=timezone.utc)
RUN = ItemFacts("s3://out/run/", {"GDAL": "3.9.3"}, "UNet on RGB", PLANNED, model="s3://out/run/weights.json")
SQUARE = {"type": "Polygon", "coordinates": (((120, 38), (121, 38), (121, 39), (120, 39), (120, 38)),)}
PLACE = ScenePlace(SQUARE, (30.0, 0.0, 5e5, 0.0, -30.0, 4e6), "EPSG:32650")
WEIGHTS, CARD = REPO / "weights/seaice.safetensors", REPO / "weights/MODEL_CARD.md"


def entry(key: str = "a/b_20240131T101112.tif", **other: Any) -> dict[str, Any]:
    return {
        "key": key, "etag": "e1", "status": "ok", "error": None, "height": 512, "width": 640, "notes": [],
        "ice_fraction": 0.31, "mask": "masks/3f/a/b.tif", "bytes": 1234, "sha256": "ab" * 32,
        "picture": "pictures/3f/a/b.jpg", "bounds": [120, 38, 121, 39], "ice_m2": 1e6, **other,
    }  # fmt: skip


def items() -> list[pystac.Item]:
    degraded = entry(
        "c_20240131.tif", status="degraded", error="cut", picture=None, ice_fraction=None, ice_m2=None
    )
    no_code = ScenePlace(SQUARE, (30.0, 0.0, 5e5, 0.0, -30.0, 4e6), None, 'PROJCRS["x"]')
    return [
        mask_item(entry(), "s3://in/a/b.tif", RUN, PLACE),
        mask_item(degraded, "s3://in/c.tif", RUN, no_code),
    ]


def test_a_mask_item_holds_where_when_what_and_from_what() -> None:
    item = items()[0]
    assert item.datetime == datetime(2024, 1, 31, 10, 11, 12, tzinfo=timezone.utc)
    assert item.bbox == [120, 38, 121, 39]
    assert item.properties["proj:code"] == "EPSG:32650"
    assert item.properties["proj:shape"] == [512, 640]  # rows first
    mask = item.assets["mask"]
    assert mask.href == "s3://out/run/masks/3f/a/b.tif"
    assert mask.media_type == pystac.MediaType.COG
    assert mask.extra_fields["file:checksum"] == "1220" + "ab" * 32
    values = {one["value"]: one["nodata"] for one in mask.extra_fields["classification:classes"]}
    assert values == {0: False, 255: False, 254: True}
    sources = [link.href for link in item.links if link.rel == "derived_from"]
    assert sources == ["s3://in/a/b.tif", RUN.model]


def all_items() -> list[pystac.Item]:
    return [*items(), weights_item(WEIGHTS, "s3://out/run/seaice.safetensors", CARD)]


def test_items_are_valid_by_the_core_schema_that_pystac_brings() -> None:
    for item in all_items():
        assert pystac.validation.validate_dict(item.to_dict(), extensions=[])
    wrong = {**items()[0].to_dict(), "bbox": "no"}
    with pytest.raises(pystac.STACValidationError):
        pystac.validation.validate_dict(wrong, extensions=[])


def stored(name: str) -> dict[str, Any]:
    return json.loads(shared(f"schemas/stac/{name}.json").read_text())


def retrieved(uri: str) -> Resource:
    """What a schema refers to, from the same folder."""
    return DRAFT7.create_resource(stored("-".join(uri.split("/")[3:5])))


@pytest.mark.parametrize("name", ["projection-v2.0.0", "processing-v1.2.0", "file-v2.1.0", "mlm-v1.4.0"])
def test_items_are_valid_by_the_schemas_of_their_extensions(name: str) -> None:
    """No wheel brings them: they lie in shared/, as <name>-v<version>.json."""
    schema = Draft7Validator(stored(name), registry=Registry(retrieve=retrieved))
    uri = f"https://stac-extensions.github.io/{name.replace('-', '/', 1)}/schema.json"
    judged = [item.to_dict() for item in all_items() if uri in item.stac_extensions]
    assert judged
    assert [error.message for item in judged for error in schema.iter_errors(item)] == []
    assert list(schema.iter_errors({**judged[0], "stac_extensions": []}))


def test_a_table_gives_back_equal_items_and_equal_bytes() -> None:
    table = write_items(items())
    assert [item.to_dict() for item in read_items(table)] == [item.to_dict() for item in items()]
    assert write_items(items()) == table
    with pytest.raises(ValueError, match="no item"):
        write_items([])


def test_other_readers_of_the_table_get_valid_items() -> None:
    import pyarrow
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(pyarrow.BufferReader(write_items(items())))
    for row in stac_table_to_items(rows):
        assert pystac.validation.validate_dict(json.loads(json.dumps(row)), extensions=[])


def test_ids_differ_where_only_folder_or_ending_does_and_never_change() -> None:
    keys = ["a/x.tif", "b/x.tif", "a/x.tiff", "a/x y.tif", "a/x-y.tif"]
    assert len({item_id(key) for key in keys}) == len(keys)
    assert item_id("a/x.tif") == "x-" + hashlib.sha256(b"a/x.tif").hexdigest()[:16]


@pytest.mark.parametrize(
    ("changed", "place", "why"),
    [
        ({"mask": None, "error": "cut"}, PLACE, "cut"),
        ({}, ScenePlace(None), "georeference"),
        ({"key": "scene.tif"}, PLACE, "taken"),
    ],
)
def test_a_scene_without_mask_place_or_time_has_no_item(
    changed: dict[str, Any], place: ScenePlace, why: str
) -> None:
    with pytest.raises(NoItemError, match=why):
        mask_item(entry(**changed), "s3://in/x.tif", RUN, place)


def test_the_bbox_of_a_scene_across_the_antimeridian_begins_in_the_west() -> None:
    east = [[[179, 70], [180, 70], [180, 71], [179, 71], [179, 70]]]
    west = [[[-180, 70], [-178, 70], [-178, 71], [-180, 71], [-180, 70]]]
    place = ScenePlace({"type": "MultiPolygon", "coordinates": [east, west]})
    assert mask_item(entry(), "s3://in/x.tif", RUN, place).bbox == [179, 70, -178, 71]


MODIFIED = datetime(2025, 5, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("name", "tag", "begin", "source"),
    [
        ("S1_20240131T101112Z.tif", "2020:01:01 00:00:00", "2024-01-31T10:11:12", "name"),
        ("x_2024-01-31.tif", None, "2024-01-31T00:00:00", "name"),
        ("MOD02.A2024031.1011.tif", None, "2024-01-31T10:11:00", "name"),
        ("x_20240131_20240202.tif", "2020:01:01 00:00:00", "2020-01-01T00:00:00", "tag"),  # which day?
        ("tile_20481024.tif", None, "2025-05-05T00:00:00", "modified"),  # after the run: no date
        ("tile_20241399.tif", "0000:00:00 00:00:00", "2025-05-05T00:00:00", "modified"),
    ],
)
def test_the_time_of_a_scene(name: str, tag: str | None, begin: str, source: str) -> None:
    time = taken(name, tag, MODIFIED, PLANNED)
    assert time is not None
    assert (time.begin.strftime("%Y-%m-%dT%H:%M:%S"), time.source) == (begin, source)
    assert taken("scene.tif", None, None, PLANNED) is None


def test_the_item_of_the_weights_says_what_they_take_and_give() -> None:
    item = weights_item(WEIGHTS, "s3://out/run/seaice.safetensors", CARD)
    model = MLMExtension.ext(item)
    assert model.total_parameters == pytest.approx(2.30e6, rel=0.01)  # the card's own figure
    scaling = item.properties["mlm:input"][0]["value_scaling"]
    assert scaling == [{"type": "z-score", "mean": 127.5, "stddev": 31.875}] * 3
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert item.assets["weights"].extra_fields["file:checksum"] == "1220" + digest
    assert item.properties["description"].startswith("UNet")
    assert item.properties["mlm:hyperparameters"]["threshold"] == 0.5
    strict = weights_item(WEIGHTS, "s3://x", CARD, Settings(threshold=0.8))
    assert strict.properties["mlm:hyperparameters"]["threshold"] == 0.8


def test_a_card_of_other_weights_describes_nothing(tmp_path: Any) -> None:
    card = tmp_path / "CARD.md"
    card.write_text("# Card\n\nAnother network.\n\nsha256 00")
    assert "description" not in weights_item(WEIGHTS, "s3://x", card).properties
