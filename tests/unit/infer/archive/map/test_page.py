"""The map in a real browser, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from infer.archive.map.picture import draw_picture
from infer.archive.map.write import MapFacts, write_map

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip
HOSTILE = "</script><img src=x onerror=document.title='owned'>\n\"'\u202egnp.\udc80é.tif"
USUAL = ("ERR_FILE_NOT_FOUND", "willReadFrequently")  # of a missing picture, of a test that asks for pixels
FACTS = MapFacts("2026-01-02T03:04:05", "s3://out/run", HOSTILE)


def entry(key: str, **other: Any) -> dict[str, Any]:
    return {"key": key, "status": "ok", "error": None, "height": 60, "width": 80, "ice_fraction": 0.5,
            "notes": [], "mask": "m.tif", "picture": None, "bounds": [10, 50, 12, 51],
            "ice_m2": 2.5e9} | other  # fmt: skip


ENTRIES = [
    entry("a/plain.tif", picture="pictures/3f/a/plain.jpg", notes=["two bands"]),
    entry("a/across.tif", bounds=[179, 50, -179, 51], ice_fraction=1.0),
    entry("lost.tif", status="failed", error="cut <off>", bounds=[20, 50, 22, 51], ice_fraction=None),
    entry("black.tif", status="degraded", error="cut <off>", bounds=[30, 50, 32, 51], ice_fraction=0.0),
    entry("nowhere.tif", bounds=None, picture="pictures/gone.jpg"),
    entry(HOSTILE, error=HOSTILE, status="failed", notes=[HOSTILE], picture="../" + HOSTILE,
          bounds=[40, 50, 42, 51]),
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium (Debian, Ubuntu: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


def opened(browser: Browser, to: Path, scheme: str = "light", width: int = 1280) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url)
            if not request.url.startswith(("data:", to.parent.as_uri())) else None)  # fmt: skip
    page.goto(to.as_uri())
    page.wait_for_selector("html[data-ready]")
    return page, complaints


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    picture = tmp_path / "pictures/3f/a/plain.jpg"
    picture.parent.mkdir(parents=True)
    rgb = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    picture.write_bytes(draw_picture(rgb, np.full((60, 80), 255, np.uint8)))
    write_map(ENTRIES, 9, tmp_path / "map.html", HOSTILE, FACTS)
    page, complaints = opened(browser, tmp_path / "map.html")
    yield page
    assert [words for words in complaints if not any(usual in words for usual in USUAL)] == []
    page.close()


def pixel(page: Page, lon: float, lat: float) -> list[int]:
    script = """([lon, lat]) => { draw(); const [x, y] = projection.to(lon, lat), f = devicePixelRatio;
        return [...pen.getImageData(sx(x) * f, sy(y) * f, 1, 1).data].slice(0, 3); }"""
    return list(page.evaluate(script, [lon, lat]))


def click(page: Page, lon: float, lat: float) -> None:
    x, y = page.evaluate(
        "([lon, lat]) => { const [x, y] = projection.to(lon, lat); return [sx(x), sy(y)]; }", [lon, lat]
    )
    page.locator("#map").click(position={"x": x, "y": y})


def test_footprints_have_their_colours_where_they_are(page: Page) -> None:
    sea = pixel(page, 60, 55)
    failed, degraded = pixel(page, 21, 50.5), pixel(page, 31.6, 50.3)
    # The usual map of the world, where the scene is cut in two.
    page.evaluate("projections.plate = plateCarree(0); use('plate'); fit(-180, -90, 180, 90, .95)")
    across = [pixel(page, lon, 50.5) for lon in (179.4, -179.4)]
    assert across[0] == across[1] == [233, 248, 255]
    assert len({tuple(colour) for colour in (sea, across[0], failed, degraded)}) == 4


def test_a_click_shows_the_scene_and_its_picture(page: Page) -> None:
    click(page, 11, 50.5)
    page.wait_for_function("document.querySelector('#picture img')?.naturalWidth === 80")
    assert page.locator("#name").inner_text() == "a/plain.tif"
    assert "two bands" in page.locator("#details").inner_text()
    click(page, 21, 50.5)
    assert page.locator("#state").inner_text().endswith("failed: cut <off>")
    assert "No picture" in page.locator("#picture").inner_text()


def test_a_missing_picture_is_said_and_a_scene_without_place_is_in_the_list(page: Page) -> None:
    page.locator("#which").select_option("unplaced")
    page.locator(".row").click()
    page.wait_for_function("document.querySelector('#picture').textContent.includes('not beside this page')")
    assert page.locator("#name").inner_text() == "nowhere.tif"
    assert not page.locator("#show").is_visible()


def test_hostile_names_are_text(page: Page) -> None:
    page.locator("#find").fill("onerror")
    page.locator(".row").click()
    assert "</script><img" in page.locator("#name").inner_text()
    assert "\\u202e" in page.locator("#name").inner_text()
    assert page.locator("img").count() == 0
    assert page.evaluate("document.title") != "owned"
    assert page.evaluate("addressOf(chosen)") is None


def test_keys_choose_on_the_map_and_in_the_list(page: Page) -> None:
    page.locator("#list").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#name").inner_text() == "lost.tif"
    page.evaluate("goTo(0)")
    page.locator("#map").focus()
    before = page.evaluate("view.by")
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    assert page.evaluate("view.by") > before
    assert page.locator("#name").inner_text() == "a/plain.tif"


def test_counts_and_reasons(page: Page) -> None:
    assert page.locator("[data-count]").all_inner_texts() == ["3", "1", "2", "3"]
    assert "7,500 km²" in page.locator("#figures").inner_text()
    assert "cut <off>" in page.locator("#why").inner_text()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390), ("dark", 390)])
def test_dark_and_narrow(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    write_map(ENTRIES, 9, tmp_path / "map.html", "x", FACTS)
    page, complaints = opened(browser, tmp_path / "map.html", scheme, width)
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sums = sum(map(int, page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")))
    assert (sums < 150) == (scheme == "dark")
    page.close()


def test_near_a_pole_it_is_polar_and_clicks_hit(browser: Browser, tmp_path: Path) -> None:
    polar = [entry(f"{lon}.tif", bounds=[lon, 80, lon + 5, 81]) for lon in range(-180, 180, 20)]
    write_map(polar, 18, tmp_path / "map.html", "x", FACTS)
    page, complaints = opened(browser, tmp_path / "map.html")
    assert page.locator("#projection").input_value() == "north"
    click(page, 102.5, 80.5)
    assert page.locator("#name").inner_text() == "100.tif"
    assert complaints == []
    page.close()


def test_a_hundred_thousand_scenes_open(browser: Browser, tmp_path: Path) -> None:
    corners = ((i, i % 360 - 180, i % 121 - 60) for i in range(100_000))
    many = (entry(f"2021/07/scene-{i:06}.tif", bounds=[x, y, x + 0.5, y + 0.5]) for i, x, y in corners)
    write_map(many, 100_000, tmp_path / "map.html", "x", FACTS)
    assert (tmp_path / "map.html").stat().st_size < 15e6
    page, complaints = opened(browser, tmp_path / "map.html")
    assert page.locator("#count").inner_text() == "100,000"
    assert page.locator(".row").count() < 60
    assert complaints == []
    page.close()


def test_a_picture_tints_ice_only() -> None:
    rgb, mask = np.full((100, 200, 3), 200, np.uint8), np.zeros((100, 200), np.uint8)
    mask[:, :100] = 255
    rgb[0, 0], rgb[0, 1] = 0, 255
    valid = np.ones((100, 200), bool)
    valid[:, 180:] = False
    drawn = cv2.imdecode(np.frombuffer(draw_picture(rgb, mask, valid, side=100), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (50, 100, 3)
    ice, water, nothing = (drawn[25, x].astype(int) for x in (20, 70, 96))
    assert ice[0] - ice[2] > 40
    assert abs(water[0] - water[2]) < 8
    assert nothing.max() < 80
    with pytest.raises(ValueError, match="fit together"):
        draw_picture(rgb, mask[1:])
