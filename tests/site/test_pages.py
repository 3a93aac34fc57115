"""Every page of the site in a browser: nothing fails or overflows, all equations are set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from site_visits import GENERATED, PAGES, PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_site_has_exactly_the_pages_of_the_toc(site: Path) -> None:
    found = {
        path.relative_to(site).with_suffix("").as_posix()
        for path in site.rglob("*.html")
        if not {"_static", "_modules", "_sources"} & set(path.relative_to(site).parts)
    }
    optional = {"prf-prf", "py-modindex"}
    assert found - optional == {*PAGES, *GENERATED, "index"}
    assert len(PAGES) >= 13


@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_page_loads_clean_and_typeset(docname: str, visit: Visitor) -> None:
    with visit(docname) as seen:
        counts = seen.page.evaluate(
            """() => ({
                sources: document.querySelectorAll('span.math, div.math').length,
                seen: document.querySelectorAll('.math .katex-html').length,
                read: document.querySelectorAll('.math math').length,
                errors: [...document.querySelectorAll('.katex-error')].map(node => node.textContent)
            })"""
        )
        assert seen.problems == []
        assert counts["errors"] == []
        assert counts["seen"] == counts["read"] == counts["sources"]
        # A formula that was never typeset would still stand between its delimiters.
        assert not re.search(r"\\\(|\\\[", seen.page.inner_text("main"))
        assert not [r.url for r in seen.responses if re.search("(?i)mathjax|katex.*[.]m?js", r.url)]
        # The theme's whole icon font would come on top (see coursekit.site_assets.ICONS).
        assert not [r.url for r in seen.responses if "vendor/fontawesome" in r.url]


@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_no_horizontal_overflow_on_a_phone(docname: str, visit: Visitor) -> None:
    with visit(docname, PHONE) as seen:
        wide = seen.page.evaluate(
            """() => {
                const room = document.documentElement.clientWidth;
                const scrolls = node => {
                    for (let up = node; up && up !== document.body; up = up.parentElement) {
                        const style = getComputedStyle(up);
                        if (['auto', 'scroll', 'hidden', 'clip'].includes(style.overflowX)
                            && up.clientWidth <= room) return true;
                        if (style.position === 'fixed') return true;
                        if (style.visibility === 'hidden') return true;
                    }
                    return false;
                };
                return [...document.querySelectorAll('main *')]
                    .filter(node => node.getBoundingClientRect().right > room + 1 && !scrolls(node))
                    .map(node => node.tagName + '.' + node.className).slice(0, 5);
            }"""
        )
        assert wide == []
        assert seen.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
