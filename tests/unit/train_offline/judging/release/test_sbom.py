"""The bill of materials is CycloneDX, by that format's own schema, and names what it was given."""

from __future__ import annotations

import json

from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from train_offline.judging.release.sbom import make_bom

PACKAGES = {"pypi": [("numpy", "2.0.1"), ("torch", "2.10.0")], "deb": [("libc6", "2.36-9+deb12u10")]}


def test_the_bill_is_valid_and_complete() -> None:
    text = JsonV1Dot6(make_bom(PACKAGES, "abc", "sha256:" + "0" * 64)).output_as_string()
    named = {item["purl"] for item in json.loads(text)["components"]}
    assert named == {
        "pkg:pypi/numpy@2.0.1",
        "pkg:pypi/torch@2.10.0",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10",
    }
    assert json.loads(text)["metadata"]["component"]["hashes"][0]["content"] == "0" * 64
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
