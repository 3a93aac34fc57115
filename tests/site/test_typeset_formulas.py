"""Formulas in a browser: typeset without a script, wide ones scroll and say so."""

from __future__ import annotations

import pytest
from site_visits import PAGES, PHONE, WIDE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDER = """() => [...document.querySelectorAll('.gb-formula')]
    .filter(box => box.offsetParent && box.scrollWidth > box.clientWidth)
    .map(box => box.parentElement.id || box.querySelector('annotation').textContent.slice(0, 60))"""


@pytest.mark.parametrize("docname", PAGES)
def test_no_formula_is_wider_than_a_desktop_column(docname: str, visit: Visitor) -> None:
    with visit(docname, WIDE) as seen:
        assert seen.page.evaluate(WIDER) == []


def test_a_wide_formula_scrolls_and_can_be_reached(visit: Visitor) -> None:
    with visit("book/ddpm", PHONE) as seen:
        boxes = seen.page.evaluate(
            """() => [...document.querySelectorAll('.gb-formula')]
                .filter(box => box.checkVisibility()).map(box => ({
                wide: box.scrollWidth > box.clientWidth,
                reached: box.tabIndex === 0,
                named: box.getAttribute('role') === 'group'
                    && /scrolls sideways/.test(box.ariaLabel),
                shadows: getComputedStyle(box).backgroundAttachment,
            }))"""
        )
        wide = [box for box in boxes if box["wide"]]
        assert len(wide) >= 10
        assert len(boxes) > len(wide)
        assert all(box["reached"] == box["named"] == box["wide"] for box in boxes)
        assert {box["shadows"] for box in boxes} == {"local, local, scroll, scroll"}
        first = seen.page.locator(".gb-formula[tabindex]").first
        first.focus()
        seen.page.keyboard.press("ArrowRight")
        seen.page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_a_widened_window_takes_the_stop_away(visit: Visitor) -> None:
    with visit("book/ddpm", PHONE) as seen:
        seen.page.set_viewport_size(WIDE)
        seen.page.wait_for_function("!document.querySelector('.gb-formula[tabindex]')")


def test_the_edge_is_in_shadow_until_the_end_is_reached(visit: Visitor) -> None:
    with visit("book/ddpm", PHONE) as seen:
        box = seen.page.locator(".gb-formula[tabindex]").first
        box.evaluate("box => box.querySelector('.katex').style.visibility = 'hidden'")
        box.scroll_into_view_if_needed()

        def picture() -> bytes:
            return box.screenshot()

        start = picture()
        box.evaluate("box => { box.scrollLeft = box.scrollWidth }")
        end = picture()
        box.evaluate("box => { box.style.background = 'none' }")
        plain = picture()
        assert start != end  # the shadow went from the right edge to the left
        assert plain not in (start, end)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_formulas_have_the_colour_of_their_text(theme: str, visit: Visitor) -> None:
    with visit("book/gaussians", theme=theme) as seen:
        wrong = seen.page.evaluate(
            """() => [...document.querySelectorAll('.katex')].filter(formula =>
                [formula, ...formula.querySelectorAll('.katex-html *')].some(part =>
                    getComputedStyle(part).color !==
                    getComputedStyle(formula.closest('.math').parentElement).color)).length"""
        )
        assert wrong == 0


def test_letters_are_as_tall_as_the_text(visit: Visitor) -> None:
    """The x of a formula and the x of its sentence differ by less than a tenth."""
    with visit("book/notation") as seen:
        sizes = seen.page.evaluate(
            """() => {
                const height = node => {
                    const style = getComputedStyle(node);
                    const pen = document.createElement('canvas').getContext('2d');
                    const size = 20 * parseFloat(style.fontSize);
                    pen.font = `${style.fontStyle} ${size}px ${style.fontFamily}`;
                    return pen.measureText('x').actualBoundingBoxAscent;
                };
                const letter = document.querySelector('p .katex .mathnormal');
                return [height(letter), height(letter.closest('p'))];
            }"""
        )
        assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_without_scripts_formulas_are_there(visit: Visitor) -> None:
    with visit("book/ddpm", script=False) as seen:
        box = seen.page.locator("#equation-eq-ddpm-variance .katex-html").bounding_box()
        assert box and box["width"] > 100
        assert seen.page.locator("#equation-eq-ddpm-variance math").count() == 1
