"""Every page of the site in a browser: nothing fails, all equations are set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from site_visits import GENERATED, PAGES, Visitor

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
