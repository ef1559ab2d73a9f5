"""The manifests of infer/archive/machines, read."""

from __future__ import annotations

from typing import Any

import yaml

from tests.helpers.support import REPO

MACHINES = REPO / "infer" / "archive" / "machines"


def _read(name: str) -> Any:
    return yaml.safe_load((MACHINES / name).read_text())


PLAN, ARCHIVE = _read("indexed_job.yaml")["items"]
RAY = _read("ray_job.yaml")["spec"]
BATCH = _read("aws_batch.yaml")
PODS = {
    "plan": PLAN["spec"]["template"]["spec"],
    "archive": ARCHIVE["spec"]["template"]["spec"],
    "head": RAY["rayClusterSpec"]["headGroupSpec"]["template"]["spec"],
    "worker": RAY["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["spec"],
    "submitter": RAY["submitterPodTemplate"]["spec"],
}
