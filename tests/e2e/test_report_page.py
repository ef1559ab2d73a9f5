"""report.html in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.judged import judge, make_data
from tests.support import random_rgb, write_tiff

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


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a second run, with a wrong mask, a scene without truth, and one of a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    data = make_data(folder / "data")
    write_tiff(data / "image" / "</script><b>.tif".replace("/", ":"), random_rgb(40, 48, 8))
    judge(data, folder / "r")
    judge(data, folder / "r", "values")
    return folder / "r" / "report.html"


@pytest.fixture(params=[(1440, "light"), (390, "dark")])
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


def names(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "#table tbody tr", "rows => rows.filter(r => !r.hidden).map(r => r.cells[0].textContent.trim())"
    )


def test_the_verdict_the_finding_and_the_seconds_are_there(page: Page) -> None:
    assert page.locator("h1").inner_text().startswith("FAILED: 1 finding")
    assert "holds 1 beside 0 and 255" in page.locator(".findings tbody").inner_text()
    assert page.locator(".fall i").count() >= 1
    assert "Against the last run" in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_table_sorts_both_ways(page: Page) -> None:
    page.get_by_role("button", name="pixels").click()
    upwards = names(page)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("pixels")
    page.get_by_role("button", name="pixels").click()
    assert names(page) == upwards[::-1]
    page.get_by_role("button", name="scene", exact=True).click()
    assert names(page)[-3:] == ["s.0.tif", "s.1.tif", "s.2.tif"]


def test_a_scene_without_a_score_comes_last_either_way(page: Page) -> None:
    for _ in range(2):
        page.get_by_role("button", name="FWIoU").click()
        assert "script" in names(page)[-1]


def test_the_table_filters(page: Page) -> None:
    page.locator("#find").fill("s.2")
    assert names(page) == ["s.2.tif"]
    assert page.locator("#count").inner_text() == "1 of 4"
    page.locator("#find").fill("")
    page.locator("#which").select_option("finding")
    assert names(page) == ["s.0.tif"]


def test_the_picture_shows_what_is_asked_for(page: Page) -> None:
    page.locator("tr[data-scene='s.0']").click()
    assert page.locator("#name").inner_text() == "s.0"
    size = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    assert page.locator("#stage img").evaluate(size) == [96, 64]
    shown = {}
    for mode in ("image", "truth", "mask", "errors"):
        page.locator(f"[value={mode}]").check()
        shown[mode] = {
            one.get_attribute("class") for one in page.locator("#stage i").all() if one.is_visible()
        }
    assert shown == {
        "image": set(),
        "truth": {"hit", "missed"},
        "mask": {"hit", "false"},
        "errors": {"hit", "false", "missed"},
    }
    colours = page.evaluate(
        "[...document.querySelectorAll('#stage i')].map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 3
    before = page.locator("#stage").screenshot()
    page.locator("#cover").fill("5")
    assert page.locator("#stage").screenshot() != before


def test_the_keyboard_does_it_all(page: Page) -> None:
    first = page.locator("#name").inner_text()
    page.keyboard.press("ArrowDown")
    second = page.locator("#name").inner_text()
    assert second != first
    page.keyboard.press("ArrowUp")
    assert page.locator("#name").inner_text() == first
    page.keyboard.press("2")
    assert page.locator("#stage").get_attribute("data-mode") == "truth"
    page.keyboard.press("/")
    page.keyboard.type("s.1")
    assert names(page) == ["s.1.tif"]
    page.keyboard.press("Escape")
    assert len(names(page)) == 4
    page.locator("tr[data-scene='s.2']").focus()
    assert page.locator("#name").inner_text() == "s.2"


def test_it_prints(page: Page) -> None:
    page.emulate_media(media="print")
    assert not page.locator(".tools").first.is_visible()
    assert page.locator("#table").is_visible()
    assert page.locator("#stage img").is_visible()
