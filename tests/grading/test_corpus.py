"""Every submission of the corpus ends in a row with its fair score, and leaves no trace.

    CORPUS_RUNS=10 pytest tests/grading/test_corpus.py -m long

grades the corpus ten times in each sandbox level that works here, and names every flip. CORPUS
picks entries by name, with commas between them.
"""

from __future__ import annotations

import ast
import ctypes
import hashlib
import importlib
import json
import os
import site
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus_files
import psutil
import pytest
from corpus_entry import Entry, full
from IPython.core.inputtransformer2 import TransformerManager

HERE = Path(__file__).parent
LEAST = {
    "cheat": 35,
    "crash": 12,
    "resource": 16,
    "escape": 18,
    "honest": 12,
    "colab": 10,
    "file": 10,
}
CONFINED = ("bubblewrap", "landlock")
NOT_PYTHON = ("syntax-error-beside", "syntax-error-in-answer", "returns-at-the-top")


def corpus() -> list[Entry]:
    """The entries of all modules beside this one."""
    found: list[Entry] = []
    for path in sorted(HERE.glob("corpus_*.py")):
        module = importlib.import_module(path.stem)
        found += [*getattr(module, "ENTRIES", ()), *getattr(module, "FILES", ())]
    return found


ENTRIES = corpus()
# Those of corpus_files are trouble by their form.
OWN = [entry for entry in ENTRIES if entry not in corpus_files.FILES]


def test_there_are_enough() -> None:
    counts = Counter(entry.category for entry in ENTRIES)
    assert len(ENTRIES) >= 120
    assert all(counts[category] >= least for category, least in LEAST.items()), counts


def test_names_differ() -> None:
    names = [entry.name for entry in ENTRIES]
    assert not [name for name in set(names) if names.count(name) > 1]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_made_alike_each_time(entry: Entry) -> None:
    assert entry.make(full()) == entry.make(full())
    assert entry.why.endswith("."), "a sentence"
    assert set(entry.points()) == set(entry.possible)


@pytest.mark.parametrize("entry", OWN, ids=lambda entry: entry.name)
def test_notebook_is_one_that_runs(entry: Entry) -> None:
    """An attack with a slip of the pen would be refused for the wrong reason."""
    notebook = json.loads(entry.make(full()))
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    if entry.name in NOT_PYTHON:
        return
    for source in sources:
        code = TransformerManager().transform_cell(source)
        compile(code, entry.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_nothing_of_the_sheet_is_left() -> None:
    """The solved notebook has no markers left, and no stub."""
    text = json.dumps(full())
    assert "SOLUTION" not in text and "GIVEN" not in text and "YOUR CODE" not in text


# --- Grading -----------------------------------------------------------------------------------


class Canaries:
    """Files that nobody may touch, around a folder of submissions."""

    def __init__(self, folder: Path) -> None:
        self.own = [
            folder / "elsewhere" / "results.jsonl",
            folder / "elsewhere" / "run.json",
            folder / "solutions" / "ddim.md",
            Path.home() / f".corpus-canary-{os.getpid()}",
        ]
        packages = Path(site.getsitepackages()[0])
        if os.access(packages, os.W_OK):
            self.own.append(packages / f"corpus-canary-{os.getpid()}.pth")
        for path in self.own:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {path.name}: nobody may touch this\n")
        root = Path(__file__).resolve().parents[2]
        self.watched = [
            *self.own,
            *(folder / "submissions").iterdir(),
            *(root / "src").rglob("*.py"),
            *(root / "solutions").iterdir(),
        ]
        self.before = self.state()
        self.beside = self.listing()

    def state(self) -> dict[str, str]:
        digests = {}
        for path in self.watched:
            there = path.is_file()
            data = path.read_bytes() if there else b"gone"
            mode = path.stat().st_mode if there else 0
            digests[str(path)] = f"{hashlib.sha256(data).hexdigest()} {mode:o}"
        return digests

    def listing(self) -> set[str]:
        """What lies where somebody might leave something."""
        places = [Path.home(), Path("/tmp"), Path("/dev/shm"), *map(Path, site.getsitepackages())]
        ours = ("gk-", "pytest-", "pymp-", "torch_")
        return {
            str(path)
            for place in places
            if place.is_dir()
            for path in place.iterdir()
            if not path.name.startswith(ours) and ("owned" in path.name or "shared-" in path.name)
        }

    def remove(self) -> None:
        for path in self.own:
            path.unlink(missing_ok=True)


@pytest.fixture
def handed_in(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, Canaries]]:
    """The folder with all submissions that can be tried in a level, and its canaries."""
    level = request.getfixturevalue("level")
    folder = tmp_path / "submissions"
    folder.mkdir()
    for entry in chosen(level):
        (folder / f"{entry.name}{entry.suffix}").write_bytes(entry.make(full()))
    canaries = Canaries(tmp_path)
    yield folder, canaries
    canaries.remove()


