"""Figures in a browser: the theme's colours, letters to be read on a phone, enlarged by tap."""

from __future__ import annotations

import re

import pytest
from site_visits import CHAPTERS, PHONE, SHEETS, SITE, Visitor

pytestmark = pytest.mark.browser

WIDE = {"width": 1440, "height": 900}
WITH_FIGURES = [
    page for page in CHAPTERS if "gb-picture" in (SITE / f"{page}.html").read_text("utf-8")
] if SITE.is_dir() else []  # fmt: skip


# Figures without a version for phones: their number may only fall.
SMALL: dict[str, int] = {}


def letters(file: str) -> float | None:
    """The smallest letters of an SVG in points: glyphs are scaled by a hundredth of their size."""
    text = (SITE / "_images" / file).read_text("utf-8")
    sizes = [float(scale) * 100 for scale in re.findall(r"\) scale\(([\d.]+) -", text)]
    return min(sizes) if sizes else None


@pytest.mark.parametrize("page", CHAPTERS + SHEETS)
def test_no_code_scrolls_on_a_desktop(visit: Visitor, page: str) -> None:
    with visit(page, size=WIDE) as seen:
        wide = seen.page.evaluate(
            "() => [...document.querySelectorAll('.bd-article pre')].filter(p => "
            "p.scrollWidth > p.clientWidth + 1).map(p => p.textContent.slice(0, 200))"
        )
        assert wide == []


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_letters_of_figures_can_be_read_on_a_phone(visit: Visitor, page: str) -> None:
    with visit(page, size=PHONE) as seen:
        figures = seen.page.evaluate(
            """async () => {
              const found = [];
              for (const i of document.querySelectorAll("a.gb-picture img")) {
                if (!i.checkVisibility()) continue;
                i.loading = "eager";
                await i.decode();
                found.push([i.currentSrc.split("/").pop(), i.clientWidth]);
              }
              return found;
            }"""
        )
        assert figures
        small = []
        for file, width in figures:
            text = (SITE / "_images" / file).read_text("utf-8")
            points = letters(file)
            if points is None:
                continue
            box = float(re.search(r'viewBox="0 0 ([\d.]+)', text)[1])  # type: ignore[index]
            if points * width / box < 11:
                small.append((file, width, box))
        assert len(small) <= SMALL.get(page, 0), small


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", WITH_FIGURES)
def test_captions_show_in_both_themes(visit: Visitor, page: str, theme: str) -> None:
    with visit(page, theme=theme) as seen:
        hidden = seen.page.evaluate(
            """() => [...document.querySelectorAll("figure figcaption")].filter(
              c => !c.closest("details:not([open])") && !c.checkVisibility()
            ).map(c => c.innerText.slice(0, 60))"""
        )
        assert hidden == []


def test_figures_follow_the_theme_and_move_nothing(visit: Visitor) -> None:
    for theme, other in (("light", "dark"), ("dark", "light")):
        with visit("book/geometry", theme=theme) as seen:
            links = seen.page.locator(f"a.gb-picture.only-{theme}")
            assert links.count() > 3 and links.first.is_visible()
            assert not seen.page.locator(f"a.gb-picture.only-{other}").first.is_visible()
            image = links.first.locator("img")
            assert image.get_attribute("loading") == "lazy"
            before = image.bounding_box()
            image.scroll_into_view_if_needed()
            image.evaluate("i => i.decode()")
            after = image.bounding_box()
            assert before and after and before["height"] == pytest.approx(after["height"], abs=1)


def test_enter_enlarges_and_escape_gives_the_focus_back(visit: Visitor) -> None:
    with visit("book/geometry", size=WIDE) as seen:
        link = seen.page.locator("a.gb-picture.only-light").first
        small = link.locator("img").bounding_box()
        link.focus()
        seen.page.keyboard.press("Enter")
        image = seen.page.locator("dialog.gb-lightbox[open] img")
        image.wait_for()
        large = image.bounding_box()
        assert small and large and large["width"] > 1.3 * small["width"]
        assert image.get_attribute("alt") == link.locator("img").get_attribute("alt")
        seen.page.keyboard.press("Escape")
        assert seen.page.locator("dialog.gb-lightbox").count() == 0
        assert link.evaluate("a => a === document.activeElement")
        assert seen.problems == []


def test_a_tap_enlarges_and_a_tap_closes(visit: Visitor) -> None:
    with visit("book/geometry", size=PHONE) as seen:
        seen.page.locator("a.gb-picture.only-light").first.click()
        dialog = seen.page.locator("dialog.gb-lightbox[open]")
        dialog.wait_for()
        dialog.locator("img").click()
        assert seen.page.locator("dialog.gb-lightbox").count() == 0


def test_without_script_a_figure_is_a_link_to_its_file(visit: Visitor) -> None:
    with visit("book/geometry", script=False) as seen:
        links = seen.page.locator("a.gb-picture")
        shown = [link for link in links.all() if link.is_visible()]
        assert 2 * len(shown) == links.count()
        assert str(shown[0].get_attribute("href")).endswith(".svg")
        assert len((SITE / "_static" / "figures.js").read_bytes()) < 3000


def test_the_imports_fold(visit: Visitor) -> None:
    with visit("book/geometry") as seen:
        fold = seen.page.locator("details", has_text="Show the imports").first
        assert fold.evaluate("d => !d.open")
        fold.locator("summary").click()
        assert fold.locator("pre").is_visible()
