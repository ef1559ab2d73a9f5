"""What an image holds, as a software bill of materials in CycloneDX's form (ECMA-424).

The packages of Python and Debian are asked of the image itself, not of the lock: they are what will run.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from infer.settings import UsageError
from train_offline.judging.container import find_image

# Runs in the image, with nothing but its Python's own library.
_LOOK = """
import importlib.metadata, json, pathlib, re
python = [(d.metadata["Name"], d.version) for d in importlib.metadata.distributions()]
status = pathlib.Path("/var/lib/dpkg/status")
entries = status.read_text() if status.exists() else ""
debian = re.findall(r"^Package: (.+)$(?:\\n.+)*?\\nVersion: (.+)$", entries, re.M)
print(json.dumps({"pypi": sorted(set(python)), "deb": debian}))
"""
_OFFLINE = ("--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--entrypoint", "python")


def write_sbom(image: str, path: Path, version: str) -> int:
    """Write the image's bill of materials as JSON; returns how many packages it names.

    Raises UsageError where the image has no Python that could be asked.
    """
    listed = subprocess.run(["docker", "run", *_OFFLINE, image, "-c", _LOOK], capture_output=True, text=True)
    if listed.returncode:
        raise UsageError(f"{image}: cannot list its packages: {listed.stderr.strip()[-200:]}")
    bom = make_bom(json.loads(listed.stdout), version, find_image(image).id)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n")
    return len(bom.components)


def make_bom(packages: dict[str, list[tuple[str, str]]], version: str, image_id: str) -> Bom:
    """The bill of a list of (name, version) for each kind of package URL: "pypi", "deb"."""
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
