"""How long a chapter's page is, and whether a reader finds something to look at in time.

The page is measured as a reader opens it in a window of 1440 × 900: how many screens it is tall,
how long the longest stretch without a picture, an explorable or a question to the reader is, how
much of its height is code that stands open, how many columns its widest code has, and how many
blocks of code scroll sideways. ``coursekit page-report`` prints the table;
``tests/site/test_budgets.py`` is red where a page exceeds a budget by a fifth.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coursekit.project import CourseError

SIZE = {"width": 1440, "height": 900}
TOLERANCE = 1.2
"""A budget is an aim; over it the table says so, over this many times of it the test is red."""


@dataclass(frozen=True)
class Measures:
    """What one page is like; ``open_code`` is a share of the height, ``gap`` is in screens."""

    screens: float
    gap: float
    open_code: float
    columns: int
    scrolling: int


BUDGET = Measures(screens=25, gap=2, open_code=0.20, columns=88, scrolling=0)

# What pages exceed today: page, measure, and how much it may be at most. Numbers here only shrink,
# and a page that is within a budget leaves the list.
EXCESS: dict[str, dict[str, float]] = {}

MEASURE = """() => {
    const QUESTIONS = /^(Stop and think|Before you read on)/;
    const article = document.querySelector('article.bd-article');
    const screen = 900, box = article.getBoundingClientRect();
    const seen = node => {
        for (let up = node.parentElement; up && up !== article; up = up.parentElement) {
            if (up.tagName === 'DETAILS' && !up.open && !node.closest('summary')) return false;
        }
        return node.getClientRects().length > 0;
    };
    const span = node => {
        const place = node.getBoundingClientRect();
        return [place.top - box.top, place.bottom - box.top];
    };
    // An icon or a spark line within the text is no picture to rest on.
    const rest = [
        ...article.querySelectorAll('img, svg, canvas, figure, .gb-explorable, .admonition'),
    ].filter(node => seen(node) && !node.closest('.math') && !node.closest('.gb-card')
        && (!node.matches('.admonition') || QUESTIONS.test(node.innerText.trim()))
        && node.getBoundingClientRect().height >= 60).map(span);
    rest.sort((one, other) => one[0] - other[0]);
    let reached = 0, gap = 0;
    for (const [top, bottom] of [...rest, [box.height, box.height]]) {
        gap = Math.max(gap, top - reached);
        reached = Math.max(reached, bottom);
    }
    const code = [...article.querySelectorAll('div.highlight')].filter(
        node => !node.closest('.cell_output') && seen(node));
    const open = code.reduce((sum, node) => sum + node.getBoundingClientRect().height, 0);
    const blocks = [...article.querySelectorAll('pre')];
    const lines = blocks.flatMap(node => node.textContent.split('\\n'));
    const tall = document.documentElement.scrollHeight;
    article.querySelectorAll('details').forEach(fold => { fold.open = true; });
    const wide = node => node && node.scrollWidth > node.clientWidth + 1;
    return {
        screens: tall / screen,
        gap: gap / screen,
        open_code: open / box.height,
        columns: Math.max(0, ...lines.map(line => [...line.trimEnd()].length)),
        scrolling: blocks.filter(node => wide(node) || wide(node.closest('.output'))).length,
    };
}"""


def measure(page: Any) -> Measures:
    """Measure an open page of ``SIZE``; ``page`` is playwright's. Opens what is folded on it."""
    return Measures(**page.evaluate(MEASURE))


def over(found: Measures, by: float = 1) -> dict[str, float]:
    """The measures that are more than ``by`` times their budget."""
    budget = asdict(BUDGET)
    return {name: value for name, value in asdict(found).items() if value > by * budget[name]}


def complaints(docname: str, found: Measures) -> list[str]:
    """What is wrong: too far over a budget, or listed in ``EXCESS`` without need."""
    known, budget = EXCESS.get(docname, {}), asdict(BUDGET)
    lines = [
        f"{docname}: {name} is {value:.4g}, at most {known.get(name, TOLERANCE * budget[name]):.4g}"
        for name, value in over(found, TOLERANCE).items()
        if value > known.get(name, 0)
    ]
    needless = known.keys() - over(found, TOLERANCE).keys()
    return lines + [f"{docname}: {name} needs no EXCESS any more" for name in sorted(needless)]


def row(docname: str, found: Measures) -> list[str]:
    """A page's line of the table; a star is over the budget."""
    forms = {"screens": "{:.1f}", "gap": "{:.1f}", "open_code": "{:.0%}"}
    stars = over(found)
    cells = [
        forms.get(name, "{}").format(value) + ("*" if name in stars else "")
        for name, value in asdict(found).items()
    ]
    return [docname, *cells]


HEAD = ["Page", "Screens", "Longest gap", "Open code", "Columns", "Blocks that scroll"]


def table(site: Path, docnames: list[str]) -> list[list[str]]:
    """The rows for pages of the rendered site in the folder ``site``.

    Raises:
        CourseError: a page is not there, or there is no browser to measure with.
    """
    for docname in docnames:
        if not (site / f"{docname}.html").is_file():
            raise CourseError(f"{site} has no page {docname}: run `make book` first")
    with _browser() as browser:
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        rows = []
        for docname in docnames:
            page.goto((site / f"{docname}.html").as_uri(), wait_until="load")
            page.evaluate("async () => { await document.fonts.ready }")
            rows.append(row(docname, measure(page)))
        return rows


@contextmanager
def _browser() -> Iterator[Any]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        executable = None
    if executable is None:
        raise CourseError("needs a Chromium (set CHROMIUM to one) and `pip install playwright`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
