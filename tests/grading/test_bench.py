"""The benchmark of grading: its class is what it says, and results are read rightly.

Timings are not tested, and no other grader is started.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from genbook import checks

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def judged(answer: str, question: str) -> checks.Result:
    """The verdict on the text of an answer."""
    from benchmarks.grading.students import Sheet, code

    imports = next(
        code(cell) for cell in Sheet("ddim").notebook["cells"] if "import torch" in code(cell)
    )
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(imports, names)
        exec(answer, names)
        return checks.check(question, names[question.split(".")[1]])


def test_every_answer_is_what_it_is_filed_under():
    from benchmarks.grading.answers import ALTERNATIVES, MISCONCEPTIONS
    from benchmarks.grading.students import Sheet

    sheet = Sheet("ddim")
    assert set(ALTERNATIVES) == set(MISCONCEPTIONS) == set(sheet.points)
    assert sum(sheet.points.values()) == 15
    for question, points in sheet.points.items():
        ways = sheet.ways(question)
        for kind in ("solution", "alternative"):
            for text in ways[kind]:
                assert judged(text, question).points == points, (question, kind)
        for kind in ("blank", "typo"):
            for text in ways[kind]:
                assert judged(text, question).points == 0, (question, kind)
        for text in ways["syntax"]:
            with pytest.raises(SyntaxError):
                compile(text, "answer", "exec")
        for name, text in MISCONCEPTIONS[question].items():
            result = judged(text, question)
            assert (result.points, result.misconception) == (0, name), question


def test_the_class_is_the_same_for_the_same_seed(tmp_path):
    from benchmarks.grading.students import make

    one, two, other = (
        make(tmp_path / name, 5, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert [s.path.read_bytes() for s in one] == [s.path.read_bytes() for s in two]
    assert [s.path.read_bytes() for s in one] != [s.path.read_bytes() for s in other]
    assert [s.kinds for s in one] == [s.kinds for s in two]


def test_the_class_is_a_mixture(tmp_path):
    from benchmarks.grading.students import EXTRAS, make

    students = make(tmp_path, 100)
    assert sorted(path.stem for path in tmp_path.iterdir()) == [s.name for s in students]
    kinds = Counter(kind for student in students for kind in student.kinds.values())
    assert set(kinds) == {"solution", "alternative", "misconception", "typo", "syntax", "blank"}
    assert 0.5 < (kinds["solution"] + kinds["alternative"]) / 600 < 0.85
    text = [student.path.read_text() for student in students]
    for extra, percent in EXTRAS.items():
        line = json.dumps(extra.splitlines()[-1])
        assert percent / 3 < sum(line in one for one in text) < 2.5 * percent, extra


def test_files_are_as_colab_stores_them(tmp_path):
    from benchmarks.grading.students import make

    (student,) = make(tmp_path, 1)
    notebook = json.loads(student.path.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 0)
    assert "colab" in notebook["metadata"]
    ids = [cell["metadata"]["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and not any("id" in cell for cell in notebook["cells"])
    graded = [c["metadata"]["nbgrader"] for c in notebook["cells"] if "nbgrader" in c["metadata"]]
    assert len(graded) == 2 * 6 + 1


def test_stored_outputs_say_what_was_deserved(tmp_path):
    from benchmarks.grading.students import code, make

    for student in make(tmp_path, 12):
        notebook = json.loads(student.path.read_text())
        for cell in notebook["cells"]:
            if not code(cell).startswith("check("):
                continue
            question = code(cell).split('"')[1]
            seen = "".join(line for out in cell["outputs"] for line in out["text"])
            assert (f"{question} ✓" in seen) == (student.points[question] > 0)
            assert bool(seen) == (student.kinds[question] != "syntax")


def grader(name: str, folder: Path):
    from benchmarks.grading.graders import GRADERS

    return GRADERS[name](Path("/nowhere"), folder, 2)


def test_points_of_coursekit(tmp_path):
    from benchmarks.grading.students import Sheet

    (tmp_path / "out").mkdir()
    questions = [{"id": "ddim.step", "points": 3}, {"id": "ddim.explain", "points": None}]
    rows = [{"student": name, "questions": questions} for name in ("a", "b")]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "out" / "results.jsonl").write_text(text)
    found = grader("ours", tmp_path).points(Sheet("ddim"))
    assert found == {"a": {"ddim.step": 3}, "b": {"ddim.step": 3}}


def test_points_of_nbval_need_the_claim_and_its_repetition(tmp_path):
    from benchmarks.grading.students import Sheet

    def check(question: str, seen: str) -> dict[str, object]:
        outputs = [{"output_type": "stream", "name": "stdout", "text": [seen]}]
        source = [f'check("{question}", f)']
        return {"cell_type": "code", "source": source, "outputs": outputs, "metadata": {}}

    cells = [
        {"cell_type": "markdown", "source": ["# Title"], "metadata": {}},
        check("ddim.by_hand", "ddim.by_hand ✓ 2/2 points, 1 case\n"),
        check("ddim.step", "ddim.step ✗ 0/3 points\n"),
        check("ddim.slerp", "ddim.slerp ✓ 2/2 points, 5 cases\n"),
    ]
    (tmp_path / "s001.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "results.xml").write_text(
        '<testsuites><testsuite><testcase classname="s001.ipynb" name="Cell 0"/>'
        '<testcase classname="s001.ipynb" name="Cell 1"/>'
        '<testcase classname="s001.ipynb" name="Cell 2"><failure/></testcase>'
        "</testsuite></testsuites>"
    )
    found = grader("nbval", tmp_path).points(Sheet("ddim"))
    assert found == {"s001": {"ddim.by_hand": 2, "ddim.step": 0, "ddim.slerp": 0}}


def test_points_of_nbgrader(tmp_path):
    from benchmarks.grading.students import Sheet

    with sqlite3.connect(tmp_path / "gradebook.db") as base:
        base.executescript(
            """
            create table student (id); insert into student values ('s001');
            create table submitted_assignment (id, student_id);
            insert into submitted_assignment values (1, 's001');
            create table submitted_notebook (id, assignment_id);
            insert into submitted_notebook values (2, 1);
            create table base_cell (id, name);
            insert into base_cell values (3, 'ddim-by_hand-check'), (4, 'ddim-explain');
            create table grade (cell_id, notebook_id, auto_score);
            insert into grade values (3, 2, 2.0), (4, 2, null);
            """
        )
    assert grader("nbgrader", tmp_path).points(Sheet("ddim")) == {"s001": {"ddim.by_hand": 2.0}}


def test_points_of_otter(tmp_path):
    from benchmarks.grading.students import Sheet

    (tmp_path / "s001").mkdir()
    tests = [{"name": "Public Tests", "output": "…"}, {"name": "ddim.step", "score": 3}]
    (tmp_path / "s001" / "results.json").write_text(json.dumps({"tests": tests}))
    assert grader("otter", tmp_path).points(Sheet("ddim")) == {"s001": {"ddim.step": 3}}


def test_two_processes_of_nbgrader_share_the_class(tmp_path):
    one, two = grader_commands(tmp_path)
    assert one[-1] == "--student=*[02468]" and two[-1] == "--student=*[13579]"


def grader_commands(folder: Path) -> list[list[str]]:
    nbgrader = grader("nbgrader", folder)
    nbgrader.slug = "ddim"
    return nbgrader.commands([])


def test_the_report_says_who_is_fastest_and_who_is_wrong(tmp_path):
    from benchmarks.grading.__main__ import Outcome, report
    from benchmarks.grading.students import make

    students = make(tmp_path, 2)
    right = {student.name: dict(student.points) for student in students}
    wrong = {name: dict(points) for name, points in right.items()}
    wrong["s002"]["ddim.step"] = 99
    outcomes = {
        "ours": Outcome("coursekit", [9.0, 10.0, 11.0], right),
        "nbval": Outcome("nbval -n", [80.0, 80.0, 80.0], wrong),
        "otter": Outcome("otter run", [60.0, 60.0, 60.0], right),
        "nbclient": Outcome("nbclient, no grades", [20.0, 20.0, 20.0], None),
    }
    lines = report(outcomes, students, {1: 500.0, 2: 650.0, 3: 820.0})
    assert lines[1].split() == ["coursekit", "10.0", "5.00", "s", "1.0", "12", "of", "12"]
    assert lines[2].endswith("11 of 12") and lines[4].endswith("gives none")
    assert any(line.startswith("nbval -n: s002 ddim.step") and "99" in line for line in lines)
    assert "otter run, takes 6.0 times as long as ours (target ≥ 5) met" in lines[-2]
    assert "160 MB for each beyond the first (target ≤ 150 MB) MISSED" in lines[-1]
    outcomes["ours"].seconds[2] = 30.0  # the median is as before, but one round is too slow
    assert (
        "takes 6.0 times as long as ours (target ≥ 5) MISSED" in report(outcomes, students, {})[-1]
    )


@pytest.mark.parametrize(("seconds", "status"), [(10.0, 0), (13.0, 1)])
def test_a_missed_target_is_an_exit_status(monkeypatch, seconds, status):
    from benchmarks.grading import __main__ as command

    monkeypatch.setattr(command, "_has_grade", lambda: True)
    monkeypatch.setattr(command.environment, "make", lambda *_: None)
    monkeypatch.setattr(command.environment, "versions", lambda *_: "")
    taken = {"ours": seconds, "nbval": 60.0}
    monkeypatch.setattr(command.Bench, "grade", lambda self, name, *_: (taken[name], None))
    assert command.main(["--only", "ours", "nbval", "--submissions", "2"]) == status


def test_memory_of_a_tree_counts_children(tmp_path):
    from benchmarks.grading.measure import peak_memory

    child = "x = bytearray(60_000_000); import time; time.sleep(0.6)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    alone = peak_memory([sys.executable, "-c", "pass"], tmp_path, tmp_path / "one")
    both = peak_memory([sys.executable, "-c", parent], tmp_path, tmp_path / "two")
    assert both > alone + 55


def test_the_command_has_help_and_is_no_module_of_the_other_benchmarks():
    from benchmarks import __main__ as command

    assert "grading" not in command.available()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.grading", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--submissions" in done.stdout
