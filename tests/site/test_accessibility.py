"""axe finds no violation of WCAG 2.2 A and AA on any page, in light and in dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from conftest import DESKTOP, GENERATED, PAGES, PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_axe_finds_nothing(docname: str, size: dict, theme: str, visit: Visitor) -> None:
    with visit(docname, size, theme) as seen:
        assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
        # What is folded is part of the page: a reader opens it.
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        result = Axe().run(seen.page, options={"runOnly": {"type": "tag", "values": RULES}})
        found = [
            f"{rule['id']}: {node['html'][:200]} · {node['failureSummary']}"
            for rule in result.response["violations"]
            for node in rule["nodes"]
        ]
        assert found == []
