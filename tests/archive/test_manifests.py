"""What runs an archive on many machines: manifests are well-formed, careful, and agree with themselves."""

from __future__ import annotations

import re
import shlex

import pytest

from infer.archive.verbs.arguments import parse
from tests.archive.manifests import ARCHIVE, BATCH, MACHINES, PLAN, PODS, RAY
from tests.helpers.support import REPO

KUBERNETES = "1.37"


def test_kubernetes_has_nothing_against_them() -> None:
    schemas = pytest.importorskip("kubernetes_validate")
    for job in (PLAN, ARCHIVE):
        schemas.validate(job, KUBERNETES, strict=True)
    for name, pod in PODS.items():
        found = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod}
        schemas.validate(found, KUBERNETES, strict=True)
    with pytest.raises(schemas.ValidationError):
        schemas.validate({**ARCHIVE, "spec": {**ARCHIVE["spec"], "completion": 1}}, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_no_secrets(name: str) -> None:
    pod = PODS[name]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    (mount,), (volume,) = container["volumeMounts"], pod["volumes"]
    assert (mount["mountPath"], mount["name"]) == ("/tmp", volume["name"])
    assert "emptyDir" in volume
    assert "env" not in container


def test_disruptions_do_not_count_and_wrong_calls_are_not_tried_again() -> None:
    for job, given_up, codes in ((PLAN, "FailJob", {2}), (ARCHIVE, "FailIndex", {2, 4})):
        spec = job["spec"]
        codes_rule, disruption = spec["podFailurePolicy"]["rules"]
        assert (codes_rule["action"], set(codes_rule["onExitCodes"]["values"])) == (given_up, codes)
        (container,) = spec["template"]["spec"]["containers"]
        assert codes_rule["onExitCodes"]["containerName"] == container["name"]
        assert (disruption["action"], disruption["onPodConditions"][0]["type"]) == (
            "Ignore",
            "DisruptionTarget",
        )
        assert spec["template"]["spec"]["restartPolicy"] == "Never"  # the policy is heeded only then
        assert spec["ttlSecondsAfterFinished"]
    assert RAY["backoffLimit"] == 0
    exits = BATCH["retryStrategy"]["evaluateOnExit"]
    assert [(one.get("onExitCode"), one["action"]) for one in exits] == [
        ("2", "EXIT"), ("4", "EXIT"), (None, "RETRY"),
    ]  # fmt: skip


def test_numbers_that_stand_twice_agree() -> None:
    spec, group = ARCHIVE["spec"], RAY["rayClusterSpec"]["workerGroupSpecs"][0]
    (container,) = spec["template"]["spec"]["containers"]
    assert f"auto/{spec['completions']}" in container["args"]
    assert group["replicas"] == group["minReplicas"] == group["maxReplicas"]
    words = shlex.split(RAY["entrypoint"])
    assert words[words.index("--workers") + 1] == str(group["replicas"])


def test_ray_is_the_version_of_the_lock() -> None:
    locked = re.search(r"^ray==(\S+)", (REPO / "requirements-archive.lock").read_text(), re.MULTILINE)
    assert locked
    assert RAY["rayClusterSpec"]["rayVersion"] == locked[1]


@pytest.mark.parametrize("name", ["indexed_job.yaml", "ray_job.yaml", "aws_batch.yaml", "slurm.sh"])
def test_commands_in_comments_are_ones(name: str) -> None:
    """What a user copies first: "archive plan ...", wherever it stands."""
    text = (MACHINES / name).read_text()
    assert "CHANGE" in text
    for called in re.findall(r'\["archive", (.*?)\]', text):
        assert parse([word.strip('" ') for word in called.split(",")]).own.verb == "plan"
