"""A run from end to end: the proof that comes first, and networks that are handed in as weights."""

import base64
import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from coursekit.grading import run, worker
from coursekit.grading.incoming.assignment import solved
from coursekit.grading.jail import sandbox
from coursekit.grading.jail.kernel import HarnessError, SandboxedKernel
from coursekit.project import CourseError, Project
from genbook import checks
from genbook.checks.machinery import trained
from genbook.ode import Tableau

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


def test_an_assignment_is_graded_from_blank_to_right(tmp_path):
    """The weights are one question; a wrong sampler costs its own points and not theirs."""
    good, blank = solved(PROJECT, "own_digits"), PROJECT.notebook("exercises", "own_digits")
    loss = "def loss(network, schedule, x0, labels, t, eps):\n    return eps.abs().mean()"
    sampler = """
def sample(network, step, T, calls, x, labels, noises):
    times = [T * i // calls for i in range(calls, -1, -1)]
    for i in range(calls):
        t, s = times[i], times[i + 1]
        x = step(x, network(x, t, labels), t, s, noises[i])
    return x
"""
    class_ = tmp_path / "class"
    write(class_, "right", good)
    write(class_, "blank", json.loads(blank.read_text()))
    write(class_, "wrong", solved(PROJECT, "own_digits", {"loss": loss, "sample": sampler}))
    write(class_, "nowhere", without_weights(solved(PROJECT, "own_digits")))
    rows = {row.student: row for row in run.grade(class_, "own_digits", tmp_path / "out", jobs=2)}
    possible = {q.id: q.points for q in checks.questions("own_digits") if not q.manual}
    points = {
        name: {q.id: q.points for q in row.questions if q.id in possible}
        for name, row in rows.items()
    }
    assert points["right"] == possible
    assert points["blank"] == dict.fromkeys(possible, 0)
    assert points["wrong"] == {**possible, "own_digits.loss": 0, "own_digits.sample": 0}
    assert points["nowhere"] == {**possible, "own_digits.train": 0}
    named = {q.id: q.misconception for q in rows["wrong"].questions}
    assert named["own_digits.sample"] == "times cut off"


def test_a_sampler_is_graded_by_its_table_and_calls_cannot_be_hidden(tmp_path):
    """The sheet's table passes; one of twenty calls, and one of DDIM, in its place do not.

    The code of all of them is the sheet's: what a submission says of itself is not asked.
    """
    question = checks.question("own_sampler.own")
    good, blank = solved(PROJECT, "own_sampler"), PROJECT.notebook("exercises", "own_sampler")
    (page,) = set(re.findall(r"<!-- genbook-weights:own_sampler\.own:[^ ]+ -->", json.dumps(good)))
    data = trained.embedded([page], question.id)[0]
    ddim = next(m for m in question.misconceptions if m.name == "the baseline").function()
    longer = Tableau(20)
    class_ = tmp_path / "class"
    write(class_, "right", good)
    write(class_, "blank", json.loads(blank.read_text()))
    write(class_, "nowhere", without_weights(solved(PROJECT, "own_sampler")))
    for name, table in {"baseline": ddim, "longer": longer}.items():
        other = base64.b64encode(trained.export(table)).decode()
        notebook = json.dumps(good).replace(base64.b64encode(data).decode(), other)
        write(class_, name, json.loads(notebook))
    rows = {row.student: row for row in run.grade(class_, "own_sampler", tmp_path / "out", jobs=2)}
    possible = {q.id: q.points for q in checks.questions("own_sampler") if not q.manual}
    points = {
        name: {q.id: q.points for q in row.questions if q.id in possible}
        for name, row in rows.items()
    }
    assert points["right"] == possible
    assert points["blank"] == dict.fromkeys(possible, 0)
    for name in ("nowhere", "baseline", "longer"):
        assert points[name] == {**possible, "own_sampler.own": 0}, name
    named = {q.id: q.misconception for q in rows["baseline"].questions}
    assert named["own_sampler.own"] == "the baseline"


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
    write(class_, "flat", without_weights(solved(PROJECT, "ddpm")))
    (class_ / "flat.ddpm.train.safetensors").write_bytes(data)
    write(class_, "hopper_11_21_ddpm", without_weights(solved(PROJECT, "ddpm")))
    (class_ / "hopper_11_22_ddpm.train.safetensors").write_bytes(data)

    rows = {row.student: row for row in run.grade(class_, "ddpm", tmp_path / "out", jobs=2)}
    found = {
        name: next(q for q in row.questions if q.id == question.id) for name, row in rows.items()
    }
    assert {name: (q.points, q.status) for name, q in found.items()} == {
        "in-the-notebook": (6, "right"),
        "beside": (6, "right"),
        "flat": (6, "right"),
        "hopper": (6, "right"),
        "nowhere": (0, "missing"),
        "untrained": (0, "wrong"),
        "broken": (0, "wrong"),
    }
    assert found["untrained"].misconception == "untrained"
    # Nothing else depends on the weights.
    others = {name: sum(q.points or 0 for q in row.questions) for name, row in rows.items()}
    assert others == {name: 16 + q.points for name, q in found.items()}


