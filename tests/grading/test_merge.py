"""A submission aligned with its sheet: whose answer is what, and in which order cells run."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.grading.incoming import ingest
from coursekit.grading.incoming.assignment import Assignment, Given, names_defined, normal
from coursekit.grading.incoming.ingest import Cell, Submission
from coursekit.grading.incoming.merge import merge
from coursekit.project import Project

PROJECT = Project.find(Path(__file__))
DDIM = Assignment.load(PROJECT, "ddim")
STUB = DDIM.stub("ddim.step")
STEP = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n    return xt\n"
SLERP = "def slerp(u, v, w):\n    return u\n"


def code(source, **ids):
    return Cell("code", source, **ids)


def plan_of(*cells):
    return merge(DDIM, Submission(tuple(cells)))


def sources(plan, role="student"):
    return [step.source for step in plan.steps if step.role == role]


def shown(plan):
    """The steps, without checks of answers that no cell shows."""
    words = set(re.findall(r"\w+", " ".join(sources(plan))))
    return [s for s in plan.steps if s.role != "check" or set(re.findall(r"\w+", s.name)) & words]


def names(plan):
    """Question → name, in the order of the first tries."""
    return {s.question: s.name for s in shown(plan) if s.role == "check" and not s.again}


def test_the_sheet_itself_has_nothing_to_run_but_its_given_bug():
    plan = merge(DDIM, ingest.read(PROJECT.notebook("exercises", "ddim").read_bytes()))
    assert names(plan) == {"ddim.sample": "sample"}
    assert len(sources(plan)) == 1 and "def sample" in sources(plan)[0]
    assert plan.notes == plan.review == [] and plan.texts == {"ddim.explain": ""}
    assert plan.silent


def test_the_solution_is_tried_where_it_stands_and_once_more_if_need_be():
    data = PROJECT.notebook("solutions", "ddim").read_bytes()
    plan = merge(DDIM, ingest.read(data))
    asked = [q.id for q in DDIM.questions if not q.manual]
    assert list(names(plan)) == asked
    assert not [s for s in plan.steps if s.again == "all"]
    assert [s.question for s in plan.steps if s.again == "definitions"] == asked
    assert "ᾱ" in plan.texts["ddim.explain"] or "alpha" in plan.texts["ddim.explain"]


def test_an_answer_is_tried_where_it_stands():
    plan = plan_of(code(STEP), code(SLERP), code("step = 3"))
    roles = [(s.role, s.question) for s in shown(plan) if s.role != "given" and not s.again]
    assert roles == [
        ("student", ""),
        ("check", "ddim.step"),
        ("student", ""),
        ("check", "ddim.slerp"),
        ("student", ""),
    ]


def test_a_given_bug_counts_only_where_there_is_no_other_answer():
    (given,) = [c.source for c in DDIM.cells if c.question == "ddim.sample" and c.role == "answer"]
    repaired = given.replace("steps, 0, -1", "steps, -1, -1")
    plan = plan_of(code("import math"), code(repaired), code(given))
    assert sources(plan)[-1] == repaired and plan.untouched == set()
    plan = plan_of(code("import math"), code(given))
    assert sources(plan)[-1] == given and plan.untouched == {"ddim.sample"}


def test_the_last_definition_counts_and_a_stub_hides_nothing():
    plan = plan_of(code(STEP), code(STUB), code(STEP + "# again"), code(STUB))
    assert sources(plan) == [STEP, STEP + "# again"]
    tries = [i for i, s in enumerate(plan.steps) if s.role == "check" and not s.again]
    assert plan.steps[tries[0] - 1].source == STEP + "# again"
    assert any("2 cells" in note for note in plan.notes)


def test_a_loop_that_uses_the_name_does_not_become_the_answer():
    plan = plan_of(code(STEP), code("for step in range(3):\n    pass"))
    first = next(i for i, s in enumerate(plan.steps) if s.role == "check")
    assert plan.steps[first - 1].source == STEP


RENAMED = STEP.replace("def step", "def my_step")


@pytest.mark.parametrize(
    "cells",
    [
        [code(RENAMED), code('check("ddim.step", my_step)')],
        [code(RENAMED, grade_id="ddim-step")],
        [code(RENAMED, id="ddim-step")],
        [code(RENAMED, question="ddim.step")],
        [code(RENAMED)],  # nothing else has these parameters
        [code(RENAMED), code("from genbook import checks\nchecks.check('ddim.step', my_step)")],
    ],
)
def test_another_name_is_found_and_said(cells):
    plan = plan_of(*cells)
    assert names(plan) == {"ddim.step": "my_step"}
    assert plan.notes == ["`my_step` was taken as your answer `step`."]


def test_two_strangers_of_one_shape_are_not_guessed_between():
    assert names(plan_of(code(RENAMED), code(RENAMED.replace("my_step", "other")))) == {}


def test_the_students_last_word_comes_first():
    second = STEP.replace("def step", "def step_2")
    said = code('check("ddim.step", step_2)')
    assert names(plan_of(code(STEP), code(second), said)) == {"ddim.step": "step_2"}
    own = code('check("ddim.step", step)')
    assert names(plan_of(code(STEP), code(second), said, own)) == {"ddim.step": "step"}
    assert names(plan_of(code(second), said, own)) == {"ddim.step": "step_2"}
    assert names(plan_of(code(STEP), code('check("ddim.step", ddim.step)'))) == {
        "ddim.step": "step"
    }


def test_what_is_checked_besides_is_not_the_answer():
    slow = STEP.replace("def step", "def step_slow")
    own, besides = code('check("ddim.step", step)'), code('check("ddim.step", step_slow)')
    plan = plan_of(code(STEP), own, code(slow), besides)
    assert names(plan) == {"ddim.step": "step"} and plan.notes == []
    # A stub is no answer, whatever it is called.
    stub = code("def step(*args):\n    raise NotImplementedError()\n\nx = 1")
    assert names(plan_of(stub, own, code(slow), besides)) == {"ddim.step": "step_slow"}


@pytest.mark.parametrize(
    "source",
    [
        "def step(schedule, xt\n    return xt",
        "def step(schedule, xt)\n    return xt",
        "def step(schedule, xt):\nreturn xt",
        'def step(schedule, xt):\n    """Never closed\n    return xt',
        "def step(schedule, xt):\n    return xt)",
        "```python\ndef step(schedule, xt):\n\treturn xt\n        return xt\n```",
    ],
)
def test_an_answer_that_is_no_python_is_told(source):
    plan = plan_of(code(source))
    assert names(plan) == {} and "syntax error in line" in plan.unread["ddim.step"]
    assert plan.notes and "syntax error" in plan.notes[0]
    nameless = plan_of(code("x = = 3", id="ddim-step"))
    assert list(nameless.unread) == ["ddim.step"]


