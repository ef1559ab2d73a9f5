"""The report of a dry run in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.helpers.judging.judged import judge, make_data
from tests.helpers.support import random_rgb, write_tiff

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium (Debian, Ubuntu: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


def brown_land_and_blue_water() -> np.ndarray:
    """uint8 [60, 80, 3] RGB; tests/helpers/judging/submission.py takes the land, the left half, for ice."""
    image = np.empty((60, 80, 3), np.uint8)
    image[:, :40], image[:, 40:] = (205, 140, 80), (20, 60, 120)
    return image


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a second run, with a wrong mask, a scene without truth and of a hostile name, one without
    ice."""
    folder = tmp_path_factory.mktemp("report")
    data = make_data(folder / "data")
    write_tiff(data / "image" / "water.tif", brown_land_and_blue_water())
    Image.new("L", (80, 60)).save(data / "gt" / "water.png")
    write_tiff(data / "image" / "</script><b>.tif".replace("/", ":"), random_rgb(40, 48, 8))
    judge(data, folder / "r")
    judge(data, folder / "r", "values")
    return folder / "r" / "report.html"


@pytest.fixture(params=[(1440, "light"), (500, "light"), (390, "dark")])
def page(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else
            complaints.append(request.url))  # fmt: skip
    page.goto(report.as_uri())
    yield page
    assert complaints == []
    page.close()
