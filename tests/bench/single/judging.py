"""What judging costs beside the job that it judges: python -m tests.bench.single.judging [WORK_DIR]

200 drawn scenes in the challenge's proportions, one dry run; prints the seconds of the job and of all the
rest, the judge's own peak memory, the size of the report, and how long Chromium takes to open it.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.harness.scenarios import make
from train_offline.judging.dry_run import dry_run
from train_offline.judging.settings import DryRunSettings


def seconds_to_open(report: Path) -> float | None:
    """Median of three, from the navigation to the first scene on the screen; None: no browser."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        return None
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(3):
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(report.as_uri())
            page.wait_for_function("document.querySelector('#stage img')?.complete")
            seconds.append(time.perf_counter() - began)
            page.close()
        browser.close()
    return sorted(seconds)[1]


def main(work: Path) -> int:
    data, report_dir = make("many", work), work / "report"
    began = time.perf_counter()
    code = dry_run(DryRunSettings(data=data, report_dir=report_dir))
    whole = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    job = json.loads((report_dir / "report.json").read_text())["seconds"]["wall"]["median"]
    page = report_dir / "report.html"
    opened = seconds_to_open(page)
    print(f"job     {job:7.2f} s")
    print(f"judge   {whole - job:7.2f} s  ({(whole - job) / job:.2f} of the job)  {memory / 1e6:.0f} MB")
    print(f"page    {page.stat().st_size / 1e6:7.2f} MB" + (f"  opens in {opened:.2f} s" if opened else ""))
    return code


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(Path(folder)))
