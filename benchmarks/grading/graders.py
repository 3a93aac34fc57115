"""Who grades: ours, and nbval with xdist, nbgrader and otter as a course would use them.

The others live in an environment of their own, because nbgrader and otter would move what the book
pins. Everyone gets the same files and as many cores. Before the clock starts each may do what is
done once an assignment: nbgrader makes its release version, otter its autograder.

* nbval compares the outputs of the cells that check with the stored ones. Its points are those
  that the student's file claims where running it again says the same.
* nbgrader has no option for jobs: one ``nbgrader autograde`` runs for each core, over its part of
  the class. Its points come from cells that raise, so the release version has
  ``assert check(…).points`` where the sheet has ``check(…)``.
* otter runs once a submission, so many at a time, without containers: ``otter run``.
* nbclient only executes the notebooks and has no points; no grader that starts a kernel for each
  submission can be faster.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.grading.students import ROOT, Sheet, Student, code

__all__ = ["COURSEKIT", "GRADERS", "Grader", "Points"]

Points = dict[str, dict[str, float]]
"""Student to question to points; a question or student that is missing was not graded."""

COURSEKIT = [sys.executable, "-m", "coursekit.cli"]
EXECUTE = """\
import sys, nbformat
from nbclient import NotebookClient

for path in sys.argv[1:]:
    NotebookClient(nbformat.read(path, as_version=4), timeout=60, allow_errors=True).execute()
"""

OTTER_TEST = """\
from otter.test_files import test_case

OK_FORMAT = False
name = "{question}"
points = {points}

@test_case(points={points})
def test_answer(env):
    from genbook.checks import check
    assert check("{question}", env.get("{name}")).points