def test_an_answer_in_a_cell_of_text_is_told():
    plan = plan_of(Cell("markdown", STEP, id="ddim-step"))
    assert "cell of text" in plan.unread["ddim.step"]
    assert not plan_of(Cell("markdown", "I define the step below.", id="x")).unread


def test_packages_that_are_not_there_are_found():
    source = "import numpy, einops\nfrom google.colab import files\nfrom os import path"
    assert plan_of(code(source), code("from jaxtyping_x.y import z")).absent == [
        "einops",
        "jaxtyping_x",
    ]


def test_any_expression_of_the_students_own_can_be_the_answer():
    solver = code("class Solver:\n    pass\n\nsolver = Solver()")
    plan = plan_of(solver, code("x = 1"), code('check("ddim.slerp", solver.slerp)'))
    assert names(plan) == {"ddim.slerp": "solver.slerp"}
    first = next(i for i, s in enumerate(plan.steps) if s.role == "check")
    assert plan.steps[first - 1].source == solver.source


def test_the_ids_of_a_cell_offer_no_class_for_a_function():
    helper = "class Helper:\n    pass\n\n"
    assert names(plan_of(code(helper, id="ddim-step"))) == {}
    assert names(plan_of(code(helper + "def mine(): 1", id="ddim-step"))) == {"ddim.step": "mine"}


