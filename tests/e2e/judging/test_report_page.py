"""report.html in a real browser: what it says, and its table."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page

from tests.helpers.judging.report_page import names
from train_offline.judging.measure.timeline import WORDS
from train_offline.judging.report.checks import CHECKS
from train_offline.judging.report.page.page import page as page_of


def test_the_verdict_the_finding_and_the_seconds_are_there(page: Page) -> None:
    assert page.locator("h1").inner_text().startswith("FAILED: 1 finding")
    assert "holds 1 beside 0 and 255" in page.locator(".findings tbody").inner_text()
    assert page.locator(".fall i").count() >= 1
    assert "Against the last run" in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_was_checked_is_a_list_with_the_failed_one_marked(page: Page) -> None:
    checks = page.locator(".checks li").all_inner_texts()
    assert len(checks) == len([check for check in CHECKS if not check.variant])
    assert [check for check in checks if "failed" in check] == ["✗values failed: each pixel must be 0 or 255"]
    assert [check for check in checks if "not checked" in check] == [
        "–time not checked: it must end within the time limit: no limit was given"  # noqa: RUF001
    ]


def test_the_seconds_have_an_axis_words_and_a_sum(page: Page) -> None:
    ticks = page.locator(".fall .axis span").all_inner_texts()
    assert ticks[0] == "0"
    assert ticks[-1].endswith(" s")
    assert WORDS["job"] in page.locator(".fall").inner_text()
    total, wall = page.locator(".fall li:not([aria-hidden]) > .n").all_inner_texts()[-2:]
    assert total == wall


def test_a_plain_process_has_no_limit_of_memory(page: Page) -> None:
    assert page.locator(".curve .limit").count() == 0
    assert "of this machine, which a plain process uses" in page.locator(".facts").inner_text()


def test_a_scene_without_true_ice_has_no_scores(page: Page) -> None:
    row = page.locator("tr[data-scene='water']")
    assert "no ice in truth, 2,400 px false" in row.inner_text()
    assert not [text for text in row.locator("td:not(.wide)").all_inner_texts() if "0.0000" in text]
    row.click()
    assert (
        page.locator("#facts").inner_text().startswith("no ice in truth, 2,400 px false, ice in the mask 50")
    )


def test_further_runs_are_named_with_what_to_type(report: Path) -> None:
    content = json.loads(report.with_name("report.json").read_text())
    further = {"name": "hard", "passed": False, "seconds": 1.25, "command": "docker run --memory 1g <image>"}
    assert "hard: failed" not in page_of(content, {})
    made = page_of({**content, "variants": [further]}, {})
    assert "hard: failed" in made
    assert "docker run --memory 1g &lt;image&gt;" in made


def test_the_table_sorts_both_ways(page: Page) -> None:
    page.get_by_role("button", name="ice said").click()
    upwards = names(page)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("ice said")
    page.get_by_role("button", name="ice said").click()
    assert names(page) == upwards[::-1]
    page.get_by_role("button", name="scene", exact=True).click()
    assert names(page)[-4:] == ["s.0.tif", "s.1.tif", "s.2.tif", "water.tif"]


def test_a_scene_without_a_score_comes_last_either_way(page: Page) -> None:
    for _ in range(2):
        page.get_by_role("button", name="FWIoU").click()
        assert "script" in names(page)[-1]


def test_the_table_filters(page: Page) -> None:
    page.locator("#find").fill("s.2")
    assert names(page) == ["s.2.tif"]
    assert page.locator("#count").inner_text() == "1 of 5"
    page.locator("#find").fill("")
    page.locator("#which").select_option("finding")
    assert names(page) == ["s.0.tif"]


def test_it_prints(page: Page) -> None:
    page.emulate_media(media="print")
    assert not page.locator(".tools").first.is_visible()
    assert page.locator("#table").is_visible()
    assert page.locator("#stage img").is_visible()
