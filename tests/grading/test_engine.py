"""Notebooks are graded with real kernels, and nothing that one cell does costs another its points.

One class for all tests: a student for each thing that can happen.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from corpus_entry import POINTS, WRONG, Entry, edited, full, solution

from coursekit.grading import worker
from coursekit.grading.incoming.students import Task
from coursekit.grading.jail import sandbox
from coursekit.grading.jail.kernel import HarnessError, Limits
from coursekit.grading.jail.scratch import remove
from coursekit.grading.run import grade
from coursekit.grading.verdict.reference import Prepared
from coursekit.grading.verdict.results import Row

LIMITS = Limits(cell_s=2, question_s=2, notebook_s=8)
STUB = "def {}(*args):\n    raise NotImplementedError()"


def student(name: str, *, answers: dict[str, str] | None = None, **where: object) -> Entry:
    return edited(name, "honest", "It is what the test says.", answers=answers, **where)


def step(*lines: str) -> dict[str, str]:
    """A right answer to ddim.step that does something first."""
    head = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):"
    fresh = "torch.zeros_like(xt) if noise is None else noise"
    last = f"return ddim.step(schedule, xt, eps, t, s, eta, {fresh})"
    return {"step": "\n    ".join([head, *lines, last])}


QUESTIONS = [name.partition(".")[2] for name in POINTS]
SLERP = solution("slerp")

# An answer that would hand on what it was asked, and says so in words of its own.
HINTS = {
    "step": "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n"
    "    raise type(f'Told_{t}', (ValueError,), {})(f'HIDDEN {t}')",
    "slerp": "def slerp(u, v, w):\n    return type(f'HIDDEN w={w}', (), {})()",
    "order": "from genbook.checks.machinery import show\n"
    "show.error = lambda e: 'HIDDEN\\n    in line 3: HIDDEN'\n"
    "def order(sampler, exact, steps):\n    raise ValueError",
}

CLASS = [
    student("honest"),
    student("blank", answers={q: STUB.format(q) for q in QUESTIONS}),
    student("wrong", wrong=tuple(QUESTIONS)),
    student("crashes", answers=step("import os", "os._exit(3)")),
    student("dies-later", answers=step("quit()")),
    student("loops", answers=step("while True: pass")),
    student("never-stops", answers=step("while True:", "    try: ...", "    except: ...")),
    student("loops-beside", before={"slerp": "x = 1\nwhile True: pass"}, answers={"slerp": SLERP}),
    student("raises-beside", answers={"slerp": f"{SLERP}\n\nassert False, 'to do'"}),
    student("out-of-time", before=dict.fromkeys(QUESTIONS[2:], "while True:\n try: 1\n except: 2")),
    student("redefined", after={"step": "x = 1", "slerp": WRONG["ddim.step"]}),
    student("improved", before={"step": WRONG["ddim.step"]}),
    student("helped", answers={"slerp": SLERP.replace("def slerp", "def arc")}, last="slerp = arc"),
    student("helper-below", answers=step("helper()"), last="def helper(): pass"),
    student("random", answers={"slerp": "def slerp(u, v, w):\n    return torch.rand_like(u)"}),
    student("no-display", first="import IPython.display as d\nd.display = print", wrong=("slerp",)),
    student("no-channel", after={"slerp": "get_ipython().kernel.iopub_socket.close()"}),
    student("tells", answers=step("raise ValueError(f'{xt.tolist()} {float(noise.sum())}')")),
    student("returns-it", answers=step("return xt")),
    student(
        "mistaken",
        answers={"by_hand": "def by_hand():\n    return 3.0, 2.74, 0.1225 * (1 - 0.36 / 0.9216)"},
    ),
    student(
        "guesses",
        answers={
            "slerp": f"{SLERP}\n\n_right = slerp\n\n\ndef slerp(u, v, w):\n"
            "    return guess * u if 'guess' in globals() else _right(u, v, w)"
        },
        before={"slerp": "guess = open('/dev/null').fileno()"},
    ),
    student(
        "half-a-cell",
        answers={
            "slerp": "done = []\ndone.append(1)\nopen('no file')\n"
            "kept = dict(n=len(done))\n"
            + SLERP.replace("def slerp", "def arc")
            + "\n\n\nfrom functools import partial\nslerp = partial(arc) if kept['n'] else 3"
        },
    ),
    student("hints", answers=HINTS),
    student("unparsed", answers={"slerp": "def slerp(u, v, w:\n    return u"}),
    student(
        "packaged", answers={"slerp": f"import einops_x\n{SLERP}".replace("torch.", "einops_x.")}
    ),
    student("packaged-needlessly", before={"slerp": "import einops_x"}),
    student("beyond", answers={"by_hand": "def by_hand():\n    return {10**5000: 1}"}),
    student("unjudged", answers={"by_hand": "def by_hand():\n    return 31337.0, 0.0, 0.0"}),
    student("unlucky"),
    student("doomed"),
    student("killed"),
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The rows of the class by student, what failed on the way, and how long each took."""
    level = sandbox.detect()
    if level == "none":
        pytest.skip("no sandbox works here")
    folder = tmp_path_factory.mktemp("class")
    (folder / "submissions").mkdir()
    for entry in CLASS:
        (folder / "submissions" / f"{entry.name}.ipynb").write_bytes(entry.make(full()))
    original, judge = worker._Loop._grade, Prepared.judge

    def grade_or_fail(loop: worker._Loop, session: pytest.Session, task: Task) -> Row:
        log = folder / f"{task.student}.log"
        tries = log.read_text().count("try") if log.exists() else 0
        with log.open("a") as file:
            file.write("try\n")
        if task.student == "doomed" or (task.student == "unlucky" and tries == 0):
            raise HarnessError("the disk is full")
        if task.student == "killed" and tries == 0:
            os._exit(9)
        start = time.monotonic()
        row = original(loop, session, task)
        with log.open("a") as file:
            file.write(f"seconds {time.monotonic() - start}\n")
        return row

    def judge_or_fail(prepared: Prepared, done: list) -> object:
        if any(outcome.value == [31337.0, 0.0, 0.0] for outcome in done if outcome.kind == "value"):
            raise ZeroDivisionError("judging has a fault")
        return judge(prepared, done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker._Loop, "_grade", grade_or_fail)
        patch.setattr(Prepared, "judge", judge_or_fail)
        rows = grade(
            folder / "submissions",
            "ddim",
            folder / "out",
            seed="engine",
            level=level,
            limits=LIMITS,
        )
    yield SimpleNamespace(
        rows={row.student: row for row in rows},
        logs={path.stem: path.read_text() for path in folder.glob("*.log")},
    )