def test_a_name_bound_to_another_function_is_defined_again():
    for bound in ("other", "partial(other, 3)", "lambda *a: a[0]"):
        last = code(f"def other(*a):\n    return a\n\nstep = {bound}")
        plan = plan_of(code(STEP), last)
        first = next(i for i, s in enumerate(plan.steps) if s.role == "check")
        assert plan.steps[first - 1].source == last.source


def test_what_no_cell_shows_is_asked_for_all_the_same():
    hidden = [s.name for s in plan_of(code("%run mine.py")).steps if s.role == "check"]
    assert hidden == list(DDIM.names)
    assert not [s for s in plan_of().steps if s.role == "check"]


def test_an_alias_cannot_take_the_answer_to_another_question():
    plan = plan_of(code(SLERP), code('check("ddim.step", slerp)'))
    assert names(plan) == {"ddim.slerp": "slerp"}


def test_a_name_that_is_assigned_is_an_answer():
    assert names(plan_of(code("step = lambda *a, **k: a[1]"))) == {"ddim.step": "step"}
    assert names(plan_of(code("from mine import step"))) == {"ddim.step": "step"}


def test_set_up_checks_and_the_sheets_own_cells_are_not_the_students():
    given = [cell.source for cell in DDIM.cells if cell.role in ("code", "setup", "check")]
    changed = [text.replace("\n", "  \n\n") for text in given]
    assert sources(plan_of(*map(code, given), *map(code, changed))) == []
    mine = given[1] + "\nimport os"
    assert sources(plan_of(code(mine))) == [mine]
    setup = next(cell.source for cell in DDIM.cells if cell.role == "setup")
    assert sources(plan_of(code(f"{setup}\n\nx = 3"))) == ["\nx = 3"]
    changed = setup.replace("import sys", "import sys\nx = 3")
    assert sources(plan_of(code(changed))) == [changed]


def test_given_code_that_a_student_relies_on_is_run_unless_it_is_theirs():
    late = next(c.source for c in DDIM.cells if c.role == "code" and "def gaussian" in c.source)
    assert late not in sources(plan_of(code(STEP)), "given")
    # It calls `order`, an answer: an experiment, of which the definitions are enough.
    *_, relied = sources(plan_of(code("gaussian")), "given")
    defined = {}
    exec(relied, defined)
    assert callable(defined["gaussian"]) and "order" not in relied
    first = sources(plan_of(code(STEP)), "given")
    assert len(first) == 1 and "import torch" in first[0]


def test_given_code_may_rely_on_given_code():
    texts = ("import os", "def step(): 1", "a = 1", "b = a", "c = b", "d = 2")
    roles = ("code", "answer", *["code"] * 4)
    given = tuple(Given(role, text) for role, text in zip(roles, texts, strict=True))
    sheet = Assignment("x", given, (), {})
    plan = merge(sheet, Submission((code("print(c)"),)))
    assert sources(plan, "given") == ["import os", "a = 1", "b = a", "c = b"]


def test_what_is_valid_in_a_broken_cell_is_run():
    broken = "import math\n@torch.no_grad()\n" + STEP + "x = (1,\n     2)\ny = = 3\nz = [\n" + SLERP
    plan = plan_of(code(broken))
    (kept,) = sources(plan)
    assert {"math", "step", "x", "slerp"} == names_defined(ast.parse(kept))
    assert "@torch.no_grad()" in kept
    assert plan.notes == [
        "A cell has a syntax error in line 7; the parts of it that are valid were run."
    ]


