"""The commands as an instructor types them: help, messages, exit codes, and what they print."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import time
from collections.abc import Iterator
from pathlib import Path

import killing
import pytest
from killing import SLUG, Grader, exports, make_class, notebook, until
from rich.console import Console
from sample_class import QUESTIONS, row
from typer.testing import CliRunner

from coursekit import cli, console
from coursekit.grading import session
from coursekit.grading.incoming import ingest
from coursekit.grading.jail import forked, sandbox
from coursekit.grading.outgoing.overrides import Overrides, apply
from coursekit.grading.outgoing.store import Run
from coursekit.grading.verdict.results import read

sandboxed = pytest.mark.skipif(sandbox.detect() == "none", reason="no sandbox works here")
COMMANDS = {
    "run": ("--assignment", "--shard", "--unsafe", "--overrides", "--roster", "130"),
    "resume": ("--overrides", "--roster", "OUT"),
    "explain": ("--again", "STUDENT"),
    "doctor": (),
    "selftest": ("--level", "--jobs"),
    "reference": ("--seeds", "--private"),
}


def called(*words: object) -> tuple[int, str]:
    """Exit code and output of ``coursekit grade <words>`` in this process."""
    done = CliRunner().invoke(cli.app, ["grade", *map(str, words)], env={"COLUMNS": "120"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_every_command_has_help() -> None:
    code, said = called("--help")
    assert code == 0 and all(name in said for name in COMMANDS)
    for name, words in COMMANDS.items():
        code, said = called(name, "--help")
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        assert code == 0 and all(word.lower() in said.lower() for word in words), name


# --- Misuse: one line, exit code 2, and nothing written ----------------------------------------


@pytest.fixture
def class_(tmp_path: Path) -> Path:
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "ada.ipynb").write_bytes(notebook())
    return folder


def refused(tmp_path: Path, *words: object) -> str:
    """The message of a run that is refused."""
    code, said = called("run", *words, "-o", tmp_path / "out")
    assert code == 2, said
    assert not (tmp_path / "out").exists()
    assert said.startswith("error: ") and said.count("\n") == 1, said
    return said


def test_unknown_assignment(tmp_path: Path, class_: Path) -> None:
    said = refused(tmp_path, class_, "-a", "objekts")
    assert "no assignment 'objekts'" in said and SLUG in said


def test_no_submissions(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no submissions in empty" in refused(tmp_path, tmp_path / "empty", "-a", SLUG)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    said = refused(tmp_path, tmp_path / "nowhere", "-a", SLUG)
    assert "there is no folder or zip nowhere" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("students:\n  adda: {}\n", "overrides.yml:2: unknown student 'adda'. Did you mean ada?"),
        ("points: {}\nstudents:\n  ada:\n    questions: {objects.film: 9}", "overrides.yml:4: "),
        ("points: {objects.fillm: 1}", "Did you mean objects.film or"),
        ("points: [", "invalid YAML"),
    ],
)
def test_bad_overrides(tmp_path: Path, class_: Path, text: str, message: str) -> None:
    (class_ / "overrides.yml").write_text(text)
    assert message in refused(tmp_path, class_, "-a", SLUG)


@pytest.mark.parametrize("shard", ["3/2", "0/2", "1", "a/b", "1/2/3", "-1/2"])
def test_bad_shard(tmp_path: Path, class_: Path, shard: str) -> None:
    assert "--shard" in refused(tmp_path, class_, "-a", SLUG, f"--shard={shard}")


def test_bad_roster(tmp_path: Path, class_: Path) -> None:
    (tmp_path / "roster.csv").write_text("what,is,this\n1,2,3\n")
    assert "roster.csv" in refused(
        tmp_path, class_, "-a", SLUG, "--roster", tmp_path / "roster.csv"
    )


def test_level_that_does_not_work(
    tmp_path: Path, class_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "bubblewrap_trouble", lambda: "it is not installed")
    monkeypatch.setattr(sandbox.seccomp, "supported", lambda: True)
    said = refused(tmp_path, class_, "-a", SLUG, "--level", "bubblewrap")
    assert "bubblewrap does not work here: it is not installed" in said and "doctor" in said


def test_another_ipykernel(tmp_path: Path, class_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked, "version", lambda name: "6.31.0")
    said = refused(tmp_path, class_, "-a", SLUG)
    assert "ipykernel 6.31.0 is installed" in said and forked.NEEDED in said
    code, said = called("doctor")
    assert code == 1 and "✗ ipykernel: ipykernel 6.31.0 is installed" in said


def test_no_level_works(tmp_path: Path, class_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "detect", lambda: "none")
    assert "--unsafe" in refused(tmp_path, class_, "-a", SLUG)


def test_level_with_unsafe_and_unknown_level(tmp_path: Path, class_: Path) -> None:
    said = refused(tmp_path, class_, "-a", SLUG, "--unsafe", "--level", "landlock")
    assert "leave out --level" in said
    code, said = called("run", class_, "-a", SLUG, "-o", tmp_path / "out", "--level", "none")
    assert code == 2 and "bubblewrap" in said, "no sandbox needs the word unsafe"


def test_resume_and_explain_where_nothing_was_begun(tmp_path: Path) -> None:
    for words in (("resume", tmp_path / "nowhere"), ("explain", "ada", "-o", tmp_path / "nowhere")):
        code, said = called(*words)
        assert code == 2 and "no run was begun" in said
        assert not (tmp_path / "nowhere").exists()


# --- A class that is graded --------------------------------------------------------------------


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with killing.grader() as found:
        yield found


@pytest.fixture(scope="module")
def graded(grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Submissions, results, and what the run said."""
    folder = tmp_path_factory.mktemp("graded")
    class_ = folder / "class"
    class_.mkdir()
    (class_ / "ada.ipynb").write_bytes(notebook("film", "predict", explain="A name."))
    (class_ / "bob.ipynb").write_bytes(notebook("film", plan="def plan(*args): return 7"))
    (class_ / "bob (2).ipynb").write_bytes(notebook("plan"))
    code, said = grader.run(*grader.begin(class_, folder / "my results", "--level", WORKS))
    assert code == 1, said
    return class_, folder / "my results", said


