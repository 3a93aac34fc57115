"""axe finds no violation of WCAG 2.2 A and AA on any page, in light and in dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from site_visits import DESKTOP, GENERATED, PAGES, PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# What is folded is part of the page: a reader opens it. A chapter has ten thousand tokens of code,
# but only some twenty pairs of colours; one token of each is enough, and axe is ten times as fast.
OPEN_AND_THIN = """() => {
    document.querySelectorAll('details').forEach(fold => { fold.open = true; });
    const seen = new Set(), again = [];
    document.querySelectorAll('pre span[class]').forEach(token => {
        const block = getComputedStyle(token.closest('pre')).backgroundColor;
        const key = token.className + getComputedStyle(token).color + block;
        if (seen.has(key)) again.push(token); else seen.add(key);
    });
    again.forEach(token => token.remove());
}"""


@pytest.mark.parametrize(
    ("size", "theme"),
    [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")],
    ids=["desktop-light", "desktop-dark", "phone-light", "phone-dark"],
)
@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_axe_finds_nothing(docname: str, size: dict, theme: str, visit: Visitor) -> None:
    with visit(docname, size, theme) as seen:
        assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
        seen.page.evaluate(OPEN_AND_THIN)
        result = Axe().run(
            seen.page,
            # The glyphs of an equation are hidden from readers, who get its MathML: looked at.
            context={"exclude": [[".katex-html > *"]]},
            options={"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]},
        )
        found = [
            f"{rule['id']}: {node['html'][:200]} · {node['failureSummary']}"
            for rule in result.response["violations"]
            for node in rule["nodes"]
        ]
        assert found == []


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
