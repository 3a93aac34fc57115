"""Hovering or focusing a reference shows what it leads to."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from site_visits import DESKTOP, ROOT, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

POPOVER = "#gb-preview:popover-open"
ARTICLE = ".bd-article a.reference.internal"
# A page, a link on it, and what the preview must hold.
KINDS = {
    "equation": ("book/ddpm", f"{ARTICLE}[href='#equation-eq-ddpm-variance']", ".katex"),
    "equation elsewhere": ("book/ddim", f"{ARTICLE}[href^='ddpm.html#equation']", ".katex"),
    "figure": ("book/evaluation", f"{ARTICLE}[href^='#fig-']", "figure img"),
    "citation": ("book/ddim", f"{ARTICLE}[href^='bibliography.html#']", ".citation p"),
    "term": ("book/ddim", "a.gb-term", "p"),
}


def link(page: Page, selector: str) -> Locator:
    found = page.locator(selector).first
    found.evaluate("node => node.scrollIntoView({block: 'center', behavior: 'instant'})")
    page.wait_for_timeout(100)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_hovering_shows_the_target(kind: str, visit: Visitor) -> None:
    docname, selector, holds = KINDS[kind]
    with visit(docname) as seen:
        page = seen.page
        target = link(page, selector)
        target.hover()
        page.wait_for_selector(f"{POPOVER} {holds}")
        box = page.locator(POPOVER).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= DESKTOP["width"]
        assert box["y"] >= 0 and box["y"] + box["height"] <= DESKTOP["height"]
        assert target.get_attribute("aria-describedby") == "gb-preview"
        assert page.locator(f"{POPOVER} :is(a, script, details, [id])").count() == 0
        broken = "image => !(image.complete && image.naturalWidth)"
        page.wait_for_function(f"![...document.querySelectorAll('#gb-preview img')].some({broken})")
        page.mouse.move(0, 0)
        page.wait_for_selector(POPOVER, state="detached")
        assert seen.problems == []


def test_the_preview_stays_while_the_pointer_is_on_it(visit: Visitor) -> None:
    with visit("book/ddpm") as seen:
        link(seen.page, KINDS["equation"][1]).hover()
        seen.page.wait_for_selector(POPOVER)
        seen.page.locator(POPOVER).hover()
        seen.page.wait_for_timeout(500)
        assert seen.page.locator(POPOVER).count() == 1


def test_focus_shows_it_and_escape_closes_it(visit: Visitor) -> None:
    with visit("book/ddpm") as seen:
        page = seen.page
        target = link(page, KINDS["equation"][1])
        page.keyboard.press("Tab")  # so that focus is the keyboard's
        target.focus()
        page.wait_for_selector(f"{POPOVER} .katex")
        assert Axe().run(page, context=["#gb-preview"]).response["violations"] == []
        page.keyboard.press("Escape")
        assert page.locator(POPOVER).count() == 0
        assert target.evaluate("node => node === document.activeElement")
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#equation-eq-ddpm-variance"


def test_a_heading_has_no_preview(visit: Visitor) -> None:
    with visit("book/ddpm") as seen:
        seen.page.evaluate(
            """() => document.querySelector('.bd-article p').insertAdjacentHTML('beforeend',
                '<a class="reference internal" id="planted" href="#what-to-remember">x</a>')"""
        )
        link(seen.page, "#planted").hover()
        seen.page.wait_for_timeout(600)
        assert seen.page.locator(POPOVER).count() == 0


def test_a_finger_follows_the_link(visit: Visitor) -> None:
    with visit("book/ddpm") as seen:
        target = link(seen.page, KINDS["equation"][1])
        target.dispatch_event("pointerover", {"pointerType": "touch", "bubbles": True})
        seen.page.wait_for_timeout(500)
        assert seen.page.locator(POPOVER).count() == 0


def test_a_page_without_formulas_shows_them_in_previews(visit: Visitor) -> None:
    with visit("book/times") as seen:
        seen.page.evaluate(
            """() => document.querySelector('.bd-article p').insertAdjacentHTML('beforeend',
                '<a class="reference internal" id="planted" '
                + 'href="ddpm.html#equation-eq-ddpm-variance">x</a>')"""
        )
        assert seen.page.locator("link[href*='katex.css']").count() == 0
        link(seen.page, "#planted").hover()
        seen.page.wait_for_selector(f"{POPOVER} .katex")
        seen.page.wait_for_function("document.fonts.check('16px KaTeX_Main')")
        assert seen.page.locator("link[href*='katex.css']").count() == 1


def test_the_script_is_small() -> None:
    assert (ROOT / "book" / "_static" / "previews.js").stat().st_size <= 5_000
