"""axe would find a violation of WCAG 2.2 A and AA; test_breadth has it look at every page."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from site_visits import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def test_axe_is_not_asleep(visit: Visitor) -> None:
    """A planted picture without an alternative text, and grey words on grey, are found."""
    with visit("book/how_to_read") as seen:
        seen.page.evaluate(
            """() => document.querySelector('article').insertAdjacentHTML('beforeend',
                '<img src="/book/_static/favicon.svg"><p style="color:#bbb">pale</p>')"""
        )
        result = Axe().run(seen.page, options={"runOnly": {"type": "tag", "values": RULES}})
        found = {rule["id"] for rule in result.response["violations"]}
        assert {"image-alt", "color-contrast"} <= found