def chosen(level: str) -> list[Entry]:
    """The entries for a level."""
    names = [name for name in os.environ.get("CORPUS", "").split(",") if name]
    return [
        entry
        for entry in ENTRIES
        if (not entry.only or level in entry.only) and (not names or entry.name in names)
    ]


def differences(entries: list[Entry], rows: list[Any]) -> list[str]:
    """A line for each row that is not the fair one."""
    by_student = {row.student: row for row in rows}
    lines = [f"{name}: no such entry" for name in by_student.keys() - {e.name for e in entries}]
    for entry in entries:
        row = by_student.get(entry.name)
        if row is None:
            lines.append(f"{entry.name}: no row")
            continue
        for found in row.questions:
            if found.id not in entry.possible:
                continue  # in words: for a person, or for nobody where there are none
            fair, wanted = entry.points()[found.id], entry.expect.get(found.id)
            if found.points != fair:
                said = " ".join(found.message.split())[:120]
                lines.append(
                    f"{entry.name}: {found.id} {found.points}, fair {fair} ({found.status}) {said}"
                )
            elif wanted and found.status != wanted:
                lines.append(f"{entry.name}: {found.id} is {found.status}, expected {wanted}")
        if row.status != entry.status:
            lines.append(f"{entry.name}: row {row.status}, expected {entry.status}: {row.review}")
    return lines


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent has ended."""
    pr_set_child_subreaper = 36
    assert ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0) == 0


def survivors(before: set[int]) -> list[str]:
    """Processes that the run has left."""
    left: list[str] = []
    for _ in range(50):  # the end of a process group takes a moment
        found = psutil.Process().children(recursive=True)
        left = [str(process) for process in found if process.pid not in before and _runs(process)]
        if not left:
            break
        time.sleep(0.1)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(params=["bubblewrap", "landlock", "none"])
def level(request: pytest.FixtureRequest) -> str:
    """A level of the sandbox that works here."""
    name: str = request.param
    if name == "none":
        # Without a sandbox, the corpus would do what it says to the machine of whoever tests.
        pytest.skip("the corpus is not run without a sandbox")
    from coursekit.grading.jail import doctor

    findings = {finding.name.lower(): finding for finding in doctor.report()}
    if not (findings[name].ok and findings["seccomp"].ok):
        pytest.skip(f"{name} does not work here: {findings[name].detail}")
    return name


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_score_is_fair(
    handed_in: tuple[Path, Canaries],
    level: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from coursekit.grading.jail.kernel import Limits
    from coursekit.grading.run import grade

    monkeypatch.setenv("CORPUS_CANARY", "the environment of the grader")
    submissions, canaries = handed_in
    entries = chosen(level)
    adopt_orphans()
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    runs: list[dict[str, Any]] = []
    unfair: list[str] = []
    for number in range(int(os.environ.get("CORPUS_RUNS", "1"))):
        rows = grade(
            submissions,
            "ddim",
            tmp_path / f"out{number}",
            seed=f"corpus {number}",
            jobs=4,  # many wait for their limits to pass
            level=level,
            limits=Limits(cell_s=3, question_s=3, notebook_s=30),
        )
        unfair += [f"run {number}: {line}" for line in differences(entries, rows)]
        scores = {(row.student, q.id): q.points for row in rows for q in row.questions}
        unfair += [f"flip: {key}" for key in scores if runs and runs[0][key] != scores[key]]
        runs.append(scores)
    unfair += [f"survived: {process}" for process in survivors(before)]
    after = canaries.state()
    unfair += [f"touched: {path}" for path, was in canaries.before.items() if after[path] != was]
    unfair += [f"left behind: {path}" for path in canaries.listing() - canaries.beside]
    assert not unfair, f"{len(unfair)} unfair:\n" + "\n".join(unfair)