def of(graded: SimpleNamespace, name: str, question: str):
    found = {part.id: part for part in graded.rows[name].questions}
    return found[f"ddim.{question}"]


def lost(row: Row) -> dict[str, str]:
    """The questions without full marks, and their statuses."""
    return {
        part.id.partition(".")[2]: part.status
        for part in row.questions
        if part.status != "manual" and part.points != part.possible
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("honest", {}),
        ("blank", dict.fromkeys(QUESTIONS, "missing")),
        ("wrong", dict.fromkeys(QUESTIONS, "wrong")),
        ("crashes", {"step": "crashed"}),
        ("dies-later", {}),
        ("loops", {"step": "timeout"}),
        ("never-stops", {"step": "timeout"}),
        ("loops-beside", {}),
        ("raises-beside", {}),
        ("redefined", {"step": "wrong"}),
        ("improved", {}),
        ("helped", {}),
        ("helper-below", {}),
        ("random", {"slerp": "wrong"}),
        ("no-display", {"slerp": "wrong"}),
        ("no-channel", {}),
        ("tells", {"step": "error"}),
        ("returns-it", {"step": "wrong"}),
        ("mistaken", {"by_hand": "wrong"}),
        ("half-a-cell", {}),
        ("hints", {"step": "error", "slerp": "wrong", "order": "error"}),
        ("unparsed", {"slerp": "error"}),
        ("packaged-needlessly", {}),
        ("beyond", {"by_hand": "wrong"}),
        ("unlucky", {}),
        ("killed", {}),
    ],
)
def test_only_what_is_wrong_is_lost(graded, name, expected):
    row = graded.rows[name]
    assert lost(row) == expected
    assert row.status == "graded" and row.review == ()
    assert all(part.points in (0, None) for part in row.questions if part.id in expected)


