"""The page for instructors is run as it stands, so that it cannot rot.

Every shell command of ``book/teaching.md`` is run in the page's order in a folder that looks like a
clone, every file that the page says to save is saved, and what the page promises is looked up in
the results. A comment above a block of the page says what is done with it:

    <!-- save: ../overrides.yml -->     the block is the content of that file
    <!-- not run: the reason -->        the block is not run here
"""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import corpus_entry as sheet
import pytest
import teaching_class
import typer
import yaml

from coursekit.grading.cli import app
from coursekit.grading.jail import sandbox

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
SHARDS = 2


@dataclass(frozen=True)
class Block:
    """A fenced block of the page; ``note`` is the comment above it."""

    language: str
    text: str
    note: str

    @property
    def file(self) -> str:
        return self.note.removeprefix("save:").strip() if self.note.startswith("save:") else ""

    @property
    def runs(self) -> bool:
        return self.language == "bash" and not self.note


def blocks(page: str = PAGE) -> list[Block]:
    """The blocks of the page, in order."""
    pattern = r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$"
    found = re.finditer(pattern, page, re.MULTILINE | re.DOTALL)
    return [Block(m["language"], m["text"], m["note"] or "") for m in found]


def shell(page: str = PAGE) -> str:
    """All that a reader types into a shell, and the script of the page."""
    return "\n".join(block.text for block in blocks(page) if block.language == "bash")


# --- What can be said without running anything ---------------------------------------------------


def test_the_blocks_are_found() -> None:
    found = blocks()
    assert PAGE.count("```") == 2 * len(found)
    assert sum(block.runs for block in found) >= 8
    assert {Path(block.file).suffix for block in found if block.file} >= {".yml", ".py", ".sh"}
    notes = {block.note.partition(":")[0] for block in found if block.note}
    assert notes == {"save", "not run"}


def options() -> dict[str, set[str]]:
    """The options of each command of ``coursekit grade``."""
    group = typer.main.get_command(app)
    commands: dict[str, typer.core.TyperCommand] = group.commands  # type: ignore[attr-defined]
    return {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in commands.items()
    }


def test_every_command_and_option_of_the_page_exists() -> None:
    known = options()
    lines = re.sub(r"\\\n\s*", " ", shell()).split("\n")
    calls = [re.search(r"coursekit grade (\w+)(.*)", line) for line in lines]
    used = [(call[1], set(re.findall(r"(?<=\s)--?[a-z-]+", call[2]))) for call in calls if call]
    assert len(used) >= 10
    for command, given in used:
        assert given <= known[command], command
    # Those that the text names: the container's own flags are not ours.
    prose = set(re.findall(r"(?<!git )`(--[a-z-]+)[ `]", PAGE)) - {"--security-opt"}
    assert prose <= set().union(*known.values())
    assert {"--jobs", "--shard", "--unsafe", "--seed", "--again"} <= prose | set(
        re.findall(r"--[a-z]+", shell())
    )


def test_the_messages_of_the_table_are_those_of_the_code() -> None:
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "src/coursekit").rglob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code).replace("{kind}", "student")
    table = PAGE.partition("## When something goes wrong")[2].partition("\n## ")[0]
    messages = re.findall(r"^\| (?:many )?`([^`]+)`", table, re.MULTILINE)
    assert len(messages) >= 10
    for message in messages:
        constant = [part.strip() for part in re.split(r"…|'[^']*'|\w+\.yml:\d+:", message)]
        assert all(part in code for part in constant if part), message


def test_the_python_of_the_page_is_python() -> None:
    sources = [block.text for block in blocks() if block.language == "python"]
    assert len(sources) >= 2
    for source in sources:
        ast.parse(source)


def test_the_class_is_what_the_page_says(tmp_path: Path) -> None:
    assert len(teaching_class.names()) == 30
    teaching_class.make(tmp_path / "one")
    teaching_class.make(tmp_path / "two")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two and len(one) == 32
    assert sum(teaching_class.fair(name) == 0 for name in teaching_class.names()) == 5


# --- The page, run ------------------------------------------------------------------------------


@dataclass
class Run:
    """A block that was run."""

    block: Block
    code: int
    out: str


