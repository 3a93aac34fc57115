"""On paper: prose that is folded is open, what serves the screen is gone, the theme is light."""

from __future__ import annotations

import pytest
from site_visits import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOWN = """selector => [...document.querySelectorAll(selector)]
    .filter(node => node.checkVisibility()).length"""
SCREEN_ONLY = (
    ".bd-sidebar-primary, .bd-header-article, .prev-next-footer, .gb-report, .copybtn, "
    ".gb-opening .gb-button, .headerlink, article details.hide > summary"
)


@pytest.mark.parametrize("script", [True, False])
def test_folded_prose_is_open_on_paper(script: bool, visit: Visitor) -> None:
    """Without scripts by the style alone, in browsers that know ``::details-content``."""
    with visit("book/geometry", theme="dark", script=script) as seen:
        body = ".sd-dropdown .sd-summary-content"
        assert seen.page.evaluate(SHOWN, body) == 0
        seen.page.emulate_media(media="print")
        if script:
            seen.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
            assert seen.page.evaluate("document.documentElement.dataset.theme") == "light"
        assert seen.page.evaluate(SHOWN, body) == seen.page.locator(body).count() > 0
        assert seen.page.evaluate(SHOWN, SCREEN_ONLY) == 0
        if script:
            seen.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
            assert seen.page.evaluate("document.documentElement.dataset.theme") == "dark"
        seen.page.emulate_media(media="screen")
        assert seen.page.evaluate(SHOWN, body) == 0
        assert seen.page.evaluate(SHOWN, SCREEN_ONLY) > 0


def test_solutions_and_plots_stay_folded_on_paper(visit: Visitor) -> None:
    with visit("solutions/geometry") as seen:
        seen.page.emulate_media(media="print")
        seen.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        assert seen.page.evaluate(SHOWN, "details.hide pre") == 0


def test_figures_and_equations_are_not_torn(visit: Visitor) -> None:
    with visit("book/geometry") as seen:
        seen.page.emulate_media(media="print")
        torn = """() => [...document.querySelectorAll('article :is(figure, div.math, table)')]
            .filter(node => getComputedStyle(node).breakInside !== 'avoid').length"""
        assert seen.page.evaluate(torn) == 0