def test_every_student_has_a_row(graded):
    assert set(graded.rows) == {entry.name for entry in CLASS}


def test_experiments_without_end_leave_time_for_the_answers(graded):
    row = graded.rows["out-of-time"]
    assert lost(row) == {}
    assert any("was not run" in note for note in row.notes)
    seconds = float(graded.logs["out-of-time"].split("seconds")[1])
    assert seconds < LIMITS.notebook_s + 6


def test_the_best_of_several_answers_does_not_count(graded):
    row = graded.rows["guesses"]
    assert lost(row) == {"slerp": "wrong"}
    assert row.status == "review" and "other values" in row.review[0]


def test_hidden_inputs_are_told_in_no_words(graded):
    row = graded.rows["hints"]
    assert not [q.id for q in row.questions if re.search(r"HIDDEN [^{]|HIDDEN$|w=|_\d", q.message)]
    assert "an exception" in of(graded, "hints", "step").message
    assert "ValueError" in of(graded, "hints", "order").message


def test_a_cell_that_does_not_stop_is_named(graded):
    assert any("stopped after" in note for note in graded.rows["loops-beside"].notes)
    assert not graded.rows["honest"].notes


def test_random_numbers_of_ones_own_are_named(graded):
    assert "two different results" in of(graded, "random", "slerp").message


def test_a_known_mistake_is_named(graded):
    found = of(graded, "mistaken", "by_hand")
    assert found.misconception == "variance for sigma"
    assert "standard deviation" in found.message


@pytest.mark.parametrize(("name", "question"), [("tells", "step"), ("returns-it", "step")])
def test_no_numbers_of_secret_cases_are_told(graded, name, question):
    message = of(graded, name, question).message
    assert "case “" in message
    assert not re.search(r"\d\.\d|\.\d", message)


def test_a_package_that_is_not_there_is_for_a_person(graded):
    row = graded.rows["packaged"]
    assert set(lost(row)) == {"slerp"} and row.status == "review"
    assert row.review == ("needs what is not installed where this was graded: einops_x",)


def test_an_answer_that_is_no_python_is_not_missing(graded):
    assert "syntax error in line 1" in of(graded, "unparsed", "slerp").message


def test_a_value_that_cannot_be_judged_costs_its_question(graded):
    row = graded.rows["unjudged"]
    assert lost(row) == {"by_hand": "wrong"}
    assert row.status == "review"
    assert row.review == (
        "ddim.by_hand: the grader could not judge this answer (ZeroDivisionError)",
    )
    assert "A person will look" in of(graded, "unjudged", "by_hand").message


def test_a_failure_of_the_grader_is_no_zero(graded):
    assert graded.logs["unlucky"].count("try") == graded.logs["killed"].count("try") == 2
    assert graded.logs["doomed"].count("try") == 2
    row = graded.rows["doomed"]
    assert row.status == "review" and "the disk is full" in row.review[0]
    assert {part.status for part in row.questions} == {"error", "manual"}


def test_no_kernel_is_left(graded):
    left = [p for p in psutil.Process().children(recursive=True) if p.status() != "zombie"]
    assert not [p for p in left if "coursekit.grading" in " ".join(p.cmdline())]


def test_any_folder_can_be_removed(tmp_path):
    folder = tmp_path / "kernel"
    inner = folder / "home"
    inner.mkdir(parents=True)
    (folder / "locked").mkdir()
    (folder / "locked" / "file").write_text("x")
    os.mkfifo(folder / "pipe")
    (folder / "out").symlink_to(tmp_path)
    here = os.open(inner, os.O_RDONLY)
    for _ in range(1200):  # deeper than Python's stack, and longer than a path may be
        os.mkdir("d" * 100, dir_fd=here)
        deeper = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    (folder / "locked").chmod(0)
    remove(folder)
    assert not folder.exists() and tmp_path.exists()


def test_a_folder_that_is_gone_is_no_trouble(tmp_path: Path):
    remove(tmp_path / "nowhere")
