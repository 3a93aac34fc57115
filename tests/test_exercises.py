"""What students open: every stub raises, every check then says zero, and "Run all" reaches the end.

The exercises are stored without outputs, so nbval has nothing to compare; here they are executed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from coursekit.checked import checked_ids
from coursekit.project import Project
from genbook import checks

PROJECT = Project.find(Path(__file__))
SHEETS = [slug for slug in PROJECT.slugs() if PROJECT.sheet(slug).is_file()]

# Runs in the notebook's kernel after its own cells, with the names the stubs have defined there.
REPORT = """
import json
from genbook import checks
from genbook.checks.machinery.run import outcomes

_said = {{}}  # no answer is called like this
for name in {ids}:
    question = checks.question(name)
    answer = globals()[question.name]
    kinds = sorted({{done.kind for done in outcomes(question, answer, question.cases(0))}})
    result = checks.check(name, answer)
    _said[name] = [result.points, result.message, kinds, question.training is not None]
print("REPORT", json.dumps(_said))
"""


def read(slug: str) -> NotebookNode:
    return nbformat.read(PROJECT.notebook("exercises", slug), as_version=4)


def role(cell: NotebookNode) -> str:
    """``answer``, ``check``, ``manual`` or nothing, from nbgrader's metadata."""
    data = cell.metadata.get("nbgrader", {})
    if not data:
        return ""
    return "check" if not data["solution"] else "manual" if data["grade"] else "answer"


def printed(cell: NotebookNode) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream")


def test_there_are_sheets() -> None:
    """The loop below is not over nothing."""
    assert {"ddpm", "ddim"} <= set(SHEETS)


@pytest.mark.parametrize("slug", SHEETS)
def test_a_sheet_has_the_questions_of_the_registry_and_at_least_five(slug: str) -> None:
    questions = checks.questions(slug)
    assert len(questions) >= 5
    cells = [cell for cell in read(slug).cells if role(cell)]
    answered = [cell.metadata.genbook.question for cell in cells if role(cell) != "check"]
    assert answered == [question.id for question in questions]
    checked = [checked_ids(cell.source) for cell in cells if role(cell) == "check"]
    assert checked == [[question.id] for question in questions if not question.manual]
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in cells)
    assert points == sum(question.points for question in questions)
    grade_ids = [cell.metadata.nbgrader.grade_id for cell in cells]
    assert len(set(grade_ids)) == len(grade_ids)


@pytest.mark.parametrize("slug", SHEETS)
def test_no_solution_and_no_output_is_left(slug: str) -> None:
    notebook = read(slug)
    for cell in notebook.cells:
        assert "### BEGIN" not in cell.source and "### END" not in cell.source
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    solutions = nbformat.read(PROJECT.notebook("solutions", slug), as_version=4)
    given = {cell.source for cell in notebook.cells}
    for cell in solutions.cells:
        if role(cell) in ("answer", "manual"):
            assert cell.source not in given


def run_all(notebook: NotebookNode) -> None:
    """Run every cell; what would have stopped "Run all" is a failure of the test."""
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, allow_errors=True, resources=resources).execute()
    for cell in notebook.cells:
        for out in cell.get("outputs", []):
            assert out.output_type != "error", f"{cell.source}\n{out.ename}: {out.evalue}"


def uses(notebook: NotebookNode) -> list[tuple[NotebookNode, set[str]]]:
    """The cells that use answers, with the ids of the questions."""
    found = []
    for cell in notebook.cells:
        calls = re.findall(r"once_answered\(([^)]*)\)", cell.source)
        if cell.cell_type == "code" and calls:
            found.append((cell, set(re.findall(r'"([\w.]+)"', "".join(calls)))))
    return found


def awaited(cell: NotebookNode) -> set[str]:
    """The questions whose answers a cell said that it lacks."""
    said = re.search(r"your answer to (.+), which is still to be written", printed(cell))
    return set(said[1].split(" and ")) if said else set()


@pytest.mark.slow
@pytest.mark.parametrize("slug", SHEETS)
def test_every_stub_raises_every_check_reports_zero_and_run_all_reaches_the_end(slug: str) -> None:
    notebook = read(slug)
    questions = [question for question in checks.questions(slug) if not question.manual]
    ids = [question.id for question in questions]
    report = nbformat.v4.new_code_cell(REPORT.format(ids=ids))
    notebook.cells.append(report)
    run_all(notebook)

    for cell in notebook.cells:
        if role(cell) == "check":
            (asked,) = checked_ids(cell.source)
            assert printed(cell).startswith(f"{asked} ✗ 0/"), printed(cell)
    for cell, asked in uses(notebook):
        assert awaited(cell) and awaited(cell) <= asked

    line = next(text for text in printed(report).splitlines() if text.startswith("REPORT"))
    results = json.loads(line.removeprefix("REPORT"))
    assert set(results) == set(ids)
    sources = {
        cell.metadata.genbook.question: cell.source
        for cell in notebook.cells
        if role(cell) == "answer"
    }
    for name, (points, message, kinds, trained) in results.items():
        assert points == 0, f"{name}: what students are given scores {points} points"
        if "raise NotImplementedError()" in sources[name]:
            assert message.endswith("· not answered yet")
            wanted = [] if trained else ["missing"]  # what is trained has no cases
            assert kinds == wanted, f"{name}: the stub ends as {kinds} instead of raising"


@pytest.mark.slow
@pytest.mark.parametrize("slug", SHEETS)
@pytest.mark.parametrize("first", [0, 1])
def test_run_all_reaches_the_end_of_a_sheet_that_is_half_answered(slug: str, first: int) -> None:
    """Every other question is answered: its cells show results, those of the others a sentence."""
    notebook = read(slug)
    solutions = nbformat.read(PROJECT.notebook("solutions", slug), as_version=4)
    solved = {
        cell.metadata.nbgrader.grade_id: cell.source for cell in solutions.cells if role(cell)
    }
    answered = {question.id for question in checks.questions(slug)[first::2]}
    for cell in notebook.cells:
        if role(cell) == "answer" and cell.metadata.genbook.question in answered:
            cell.source = solved[cell.metadata.nbgrader.grade_id]
    run_all(notebook)
    for cell, asked in uses(notebook):
        assert bool(awaited(cell)) == bool(asked - answered)
        assert awaited(cell) <= asked - answered
