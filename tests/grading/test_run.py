"""A run from end to end: the proof that comes first, and networks that are handed in as weights."""

import base64
import json
import re
from pathlib import Path

import pytest

from coursekit.grading import run, sandbox, worker
from coursekit.grading.assignment import solved
from coursekit.grading.kernel import HarnessError, SandboxedKernel
from coursekit.project import CourseError, Project
from genbook import checks
from genbook.checks import trained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sandbox.detect() == "none", reason="no sandbox works here"),
]

PROJECT = Project.find(Path(__file__))


def write(folder, name, notebook):
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return path


def test_nothing_is_graded_where_the_sheets_own_solution_fails(tmp_path, monkeypatch):
    wrong = {"step": "def step(*args, **kwargs):\n    return 0"}
    monkeypatch.setattr(run, "solved", lambda project, slug: solved(project, slug, wrong))
    write(tmp_path / "class", "ada", solved(PROJECT, "ddim"))
    with pytest.raises(
        CourseError, match=r"own solution fails here; nothing was graded\nddim\.step"
    ):
        run.grade(tmp_path / "class", "ddim", tmp_path / "out", jobs=1)
    assert (tmp_path / "out" / "results.jsonl").read_bytes() == b""


def test_a_kernel_that_does_not_come_up_is_tried_again(tmp_path, monkeypatch):
    started = []

    def start(*arguments):
        started.append(arguments)
        if len(started) in (1, 2):  # in each worker, which are forks
            raise HarnessError("the kernel did not start: signal 6")
        return SandboxedKernel(*arguments)

    monkeypatch.setattr(worker, "SandboxedKernel", start)
    write(tmp_path / "class", "ada", solved(PROJECT, "ddim"))
    (row,) = run.grade(tmp_path / "class", "ddim", tmp_path / "out", jobs=1)
    assert row.status == "graded" and {q.status for q in row.questions} == {"right", "manual"}


def without_weights(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return notebook


def test_weights_are_judged_wherever_they_are_handed_in(tmp_path):
    question = checks.question("ddpm.train")
    good = solved(PROJECT, "ddpm")
    (page,) = re.findall(r"<!-- genbook-weights:ddpm\.train:[^ ]+ -->", json.dumps(good))
    data = trained.embedded([page], question.id)[0]
    untrained = trained.export(question.training.build())
    class_ = tmp_path / "class"
    write(class_, "in-the-notebook", good)
    write(class_, "nowhere", without_weights(solved(PROJECT, "ddpm")))
    write(class_ / "beside", "ddpm", without_weights(solved(PROJECT, "ddpm")))
    (class_ / "beside" / "ddpm.train.safetensors").write_bytes(data)
    other = base64.b64encode(untrained).decode()
    poor = json.dumps(good).replace(page.split(":")[2].removesuffix(" -->"), other)
    write(class_, "untrained", json.loads(poor))
    broken = json.dumps(good).replace(page.split(":")[2].removesuffix(" -->"), "AAAA")
    write(class_, "broken", json.loads(broken))

    rows = {row.student: row for row in run.grade(class_, "ddpm", tmp_path / "out", jobs=2)}
    found = {
        name: next(q for q in row.questions if q.id == question.id) for name, row in rows.items()
    }
    assert {name: (q.points, q.status) for name, q in found.items()} == {
        "in-the-notebook": (3, "right"),
        "beside": (3, "right"),
        "nowhere": (0, "missing"),
        "untrained": (0, "wrong"),
        "broken": (0, "wrong"),
    }
    assert found["untrained"].misconception == "untrained"
    # Nothing else depends on the weights.
    others = {name: sum(q.points or 0 for q in row.questions) for name, row in rows.items()}
    assert others == {name: 17 + q.points for name, q in found.items()}
