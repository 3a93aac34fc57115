"""From solutions to exercises: nothing leaks, nothing is lost, every mistake has its line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import toy

from coursekit import derive, exercises, strip
from coursekit.project import Project
from coursekit.source import Cell, SourceError, read


def stripped(book: Project) -> str:
    sheet = exercises.prepare(read(book.sheet("toy")), toy.QUESTIONS)
    return "\n".join(cell.text for cell in strip.strip(sheet).cells)


def test_solutions_are_gone_and_what_the_student_needs_is_kept(book: Project) -> None:
    text = stripped(book)
    assert "return 2 * x" not in text and "assert double(5)" not in text
    assert "Because twice" not in text and "return x * x" not in text
    assert "BEGIN" not in text and "END" not in text
    assert '"""Return twice x."""' in text
    assert text.count("raise NotImplementedError()") == 1
    assert "    return x + x + 1" in text
    assert "    # is this right?" in text
    assert "*Write here.*" in text
    assert 'check("toy.double", double)' in text


def test_roles_and_lines_of_the_prepared_sheet(book: Project) -> None:
    source = read(book.sheet("toy"))
    sheet = exercises.prepare(source, toy.QUESTIONS)
    roles = [(cell.question, cell.role) for cell in sheet.cells if cell.role]
    assert roles == [
        ("toy.double", "answer"),
        ("toy.double", "check"),
        ("toy.square", "answer"),
        ("toy.square", "check"),
        ("toy.why", "manual"),
    ]
    lines = book.sheet("toy").read_text().splitlines()
    for cell in sheet.cells:
        if cell.role != "manual":
            assert lines[cell.line - 1] == cell.text.split("\n")[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(2 points)", "(3 points)", "2 points in the registry, 3 here"),
        ("## Question 2 ·", "## Question 3 ·", "question 3 follows question 1"),
        ("## Question 1 · Twice (2 points)", "## Question 1: Twice", "is not of the form"),
        (":question: toy.double\n", "", "needs the option"),
        (":question: toy.double\n", ":question: toy.square\n", "in the section of toy.double"),
        ("def double(x):", "def twice(x):", "must define 'double'"),
        ('check("toy.double", double)', "double(1)", r"needs exactly \['answer', 'check'\]"),
        ('check("toy.square", square)', 'check("toy.double", square)', "in the section of"),
        ("**Your answer**", "**An answer**", r"needs exactly \['manual'\]"),
        ("## Question 3 · Explain (3 points)", "Another text.", "toy.square needs exactly"),
    ],
)
def test_disagreement_with_the_registry_is_an_error_with_its_line(
    book: Project, old: str, new: str, message: str
) -> None:
    toy.edit(book.sheet("toy"), old, new)
    with pytest.raises(SourceError, match=message) as caught:
        exercises.prepare(read(book.sheet("toy")), toy.QUESTIONS)
    assert caught.value.file == book.sheet("toy")
    assert caught.value.line > 6


USE = """
```{code-cell} ipython3
USED
```

## Question 2 ·"""


@pytest.mark.parametrize(
    "used",
    [
        "for x in (1, 2):\n    print(double(x))",
        "results = map(double, [1, 2])",
        'with once_answered("toy.square"):\n    print(double(1))',
        'with other("toy.double"):\n    print(double(1))',
        'with once_answered("toy.double"):\n    pass\nprint(double(1))',
        "def four(x):\n    return double(double(x))\n\n\nprint(four(1))  # double",
    ],
)
def test_a_cell_that_would_stop_run_all_without_an_answer_is_refused(
    book: Project, used: str
) -> None:
    toy.edit(book.sheet("toy"), "\n## Question 2 ·", USE.replace("USED", used))
    message = r"this uses (double|four), which may not be answered"
    with pytest.raises(SourceError, match=message) as caught:
        exercises.prepare(read(book.sheet("toy")), toy.QUESTIONS)
    assert 'once_answered("toy.double")' in caught.value.message
    line = book.sheet("toy").read_text().splitlines()[caught.value.line - 1]
    assert "double" in line


@pytest.mark.parametrize(
    "used",
    [
        'with once_answered("toy.double"):\n    print(double(1))',
        'with once_answered("toy.square", "toy.double"), open("f"):\n    print(double(1))',
        "double = 3\nprint(double)",
        "print(x.double())",
        "def four(x):\n    return double(double(x))",
        'def four(x):\n    return double(x)\n\n\nwith once_answered("toy.double"):\n    four(1)',
    ],
)
def test_a_cell_that_waits_for_its_answer_may_use_it(book: Project, used: str) -> None:
    toy.edit(book.sheet("toy"), "\n## Question 2 ·", USE.replace("USED", used))
    exercises.prepare(read(book.sheet("toy")), toy.QUESTIONS)


def test_a_question_that_is_missing_or_too_many(book: Project) -> None:
    source = read(book.sheet("toy"))
    with pytest.raises(SourceError, match="lacks the registry's question"):
        exercises.prepare(source, [*toy.QUESTIONS, toy.Question("toy.more", 1, "more")])
    with pytest.raises(SourceError, match="has 2 questions for toy, but this is number 3"):
        exercises.prepare(source, toy.QUESTIONS[:2])


def test_the_solved_code_is_the_solution_without_marks_or_what_was_given(book: Project) -> None:
    sheet = exercises.prepare(read(book.sheet("toy")), toy.QUESTIONS)
    double, square = (cell for cell in sheet.cells if cell.role == "answer")
    solved = strip.solved_code(double, book.sheet("toy"))
    assert solved == 'def double(x):\n    """Return twice x."""\n    return 2 * x'
    assert strip.solved_code(square, book.sheet("toy")) == "def square(x):\n    return x * x"


