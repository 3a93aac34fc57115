"""Every page, at three widths, light and dark: clean, accessible, and nothing wider than it may be.

A page is loaded once; then its window and the reader's colour scheme change, as they may. axe,
which takes most of the time, looks twice at every page; the slow test has it look at the other
four.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from site_visits import GENERATED, PAGES, Visitor

from coursekit import page_report

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1440, 768, 360)
ALL = [(width, theme) for theme in ("light", "dark") for width in WIDTHS]
OFTEN = [(1440, "light"), (360, "dark")]

# What is folded is part of the page: a reader opens it. A chapter has ten thousand tokens of code,
# but only some twenty pairs of colours; one token of each is enough, and axe is ten times as fast.
OPEN = "() => document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
THIN = """() => {
    const seen = new Set();
    document.querySelectorAll('pre span[class]').forEach(token => {
        const block = getComputedStyle(token.closest('pre')).backgroundColor;
        const key = token.className + getComputedStyle(token).color + block;
        // Text keeps its room: the page is measured at other widths after this.
        if (seen.has(key)) token.replaceWith(token.textContent); else seen.add(key);
    });
}"""

# Elements that stick out of the window, unless a box of their own scrolls or cuts them.
WIDE = """() => {
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
    const out = [...document.querySelectorAll('main *:not(.math *)')]
        .filter(node => node.getBoundingClientRect().right > room + 1 && !scrolls(node))
        .map(node => node.tagName + '.' + node.className).slice(0, 5);
    return document.documentElement.scrollWidth > room ? ['the page itself', ...out] : out;
}"""


def show(page: Page, width: int, theme: str) -> None:
    """Give the open page a width and the reader's colour scheme, which the theme follows."""
    page.set_viewport_size({"width": width, "height": 740 if width == 360 else 900})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    page.wait_for_timeout(
        400
    )  # the theme makes what scrolls now focusable, a moment after a change


def violations(page: Page) -> list[str]:
    """What axe finds."""
    result = Axe().run(
        page,
        # The glyphs inside an equation are the typesetter's; the equation itself is looked at.
        context={"exclude": [["mjx-container > *"], [".katex-html > *"]]},
        options={"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]},
    )
    return [
        f"{rule['id']}: {node['html'][:200]} · {node['failureSummary']}"
        for rule in result.response["violations"]
        for node in rule["nodes"]
    ]


def sticking_out(page: Page, width: int, theme: str) -> list[str]:
    """What is wider than this window of the open page."""
    show(page, width, theme)
    return [f"{width} px, {theme}: {name} is wider than the window" for name in page.evaluate(WIDE)]


def inaccessible(page: Page, width: int, theme: str) -> list[str]:
    """What axe finds in this window of the open page."""
    show(page, width, theme)
    return [f"{width} px, {theme}: {found}" for found in violations(page)]


@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_every_page_is_clean_and_fits(docname: str, visit: Visitor) -> None:
    query = "?q=posterior" if docname == "search" else ""
    with visit(docname, page_report.SIZE, query=query) as seen:
        if docname in PAGES:
            known = page_report.EXCESS.get(docname, {}).get("scrolling", 0)
            assert page_report.measure(seen.page).scrolling <= known
        seen.page.evaluate(OPEN)
        seen.page.evaluate(THIN)
        assert [out for window in ALL for out in sticking_out(seen.page, *window)] == []
        # Asked before axe runs, which fetches style sheets from where they are not.
        assert seen.problems == []
        assert [bad for window in OFTEN for bad in inaccessible(seen.page, *window)] == []


@pytest.mark.slow
@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_axe_finds_nothing_in_any_window(docname: str, visit: Visitor) -> None:
    with visit(docname, page_report.SIZE) as seen:
        seen.page.evaluate(OPEN)
        seen.page.evaluate(THIN)
        rest = [window for window in ALL if window not in OFTEN]
        assert [bad for window in rest for bad in inaccessible(seen.page, *window)] == []


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ('<div style="width:2000px">wide</div>', "wider than the window"),
        ('<p style="color:#999;background:#888">pale</p>', "color-contrast"),
        ('<img src="/_static/favicon.svg">', "image-alt"),
    ],
)
@pytest.mark.parametrize(("width", "theme"), OFTEN)
def test_a_fault_in_the_page_is_seen(
    planted: str, fault: str, width: int, theme: str, visit: Visitor
) -> None:
    with visit("book/how_to_read", page_report.SIZE) as seen:
        add = "html => document.querySelector('article').insertAdjacentHTML('beforeend', html)"
        seen.page.evaluate(add, planted)
        look = sticking_out if "wider" in fault else inaccessible
        assert fault in " ".join(look(seen.page, width, theme))


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("console.error('oh')", "console: oh"),
        ("setTimeout(() => { throw new Error('oh') })", "script error: oh"),
        ("fetch('https://example.org/').catch(() => {})", "asks the outside network"),
        ("new Image().src = '/nowhere.png'", "404"),
    ],
)
def test_a_fault_of_a_script_is_seen(planted: str, fault: str, visit: Visitor) -> None:
    with visit("book/how_to_read", page_report.SIZE) as seen:
        seen.page.evaluate(f"() => {{ {planted} }}")
        seen.page.wait_for_timeout(200)
        assert fault in " ".join(seen.problems)


def test_code_that_scrolls_is_counted(visit: Visitor) -> None:
    with visit("book/how_to_read", page_report.SIZE) as seen:
        before = page_report.measure(seen.page)
        add = "html => document.querySelector('article').insertAdjacentHTML('beforeend', html)"
        block = f'<div class="highlight"><pre style="overflow-x:auto">{"x" * 200}</pre></div>'
        seen.page.evaluate(add, block)
        after = page_report.measure(seen.page)
        assert (before.scrolling, after.scrolling, after.columns) == (0, 1, 200)
