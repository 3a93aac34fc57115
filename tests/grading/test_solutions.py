"""What is handed out, tried by the checkers: the solution is right, the blank is not, and every
small change of the solution is noticed.

Answers are taken from the notebooks, so this tests what students and teachers see. Changes of the
registry's own references are tested in tests/test_checks.py.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import mutation
import nbformat
import pytest

from coursekit.checked import checked_ids
from coursekit.project import Project
from genbook import checks
from genbook.checks.machinery.randomness import own_randomness
from genbook.checks.machinery.run import verdict
from genbook.checks.machinery.trained import embedded, export, judge_weights

PROJECT = Project.find(Path(__file__))
ASKED = [q for slug in checks.slugs() for q in checks.questions(slug) if not q.manual]
by_id = pytest.mark.parametrize("q", ASKED, ids=lambda q: q.id)
by_cases = pytest.mark.parametrize(
    "q", [q for q in ASKED if q.training is None], ids=lambda q: q.id
)
by_training = pytest.mark.parametrize("q", [q for q in ASKED if q.training], ids=lambda q: q.id)

pytestmark = pytest.mark.slow


@cache
def answers(room: str, slug: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The source of each answer of a sheet, and the names that the cells before it define.

    Cells that call `check` are left out, and so are those that fail in a blank sheet because
    nothing has been answered.
    """
    notebook = nbformat.read(PROJECT.notebook(room, slug), as_version=4)
    names: dict[str, Any] = {"__name__": "__main__"}
    found = {}
    with matplotlib.rc_context({"backend": "agg"}):
        for cell in notebook.cells:
            if cell.cell_type != "code" or cell.id == "setup" or checked_ids(cell.source):
                continue
            asked = cell.metadata.get("genbook", {}).get("question")
            if asked:
                found[asked] = cell.source, dict(names)
            elif found and not defines(cell.source):
                continue  # a picture or a table made with the answers
            quiet = contextlib.redirect_stdout(io.StringIO())
            unanswered = contextlib.suppress(NotImplementedError)
            with quiet, unanswered, own_randomness(0):
                exec(compile(cell.source, f"<{room}/{slug}>", "exec"), names)
    return found


def defines(source: str) -> bool:
    """Whether a cell imports or defines something, for the answers that follow."""
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in ast.parse(source).body)


def answer(room: str, q: checks.Question) -> Any:
    """What the answer's cell defines, in a namespace of its own."""
    source, names = answers(room, q.id.partition(".")[0])[q.id]
    file = f"<{room}/{q.id}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    names = dict(names)
    exec(compile(source, file, "exec"), names)
    return names[q.name]


def test_every_question_has_an_answer_to_try():
    for slug in checks.slugs():
        asked = [q.id for q in ASKED if q.id.startswith(slug + ".")]
        assert list(answers("solutions", slug)) == list(answers("exercises", slug)) == asked


@by_cases
def test_the_solution_has_all_points_on_twenty_seeds(q):
    solution = answer("solutions", q)
    for seed in range(20):
        result = verdict(q, solution, seed)
        assert result.points == q.points, f"seed {seed}:\n{result.message}"
        assert result.possible == q.points and result.misconception is None


@by_training
def test_the_solution_trains_a_network_that_has_all_points_on_twenty_seeds(q):
    with own_randomness(0):
        data = export(answer("solutions", q)())
    for seed in range(20):
        result = judge_weights(q, data, seed, slack=0.0)
        assert result.points == q.points, f"seed {seed}:\n{result.message}"


@by_training
def test_a_grader_finds_the_weights_in_the_notebook(q):
    """The solution's notebook has been executed, so it is handed in as a student would."""
    notebook = nbformat.read(PROJECT.notebook("solutions", q.id.partition(".")[0]), as_version=4)
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    pages = [str(out.data["text/html"]) for out in outputs if "text/html" in out.get("data", {})]
    (data,) = embedded(pages, q.id)
    for seed in range(20):
        result = judge_weights(q, data, seed)
        assert result.points == q.points, f"seed {seed}:\n{result.message}"


@by_id
def test_the_blank_has_no_points_and_is_known_for_what_it_is(q):
    """Either not answered yet, or, where a bug is to be found, that bug by its name."""
    source, _ = answers("exercises", q.id.partition(".")[0])[q.id]
    for seed in range(5):
        result = verdict(q, answer("exercises", q), seed)
        assert result.points == 0
        if "raise NotImplementedError" in source:
            assert result.message.endswith("· not answered yet") and result.misconception is None
        else:
            assert result.misconception is not None, f"seed {seed}:\n{result.message}"


@by_cases
def test_mutants_of_the_solution_are_killed(q):
    source, names = answers("solutions", q.id.partition(".")[0])[q.id]
    mutants = mutation.mutants_of_source(source, q.name, names)
    assert mutants, "nothing to change: write the solution out"
    made = {m.description for m in mutants}
    alive = mutation.survivors(q, seeds=(0, 1, 2), of=mutants)
    listed = q.equivalent_mutants
    weak = [text for text in alive if not mutation.covered(text, listed)]
    assert not weak, "no case tells these from the solution:\n" + "\n".join(weak)
    killed = [text for text in made - set(alive) if mutation.covered(text, listed)]
    assert not killed, f"not equivalent at all: {killed}"
    # A change is one of the reference or of the solution; both are read by the same cases.
    made |= {m.description for m in mutation.mutants(q.reference)}
    unknown = set(listed) - {change for text in made for change in mutation.covered(text, listed)}
    assert not unknown, f"equivalent_mutants names changes that are not made: {unknown}"
