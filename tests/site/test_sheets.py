"""A sheet's page: what students start from is open, its solution folded, no mark of it left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from site_visits import PROJECT, SHEETS, Visitor

from coursekit import exercises
from coursekit.source import read
from coursekit.strip import solved_code, strip

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MARKS = ("### BEGIN", "### END", "BEGIN GIVEN", "BEGIN SOLUTION", "HIDDEN TESTS")


@dataclass(frozen=True)
class Asked:
    """A question: the code it starts from, its solution and its check; only an id for words."""

    id: str
    start: str = ""
    solution: str = ""
    check: str = ""


def asked(docname: str) -> list[Asked]:
    """The questions of a sheet, from its source."""
    path = PROJECT.root / f"{docname}.md"
    sheet = exercises.prepare(read(path), exercises.registry(path.stem))
    found: dict[str, dict[str, str]] = {}
    for cell, given in zip(sheet.cells, strip(sheet).cells, strict=True):
        if cell.role == "answer":
            texts = {"start": given.text, "solution": solved_code(cell, path)}
            found[cell.question] = texts
        elif cell.role == "check":
            found[cell.question]["check"] = given.text
        elif cell.role:
            found[cell.question] = {}
    return [Asked(name, **texts) for name, texts in found.items()]


def faults(html: str, questions: list[Asked]) -> list[str]:
    """What is wrong with a sheet's page as a reader first sees it."""
    article = BeautifulSoup(html, "html.parser").find("article")
    assert isinstance(article, Tag)
    found = [f"a mark: {mark}" for mark in MARKS if mark in article.get_text()]
    folds = [code(fold) for fold in article.find_all("details")]
    hidden = "\n".join(fold.get_text() for fold in article.find_all("details"))
    for fold in article.find_all("details"):
        if fold.has_attr("open"):
            found.append("a fold is open")
        fold.decompose()
    if article.find(class_=["dropdown", "toggle"]):
        found.append("a fold needs a script")
    shown = code(article)
    if "✓" in article.get_text():
        found.append("a verdict is printed before the answer is opened")
    for question in questions:
        if not question.start:
            continue
        for what, text in (("start", question.start), ("check", question.check)):
            if text not in shown:
                found.append(f"{question.id}: its {what} is not to be seen")
        if question.solution in shown:
            found.append(f"{question.id}: its solution is to be seen")
        if not any(question.solution in fold for fold in folds):
            found.append(f"{question.id}: no fold has its solution")
        # What is trained is judged by weights: its verdict is a line like all others.
        if f"{question.id} ✓" not in hidden:
            found.append(f"{question.id}: no fold has its verdict")
    words = sum(not question.start for question in questions)
    if words != hidden.count("Show a model answer"):
        found.append("a question in words has no folded answer")
    return found


def code(part: Tag) -> list[str]:
    """The blocks of code below ``part``."""
    return [block.get_text().strip("\n") for block in part.select(".cell_input pre")]


@pytest.mark.parametrize("docname", SHEETS)
def test_the_page_shows_the_start_and_folds_the_rest(docname: str, site: Path) -> None:
    questions = asked(docname)
    assert len(questions) >= 5
    html = (site / f"{docname}.html").read_text(encoding="utf-8")
    assert faults(html, questions) == []


@pytest.mark.parametrize("docname", SHEETS)
def test_planted_faults_are_found(docname: str, site: Path) -> None:
    questions = asked(docname)
    html = (site / f"{docname}.html").read_text(encoding="utf-8")
    # One that is to be repaired, where the sheet has one: its start is more than a stub.
    answered = [one for one in questions if one.start]
    repair = min(answered, key=lambda one: "YOUR CODE HERE" in one.start)
    head = '<article class="bd-article">'
    for planted, fault in (
        (html.replace(head, head + "<p># ### BEGIN GIVEN</p>", 1), "a mark: BEGIN GIVEN"),
        (html.replace(head, head + "<p>x.y ✓ 2/2</p>", 1), "a verdict is printed"),
        (html.replace('<details class="', '<details open class="', 1), "a fold is open"),
        (html.replace("gb-solution", "x").replace("<details", "<div").replace("</details", "</div"),
         f"{repair.id}: its solution is to be seen"),
        (html.replace("cell_input", "cell_gone"), f"{repair.id}: its start is not to be seen"),
        (html.replace("Show a model answer", "Model"), "a question in words"),
        (html.replace('class="cell ', 'class="dropdown cell ', 1), "a fold needs a script"),
    ):  # fmt: skip
        assert any(found.startswith(fault) for found in faults(planted, questions)), fault


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("docname", SHEETS)
def test_a_solution_opens_by_keyboard(docname: str, script: bool, visit: Visitor) -> None:
    with visit(docname, script=script) as seen:
        for fold in (
            seen.page.locator("details.gb-solution").first,
            seen.page.locator("details", has_text="Show a model answer").first,
        ):
            inside = fold.locator(":scope > :not(summary)").first
            assert not inside.is_visible()
            fold.locator("summary").focus()
            seen.page.keyboard.press("Enter")
            assert inside.is_visible()
            seen.page.keyboard.press("Enter")
            assert not inside.is_visible()
        assert seen.problems == []