WORKS = sandbox.detect()


def points(out: Path) -> dict[str, dict[str, str]]:
    """The grade book by student."""
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@sandboxed
def test_what_a_run_says(graded: tuple[Path, Path, str]) -> None:
    class_, out, said = graded
    lines = said.splitlines()
    assert sorted(lines[:2])[0].startswith("1/2 ") and sorted(lines[:2])[1].startswith("2/2 ")
    assert "\x1b" not in said and "\r" not in said
    assert re.search(
        rf"^2 submissions, in \d+ s by the clock, sandbox: {WORKS}$", said, re.MULTILINE
    )
    assert re.search(r"^ *objects\.film +2 +1 +1\.00", said, re.MULTILINE)
    assert "final 0 · to mark 1 · review 1 · mean" in said
    assert str(out / "grades.csv") in said and str(out / "report" / "index.html") in said
    assert "look at bob: several files" in said
    assert "2 answers are for you to mark" in said, "bob has comments in his code"
    assert f"decide in {class_ / 'overrides.yml'}, then coursekit grade resume '{out}'" in said


@pytest.mark.parametrize("roster", [False, True])
def test_equal_files_and_people_without_numbers_are_named(tmp_path: Path, roster: bool) -> None:
    (tmp_path / "roster.csv").write_text("student,SIS Login ID\nada,a1\nbob,b1\n")
    table = str(tmp_path / "roster.csv") if roster else ""
    wanted = Run("ddim", str(tmp_path), "", "none", roster=table)
    rows = [row(name, ["right"] * 5, sha256="a" * 64) for name in ("ada", "bob", "cyd")]
    console = Console(file=io.StringIO(), width=200)
    session._where(tmp_path / "out", wanted, apply(rows, Overrides(), QUESTIONS), console)
    said = console.file.getvalue()
    assert "the same file, byte by byte: ada, bob, cyd\n" in said
    assert ("canvas.csv has no number for cyd: see the roster before" in said) is roster
    assert ("canvas.csv has no number for anybody: give a --roster" in said) is not roster
    assert ("moodle.csv has no number for anybody: " in said) is not roster


@sandboxed
def test_out_that_has_results(graded: tuple[Path, Path, str]) -> None:
    class_, out, _ = graded
    before = exports(out)
    code, said = called("run", class_, "-a", SLUG, "-o", out)
    assert code == 2 and "has results already" in said and "grade resume" in said
    code, said = called("run", class_, "-a", SLUG, "-o", out, "--resume", "--seed", "other")
    assert code == 2 and "another seed" in said
    code, said = called("run", class_, "-a", "ddim", "-o", out, "--resume")
    assert code == 2 and "assignment 'objects', not 'ddim'" in said
    assert exports(out) == before