"""


class Grader:
    """Prepared once, then one or more commands, then its points are read.

    Args:
        venv: the others' environment.
        folder: an empty folder of its own.
        jobs: cores to use.
    """

    name = ""

    def __init__(self, venv: Path, folder: Path, jobs: int) -> None:
        self.venv, self.folder, self.jobs = venv, folder, jobs

    def tool(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    def environment(self) -> dict[str, str]:
        """The tree's genbook, the peers' programs, one thread a process."""
        return {
            "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "OMP_NUM_THREADS": "1",
            "IPYTHONDIR": str(self.folder / "ipython"),  # no history in the user's home
        }

    def prepare(self, sheet: Sheet, students: Sequence[Student]) -> None:
        """Everything that a course does once, not for each submission; and the files in place."""
        raise NotImplementedError

    def commands(self, students: Sequence[Student]) -> list[list[str]]:
        """What grades the class; at most ``jobs`` of them run at the same time."""
        raise NotImplementedError

    def points(self, sheet: Sheet) -> Points | None:
        """What the students got, or None from one that gives no points."""
        raise NotImplementedError


class Coursekit(Grader):
    name = "coursekit"

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PATH": os.environ["PATH"]}

    def prepare(self, sheet: Sheet, students: Sequence[Student]) -> None:
        self.slug = sheet.slug
        submissions = self.folder / "submissions"
        submissions.mkdir()
        for student in students:
            shutil.copy(student.path, submissions)

    def commands(self, students: Sequence[Student]) -> list[list[str]]:
        options = ["--assignment", self.slug, "--out", "out", "--jobs", str(self.jobs)]
        return [[*COURSEKIT, "grade", "run", "submissions", *options]]

    def points(self, sheet: Sheet) -> Points:
        with open(self.folder / "out" / "results.jsonl", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return {
            row["student"]: {
                question["id"]: question["points"]
                for question in row["questions"]
                if question["id"] in sheet.points
            }
            for row in rows
        }


class NbVal(Grader):
    name = "nbval -n"

    def prepare(self, sheet: Sheet, students: Sequence[Student]) -> None:
        for student in students:
            shutil.copy(student.path, self.folder)
        (self.folder / "pytest.ini").write_text("[pytest]\n")  # not the settings of the book

    def commands(self, students: Sequence[Student]) -> list[list[str]]:
        options = ["--nbval-lax", "-n", str(self.jobs), "--dist", "loadfile", "-q", "--tb=no"]
        return [[self.tool("pytest"), *options, "--junitxml=results.xml", "."]]

    def points(self, sheet: Sheet) -> Points:
        passed = _passed((self.folder / "results.xml").read_text())
        points: Points = {}
        for name, cells in passed.items():
            notebook = json.loads((self.folder / f"{name}.ipynb").read_text())
            numbered = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
            points[name] = {}
            for number, cell in enumerate(numbered):
                question = _checked(code(cell))
                if question:
                    text = "".join(line for out in cell["outputs"] for line in out.get("text", ""))
                    claimed = f"{question} ✓" in text
                    points[name][question] = sheet.points[question] * (claimed and number in cells)
        return points


class NbGrader(Grader):
    name = "nbgrader"

    def prepare(self, sheet: Sheet, students: Sequence[Student]) -> None:
        source = self.folder / "source" / sheet.slug / f"{sheet.slug}.ipynb"
        source.parent.mkdir(parents=True)
        notebook = json.loads((ROOT / "solutions" / f"{sheet.slug}.ipynb").read_text())
        for cell in notebook["cells"]:
            if _checked(code(cell)):
                cell["source"] = f"assert {code(cell)}.points"
        source.write_text(json.dumps(notebook))
        subprocess.run(
            [self.tool("nbgrader"), "generate_assignment", sheet.slug],
            cwd=self.folder,
            env={**os.environ, **self.environment()},
            check=True,
            capture_output=True,
        )
        for student in students:
            place = self.folder / "submitted" / student.name / sheet.slug / f"{sheet.slug}.ipynb"
            place.parent.mkdir(parents=True)
            shutil.copy(student.path, place)
        self.slug = sheet.slug

    def commands(self, students: Sequence[Student]) -> list[list[str]]:
        # By the last digit of the names.
        digits = [
            "".join(str(d) for d in range(10) if d % self.jobs == j) for j in range(self.jobs)
        ]
        return [
            [self.tool("nbgrader"), "autograde", self.slug, f"--student=*[{part}]"]
            for part in digits
        ]

    def points(self, sheet: Sheet) -> Points:
        query = """
            select student.id, base_cell.name, grade.auto_score from grade
            join base_cell on base_cell.id = grade.cell_id
            join submitted_notebook on submitted_notebook.id = grade.notebook_id
            join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
            join student on student.id = submitted_assignment.student_id
        """
        with sqlite3.connect(self.folder / "gradebook.db") as base:
            rows = base.execute(query).fetchall()
        points: Points = {}
        for student, cell, score in rows:
            question = cell.removesuffix("-check").replace("-", ".")
            if question in sheet.points and score is not None:
                points.setdefault(student, {})[question] = score
        return points


class Otter(Grader):
    name = "otter run"

    def prepare(self, sheet: Sheet, students: Sequence[Student]) -> None:
        tests = self.folder / "tests"
        tests.mkdir()
        for question, points in sheet.points.items():
            name = question.split(".")[1]
            text = OTTER_TEST.format(question=question, points=points, name=name)
            (tests / f"{question.replace('.', '_')}.py").write_text(text)
        for student in students:
            (self.folder / student.name).mkdir()
        subprocess.run(
            [self.tool("otter"), "generate", "-t", "tests", "-o", "autograder.zip"],
            cwd=self.folder,
            env={**os.environ, **self.environment()},
            check=True,
            capture_output=True,
        )

    def commands(self, students: Sequence[Student]) -> list[list[str]]:
        run = [self.tool("otter"), "run", "--no-logo", "-a", "autograder.zip", "-o"]
        return [[*run, student.name, str(student.path)] for student in students]

    def points(self, sheet: Sheet) -> Points:
        found: Points = {}
        for path in self.folder.glob("*/results.json"):
            tests = json.loads(path.read_text())["tests"]
            found[path.parent.name] = {
                test["name"]: test["score"] for test in tests if test["name"] in sheet.points
            }
        return found


class NbClient(Grader):
    name = "nbclient, no grades"

    def prepare(self, sheet: Sheet, students: Sequence[Student]) -> None:
        (self.folder / "execute.py").write_text(EXECUTE)

    def commands(self, students: Sequence[Student]) -> list[list[str]]:
        parts = [students[j :: self.jobs] for j in range(self.jobs)]
        python = self.tool("python")
        return [[python, "execute.py", *(str(s.path) for s in part)] for part in parts]

    def points(self, sheet: Sheet) -> None:
        return None


GRADERS: Mapping[str, type[Grader]] = {
    "ours": Coursekit,
    "nbval": NbVal,
    "nbgrader": NbGrader,
    "otter": Otter,
    "nbclient": NbClient,
}


def _passed(junit: str) -> dict[str, set[int]]:
    """From nbval's JUnit file: for each notebook the numbers of the code cells that passed."""
    passed: dict[str, set[int]] = {}
    for case in ElementTree.fromstring(junit).iter("testcase"):
        match = re.search(r"(\w+)\.ipynb", case.get("classname", "") + case.get("name", ""))
        number = re.search(r"Cell (\d+)", case.get("name", ""))
        if match is None or number is None:
            continue
        cells = passed.setdefault(match[1], set())
        if all(child.tag not in ("failure", "error", "skipped") for child in case):
            cells.add(int(number[1]))
    return passed


def _checked(source: str) -> str:
    """The question that a cell checks."""
    match = re.match(r'check\("([\w.]+)"', source)
    return match[1] if match else ""
