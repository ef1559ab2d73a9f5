"""What an image holds, as a software bill of materials in CycloneDX's form (ECMA-424).

The packages of Python and Debian are asked of the image itself, not of the lock: they are what will run.
"""

from __future__ import annotations

from pathlib import Path

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from train_offline.judging.report.packages import look_into
from train_offline.judging.run.container import find_image


def write_sbom(image: str, path: Path, version: str) -> int:
    """Write the image's bill of materials as JSON; returns how many packages it names.

    Raises UsageError where the image has no Python that could be asked.
    """
    found = look_into(image)
    bom = make_bom({kind: found[kind] for kind in ("pypi", "deb")}, version, find_image(image).id)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n")
    return len(bom.components)


def make_bom(packages: dict[str, list[tuple[str, str]]], version: str, image_id: str) -> Bom:
    """Make the bill from a list of (name, version) for each kind of package URL: "pypi", "deb"."""
    bom = Bom()
    digest = HashType(alg=HashAlgorithm.SHA_256, content=image_id.removeprefix("sha256:"))
    bom.metadata.component = Component(
        name="sea-ice-submission", version=version, type=ComponentType.CONTAINER, hashes=[digest]
    )
    bom.metadata.tools.components.add(this_component())
    for kind, listed in packages.items():
        for name, number in listed:
            url = PackageURL(kind, "debian" if kind == "deb" else None, name, number)
            bom.components.add(
                Component(name=name, version=number, purl=url, bom_ref=str(url), type=ComponentType.LIBRARY)
            )
    return bom
