"""``coursekit notebooks``: what is derived, executed, kept, refused and interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import toy

from coursekit import exercises, folding, hand_cell, outputs, references
from coursekit.build import drift
from coursekit.derive import derive
from coursekit.project import Project

PLOT = "plt.plot([0, 1, 4])"


def test_the_derived_notebooks_are_valid_and_say_what_they_are(done: Project) -> None:
    for room, source in (("book", "book"), ("solutions", "solutions"), ("exercises", "solutions")):
        path = done.notebook(room, "toy")
        text = path.read_text(encoding="utf-8")
        assert text.endswith("}\n") and not text.endswith("\n\n")
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata.kernelspec.name == "python3"
        assert notebook.metadata.genbook.source == f"{source}/toy.md"
        assert ("digest" in notebook.metadata.genbook) == (room != "exercises")
        ids = [cell.id for cell in notebook.cells]
        assert len(set(ids)) == len(ids)
        assert outputs.code_cells(notebook)[0].id == "setup"


def test_chapters_and_solutions_are_executed_and_exercises_are_not(done: Project) -> None:
    for room in ("book", "solutions", "exercises"):
        cells = outputs.code_cells(nbformat.read(done.notebook(room, "toy"), as_version=4))
        counts = [cell.execution_count for cell in cells]
        if room == "exercises":
            assert counts == [None] * len(cells)
            assert not any(cell.outputs for cell in cells)
        else:
            assert counts == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("room", ["book", "solutions", "exercises"])
def test_each_cell_knows_its_line_whatever_stands_around_it(room: str) -> None:
    """In the real book, where captions, closings and works cited stand between what was written."""
    project = Project.find(Path(__file__))
    book = references.load(project.root)
    known = 0
    for slug in project.slugs():
        found = [item for item in derive(project, book, slug) if item.room == room]
        assert len(found) == (room != "book" or not project.is_assignment(slug))
        if not found:
            continue
        (item,) = found
        lines = item.source.path.read_text(encoding="utf-8").splitlines()
        for index, cell in enumerate(item.notebook.cells):
            if hand_cell.is_hand(cell):  # in no source: it belongs to the figure above
                (name,) = re.findall(r"\{explorable\} (\S+)", lines[item.line(index) - 1])
                assert f'hands.show("{name}")' in cell.source
            elif cell.cell_type == "code" and cell.id != "setup":
                titled = folding.is_folded(cell)  # by a line that no source has
                first, *rest = cell.source.split("\n")[titled:]
                assert (
                    lines[item.line(index) - 1] == lines[item.line(index, 1 + titled) - 1] == first
                )
                second = lines[item.line(index, 2 + titled) - 1]
                assert not rest or room == "exercises" or second == rest[0]
                known += 1
            if cell.id == "setup":
                assert item.line(index) == 1
    assert known > 60


def test_nbval_compares_verifications_checks_and_nothing_else(done: Project) -> None:
    for room in ("book", "solutions"):
        for cell in outputs.code_cells(nbformat.read(done.notebook(room, "toy"), as_version=4)):
            compared = "verify.identity(" in cell.source or 'check("' in cell.source
            assert ("nbval-check-output" in cell.metadata.tags) == compared
            assert ("nbval-ignore-output" in cell.metadata.tags) != compared


def test_executing_an_unchanged_notebook_again_gives_no_diff(done: Project, run: toy.Run) -> None:
    before = toy.snapshot(done.root)
    assert run(done, "notebooks", "--force").exit_code == 0
    after = toy.snapshot(done.root)
    before.pop("book/times.json"), after.pop("book/times.json")
    assert after == before


def test_a_second_run_executes_nothing_and_touches_nothing(done: Project, run: toy.Run) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in done.root.rglob("*.ipynb")}
    result = run(done, "notebooks")
    assert result.exit_code == 0
    assert "executed" not in result.output
    assert {path: path.stat().st_mtime_ns for path in done.root.rglob("*.ipynb")} == stamps


def test_prose_is_derived_again_without_executing(done: Project, run: toy.Run) -> None:
    toy.edit(done.chapter("toy"), "Words before.", "Other words.")
    result = run(done, "notebooks")
    assert "derived again" in result.output and "executed" not in result.output
    assert "Other words." in done.notebook("book", "toy").read_text()
    assert run(done, "notebooks", "--check").exit_code == 0


def test_times_and_memory_are_recorded(done: Project) -> None:
    entries = json.loads((done.root / "book" / "times.json").read_text())
    assert set(entries) == {"book/toy", "solutions/toy"}
    for key, entry in entries.items():
        room, slug = key.split("/")
        stored = nbformat.read(done.notebook(room, slug), as_version=4)
        assert entry["digest"] == stored.metadata.genbook.digest
        assert 0 < entry["seconds"] < 120
        assert 10 < entry["peak_mb"] < 2000


def _set_count_to_null(done: Project) -> None:
    path = done.notebook("book", "toy")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-2].execution_count = None
    path.write_text(nbformat.writes(notebook) + "\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda done: toy.edit(done.chapter("toy"), PLOT, PLOT + "  # more"), "toy.ipynb is stale"),
        (lambda done: toy.edit(done.chapter("toy"), "Words before.", "Other."), "differs from"),
        (lambda done: toy.edit(done.notebook("exercises", "toy"), "Double it.", "?"), "differs"),
        (lambda done: toy.edit(done.notebook("book", "toy"), '"id": "toy-03"', '"id": "x"'), "dif"),
        (lambda done: done.notebook("solutions", "toy").unlink(), "solutions/toy.ipynb is missing"),
        (lambda done: done.notebook("book", "toy").write_text("{"), "toy.ipynb cannot be read"),
        (lambda done: (done.root / "book" / "claims.json").write_text("{}\n"), "claims.json"),
        (_set_count_to_null, "not executed"),
        (
            lambda done: toy.edit(done.root / "_config.yml", "nobody/toy", "somebody/toy"),
            "exercises/toy.ipynb differs",
        ),
    ],
)
def test_any_drift_is_named_and_nothing_is_written(
    done: Project, run: toy.Run, change, message: str
) -> None:
    assert drift(done, ["toy"]) == []
    change(done)
    before = toy.snapshot(done.root)
    result = run(done, "notebooks", "--check")
    assert result.exit_code == 1
    assert message in result.stderr
    assert toy.snapshot(done.root) == before


def test_a_chapter_without_its_sheet_is_drift(done: Project, run: toy.Run) -> None:
    toy.edit(done.root / "_toc.yml", "\n        sections:\n          - file: solutions/toy", "")
    done.sheet("toy").unlink()
    assert "toy lacks solutions/toy.md" in run(done, "notebooks", "--check").stderr


def test_a_notebook_without_a_source_is_drift(done: Project, run: toy.Run) -> None:
    done.notebook("exercises", "toy").rename(done.notebook("exercises", "old"))
    assert "exercises/old.ipynb has no source" in run(done, "notebooks", "--check").stderr


def test_twice_the_budget_is_drift(done: Project, run: toy.Run) -> None:
    path = done.root / "book" / "times.json"
    entries = json.loads(path.read_text())
    entries["book/toy"]["seconds"] = 181
    path.write_text(json.dumps(entries))
    assert "book/toy takes 181 s" in run(done, "notebooks", "--check").stderr


MISTAKES = [
    ("book/toy.md", "  kind: chapter", "  kind: [chapter", r"toy.md:5: invalid YAML"),
    (
        "book/toy.md",
        "kernelspec: {display_name: Python 3, language: python, name: python3}",
        "",
        r"toy.md:1: .*kernel",
    ),
    ("book/toy.md", "  kind: chapter", "  kind: sheet", r"toy.md:1: a sheet lies in solutions/"),
    ("book/toy.md", "---\n\n# Toy", "\n# Toy", r"toy.md:1: the YAML header has no end"),
    ("book/toy.md", "name: python3}", "name: no_such_kernel}", r"toy.md:3: no kernel 'no_such_ke"),
    ("book/toy.md", PLOT, "1 / 0", r"toy.md:33: this cell failed: ZeroDivisionError"),
    ("book/toy.md", PLOT, "%timeit 1", r"toy.md:33: no valid Python"),
    ("book/toy.md", PLOT, "import os; os._exit(1)", r"toy.md:31: .*the kernel died"),
    ("book/toy.md", PLOT, "import warnings; warnings.warn('x')", r"toy.md:31: .*standard error"),
    ("book/toy.md", "Words before.", "See {nosuchrole}`x`.", r"toy.md:10: .*nosuchrole"),
    (
        "book/toy.md",
        "print(label,",
        "print('x' * 500_000, label,",
        r"501 KB, the limit is 400 KB; the largest cell, at line 25",
    ),
    ("solutions/toy.md", "return 2 * x\n    ### END SOLUTION", "return 2", r"toy.md:29: .*no end"),
    ("_toc.yml", "format: jb-book", "format: [", r"_toc.yml:\d+: invalid YAML"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), MISTAKES)
def test_bad_input_gives_one_message_and_leaves_the_derived_files(
    done: Project, run: toy.Run, name: str, old: str, new: str, message: str
) -> None:
    before = toy.snapshot(done.root)
    toy.edit(done.root / name, old, new)
    result = run(done, "notebooks")
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "Traceback" not in result.output
    assert re.search(message, errors[0]), errors[0]
    assert toy.snapshot(done.root) == before


def test_an_unknown_slug_suggests_the_near_one(done: Project, run: toy.Run) -> None:
    result = run(done, "notebooks", "toi")
    assert result.exit_code == 2
    assert "unknown slug 'toi'" in result.stderr and "Did you mean toy?" in result.stderr


def test_outside_a_book(tmp_path: Path, run: toy.Run) -> None:
    result = run(Project(tmp_path), "notebooks")
    assert result.exit_code == 2
    assert "no _toc.yml" in result.stderr


def test_a_failing_solution_keeps_its_exercises_and_the_chapter_goes_on(
    done: Project, run: toy.Run
) -> None:
    before = toy.snapshot(done.root)
    toy.edit(done.sheet("toy"), "Double it.", "Double it twice.")
    toy.edit(done.sheet("toy"), "return 2 * x", "return 3 * x")  # its hidden test fails
    toy.edit(done.chapter("toy"), "Words before.", "Other words.")
    result = run(done, "notebooks")
    assert result.exit_code == 2
    assert "AssertionError" in result.stderr
    after = toy.snapshot(done.root)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"book/toy.ipynb"}


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_finished_and_the_next_run_continues(
    book: Project, tmp_path: Path
) -> None:
    """A real process, a real SIGINT: the fast chapter is kept, the slow one is left to do."""
    toy.edit(book.root / "_toc.yml", "\n        sections:\n          - file: solutions/toy", "")
    book.sheet("toy").unlink()
    flag = tmp_path / "running"
    slow = toy.CHAPTER.replace("toy", "slow").replace(
        PLOT, f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(300)"
    )
    book.chapter("slow").write_text(slow)
    with (book.root / "_toc.yml").open("a") as stream:
        stream.write("      - file: book/slow\n")
    command = [sys.executable, "-m", "coursekit.cli", "notebooks"]
    process = subprocess.Popen(
        command, cwd=book.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 120
    while not flag.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert flag.exists(), "the slow cell never ran"
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "left to do: book/slow" in output
    assert book.notebook("book", "toy").is_file()
    assert not book.notebook("book", "slow").exists()
    assert not [path for path in book.root.rglob("*.tmp")]

    toy.edit(book.chapter("slow"), "time.sleep(300)", "time.sleep(0)")
    again = subprocess.run(command, cwd=book.root, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    rows = {
        line.split()[1]: line.split()[3] for line in again.stdout.splitlines() if "│ book/" in line
    }
    assert rows == {"book/toy": "current", "book/slow": "executed"}


@pytest.mark.slow
def test_two_notebooks_at_a_time(book: Project, run: toy.Run) -> None:
    assert run(book, "notebooks", "--jobs", "2").exit_code == 0
    assert drift(book, ["toy"]) == []


def test_the_registry_is_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert exercises.registry("no_such_chapter") == []
