"""What a reader does: move a slider, search, switch the theme, read without scripts."""

from __future__ import annotations

import pytest
from site_visits import CHAPTERS, PHONE, SITE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The place on the sheet of frames that lies behind a slider's window, and the sheet's own share.
PLACE = "sheet => getComputedStyle(sheet).transform"
WHOLE = """sheet => sheet.naturalWidth / sheet.naturalHeight
    - sheet.getBoundingClientRect().width / sheet.getBoundingClientRect().height"""


WITH_SLIDERS = [
    page for page in CHAPTERS if "data-scrubber" in (SITE / f"{page}.html").read_text("utf-8")
] if SITE.is_dir() else []  # fmt: skip


@pytest.mark.parametrize("docname", WITH_SLIDERS)
def test_the_slider_moves_its_picture(docname: str, visit: Visitor) -> None:
    with visit(docname) as seen:
        figures = seen.page.locator("[data-scrubber]")
        assert figures.count() >= 1
        for figure in figures.all():
            slider = figure.locator("input[type=range]")
            slider.scroll_into_view_if_needed()
            assert slider.get_attribute("aria-label")
            slider.focus()
            seen.page.keyboard.press("Home")
            window, sheet = figure.locator(".gb-scrubber-window"), figure.locator("img")
            sheet.evaluate("sheet => sheet.decode()")
            first, words = window.screenshot(), figure.locator("output").inner_text()
            place, alt = sheet.evaluate(PLACE), sheet.get_attribute("alt")
            seen.page.keyboard.press("ArrowRight")
            assert sheet.evaluate(PLACE) != place
            assert window.screenshot() != first
            assert figure.locator("output").inner_text() != words
            assert sheet.get_attribute("alt") != alt
        assert seen.problems == []


@pytest.mark.parametrize("docname", CHAPTERS)
def test_without_scripts_every_frame_is_there(docname: str, visit: Visitor) -> None:
    with visit(docname, script=False) as seen:
        for figure in seen.page.locator("[data-scrubber]").all():
            sheet = figure.locator("img")
            sheet.scroll_into_view_if_needed()
            sheet.evaluate("sheet => sheet.decode()")
            assert abs(sheet.evaluate(WHOLE)) < 0.01
            positions = int(figure.locator("input").get_attribute("max") or 0) + 1
            assert figure.locator("li:visible").count() == positions >= 2
            assert not figure.locator("input").is_visible()


def test_search_finds_ddim(visit: Visitor) -> None:
    with visit("search", query="?q=DDIM") as seen:
        results = seen.page.locator("#search-results li a")
        results.first.wait_for()
        found = [link.get_attribute("href") or "" for link in results.all()]
        assert any("book/ddim.html" in href for href in found)
        assert seen.problems == []


def test_the_theme_switch_reaches_dark(visit: Visitor) -> None:
    with visit("book/how_to_read") as seen:
        theme = "document.documentElement.dataset.theme"
        assert seen.page.evaluate(theme) == "light"
        switch = seen.page.locator(".theme-switch-button:visible").first
        met = set()
        for _ in range(3):
            switch.click()
            met.add(seen.page.evaluate(theme))
        assert met == {"light", "dark"}


def test_the_contents_open_on_a_phone(visit: Visitor) -> None:
    with visit("book/how_to_read", PHONE) as seen:
        seen.page.locator("button.primary-toggle:visible").first.click()
        link = seen.page.locator("#pst-primary-sidebar-modal a", has_text="Glossary")
        link.wait_for()
        link.click()
        seen.page.wait_for_url("**/book/glossary.html")


def test_there_is_a_slider() -> None:
    assert WITH_SLIDERS