def test_an_assignment_is_a_sheet_of_no_single_chapter(book: Project) -> None:
    text = book.sheet("toy").read_text()
    assert book.slugs() == book.chapters() == ["toy"]
    book.sheet("joint").write_text(text)
    assert book.slugs() == book.chapters() == ["toy", "joint"], "a sheet that lacks its chapter"
    book.sheet("joint").write_text(text.replace("kind: sheet", "kind: assignment"))
    assert (book.slugs(), book.chapters()) == (["toy", "joint"], ["toy"])
    assert book.is_assignment("joint") and not book.is_assignment("toy")
    assert list(book.sources("joint")) == ["solutions"]
    assert read(book.sheet("joint")).kind == "assignment"
    assert not book.is_assignment("nowhere")


ORDER = "QUESTIONS and the sheet must have one order"
CUBE = toy.Question("toy.cube", 1, "cube")
HOW = toy.Question("toy.how", 3, "how", manual=True)


@pytest.mark.parametrize(
    ("registry", "message"),
    [
        # what the sheet lacks, or has in another place; the points differ as well, by chance
        ([0, 1, CUBE, 2], "section 3 is toy.why; the registry has toy.cube there"),
        ([0, CUBE, 1, 2], "section 2 is toy.square; the registry has toy.cube there"),
        ([1, 0, 2], "section 1 is toy.double; the registry has toy.square there"),
        ([2, 0, 1], "section 1 is toy.double; the registry has toy.why there"),
        ([0, 1, CUBE, 2, HOW], "section 3 is marked by a human; the registry has toy.cube there"),
        # and what the registry lacks
        ([0, 2], "section 2 is toy.square; the registry has toy.why there"),
    ],
)
def test_another_order_than_the_registrys_is_said_before_its_echoes(
    book: Project, registry: list[int | toy.Question], message: str
) -> None:
    questions = [toy.QUESTIONS[one] if isinstance(one, int) else one for one in registry]
    with pytest.raises(SourceError, match=f"{message}: {ORDER}") as caught:
        exercises.prepare(read(book.sheet("toy")), questions)
    number = int(message.split()[1])
    line = book.sheet("toy").read_text().splitlines()[caught.value.line - 1]
    assert line.startswith(f"## Question {number} ·")


def stripped_cell(code: str, *tags: str) -> str:
    return strip.strip_code(Cell("code", code, 10, {"tags": list(tags)}), Path("sheet.md"))


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    return 1", 11, "has no end"),
        ("def f():\n    pass\n    ### END SOLUTION", 12, "does not match"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", 11, "does not match"),
        ("### BEGIN SOLUTION\n### END GIVEN", 11, "does not match"),
        ("### BEGIN SOLUTIONS\n### END SOLUTIONS", 10, "unknown marker"),
        ("def f():\n    return 1", 10, "needs a '### BEGIN SOLUTION'"),
        (
            "### BEGIN GIVEN\n# x = 1\n### END GIVEN\ny = 1\n### BEGIN SOLUTION\n### END SOLUTION",
            10,
            "beside a SOLUTION",
        ),
        (
            "### BEGIN GIVEN\nx = 1\n### END GIVEN\n### BEGIN SOLUTION\n### END SOLUTION",
            10,
            "does not begin with '# '",
        ),
        (
            "### BEGIN GIVEN\n# x = (\n### END GIVEN\n### BEGIN SOLUTION\n### END SOLUTION",
            10,
            "no valid Python",
        ),
    ],
)
def test_markers_must_be_balanced_known_and_placed(code: str, line: int, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        stripped_cell(code, "answer")
    assert caught.value.line == line


def test_a_solution_outside_an_answer_cell_is_refused() -> None:
    with pytest.raises(SourceError, match="no tag 'answer'"):
        stripped_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION")


def test_several_solutions_in_one_class_become_several_stubs() -> None:
    code = '''class Flow:
    """Doc."""

    def forward(self, x):
        ### BEGIN SOLUTION
        return x
        ### END SOLUTION

    def inverse(self, y):
        ### BEGIN SOLUTION
        return y
        ### END SOLUTION'''
    text = stripped_cell(code, "answer")
    assert text.count("        raise NotImplementedError()") == 2
    assert "return" not in text
    methods = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert methods == ["forward", "inverse"]


def test_nbgrader_metadata_follow_schema_3() -> None:
    question = toy.Question("toy.double", 2, "double")
    answer, check, manual = (
        exercises.nbgrader(role, question) for role in ("answer", "check", "manual")
    )
    for cell in (answer, check, manual):
        assert cell["schema_version"] == 3 and cell["task"] is False
        assert cell["grade_id"].replace("-", "").isalnum()
        assert ("points" in cell) == cell["grade"]
    assert (answer["grade"], answer["solution"], answer["locked"]) == (False, True, False)
    assert (check["grade"], check["solution"], check["locked"]) == (True, False, True)
    assert (manual["grade"], manual["solution"], manual["locked"]) == (True, True, False)
    assert answer["grade_id"] != check["grade_id"]


def test_nbval_does_not_compare_the_weights_that_a_check_shows() -> None:
    """They are another machine's as soon as a sum is rounded otherwise."""
    for code, tags, compared in (
        ('check("toy.double", double)', [], True),
        ('check("toy.net", train)', [], False),
        ('check("toy.net", train)', ["hide-output"], False),
        ('check("toy.net", train)', ["check-output"], True),
        ("train()", [], False),
    ):
        found = derive._notebook_tags(code, tags, trained={"toy.net"})
        assert ("nbval-check-output" in found) == compared
        assert ("nbval-ignore-output" in found) != compared