def test_magics_are_code():
    plan = plan_of(code("%matplotlib inline\n!pip install x\n" + STEP), code("%%time\n" + SLERP))
    assert set(names(plan)) == {"ddim.step", "ddim.slerp"}
    assert plan.notes == []


def test_the_fallback_of_a_cell_is_its_definitions():
    source = f"import os\nprint(1)\nn = 3\n{STEP}\nwhile True: pass"
    (step,) = [s for s in plan_of(code(source)).steps if s.role == "student"]
    assert names_defined(ast.parse(step.fallback)) == {"os", "n", "step"}
    assert "while" not in step.fallback and "print" not in step.fallback


def tries(plan):
    return [step.again for step in shown(plan) if step.role == "check"]


def test_cells_below_are_run_for_an_answer_that_may_need_them():
    helped = code("def step(schedule, xt, eps):\n    return helper(xt)")
    assert tries(plan_of(code("x = 3"), helped, code("y = 4"))) == ["", "definitions"]
    assert tries(plan_of(helped, code("helper = abs"))) == ["", "all", "definitions"]


def test_each_definition_of_a_fallback_is_tried_for_itself():
    source = "from __future__ import annotations\nimport nowhere\nx = 3 / 0\ny = math.sqrt(4)"
    (step,) = [s for s in plan_of(code(source + "\n" + STEP)).steps if s.role == "student"]
    names = {"math": __import__("math")}
    exec(step.fallback, names)
    assert names["y"] == 2 and callable(names["step"]) and "x" not in names


@pytest.mark.parametrize(
    "source", ["torch.Tensor.numpy = abs", "x = train(model)", "x, y.z = 1, 2", "print(3)"]
)
def test_what_changes_or_calls_something_is_no_definition(source):
    plan = plan_of(code(source), code(STEP))
    (first, _) = [s for s in plan.steps if s.role == "student"]
    assert first.fallback == "" and not plan.plain
    assert plan_of(code("x = torch.ones(3)"), code(STEP)).plain


MANUAL = next(c.source for c in DDIM.cells if c.role == "text" and "Question 7" in c.source)


@pytest.mark.parametrize(
    "cells",
    [
        [Cell("markdown", "Because.", grade_id="ddim-explain")],
        [Cell("markdown", "Because.", question="ddim.explain")],
        [Cell("markdown", MANUAL), Cell("markdown", "Because.")],
        [Cell("markdown", MANUAL), Cell("markdown", "*Write here.*\n\nBecause.")],
        [Cell("markdown", MANUAL), Cell("code", "%%markdown\nBecause.")],
        [Cell("markdown", MANUAL), Cell("code", "%%latex\n*Write here.*\nBecause.")],
    ],
)
def test_answers_in_words_are_found(cells):
    assert merge(DDIM, Submission(tuple(cells))).texts == {"ddim.explain": "Because."}


def test_words_below_another_question_are_not_the_answer():
    other = [
        Cell("markdown", "## Question 3 · The three terms (3 points)"),
        Cell("markdown", "Hm."),
    ]
    assert merge(DDIM, Submission(tuple(other))).texts == {"ddim.explain": ""}


def test_words_may_be_typed_into_the_question_itself():
    (question,) = [q for q in DDIM.questions if q.manual]
    typed = merge(DDIM, Submission((Cell("markdown", f"{MANUAL}\n\nBecause.\n"),)))
    assert typed.texts == {question.id: "Because."} and not typed.silent
    retyped = merge(DDIM, Submission((Cell("markdown", f"Because.\n\n{MANUAL}"),)))
    assert retyped.texts[question.id].startswith("Because.") and not retyped.silent