@sandboxed
def test_explain(graded: tuple[Path, Path, str]) -> None:
    _, out, _ = graded
    code, said = called("explain", "ada", "-o", out)
    assert code == 0 and "ada: 4 of 20 points" in said
    assert re.search(r"^objects\.film · .*: 2 of 2 \(right\)$", said, re.MULTILINE)
    assert "expected" not in said
    code, said = called("explain", "adda", "-o", out)
    assert code == 2 and "did you mean ada?" in said and said.count("\n") == 1


@sandboxed
@pytest.mark.slow
def test_explain_again_shows_the_secret_cases(
    grader: Grader, graded: tuple[Path, Path, str]
) -> None:
    _, out, _ = graded
    before = exports(out)
    row = next(row for row in read(out / "results.jsonl") if row.student == "bob")
    chosen = "plan" if row.file == "bob.ipynb" else "film"
    code, said = grader.run("explain", "bob", "-o", out, "--again")
    assert code == 0
    plain = called("explain", "bob", "-o", out)[1]
    assert len(said) > len(plain) and f"objects.{chosen}" in said
    assert exports(out) == before and not grader.litter()


@sandboxed
@pytest.mark.slow
def test_decisions_are_applied_on_resume_and_stay(
    grader: Grader, graded: tuple[Path, Path, str], tmp_path: Path
) -> None:
    class_ = tmp_path / "class"
    class_.mkdir()
    for path in graded[0].iterdir():
        (class_ / path.name).write_bytes(path.read_bytes())
    out = tmp_path / "out"
    assert grader.run(*grader.begin(class_, out))[0] == 1
    first = {row.student: row for row in read(out / "results.jsonl")}
    other = {"bob.ipynb": "bob (2).ipynb"}.get(first["bob"].file, "bob.ipynb")
    decisions = f"""\
points: {{objects.film: 6}}
students:
  ada:
    questions: {{objects.explain: 1.5, objects.views: 1}}
    comments: {{objects.explain: "Good, but why?"}}
  bob: {{submission: "{other}", questions: {{objects.explain: 0}}, note: "late"}}
"""
    (class_ / "overrides.yml").write_text(decisions)
    code, said = grader.run("resume", out)
    assert code == 0, said
    assert "2 submissions, 1 new" in said and "final 2 · to mark 0 · review 0" in said
    book = points(out)
    assert float(book["ada"]["objects.film"]) == 6
    assert float(book["ada"]["objects.views"]) == 1
    assert float(book["ada"]["objects.explain"]) == 1.5
    second = {row.student: row for row in read(out / "results.jsonl")}
    assert second["bob"].file == other and second["bob"].sha256 != first["bob"].sha256
    assert second["bob"].status == "graded" and second["ada"] == first["ada"]
    code, said = called("explain", "ada", "-o", out)
    assert code == 0 and "marked by instructor; the checks gave 0" in said
    assert "changed: objects.views from 0 to 1" in said and "Good, but why?" in said

    # A new file is graded, and what was decided stays; nobody has written the file of decisions.
    (class_ / "ada.ipynb").write_bytes(notebook("views", "average"))
    code, said = grader.run("resume", out)
    assert code == 0 and "1 new" in said
    book = points(out)
    assert float(book["ada"]["objects.explain"]) == 1.5 and float(book["ada"]["objects.views"]) == 1
    assert float(book["ada"]["objects.average"]) == 4 and float(book["ada"]["objects.film"]) == 0
    assert (class_ / "overrides.yml").read_text() == decisions
    # An unknown name is refused, and the results are as they were.
    before = exports(out)
    (class_ / "overrides.yml").write_text(decisions.replace("bob:", "bobb:"))
    code, said = grader.run("resume", out)
    assert code == 2 and said.startswith("error: overrides.yml:6: unknown student 'bobb'")
    assert exports(out) == before


@sandboxed
def test_a_roster_given_later(graded: tuple[Path, Path, str], tmp_path: Path) -> None:
    """Nothing is run again: only the imports are made for the people of the course."""
    _, out, _ = graded
    roster = tmp_path / "canvas.csv"
    roster.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section\n"
        '"Lovelace, Ada",11,s11,ada,A\n"Builder, Bob",12,s12,bob,A\n'
    )
    before = exports(out)
    code, said = called("resume", out, "--roster", roster)
    assert code == 1 and "0 new" in said
    assert '"Lovelace, Ada",11,s11,ada,A' in (out / "canvas.csv").read_text()
    assert exports(out)["results.jsonl"] == before["results.jsonl"]
    kept = json.loads((out / "run.json").read_text())
    assert kept["roster"] == str(roster) and (out / "run.json").stat().st_mode & 0o77 == 0


