"""Which Python and which packages a submission runs with, asked of the image itself, not of any lock."""

from __future__ import annotations

import json
import platform
import uuid
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

from infer.errors import UsageError
from train_offline.judging.run.container import Image, docker
from train_offline.judging.run.flags import NOBODY

SHOWN = (
    "torch", "torchvision", "onnxruntime", "openvino", "nvidia-dali-cuda120", "segmentation-models-pytorch",
    "timm", "numpy", "opencv-python-headless", "pillow", "tifffile", "imagecodecs", "safetensors",
)  # fmt: skip
PATIENCE = 60  # seconds
# Runs in the image, with nothing but its Python's own library.
_LOOK = """
import importlib.metadata, json, pathlib, platform, re
python = [(d.metadata["Name"], d.version) for d in importlib.metadata.distributions()]
status = pathlib.Path("/var/lib/dpkg/status")
entries = status.read_text() if status.exists() else ""
debian = re.findall(r"^Package: (.+)$(?:\\n.+)*?\\nVersion: (.+)$", entries, re.M)
print(json.dumps({"python": platform.python_version(), "pypi": sorted(set(python)), "deb": debian}))
"""
_OFFLINE = (
    "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
    "--user", f"{NOBODY}:{NOBODY}", "--memory", "1g", "--pids-limit", "64", "--entrypoint", "python",
)  # fmt: skip


@dataclass(frozen=True)
class Software:
    """What a job runs with. packages: versions by name, those of SHOWN that are installed."""

    python: str
    packages: dict[str, str]


def look_into(image: str) -> dict[str, Any]:
    """Return the image's `python`, and lists of (name, version) of its `pypi` and `deb` packages.

    Raises UsageError where it has no Python that answers.
    """
    name = f"sea-ice-look-{uuid.uuid4().hex[:12]}"
    try:
        listed = docker("run", "--name", name, *_OFFLINE, image, "-c", _LOOK, timeout=PATIENCE)
    except UsageError:
        docker("rm", "--force", name)  # the client was stopped, which does not stop the container
        raise
    if listed.returncode:
        raise UsageError(f"{image}: cannot list its packages: {listed.stderr.strip()[-200:]}")
    found: dict[str, Any] = json.loads(listed.stdout)
    return found


def software_of(image: Image | None) -> Software | None:
    """Return that of an image of ours, or of this machine for a plain process; None where it is not known.

    A stranger's image is not asked: nothing says that it has a Python, nor that its job is written in it.
    """
    if image is None:
        installed = {d.metadata["Name"]: d.version for d in distributions()}
        return _shown(platform.python_version(), installed)
    if not image.ours:
        return None
    try:
        found = look_into(image.name)
        return _shown(str(found["python"]), dict(found["pypi"]))
    except (UsageError, ValueError, KeyError, TypeError):  # a stranger's image may call itself ours
        return None


def _shown(python: str, installed: dict[str, str]) -> Software:
    """Keep those of SHOWN; names are compared as the packages' index does, without regard to case."""
    known = {str(name).lower(): str(version) for name, version in installed.items()}
    return Software(python, {name: known[name] for name in SHOWN if name in known})
