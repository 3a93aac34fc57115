"""Chapters are no longer, barer and wider than their budgets (``coursekit page-report``)."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from site_visits import CHAPTERS, Visitor

from coursekit import page_report
from coursekit.page_report import BUDGET, TOLERANCE, Measures

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Two screens of words, a picture, three screens of words with a line of folded code, a question.
PLANTED = """() => {
    const article = document.querySelector('article.bd-article');
    const words = height => `<div style="height:${height}px">words</div>`;
    article.innerHTML = words(1800)
        + '<img alt="" style="display:block;height:100px;width:100px" src="/_static/favicon.svg">'
        + words(1350)
        + '<details><summary>code</summary><div class="highlight"><pre>hidden</pre></div></details>'
        + words(1350)
        + '<div class="admonition"><p class="admonition-title">Stop and think</p><p>Why?</p></div>'
        + '<div class="highlight" style="height:900px"><pre>open</pre></div>';
}"""


@pytest.mark.parametrize("docname", CHAPTERS)
def test_a_chapter_is_within_its_budget(docname: str, visit: Visitor) -> None:
    with visit(docname, page_report.SIZE) as seen:
        found = page_report.measure(seen.page)
        print(dict(zip(page_report.HEAD, page_report.row(docname, found), strict=True)))
        assert page_report.complaints(docname, found) == []


def test_what_is_measured_is_what_was_planted(visit: Visitor) -> None:
    with visit("book/how_to_read", page_report.SIZE) as seen:
        seen.page.evaluate(PLANTED)
        found = page_report.measure(seen.page)
        assert 3.0 <= found.gap <= 3.2
        assert 0.15 <= found.open_code <= 0.17
        assert found.screens > 6
        assert (found.columns, found.scrolling) == (6, 0)


@pytest.mark.parametrize("name", list(asdict(BUDGET)))
def test_a_page_over_its_budget_is_named(name: str) -> None:
    allowed = asdict(BUDGET)
    assert page_report.complaints("book/new", Measures(**allowed)) == []
    too_much = {**allowed, name: TOLERANCE * allowed[name] + 0.01}
    (line,) = page_report.complaints("book/new", Measures(**too_much))
    assert line.startswith(f"book/new: {name} is ")
    assert page_report.row("book/new", Measures(**too_much)).count("book/new") == 1
    assert "*" in "".join(page_report.row("book/new", Measures(**too_much)))


def test_a_known_excess_may_only_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_report, "EXCESS", {"book/new": {"screens": 40}})
    page = asdict(BUDGET)
    assert page_report.complaints("book/new", Measures(**{**page, "screens": 40})) == []
    assert page_report.complaints("book/new", Measures(**{**page, "screens": 41})) != []
    (line,) = page_report.complaints("book/new", Measures(**{**page, "screens": 24}))
    assert line == "book/new: screens needs no EXCESS any more"
