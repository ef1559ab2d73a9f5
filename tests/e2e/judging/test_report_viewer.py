"""report.html in a real browser: its pictures, the zoom into them, and the keyboard."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.helpers.judging.judged import SIZES
from tests.helpers.judging.report_page import names


def test_false_ice_stands_out_on_brown_land_and_is_no_water(page: Page) -> None:
    page.locator("tr[data-scene='water']").click()
    colours = {}
    for mode in ("image", "errors"):
        page.locator(f"[value={mode}]").check()
        shown = Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB")
        middle = shown.height // 2
        colours[mode] = [np.array(shown.getpixel((shown.width * x // 4, middle)), int) for x in (1, 3)]
    (land, water), (marked, still_water) = colours["image"], colours["errors"]
    assert np.abs(marked - land).max() > 80
    assert np.abs(marked - water).max() > 80
    assert np.abs(still_water - water).max() < 8


def corner_and_scale(page: Page) -> list[float]:
    """[a, e, f] of the picture's transformation: magnification, and where its corner lies."""
    matrix = page.eval_on_selector(
        ".pane", "pane => new DOMMatrix(getComputedStyle(pane).transform).toJSON()"
    )
    return [matrix["a"], matrix["e"], matrix["f"]]


def test_a_picture_can_be_zoomed_and_moved(page: Page) -> None:
    page.locator("tr[data-scene='s.0']").click()
    assert corner_and_scale(page) == [1, 0, 0]
    assert page.get_by_role("button", name="zoom out").is_disabled()
    page.get_by_role("button", name="zoom in").click()
    page.keyboard.press("+")
    by, x, y = corner_and_scale(page)
    assert by == pytest.approx(2.25)
    assert x < 0
    assert y < 0
    page.keyboard.press("-")
    assert corner_and_scale(page)[0] == pytest.approx(1.5)
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.wheel(0, -400)
    page.wait_for_function("zoom.by > 2")
    _, x, y = corner_and_scale(page)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4 - 20, box["y"] + box["height"] / 4 - 10)
    page.mouse.up()
    assert corner_and_scale(page)[1:] == pytest.approx([x - 20, y - 10])
    page.locator("#stage").focus()
    page.keyboard.press("ArrowRight")
    assert corner_and_scale(page)[1] < x - 20
    assert page.locator("#name").inner_text() == "s.0"
    page.keyboard.press("0")
    assert corner_and_scale(page) == [1, 0, 0]


def test_two_fingers_zoom(page: Page) -> None:
    page.locator("tr[data-scene='s.0']").click()
    page.locator("#stage").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen = page.context.new_cdp_session(page)
    for kind, apart in (("Start", 20), ("Move", 30), ("Move", 40), ("End", 0)):
        points = [{"x": middle + side * apart, "y": y, "id": side + 1} for side in (-1, 1)] if apart else []
        screen.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    by, x, _ = corner_and_scale(page)
    assert by == pytest.approx(2, rel=0.1)
    assert x == pytest.approx(-box["width"] / 2, rel=0.1), "what is between the fingers stays there"


def test_a_zoom_ends_where_pixels_are_large_and_with_the_next_scene(page: Page) -> None:
    page.locator("tr[data-scene='s.2']").click()
    for _ in range(20):
        page.keyboard.press("+")
    stage = page.locator("#stage")
    assert corner_and_scale(page)[0] * stage.evaluate("it => it.clientWidth") == pytest.approx(
        16 * SIZES[2][1], rel=1e-3
    )
    assert page.get_by_role("button", name="zoom in").is_disabled()
    assert page.locator(".pane img").evaluate("it => getComputedStyle(it).imageRendering") == "pixelated"
    page.get_by_role("button", name="next scene").click()
    assert corner_and_scale(page)[0] == 1


def test_on_a_narrow_screen_the_picture_is_above_the_table(page: Page) -> None:
    view, table = page.locator(".view").bounding_box(), page.locator("#table").bounding_box()
    narrow = page.viewport_size["width"] <= 900
    assert (view["y"] + view["height"] <= table["y"]) == narrow
    assert page.locator("th", has_text="pixels").is_visible() != (page.viewport_size["width"] <= 620)


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
        "errors": {"hit", "false", "missed", "outline"},
    }
    colours = page.evaluate(
        "[...document.querySelectorAll('#stage i')].map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 3  # an outline has the colour of what it is around
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
    assert len(names(page)) == 5
    page.locator("tr[data-scene='s.2']").focus()
    assert page.locator("#name").inner_text() == "s.2"