def test_weights_in_a_zip_are_found_and_new_ones_are_graded_again(tmp_path):
    question = checks.question("ddpm.train")
    good = json.dumps(solved(PROJECT, "ddpm"))
    (page,) = re.findall(r"<!-- genbook-weights:ddpm\.train:[^ ]+ -->", good)
    data = trained.embedded([page], question.id)[0]
    untrained = trained.export(question.training.build())
    blank = PROJECT.notebook("exercises", "ddpm").read_text()

    def graded(weights):
        with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
            archive.writestr("ada/ddpm.ipynb", blank)
            archive.writestr("ada/ddpm.train.safetensors", weights)
            archive.writestr("eve/ddpm.ipynb", blank)
            archive.writestr("eve/weights.safetensors", data)
            archive.writestr("kim/ddpm.zip", own.getvalue())
            archive.writestr("tim/ddpm.train.safetensors", data)
        rows = run.grade(tmp_path / "class.zip", "ddpm", tmp_path / "out", seed="a", jobs=1)
        points = {row.student: sum(q.points or 0 for q in row.questions) for row in rows}
        return points, {row.student: row for row in rows}

    own = io.BytesIO()  # of a student who zips a folder
    with zipfile.ZipFile(own, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ddpm.ipynb", blank)
        archive.writestr("ddpm.train.safetensors", data)
    full = question.points
    points, first = graded(untrained)
    assert points == {"ada": 0, "eve": 0, "kim": full, "tim": full}
    points, second = graded(data)
    assert points == {"ada": full, "eve": 0, "kim": full, "tim": full}
    same = {name for name in first if first[name].sha256 == second[name].sha256}
    assert same == {"eve", "kim", "tim"}
    reviews = {name: row.review for name, row in second.items()}
    assert reviews["ada"] == reviews["kim"] == ()
    unused = "weights that are damaged, or not called ddpm.train: eve/weights.safetensors"
    assert reviews["eve"] == (unused,)
    assert any(reason.startswith("no notebook handed in") for reason in reviews["tim"])


def test_code_that_was_given_to_be_repaired_is_no_misconception(tmp_path):
    write(tmp_path / "class", "ada", json.loads(PROJECT.notebook("exercises", "ddim").read_text()))
    typed = solved(PROJECT, "ddim")
    (given,) = [c for c in blank_cells() if "def sample(" in "".join(c["source"])]
    for cell in typed["cells"]:
        if "def sample(" in "".join(cell["source"]):
            cell["source"] = "# mine\n" + "".join(given["source"])
    write(tmp_path / "class", "eve", typed)
    rows = {row.student: row for row in run.grade(tmp_path / "class", "ddim", tmp_path / "out")}
    found = {
        name: next(q for q in row.questions if q.id == "ddim.sample") for name, row in rows.items()
    }
    assert (found["ada"].status, found["ada"].misconception) == ("missing", None)
    assert "Both mistakes are still there" in found["ada"].message
    assert (found["eve"].status, found["eve"].misconception) == ("wrong", "as given")


def blank_cells():
    return json.loads(PROJECT.notebook("exercises", "ddim").read_text())["cells"]
