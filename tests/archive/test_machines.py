"""What runs an archive on many machines: the manifests' own commands make every mask.

They are started as the image starts them, by its run.sh and entry script, with another Python.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.archive.manifests import BATCH, MACHINES, PODS, RAY
from tests.archive.test_ray import RayNodes
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, random_rgb

COUNT = 6
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("machines") / "scenes"
    folder.mkdir()
    for i in range(COUNT):
        write_placed(folder / f"s{i}.tif", random_rgb(128, 128, i), **UTM)
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's /app with this Python, which has its packages elsewhere."""
    app = tmp_path_factory.mktemp("app")
    (app / "infer" / "process").mkdir(parents=True)
    (app / ".image").touch()
    shutil.copy(REPO / "run.sh", app)
    entry = (REPO / "infer" / "process" / "entry.sh").read_text()
    python = app / "python"
    path = os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH"))))
    python.write_text(
        f'#!/bin/bash\nexport PYTHONPATH={path}\n[[ $1 != -I ]] || shift\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    changed = re.sub(r"^PYTHON=.*$", f"PYTHON={python}", entry, flags=re.MULTILINE)
    (app / "infer" / "process" / "entry.sh").write_text(changed)
    return app


@pytest.fixture(scope="module")
def call(image: Path) -> Call:
    def call(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], **variables}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)

    return call


@pytest.fixture(scope="module")
def planned(call: Call, image: Path, scenes: Path) -> Path:
    """A run of units of one scene, planned by the Kubernetes manifest's own command."""
    run = scenes.parent / "planned"
    result = call(
        [*door(image), *here(PODS["plan"]["containers"][0]["args"], scenes, run), "--unit-scenes", "1"]
    )
    assert result.returncode == 0, result.stderr
    return run


@pytest.fixture
def run(planned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned, tmp_path / "run"))


def door(image: Path) -> list[str]:
    return ["bash", "-p", str(image / "run.sh")]  # the image's ENTRYPOINT


def here(command: list[str], scenes: Path, run: Path) -> list[str]:
    """The words of a command with folders for its places, and two machines for its hundred."""
    places = {"s3://BUCKET/SCENES": str(scenes), "s3://BUCKET/RUN": str(run), "auto/100": "auto/2"}
    return [places.get(word, word) for word in command]


def made(run: Path) -> set[str]:
    return {path.name for path in run.glob("masks/*/*")}


EVERY = {f"s{i}.tif" for i in range(COUNT)}


def both(call: Call, command: list[str], run: Path, members: tuple[dict[str, str], dict[str, str]]) -> None:
    """Run a command as two members of an array job, each of which makes its half."""
    for number, variables in enumerate(members):
        result = call(command, **variables)
        assert result.returncode == 0, result.stderr
        assert len(made(run)) == (COUNT // 2) * (number + 1)
    assert made(run) == EVERY


def test_members_of_an_indexed_job(call: Call, image: Path, scenes: Path, run: Path) -> None:
    command = [*door(image), *here(PODS["archive"]["containers"][0]["args"], scenes, run)]
    both(call, command, run, ({"JOB_COMPLETION_INDEX": "0"}, {"JOB_COMPLETION_INDEX": "1"}))


def test_members_of_a_slurm_array(call: Call, image: Path, run: Path) -> None:
    first, second = (
        {"SLURM_ARRAY_TASK_ID": i, "SLURM_ARRAY_TASK_COUNT": "2", "RUN": str(run), "IMAGE": str(image)}
        for i in "01"
    )
    both(call, ["bash", str(MACHINES / "slurm.sh")], run, (first, second))


def test_members_of_an_aws_batch_array(call: Call, image: Path, scenes: Path, run: Path) -> None:
    given = {f"Ref::{name}": value for name, value in BATCH["parameters"].items()}
    words = [given.get(word, word) for word in BATCH["containerProperties"]["command"]]
    command = [*door(image), *here(words, scenes, run)]
    first, second = ({"AWS_BATCH_JOB_ARRAY_INDEX": i, "AWS_BATCH_JOB_ARRAY_SIZE": "2"} for i in "01")
    both(call, command, run, (first, second))


def test_slurm_plans_and_a_wrong_call_ends_with_2(
    call: Call, image: Path, scenes: Path, tmp_path: Path
) -> None:
    slurm = {"IMAGE": str(image), "RUN": str(tmp_path / "run")}
    command = ["bash", str(MACHINES / "slurm.sh")]
    unplanned = call(command, **slurm, SLURM_ARRAY_TASK_ID="0", SLURM_ARRAY_TASK_COUNT="1")
    assert (unplanned.returncode, "plan one first" in unplanned.stderr) == (2, True)
    outside = call(command, **slurm)
    assert (outside.returncode, "no array job" in outside.stderr) == (2, True)
    result = call([*command, "plan", str(scenes)], **slurm)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def ray_head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayNodes]:
    nodes = RayNodes(Path(tmp_path_factory.mktemp("m")))
    yield nodes
    nodes.close()


def test_the_entrypoint_of_a_ray_job(
    call: Call, image: Path, scenes: Path, tmp_path: Path, ray_head: RayNodes
) -> None:
    """On processors: here is no GPU to ask Ray for. KubeRay names the cluster by RAY_ADDRESS."""
    words = here(shlex.split(RAY["entrypoint"]), scenes, tmp_path / "run")
    words[words.index("/app/run.sh")] = str(image / "run.sh")
    words[words.index("--workers") + 1] = "2"
    words[words.index("--gpus-per-worker") + 1] = "0"
    ray = {name: value for name, value in ray_head.environment.items() if name.startswith("RAY_")}
    result = call([*words, "--unit-scenes", "1"], RAY_ADDRESS=ray_head.address, **ray)
    assert result.returncode == 0, result.stderr
    assert made(tmp_path / "run") == EVERY


def variables_passed(image: Path, call: Call, variables: Mapping[str, str]) -> set[str]:
    teller = image / "teller"
    teller.write_text("#!/bin/bash\nexec env\n")
    teller.chmod(0o755)
    entry = image / "infer" / "process" / "entry.sh"
    kept = entry.read_text()
    entry.write_text(re.sub(r"^PYTHON=.*$", f"PYTHON={teller}", kept, flags=re.MULTILINE))
    try:
        lines = call([*door(image), "archive", "run"], **variables).stdout.splitlines()
    finally:
        entry.write_text(kept)
    return {line.partition("=")[0] for line in lines}


def test_the_image_hands_on_what_says_who_and_where_it_is(image: Path, call: Call) -> None:
    wanted = {
        "JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT",
        "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "GOOGLE_SERVICE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME",
        "RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "CUDA_VISIBLE_DEVICES",
    }  # fmt: skip
    passed = variables_passed(image, call, dict.fromkeys((*wanted, "PYTHONPATH", "SECRET"), "1"))
    assert passed >= wanted
    assert not passed & {"PYTHONPATH", "SECRET"}
