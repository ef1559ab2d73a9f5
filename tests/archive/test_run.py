"""A run on a real store that fails in every way, by drivers that are killed: each mask, and the right one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from infer.archive.objects.place import Place
from infer.archive.record.receipts import read_receipts
from infer.archive.store import open_place
from infer.archive.units.unit import mask_key
from tests.archive.proxy import Faults, FaultyProxy
from tests.archive.whole import check
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import REPO, random_rgb, run_infer

StoreUrl = Callable[[str], str]
COUNT, SIDE = 24, 320  # over two megapixels: there the plain job chooses the engine that the archive does


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for i in range(COUNT):
        write_placed(folder / f"s{i:02d}.tif", random_rgb(SIDE, SIDE, i), **UTM)
    return folder


@pytest.fixture(scope="module")
def plain(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("masks")
    result = run_infer("--input", scenes, "--output", out, "--format", "geotiff", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    return {mask_key(f"{path.stem}.tif", ".tif"): path.read_bytes() for path in out.iterdir()}


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infer.archive", *arguments]
    return subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, stderr = process.communicate(timeout=300)
    return process.returncode, stderr


def filled(url: str, scenes: Path) -> Place:
    place = open_place(url, 60, print)
    for path in scenes.iterdir():
        place.put(path.name, path)
    return place


def wait_for_a_receipt(run: Place) -> None:
    deadline = time.monotonic() + 120
    while not list(run.list_names("receipts")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_drivers_at_once_through_faults_of_which_one_is_killed(
    store_url: StoreUrl, faults: Faults, scenes: Path, plain: dict[str, bytes]
) -> None:
    bucket = store_url("drivers")
    filled(f"{bucket}/in", scenes)
    run = open_place(f"{bucket}/run", 60, print)
    faults.usual()
    code, stderr = ended(start("plan", f"{bucket}/in", "--output", f"{bucket}/run", "--unit-scenes", "3"))
    assert code == 0, stderr
    drivers = [start("run", "--output", f"{bucket}/run") for _ in range(2)]
    wait_for_a_receipt(run)
    drivers[0].kill()
    ended(drivers[0])
    code, stderr = ended(drivers[1])
    assert code == 0, stderr
    code, stderr = ended(start("run", "--output", f"{bucket}/run"))  # what the killed one had in hand
    assert code == 0, stderr
    faults.none()
    check(run, (f"s{i:02d}.tif" for i in range(COUNT)), plain)
    status = subprocess.run(
        [sys.executable, "-m", "infer.archive", "status", "--json", "--output", f"{bucket}/run"],
        cwd=REPO, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert status.returncode == 0, status.stderr
    facts = json.loads(status.stdout)
    assert (facts["ok"], facts["degraded"], facts["units_done"]) == (COUNT, 0, COUNT // 3)


def test_a_list_in_the_store_names_the_scenes(store_url: StoreUrl, scenes: Path, tmp_path: Path) -> None:
    bucket = store_url("lists")
    place = filled(f"{bucket}/in", scenes)
    pyarrow.parquet.write_table(pyarrow.table({"key": ["s00.tif", "s03.tif"]}), tmp_path / "l.parquet")
    place.put("l.parquet", tmp_path / "l.parquet")
    code, stderr = ended(start("run", f"{bucket}/in/l.parquet", "--output", f"{bucket}/run"))
    assert code == 0, stderr
    run = open_place(f"{bucket}/run", 60, print)
    keys = [entry["key"] for receipt in read_receipts(run) for entry in receipt["scenes"]]
    assert keys == ["s00.tif", "s03.tif"]
    code, stderr = ended(start("run", f"{bucket}/in/no.parquet", "--output", f"{bucket}/run"))
    assert (code, len(stderr.splitlines())) == (2, 1), stderr
    assert "no list" in stderr


def test_a_store_that_goes_and_comes_back_only_costs_time(
    store_url: StoreUrl, proxy: FaultyProxy, scenes: Path, plain: dict[str, bytes]
) -> None:
    bucket = store_url("pause")
    filled(f"{bucket}/in", scenes)
    run = open_place(f"{bucket}/run", 60, print)
    driver = start("run", f"{bucket}/in", "--output", f"{bucket}/run", "--unit-scenes", "2")
    wait_for_a_receipt(run)
    proxy.die()
    time.sleep(4)
    proxy.revive()
    code, stderr = ended(driver)
    assert code == 0, stderr
    check(run, (f"s{i:02d}.tif" for i in range(COUNT)), plain)


def test_a_store_that_stays_down_is_one_line_with_what_to_do(
    store_url: StoreUrl, proxy: FaultyProxy, scenes: Path
) -> None:
    bucket = store_url("down")
    filled(f"{bucket}/in", scenes)
    run = open_place(f"{bucket}/run", 60, print)
    places = (f"{bucket}/in", "--output", f"{bucket}/run")
    driver = start("run", *places, "--unit-scenes", "1", "--store-timeout", "3")
    wait_for_a_receipt(run)
    proxy.die()
    code, stderr = ended(driver)
    proxy.revive()
    assert code == 7, stderr
    assert stderr.splitlines()[-1].startswith("archive: ")
    assert "Traceback" not in stderr


def test_a_wrong_secret_and_a_missing_bucket_are_one_line(
    store_url: StoreUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = store_url("wrong")
    code, stderr = ended(start("run", "s3://no-such-bucket-here/in", "--output", f"{bucket}/run"))
    assert (code, len(stderr.splitlines())) == (2, 1), stderr
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    code, stderr = ended(start("run", f"{bucket}/in", "--output", f"{bucket}/run"))
    assert (code, len(stderr.splitlines())) == (2, 1), stderr
    assert "another" not in stderr