@pytest.mark.parametrize(
    ("cell", "silent"),
    [
        (Cell("markdown", "*Write here.*\n"), True),
        (Cell("markdown", "Because."), False),
        (Cell("code", "# because the roots are missing"), False),
        (Cell("code", '"""Because."""'), False),
        (Cell("code", "Because the roots are missing"), False),
        (Cell("code", "because + roots"), False),
        (Cell("code", f"{STEP}\n# Because the roots are missing."), False),
        (Cell("code", 'answer = "because the roots are missing"'), False),
        (Cell("code", 'print("because the roots are missing")'), False),
        (Cell("code", "%%markdown\nBecause."), False),
        (Cell("code", STEP), True),
        (Cell("code", "step(1)"), True),
        (Cell("code", "   \n"), True),
    ],
)
def test_who_wrote_no_words_anywhere_has_not_answered_in_words(cell, silent):
    assert merge(DDIM, Submission((cell,))).silent is silent
    assert not merge(DDIM, Submission((cell,), ("A cell was left out.",))).silent


def test_a_file_that_was_damaged_or_is_none_must_be_looked_at():
    damaged = merge(DDIM, Submission((), ("It is cut off.",), salvaged=True))
    assert damaged.review == damaged.notes == ["It is cut off."]
    no_file = merge(DDIM, Submission((), ("This is a PDF.",), readable=False))
    assert no_file.review == ["This is a PDF."]
    told = merge(DDIM, Submission((), ("An old format.",)))
    assert told.review == [] and told.notes == ["An old format."]


def test_normal_forgets_only_blanks():
    assert normal("a  \n\n b\n") == normal("a\n b") != normal("a\nb")


pieces = st.sampled_from(
    [STEP, STUB, SLERP, "def step(", "step = 3", "1/0", 'check("ddim.step", f)']
)
texts = st.lists(pieces | st.text(max_size=30), max_size=4).map("\n".join)
cells = st.builds(Cell, st.sampled_from(["code", "markdown"]), texts, st.text(max_size=5))


@settings(max_examples=150, deadline=None)
@given(st.lists(cells, max_size=6))
def test_nothing_that_a_cell_holds_raises(found):
    plan = merge(DDIM, Submission(tuple(found)))
    for step in plan.steps:
        if step.role == "student":
            ast.parse(step.fallback)
        assert step.role != "check" or ast.parse(step.name, mode="eval")


def test_every_sheet_of_the_book_can_be_assigned():
    for slug in ("objects", "geometry", "gaussians", "ddpm", "ddim", "evaluation"):
        assignment = Assignment.load(PROJECT, slug)
        data = nbformat.read(PROJECT.notebook("solutions", slug), as_version=4)
        plan = merge(assignment, ingest.read(nbformat.writes(data).encode()))
        assert list(names(plan)) == list(assignment.names.values())
        assert set(assignment.titles) == {q.id for q in assignment.questions}


def of(slug):
    return json.loads(PROJECT.notebook("solutions", slug).read_bytes())


def told(notebook):
    plan = merge(DDIM, ingest.read(json.dumps(notebook).encode()))
    assert plan.review == [note for note in plan.notes if "defined in" not in note]
    return plan.review


def test_another_sheet_is_said():
    assert told(of("ddim")) == []
    assert told(of("ddpm")) == ["This is the sheet on ddpm, and not on ddim."]
    both = of("ddim")
    both["cells"] += of("ddpm")["cells"]
    assert told(both) == ["There is another sheet in this notebook, too: ddpm."]
    for cell in both["cells"]:
        cell["metadata"] = {}  # Colab may drop it; the check cells still say it
    assert told(both) == ["There is another sheet in this notebook, too: ddpm."]


def test_an_older_sheet_is_said():
    older = of("ddim")
    for cell in older["cells"]:
        if cell["metadata"].get("genbook", {}).get("question") == "ddim.slerp":
            cell["metadata"]["genbook"]["question"] = "ddim.interpolate"
    assert told(older) == ["This sheet does not ask ddim.interpolate: is it an older one?"]


@pytest.mark.parametrize("source", ["", "print('hello')", "# %% my own notes\nx = 1"])
def test_a_notebook_that_is_no_sheet_is_said(source):
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    assert told({"cells": [cell]}) == ["Nothing of the sheet on ddim was found in this notebook."]
