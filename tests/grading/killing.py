"""A small class, and runs of ``coursekit grade`` that are watched and killed."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

import genbook
from coursekit.project import Project

SLUG = "objects"
SEED = "seed of the tests"
NAMES = ("predict", "views", "places", "storages", "film", "plan", "average", "with_weights")
EXPORTS = ("results.jsonl", "grades.csv", "canvas.csv", "moodle.csv", "junit.xml")


def notebook(*right: str, **answers: str) -> bytes:
    """The sheet with the solution's answers to some questions, and other ``answers`` to others."""
    project = Project.find(Path(__file__))
    sheet, solution = (
        json.loads(project.notebook(room, SLUG).read_text(encoding="utf-8"))
        for room in ("exercises", "solutions")
    )
    known = {_name(cell): cell["source"] for cell in solution["cells"]}
    made: dict[str, Any] = copy.deepcopy(sheet)
    for cell in made["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            name = _name(cell)
            if name in right:
                cell["source"] = known[name]
            cell["source"] = answers.get(name, cell["source"])
    return json.dumps(made).encode()


def _name(cell: dict[str, Any]) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "").removeprefix(f"{SLUG}-")


def make_class(folder: Path) -> Path:
    """A dozen small submissions: right, wrong, blank, hostile, broken, and one in two files."""
    folder.mkdir(parents=True)
    files = {
        "ada.ipynb": notebook(*NAMES),
        "bob.ipynb": notebook("predict", explain="Two names of one object."),
        "cyd.ipynb": notebook("views", predict="def predict():\n    return 1"),
        "dee.ipynb": notebook("places", views="import os\nos._exit(3)"),
        "eve.ipynb": notebook("plan"),
        "eve (1).ipynb": notebook("plan", "average"),
        "fay.ipynb": notebook(),
        "gus.pdf": b"%PDF-1.4\n",
        "hal.ipynb": notebook("storages")[:-400],
        "ivy.ipynb": notebook("average", film="def film(:"),
        "jo.ipynb": notebook("with_weights"),
        "kim.ipynb": notebook("predict", places="raise SystemExit"),
        "lea.ipynb": notebook("views", "places"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def exports(out: Path) -> dict[str, bytes]:
    """What must be the same bytes: rows, grade books, reports."""
    paths = [out / name for name in EXPORTS] + sorted((out / "report").rglob("*"))
    return {str(path.relative_to(out)): path.read_bytes() for path in paths if path.is_file()}


def listing(out: Path) -> set[str]:
    """Everything in a folder of results."""
    return {str(path.relative_to(out)) for path in out.rglob("*")}


class Grader:
    """Runs ``coursekit grade`` with a temporary folder of its own, in which litter shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = str(Path(genbook.__path__[0]).parent)

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        """Start ``coursekit grade <words>``, in a session of its own."""
        command = [sys.executable, "-m", "coursekit.cli", "grade", *map(str, words)]
        environment = {
            **os.environ,
            "TMPDIR": str(self.folder),
            "PYTHONPATH": self.own,
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "100",
        }
        usual: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        usual["preexec_fn"] = _as_from_a_shell
        return subprocess.Popen(
            command, text=True, env=environment, start_new_session=True, **{**usual, **options}
        )

    def run(self, *words: object) -> tuple[int, str]:
        """Exit code and output of ``coursekit grade <words>``."""
        with self.start(*words) as process:
            said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def begin(self, class_: Path, out: Path, *words: object) -> tuple[object, ...]:
        """The words of a run with the seed of the tests."""
        return ("run", class_, "-a", SLUG, "-o", out, "--seed", SEED, *words)

    def litter(self) -> list[str]:
        """What is left in the temporary folder."""
        return sorted(os.listdir(self.folder))


def _as_from_a_shell() -> None:
    """Under `nohup` or in the background the tests ignore signals, and so would their children."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def grader() -> Iterator[Grader]:
    """A grader whose temporary folder has a path that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="gk-test-", dir="/tmp"))
    try:
        yield Grader(folder)
    finally:
        shutil.rmtree(folder)


def family(pid: int) -> list[psutil.Process]:
    """A process and all that came of it."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def gone(processes: list[psutil.Process], seconds: float = 10.0) -> list[str]:
    """What still runs of ``processes`` after a while, in words."""
    psutil.wait_procs(processes[1:], timeout=seconds)
    alive = [process for process in processes[1:] if process.is_running()]
    return [str(process) for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def rows(out: Path) -> int:
    """How many rows are there by now."""
    path = out / "results.jsonl"
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def kill_at(process: subprocess.Popen[str], seconds: float) -> list[psutil.Process] | None:
    """Kill a run after ``seconds`` as ``kill -9`` does; its processes, or None if it was faster."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        known = family(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return known
    return None


def moments(count: int, longest: float, seed: int) -> list[float]:
    """When to kill: spread over a run, one at random in each of ``count`` parts, shuffled."""
    chance = random.Random(seed)
    found = [(part + chance.random()) * longest / count for part in range(count)]
    chance.shuffle(found)
    return found
