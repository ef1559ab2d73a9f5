"""What the tests of the report in a browser share."""

from __future__ import annotations

from playwright.sync_api import Page


def names(page: Page) -> list[str]:
    """Return the scenes that the table shows, in its order."""
    return page.eval_on_selector_all(
        "#table tbody tr", "rows => rows.filter(r => !r.hidden).map(r => r.cells[0].textContent.trim())"
    )
