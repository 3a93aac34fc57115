"""Does grading work on this machine? A small class of honest and hostile submissions answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coursekit.grading.incoming.assignment import Assignment, solved
from coursekit.grading.jail import scratch
from coursekit.grading.jail.kernel import Limits
from coursekit.grading.jail.zygotes import choose_level
from coursekit.grading.run import grade
from coursekit.grading.verdict.results import Row
from coursekit.project import CourseError, Project

__all__ = ["Outcome", "reference", "run"]

_SLUG = "ddim"
_LIMITS = Limits(cell_s=4, question_s=4, notebook_s=45)
_STEP = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n"

# What is done to the solved sheet: answers replaced by name, and the questions that are then lost.
_CLASS: dict[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "solved": ({}, ()),
    "wrong": ({"step": _STEP + "    return xt"}, ("step",)),
    "patches-the-library": (
        {"step": "torch.allclose = torch.equal = lambda *a, **k: True\n" + _STEP + "    return xt"},
        ("step",),
    ),
    "patches-the-checker": (
        {
            "step": "import genbook.checks.machinery.run as run\n"
            "run.judge = run.outcomes = run._wrong = lambda *a, **k: []\n" + _STEP + "    return xt"
        },
        ("step",),
    ),
    "reads-the-reference": (
        {
            "step": "import pathlib, genbook\n"
            "folder = pathlib.Path(genbook.__file__).parent / 'checks'\n"
            "names = {}\n"
            "exec((folder / 'ddim' / 'step.py').read_text(), names)\n"
            "step = names['step']"
        },
        ("step",),
    ),
    "imports-the-reference": (
        {"step": "from genbook.checks.ddim.step import step"},
        ("step",),
    ),
    "exits": ({"step": "import os\n" + _STEP + "    os._exit(0)"}, ("step",)),
    "crashes": ({"step": "import ctypes\n" + _STEP + "    ctypes.string_at(0)"}, ("step",)),
    "never-ends": ({"slerp": "def slerp(u, v, w):\n    while True: pass"}, ("slerp",)),
    "needs-all-memory": (
        {"slerp": "def slerp(u, v, w):\n    return [bytearray(2**28) for _ in range(10**4)]"},
        ("slerp",),
    ),
    "starts-processes": (
        {"slerp": "import os\ndef slerp(u, v, w):\n    while True: os.fork()"},
        ("slerp",),
    ),
    "calls-home": (
        {
            "step": "import socket\n"
            "found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "found.connect(('127.0.0.1', 9))\n" + _STEP + "    return xt"
        },
        ("step",),
    ),
    "displays-without-end": (
        {"order": "while True: display('x' * 10**6)\n" + "def order(*a): return 1"},
        ("order",),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What a trial came to, in lines for the person who asked."""

    passed: bool
    lines: list[str]


def run(level: str | None, jobs: int) -> Outcome:
    """Grade the class and compare each submission's points with what is fair."""
    level = choose_level(level)
    if level == "none":
        raise CourseError("the selftest has hostile submissions: it needs a sandbox")
    project = Project.find(Path(__file__))
    assignment = Assignment.load(project, _SLUG)
    start = time.monotonic()
    with scratch.folder() as folder:
        class_ = folder / "class"
        class_.mkdir()
        for name, (answers, _) in _CLASS.items():
            notebook = solved(project, _SLUG, answers)
            (class_ / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        rows = grade(class_, assignment, folder / "out", jobs=jobs, level=level, limits=_LIMITS)
    lines, passed = [f"sandbox: {level}"], True
    for row in rows:
        lost = {f"{_SLUG}.{name}" for name in _CLASS[row.student][1]}
        differences = list(_differences(row, assignment, lost))
        passed = passed and not differences and row.status == "graded"
        lines.append(f"{'✗' if differences else '✓'} {row.student}: {_verdicts(row)}")
        lines += [f"    {text}" for text in (*row.review, *differences)]
    seconds = time.monotonic() - start
    lines.append(f"{len(rows)} submissions in {seconds:.0f} s: {'passed' if passed else 'FAILED'}")
    return Outcome(passed, lines)


def reference(slug: str, seeds: int, private: Path | None, level: str | None) -> Outcome:
    """Grade the sheet's solution and its blank with several seeds: all points, and none.

    A private question that the sheet lacks has no solution here. What is shown of it is that its
    cases tell its right answers from its wrong ones: nothing is graded otherwise.
    """
    project = Project.find(Path(__file__))
    assignment = Assignment.load(project, slug, private)
    level = choose_level(level)
    every = {question.id for question in assignment.questions}
    added = set(assignment.private) - {cell.question for cell in assignment.cells}
    lines, passed = [f"sandbox: {level}"], True
    for name in sorted(added):
        known = assignment.by_id[name]
        right, wrong = 1 + len(known.alternatives), len(known.misconceptions)
        lines.append(f"{name}: not in the sheet; tried on {right} right and {wrong} wrong answers")
    with scratch.folder() as folder:
        class_ = folder / "class"
        class_.mkdir()
        (class_ / "solution.ipynb").write_text(json.dumps(solved(project, slug)))
        (class_ / "blank.ipynb").write_bytes(project.notebook("exercises", slug).read_bytes())
        for number in range(seeds):
            out = folder / f"out{number}"
            for row in grade(class_, assignment, out, seed=f"reference {number}", level=level):
                lost = every if row.student == "blank" else added
                differences = list(_differences(row, assignment, lost))
                passed = passed and not differences
                lines.append(f"seed {number}, {row.student}: {_verdicts(row)}")
                lines += [f"    {difference}" for difference in differences]
    lines.append("passed" if passed else "FAILED")
    return Outcome(passed, lines)


def _differences(row: Row, assignment: Assignment, lost: set[str]) -> Iterator[str]:
    for result in row.questions:
        fair = 0 if result.id in lost else assignment.by_id[result.id].points
        if result.points is not None and result.points != fair:
            yield f"{result.id}: {result.points} points instead of {fair}: {result.message}"


def _verdicts(row: Row) -> str:
    points = sum(result.points or 0 for result in row.questions)
    other = [f"{r.id} {r.status}" for r in row.questions if r.status not in ("right", "manual")]
    return f"{points:g} points" + (f" ({', '.join(other)})" if other else "")
