"""Ticks beside the equations, the checks folded behind them, and the ledger."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page
from site_visits import CHAPTERS, DESKTOP, PHONE, ROOT, Visitor

from coursekit.claims import ledger

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ENTRIES = ledger(ROOT)


def boxes(page: Page) -> Locator:
    return page.locator("details.gb-proof")


def tick(page: Page, link: bool = False) -> Locator:
    """The first tick that opens a box below it, or that leads into another."""
    return page.locator("p.gb-tick a" if link else "details.gb-proof > summary").first


@pytest.mark.parametrize("docname", CHAPTERS)
def test_every_claim_has_its_tick_and_no_check_stands_open(docname: str, visit: Visitor) -> None:
    with visit(docname) as seen:
        here = [entry for entry in ENTRIES if f"book/{entry.slug}" == docname]
        assert here
        # What is beside the road is folded; its claims have their ticks all the same.
        seen.page.evaluate("document.querySelectorAll('.gb-fold').forEach(d => { d.open = true; })")
        for entry in here:
            node = seen.page.locator(f"[id='{entry.url.partition('#')[2]}']")
            shown = node.locator("xpath=..").locator(".gb-tick").inner_text()
            assert shown.split()[0] == "✓"
            assert any(
                shown.split()[1].strip(",") in line or "claim" in line for line in entry.printed
            )
        assert boxes(seen.page).evaluate_all("all => all.every(box => !box.open)")
        loose = seen.page.locator("div.cell").filter(has_text=re.compile(r"verify\.(id|cl|st)"))
        assert loose.count() > 0
        assert not any(cell.is_visible() for cell in loose.all())
        assert seen.problems == []


@pytest.mark.parametrize("way", ["click", "Enter", "Space", "tap"])
@pytest.mark.parametrize("script", [True, False])
def test_a_tick_opens_its_check_and_closes_it(way: str, script: bool, visit: Visitor) -> None:
    with visit("book/ddpm", PHONE, script=script, touch=way == "tap") as seen:
        cell = boxes(seen.page).first.locator(".cell_input pre").first
        printed = boxes(seen.page).first.locator(".cell_output pre").first
        for opened in (True, False):
            if way in ("click", "tap"):
                getattr(tick(seen.page), way)()
            else:
                tick(seen.page).focus()
                seen.page.keyboard.press(way)
            assert cell.is_visible() == printed.is_visible() == opened
        assert "verify." in cell.text_content() and "✓" in printed.text_content()


@pytest.mark.parametrize("script", [True, False])
def test_the_tick_of_a_shared_check_leads_into_it(script: bool, visit: Visitor) -> None:
    with visit("book/ddpm", script=script) as seen:
        link = tick(seen.page, link=True)
        target = link.get_attribute("href")[1:]
        body = seen.page.locator(f"[id='{target}']")
        assert not body.is_visible()
        link.click()
        assert body.is_visible()
        if script:  # where the browser opens nothing by itself, and the address stays as it is
            body.locator("xpath=..").evaluate("box => { box.open = false }")
            link.click()
            body.wait_for()


def test_a_link_to_a_part_beside_the_road_opens_it(visit: Visitor) -> None:
    with visit("book/evaluation") as seen:
        parts = seen.page.locator("section:has(> details.gb-fold)")
        assert parts.count() > 2 and seen.page.locator("details.gb-fold[open]").count() == 0
        where = parts.nth(1).get_attribute("id")
        seen.page.evaluate("where => { location.hash = where }", where)
        opened = seen.page.locator("details.gb-fold[open]")
        opened.first.wait_for()
        assert opened.count() == 1
        assert opened.locator("xpath=..").get_attribute("id") == where
        seen.page.evaluate("location.hash = document.querySelector('section section').id")
        assert opened.count() == 1


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_tick_stands_in_the_equations_line_beside_its_number(size: dict, visit: Visitor) -> None:
    with visit("book/ddpm", size) as seen:
        lines = seen.page.locator(".gb-equation > .gb-line")
        assert lines.count() > 15
        for line in lines.all():
            for opened in (False, True):
                line.locator("details").evaluate_all(
                    "(all, open) => all.forEach(box => { box.open = open })", opened
                )
                formula = line.locator("> :first-child").bounding_box()
                number = line.locator(".eqno").bounding_box()
                mark = line.locator(".gb-tick").first.bounding_box()
                assert mark["y"] >= formula["y"] - 4
                assert mark["y"] + mark["height"] <= formula["y"] + formula["height"] + 4
                beside = mark["x"] >= number["x"] + number["width"] - 1
                below = mark["y"] >= number["y"] + number["height"] - 6
                assert beside if size == DESKTOP else beside or below
                assert mark["height"] >= 24 and mark["x"] + mark["width"] <= size["width"]


def test_print_shows_the_ticks_and_no_check(visit: Visitor) -> None:
    with visit("book/ddpm") as seen:
        tick(seen.page).click()
        seen.page.emulate_media(media="print")
        assert all(mark.is_visible() for mark in seen.page.locator(".gb-check").all())
        assert not any(body.is_visible() for body in seen.page.locator(".gb-proof-body").all())


def shown(page: Page) -> int:
    return page.locator(".gb-entry:visible").count()


def test_the_ledger_counts_and_filters(visit: Visitor) -> None:
    with visit("book/ledger") as seen:
        counts = seen.page.locator(".gb-counts li").all_inner_texts()
        assert counts[0] == f"{len(ENTRIES)} claims, all checked"
        assert shown(seen.page) == len(ENTRIES)
        chapter, method = seen.page.locator(".gb-filter select").all()
        chapter.select_option("ddim")
        assert shown(seen.page) == sum(entry.slug == "ddim" for entry in ENTRIES)
        method.select_option("symbolic")
        expected = [
            entry for entry in ENTRIES if entry.slug == "ddim" and "symbolic" in str(entry.printed)
        ]
        assert shown(seen.page) == len(expected) > 0
        assert seen.page.locator("section.gb-ledger:visible").count() == 1
        said = seen.page.locator(".gb-filter output").inner_text()
        assert said == f"{len(expected)} of {len(ENTRIES)} claims"
        assert seen.problems == []


def test_the_ledger_shows_everything_without_scripts(visit: Visitor) -> None:
    with visit("book/ledger", script=False) as seen:
        assert shown(seen.page) == len(ENTRIES)
        assert not seen.page.locator(".gb-filter").is_visible()


def test_the_ledger_fits_a_phone(visit: Visitor) -> None:
    with visit("book/ledger", PHONE) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        right = "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
        assert seen.page.locator(".gb-entry").evaluate_all(right) <= PHONE["width"]
        # The formula stands above what is said of it.
        first = seen.page.locator(".gb-entry").first
        formula, facts = (first.locator(f"> :{place}-child") for place in ("first", "last"))
        assert formula.bounding_box()["y"] < facts.bounding_box()["y"]