class Place:
    """A folder in which the page was run: ``course`` looks like a clone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: list[Run] = []

    def rows(self, results: str) -> dict[str, dict[str, str]]:
        """The grade book of a folder of results, by student."""
        with (self.folder / results / "grades.csv").open(encoding="utf-8", newline="") as file:
            return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if sandbox.detect() == "none":
        pytest.skip("no sandbox works here")
    folder = tmp_path_factory.mktemp("teaching")
    course = folder / "course"
    course.mkdir()
    (course / "tests").symlink_to(ROOT / "tests")
    (course / ".venv").symlink_to(sys.prefix)
    own = next(block.text for block in blocks() if block.file.endswith(".py"))
    (folder / "my_solution.ipynb").write_bytes(_own_copy(own))
    place = Place(folder)
    for block in blocks():
        if block.file:
            path = course / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.file.endswith(".sh"):
            _array(course, path)
        if block.runs:
            place.runs.append(_run(course, block))
    yield place


def _own_copy(source: str) -> bytes:
    """The instructor's copy of the sheet, solved, with the private answer."""
    tree = ast.parse(source)
    answer = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "clipped")
    notebook = sheet.full()
    sheet.insert(notebook, len(notebook["cells"]), sheet.code(ast.unparse(answer)))
    return sheet.encoded(notebook)


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def _run(course: Path, block: Block) -> Run:
    done = subprocess.run(
        ["bash", "-eu", "-c", block.text],
        cwd=course,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return Run(block, done.returncode, done.stdout)


def _array(course: Path, script: Path) -> None:
    """What Slurm does: the script once for each number of the array, all at the same time."""
    environments = [{**_environment(), "SLURM_ARRAY_TASK_ID": str(n + 1)} for n in range(SHARDS)]
    tasks = [
        subprocess.Popen(["bash", str(script)], cwd=course, env=env, stdout=subprocess.DEVNULL)
        for env in environments
    ]
    assert [task.wait(300) for task in tasks] == [0] * SHARDS


@pytest.mark.slow
def test_every_command_runs(place: Place) -> None:
    for run in place.runs:
        # 1: graded, and a person must look at some.
        assert run.code in (0, 1), run.out
        assert "Traceback" not in run.out, run.out


@pytest.mark.slow
def test_the_class_gets_its_fair_points(place: Place) -> None:
    lines = (place.folder / "results" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    rows = {row["student"]: row for row in map(json.loads, lines)}
    assert set(rows) == {*teaching_class.names(), "zoe"}
    for name in teaching_class.names():
        fair = teaching_class.fair(name)
        points = sum(entry["points"] or 0 for entry in rows[name]["questions"])
        if name == "alan":  # the page chose his other file, which is right
            fair = teaching_class.MACHINE
        assert fair is None or points == fair, name
    review = {name for name, row in rows.items() if row["status"] == "review"}
    assert review == {"barbara", "victor", "walter", "xenia", "yuri"}


@pytest.mark.slow
def test_what_the_page_shows_is_what_is_printed(place: Place) -> None:
    shown = next(b.text for b in blocks() if b.language == "text" and "30 submissions" in b.text)
    printed = next(run.out for run in place.runs if "30 submissions, in" in run.out)
    printed = " ".join(printed.split())
    for line in shown.splitlines():
        line = re.sub(r" in \d+ s by the clock, sandbox: \w+", "", line).removesuffix("…")
        assert " ".join(line.split()) in printed, line


@pytest.mark.slow
def test_decisions_are_in_the_grade_book(place: Place) -> None:
    rows = place.rows("results")
    decided = yaml.safe_load(next(b.text for b in blocks() if b.file.endswith("overrides.yml")))
    assert rows["ada"]["status"] == rows["donald"]["status"] == "final"
    assert float(rows["ada"]["total"]) == float(rows["ada"]["possible"]) == 16
    marks = decided["students"]["donald"]["questions"]
    assert {name: float(rows["donald"][name]) for name in marks} == marks
    assert rows["alan"]["file"] == "alan_late.ipynb" and rows["alan"]["status"] == "to mark"
    assert rows["yuri"]["status"] == "to mark" and rows["walter"]["status"] == "review"
    page = (place.folder / "results" / "report" / "donald.html").read_text(encoding="utf-8")
    assert decided["students"]["donald"]["comments"]["ddim.timesteps"] in page


@pytest.mark.slow
def test_every_file_of_the_table_is_there(place: Place) -> None:
    table = PAGE.partition("## Read the results")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) >= 8
    assert [name for name in names if not (place.folder / "results" / name).is_file()] == []
    assert (place.folder / "results" / "run.json").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_the_roster_reaches_canvas(place: Place) -> None:
    text = (place.folder / "results-roster" / "canvas.csv").read_text(encoding="utf-8")
    found = {row["SIS Login ID"]: row["Student"] for row in csv.DictReader(text.splitlines())}
    assert found["al1815"] == "Lovelace, Ada"


@pytest.mark.slow
def test_the_private_question_is_graded(place: Place) -> None:
    row = place.rows("results-private")["my_solution"]
    assert float(row["ddim.clipped"]) == 2
    assert float(row["total"]) == teaching_class.MACHINE + 2


@pytest.mark.slow
def test_the_array_is_put_together(place: Place) -> None:
    array, alone = place.rows("results-array"), place.rows("results-roster")
    assert array == alone
    assert len(list((place.folder / "results-array").glob("results-*-of-*.jsonl"))) == SHARDS


@pytest.mark.slow
def test_explain_tells_what_was_changed(place: Place) -> None:
    text = ".venv/bin/coursekit grade explain donald --out ../results"
    assert _run(place.folder / "course", Block("bash", text, "")).code == 0
