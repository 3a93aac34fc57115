"""The slider of `plots` in a real browser, on pages of its own: alone, twice, without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from genbook import plots

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def slider() -> plots.Scrubber:
    """Four squares from black to white, at t = 3, 2, 1, 0."""
    frames = [torch.full((1, 1, 8, 8), value) for value in (-1.0, -0.3, 0.3, 1.0)]
    words = ["black", "dark", "pale", "white"]
    return plots.scrubber(frames, [3, 2, 1, 0], alt=words, captions=[f"It is {w}." for w in words])


Show = Callable[..., Page]


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Opens HTML as the body of a page; at the end there must have been no error and no request."""
    contexts, problems = [], []

    def show(
        body: str, colours: str = "#fff;color:#222", script: bool = True, wide: int = 800
    ) -> Page:
        context = browser.new_context(
            java_script_enabled=script, viewport={"width": wide, "height": 900}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text))
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("requestfailed", lambda r: problems.append(r.url))
        page.set_content(
            '<!doctype html><html lang="en"><head><title>Test</title></head>'
            f'<body style="background:{colours}"><main><h1>Test</h1>{body}</main></body></html>'
        )
        return page

    yield show
    for context in contexts:
        context.close()
    assert problems == []


def visible(page: Page, nth: int = 0) -> list[str | None]:
    figure = page.locator("figure").nth(nth)
    return [i.get_attribute("alt") for i in figure.locator("img").all() if i.is_visible()]


def test_moving_the_slider_changes_the_picture(slider: plots.Scrubber, show: Show) -> None:
    page = show(slider._repr_html_())
    control = page.get_by_role("slider", name="t")
    assert visible(page) == ["white"] and control.get_attribute("aria-valuetext") == "t = 0"
    for position, alt, t in [(0, "black", 3), (2, "pale", 1)]:
        control.fill(str(position))
        assert visible(page) == [alt]
        assert page.locator("output").inner_text() == f"t = {t}"
        assert control.get_attribute("aria-valuetext") == f"t = {t}"
        assert page.get_by_text(f"It is {alt}.").is_visible()
    control.focus()
    page.keyboard.press("ArrowRight")
    assert visible(page) == ["white"]
    page.keyboard.press("Home")
    assert visible(page) == ["black"]


def test_pictures_are_enlarged_and_do_not_overflow_a_phone(
    slider: plots.Scrubber, show: Show
) -> None:
    wide = show(slider._repr_html_()).locator("img:visible").bounding_box()
    assert wide and wide["width"] == wide["height"] == slider.width
    page = show(slider._repr_html_(), wide=320)
    narrow = page.locator("img:visible").bounding_box()
    assert narrow and narrow["width"] == narrow["height"] < 320
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_two_sliders_are_independent(slider: plots.Scrubber, show: Show) -> None:
    other = plots.scrubber(slider.frames[:2], [1, 0], alt=["one", "two"], name="s")
    # The first output is shown twice, as when a page quotes a figure again.
    page = show(slider._repr_html_() + other._repr_html_() + slider._repr_html_())
    page.locator("input").nth(0).fill("1")
    assert [visible(page, i) for i in range(3)] == [["dark"], ["two"], ["white"]]
    page.locator("input").nth(1).fill("0")
    page.locator("input").nth(2).fill("0")
    assert [visible(page, i) for i in range(3)] == [["dark"], ["one"], ["black"]]


def test_the_script_leaves_no_name_behind(slider: plots.Scrubber, show: Show) -> None:
    names = "Object.keys(window).length"
    assert show(slider._repr_html_()).evaluate(names) == show("").evaluate(names)


def test_without_scripts_all_frames_are_shown(slider: plots.Scrubber, show: Show) -> None:
    page = show(slider._repr_html_(), script=False)
    assert page.locator("img:visible").count() == 4
    assert page.get_by_text("It is dark.").is_visible() and page.get_by_text("t = 2").is_visible()
    assert not page.locator("input").is_visible()
    boxes = [image.bounding_box() for image in page.locator("img").all()]
    assert all(box and box["width"] <= 100 for box in boxes)
    assert len({box["y"] for box in boxes if box}) == 1  # a strip, not a column


def test_a_notebook_that_is_not_trusted_shows_all_frames(
    slider: plots.Scrubber, show: Show
) -> None:
    """What a sanitiser leaves: no script, no control, no data- attributes, no hidden."""
    text = re.sub(r"(?s)<script>.*?</script>|<input[^>]*>", "", slider._repr_html_())
    page = show(re.sub(r' data-[a-z]+(="[^"]*")?| hidden', "", text))
    assert page.locator("img:visible").count() == 4
    assert page.get_by_text("t = 2").is_visible()


@pytest.mark.parametrize(
    "colours", ["#fff;color:#222", "#121212;color:#eee"], ids=["light", "dark"]
)
def test_axe_finds_nothing(slider: plots.Scrubber, show: Show, colours: str) -> None:
    table = plots.table([["ours", 0.5], ["paper", 0.4]], ["sampler", "distance"], caption="Both")
    page = show(slider._repr_html_() + table._repr_html_(), colours)
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations] == []


def test_a_slider_needs_no_network(slider: plots.Scrubber, show: Show) -> None:
    page = show("")
    requests: list[str] = []
    page.on("request", lambda r: requests.append(r.url))
    page.set_content(slider._repr_html_())
    page.locator("input").fill("0")
    assert [url for url in requests if not url.startswith("data:")] == []