@sandboxed
@pytest.mark.slow
def test_a_bar_in_a_terminal(grader: Grader, tmp_path: Path) -> None:
    class_ = tmp_path / "class"
    class_.mkdir()
    (class_ / "ada.ipynb").write_bytes(notebook("film", explain="A name."))
    mine, theirs = pty.openpty()
    words = grader.begin(class_, tmp_path / "out")
    process = grader.start(*words, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            data = os.read(mine, 65536)
        except OSError:
            break
        if not data:
            break
        said += data
    assert process.wait() == 0
    os.close(mine)
    text = said.decode()
    assert "1/1" in text and "━" in text and "\x1b[" in text
    assert "1/1 ada: 3" not in text, "the lines of a log"
    assert "to mark 1" in text


def test_results_and_submissions_in_one_folder(class_: Path) -> None:
    before = sorted(class_.iterdir())
    code, said = called("run", class_, "-a", SLUG, "-o", class_)
    assert code == 2 and "the folder of submissions: take another" in said
    assert sorted(class_.iterdir()) == before


@sandboxed
def test_the_clock_runs_from_the_first_moment(
    graded: tuple[Path, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "BEGAN", time.monotonic() - 1000)
    assert re.search(r", 0 new, in 1\d\d\d s by the clock", called("resume", graded[1])[1])


@sandboxed
def test_nobody_vanishes(grader: Grader, tmp_path: Path) -> None:
    """One notebook, and others of whom there is nothing to run: a row each, and a reason."""
    class_ = tmp_path / "class"
    (class_ / "bob").mkdir(parents=True)
    (class_ / "ada.ipynb").write_bytes(notebook("film"))
    (class_ / "eve.ipynb").symlink_to(class_ / "ada.ipynb")
    locked = class_ / "gus.ipynb"
    locked.write_bytes(notebook())
    for name in ("Cleo_7_assignsubmission_file_", "Dan_7_assignsubmission_file_"):
        (class_ / name).mkdir()
        (class_ / name / "results.jsonl").write_text("{}")
    (class_ / "answers.txt").write_text("Perhaps a student's, perhaps not.")
    words = grader.begin(class_, class_ / "out")
    locked.chmod(0)
    code, said = grader.run(*words)
    assert code == 1, said
    found = {row.student: row for row in read(class_ / "out" / "results.jsonl")}
    assert set(found) == {"ada", "bob", "eve", "gus", "Cleo", "Dan"}
    looks = {name for name, row in found.items() if row.status == "review"}
    assert looks - {"gus"} == {"bob", "eve", "Cleo", "Dan"}
    assert "gus" in looks or os.geteuid() == 0, "only root reads everything"
    for name in ("bob", "eve", "Cleo", "Dan"):
        assert any("no notebook handed in" in reason for reason in found[name].review)
        assert sum(question.points or 0 for question in found[name].questions) == 0
    assert "no row for answers.txt: no notebooks by their names" in said
    for name in ("bob", "eve"):
        assert found[name].notes == (ingest.NOTHING,), "nothing is not an empty file"
    assert any("Cleo, Dan have the number 7" in reason for reason in found["Dan"].review)
    assert points(class_ / "out")["Dan"]["status"] == "review"
    before = exports(class_ / "out")
    code, said = grader.run("resume", class_ / "out")
    assert code == 1 and "0 new" in said and exports(class_ / "out") == before


@sandboxed
@pytest.mark.slow
def test_results_beside_the_submissions(grader: Grader, tmp_path: Path) -> None:
    """A folder of results inside the one of submissions is nobody's, from the first moment."""
    class_ = make_class(tmp_path / "class")
    for path in sorted(class_.iterdir())[2:]:
        path.unlink()
    process = grader.start(*grader.begin(class_, class_ / "results", "--shard", "1/1"))
    until(lambda: (class_ / "results" / "run.json").exists())
    killing.kill_at(process, 0.1)
    code, said = grader.run("resume", class_ / "results")
    assert code in (0, 1), said
    assert "2 submissions" in said
