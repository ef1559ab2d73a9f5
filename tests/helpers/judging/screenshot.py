"""Photographs a report for the README: python -m tests.helpers.judging.screenshot [REPORT_HTML] [PNG]

The README's own is of the embedded split: ./run.sh dry-run, then this.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.helpers.support import REPO

WIDTH, HEIGHT = 1360, 2130  # pixels
COLOURS = 256  # of a palette: a third of the bytes; an octree keeps colours that few pixels have


def photograph(report: Path, picture: Path) -> None:
    """The top of the page as a narrow screen's worth of PNG."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser_path:
        raise SystemExit("screenshot: no Chromium (Debian, Ubuntu: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.wait_for_function("document.querySelector('#stage img')?.complete")
        page.keyboard.press("ArrowDown")
        page.wait_for_function("document.querySelector('#stage img')?.complete")
        page.screenshot(path=picture)
        browser.close()
    photo = Image.open(picture).convert("RGB")
    photo.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(picture, optimize=True)


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    defaults = [REPO / "runs" / "dry-run" / "report.html", REPO / "tests" / "report.png"]
    photograph(*(given + defaults[len(given) :]))
