"""What a sheet promises to nbgrader, tried in nbgrader: handed out, handed in blank and solved.

nbgrader lives in an environment of its own; its kernels are this environment's, which has the book.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from coursekit.derive import Derived, derive
from coursekit.project import Project
from coursekit.references import load
from genbook import checks

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

PROJECT = Project.find(Path(__file__))
SHEETS = [slug for slug in PROJECT.slugs() if PROJECT.sheet(slug).is_file()]
NBGRADER = "nbgrader==0.9.6"


@dataclass(frozen=True)
class Course:
    """A course of nbgrader's, with all sheets, and the command that works in it."""

    folder: Path
    command: Path
    kernels: Path

    def call(self, *arguments: str) -> None:
        paths = {
            "PATH": f"{self.command.parent}{os.pathsep}{os.environ['PATH']}",  # for its alembic
            "JUPYTER_PATH": str(self.kernels),
        }
        done = subprocess.run(
            [str(self.command), *arguments],
            cwd=self.folder,
            env={**os.environ, **paths, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-4000:]}"

    def hand_out(self, slug: str, notebook: NotebookNode) -> NotebookNode:
        """Make the assignment of a sheet with its solutions; what students get of it."""
        write(self.folder / "source" / slug / f"{slug}.ipynb", notebook)
        self.call("generate_assignment", slug, "--force")
        return nbformat.read(self.folder / "release" / slug / f"{slug}.ipynb", as_version=4)

    def grade(self, slug: str, submitted: dict[str, NotebookNode]) -> dict[str, float]:
        """The points that nbgrader gives by itself to each student's notebook."""
        for student, notebook in submitted.items():
            write(self.folder / "submitted" / student / slug / f"{slug}.ipynb", notebook)
        self.call("autograde", slug, "--ExecutePreprocessor.timeout=600")
        self.call("export", "--to", "grades.csv")
        with (self.folder / "grades.csv").open(encoding="utf-8") as table:
            rows = [row for row in csv.DictReader(table) if row["assignment"] == slug]
        return {row["student_id"]: float(row["score"]) for row in rows if row["raw_score"]}


def write(path: Path, notebook: NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment that holds nbgrader alone."""
    folder = tmp_path_factory.mktemp("nbgrader")
    for command in (
        [sys.executable, "-m", "venv", folder],
        [folder / "bin" / "python", "-m", "pip", "install", "-q", NBGRADER],
    ):
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return folder / "bin" / "nbgrader"


@pytest.fixture
def course(nbgrader: Path, tmp_path: Path) -> Course:
    """An empty course with the settings that the book ships."""
    kernel = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "env": {"PYTHONPATH": str(PROJECT.root / "src")},
    }
    kernels = tmp_path / "jupyter"
    (kernels / "kernels" / "python3").mkdir(parents=True)
    (kernels / "kernels" / "python3" / "kernel.json").write_text(json.dumps(kernel))
    folder = tmp_path / "course"
    folder.mkdir()
    shutil.copy(PROJECT.root / "solutions" / "nbgrader_config.py", folder)
    return Course(folder, nbgrader, kernels)


def derived(slug: str) -> dict[str, Derived]:
    """The notebooks of a sheet as they are derived now, by their rooms."""
    return {one.room: one for one in derive(PROJECT, load(PROJECT.root), slug)}


def asked(notebook: NotebookNode) -> dict[str, str]:
    """The source of each answer's cell, by its question."""
    cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    return {cell.metadata.genbook.question: cell.source for cell in cells}


@pytest.mark.parametrize("slug", SHEETS)
def test_a_sheet_is_handed_out_as_ours_and_graded_as_promised(slug: str, course: Course) -> None:
    notebooks = derived(slug)
    solved, ours = notebooks["solutions"].notebook, notebooks["exercises"].notebook
    released = course.hand_out(slug, solved)
    questions = checks.questions(slug)
    manual = {question.id for question in questions if question.manual}
    code = {name: text for name, text in asked(released).items() if name not in manual}
    assert code == {name: text for name, text in asked(ours).items() if name not in manual}
    assert len(code) == len(questions) - len(manual)
    for cell in released.cells:
        assert "### BEGIN" not in cell.source and "### END" not in cell.source
        assert "given" not in cell.metadata.get("genbook", {})

    points = course.grade(slug, {"blank": released, "solved": solved})
    full = sum(question.points for question in questions if not question.manual)
    assert points == {"blank": 0, "solved": full}


def test_without_the_books_settings_a_repair_is_handed_out_in_comments(course: Course) -> None:
    """Why the settings are shipped; when nbgrader learns it by itself, they can go."""
    (course.folder / "nbgrader_config.py").unlink()
    released = course.hand_out("ddim", derived("ddim")["solutions"].notebook)
    assert "### BEGIN GIVEN" in asked(released)["ddim.sample"]
