"""Planning many scenes and the status of many receipts, each as a whole process.

python -m tests.bench.archive.records [--scenes 1000000] [--receipts 100000]

The scenes are rows of a Parquet list; the receipts, of 64 scenes each, lie in a bucket of SeaweedFS.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet

from infer.archive.record.receipts import commit, receipt_of
from infer.archive.store import open_place
from tests.archive.seaweed import KEY, SECRET, Seaweed
from tests.bench.harness.measure import TimedRun, run

PER_UNIT = 64
THREADS = 32  # that put receipts


def main(argv: list[str] | None = None) -> int:
    """Measure both and print a line for each."""
    parser = argparse.ArgumentParser(prog="records", description=__doc__)
    parser.add_argument("--scenes", type=int, default=1_000_000)
    parser.add_argument("--receipts", type=int, default=100_000)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-records-") as folder:
        scenes = _write_list(Path(folder) / "scenes.parquet", arguments.scenes)
        _tell(f"plan of {arguments.scenes} scenes", _timed("plan", str(scenes), "--output", f"{folder}/run"))
        (Path(folder) / "seaweed").mkdir()
        server = Seaweed(Path(folder) / "seaweed")
        try:
            os.environ |= {
                "AWS_ENDPOINT": f"http://127.0.0.1:{server.port}", "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1",
            }  # fmt: skip
            server.make_bucket("records")
            planned = _write_list(Path(folder) / "units.parquet", arguments.receipts * PER_UNIT)
            _tell("plan of them into the store", _timed("plan", str(planned), "--output", "s3://records/run"))
            _put_receipts("s3://records/run", arguments.receipts)
            _tell(
                f"status of {arguments.receipts} receipts", _timed("status", "--output", "s3://records/run")
            )
        finally:
            server.kill()
    return 0


def _timed(*arguments: str) -> TimedRun:
    return run([sys.executable, "-m", "infer.archive", *arguments], dict(os.environ))


def _tell(what: str, took: TimedRun) -> None:
    load = psutil.getloadavg()[0]
    print(f"{what}: {took.wall:.1f} s, peak {took.peak_rss / 1e6:.0f} MB, load {load:.1f}", flush=True)


def _write_list(path: Path, count: int) -> Path:
    with pyarrow.parquet.ParquetWriter(path, pa.schema([("key", pa.string()), ("size", pa.int64())])) as file:
        for first in range(0, count, 100_000):
            numbers = range(first, min(count, first + 100_000))
            keys = [f"2021/{number // 1000:05d}/HY1C_{number:09d}.tif" for number in numbers]
            file.write_table(pa.table({"key": keys, "size": pa.array([800_000] * len(keys), pa.int64())}))
    return path


def _put_receipts(address: str, count: int) -> None:
    place = open_place(address, 60, print)

    def put(unit: int) -> None:
        keys = (f"2021/{unit:05d}/HY1C_{unit * PER_UNIT + i:09d}.tif" for i in range(PER_UNIT))
        entries = [{"key": key, "status": "ok", "error": None, "sha256": "0" * 64} for key in keys]
        facts = {"unit": unit, "nonce": str(unit), "attempt": 1, "began": 1.7e9 + unit, "seconds": 5.0}
        commit(place, receipt_of(facts, entries))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(put, range(count)))


if __name__ == "__main__":
    sys.exit(main())
