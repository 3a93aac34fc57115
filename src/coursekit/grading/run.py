"""A class is graded: what is asked, who is graded and where, and every row on the disk at once.

Before the first student comes the sheet's own solution. Where that has not all its points
something is wrong with this machine, and nobody should get a zero for it.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from coursekit.grading import landlock, sandbox, scratch
from coursekit.grading.assignment import Assignment, solved
from coursekit.grading.files import File
from coursekit.grading.kernel import Limits
from coursekit.grading.plaintext import one_line
from coursekit.grading.pool import rows, sha256
from coursekit.grading.reference import fingerprint, number_of, prepare
from coursekit.grading.results import Journal, Row
from coursekit.grading.students import DOUBTS, Student, find
from coursekit.grading.worker import Setting, Task
from coursekit.project import CourseError, Project

__all__ = ["Progress", "choose_level", "grade", "tasks_of"]

Progress = Callable[[Row, int, int], None]


class _Zygotes:
    """The zygotes of a run; one that has died is replaced in its place.

    Args:
        hidden: what no kernel may read, see ``sandbox.start``.
    """

    def __init__(self, level: sandbox.Level, hidden: Sequence[Path]) -> None:
        self.level, self.hidden = level, hidden
        self.running: dict[Path, sandbox.Zygote] = {}
        self.replaced: Counter[Path] = Counter()

    def start(self, folder: Path) -> Path:
        """Start one in ``folder``; returns the path of its socket."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self.running[folder] = sandbox.start(self.level, folder, self.hidden)
        return self.running[folder].path

    def __call__(self, setting: Setting) -> int:
        """See to it that the setting's zygote is there; returns how often it was replaced."""
        zygote = self.running[setting.folder]
        if not zygote.answers():
            zygote.stop()
            zygote.path.unlink(missing_ok=True)
            self.start(setting.folder)
            self.replaced[setting.folder] += 1
        return self.replaced[setting.folder]

    def stop(self) -> None:
        """End them all."""
        for zygote in self.running.values():
            zygote.stop()


def grade(
    submissions: Path,
    assignment: str | Assignment,
    out: Path,
    *,
    seed: str | None = None,
    jobs: int = 2,
    level: str | None = None,
    limits: Limits | None = None,
    chosen: dict[str, str] | None = None,
    shard: tuple[int, int] = (1, 1),
    results: str = "results.jsonl",
    only: str | None = None,
    open_cases: bool = False,
    hidden: Sequence[Path] = (),
    progress: Progress | None = None,
) -> list[Row]:
    """Grade the submissions that have no row in ``out/results.jsonl`` yet.

    Args:
        submissions: a folder or a zip, see ``students.find``.
        assignment: a slug, or one that is loaded.
        out: the folder of results.
        seed: of the secret cases; by default a new one.
        jobs: submissions graded at the same time.
        level: of the sandbox: "bubblewrap", "landlock" or "none"; by default the best there is.
        limits: of time and memory.
        chosen: which of several files counts, by student.
        shard: (i, n) grades every n-th submission only, beginning with the i-th.
        results: name of the file in ``out``.
        only: a single student.
        open_cases: messages show the secret cases; for the instructor's eyes.
        hidden: what students' code may not read, beside the submissions and ``out``.
        progress: called with each new row, the number of rows done, and of all.

    Returns:
        All rows, sorted by student.

    Raises:
        CourseError: nothing to grade, no sandbox, questions that cannot be asked, or a solution of
            the sheet that does not get its points.
    """
    limits = limits or Limits()
    seed = seed or secrets.token_hex(16)
    if isinstance(assignment, str):
        assignment = Assignment.load(Project.find(Path(__file__)), assignment)
    level = choose_level(level, tried=True)
    every = tasks_of(submissions, assignment.slug, chosen or {}, out)
    tasks = every[shard[0] - 1 :: shard[1]]
    if only is not None:
        tasks = [task for task in tasks if task.student == only]
    keys = {task.student: (task.student, sha256(task)) for task in tasks}
    with Journal(out / results) as journal:
        rows_there = {(row.student, row.sha256): row for row in journal.rows}
        todo = [task for task in tasks if not _done(task, rows_there.get(keys[task.student]))]
        done = len(tasks) - len(todo)
        if todo:
            jobs = min(jobs, len(todo))
            unseen = (submissions, out, *hidden)
            with _settings(assignment, limits, level, seed, jobs, unseen, open_cases) as (
                settings,
                zygotes,
            ):
                _prove(settings, zygotes)
                for row in rows(todo, settings, jobs, zygotes):
                    journal.append(row)
                    keys[row.student] = (row.student, row.sha256)  # of the bytes that were graded
                    done += 1
                    if progress is not None:
                        progress(row, done, len(tasks))
        return journal.finish(set(keys.values()))


def choose_level(wanted: str | None, tried: bool = False) -> sandbox.Level:
    """The level that was asked for, or the strongest one that works here.

    Args:
        tried: a level that is asked for is known to work.

    Raises:
        CourseError: no such level, it does not work here, or nothing works and nobody said that
            this is all right.
    """
    for level in sandbox.LEVELS:
        if wanted == level:
            trouble = "" if tried else sandbox.trouble(level)
            if trouble:
                raise CourseError(
                    f"the sandbox {level} does not work here: {trouble} "
                    "(`coursekit grade doctor` tells what does)"
                )
            return level
    if wanted is not None:
        raise CourseError(f"no level {wanted!r}; there are {', '.join(sandbox.LEVELS)}")
    found = sandbox.detect()
    if found == "none":
        raise CourseError(
            "no sandbox works here, and submissions are programs of other people: see "
            "`coursekit grade doctor`, or use --unsafe if you trust every one of them"
        )
    return found


def tasks_of(submissions: Path, slug: str, chosen: dict[str, str], out: Path) -> list[Task]:
    """One task a student, sorted; the results in ``out`` are nobody's.

    Raises:
        CourseError: no submissions, or a choice of a file that is not there.
    """
    return [_task(student, chosen.get(student.id)) for student in find(submissions, slug, out)]


def _task(student: Student, wanted: str | None) -> Task:
    chosen = student if wanted is None else student.choose(wanted)
    if wanted is not None and chosen.file.name != wanted:
        names = ", ".join(map(one_line, student.files))
        raise CourseError(f"{student.id} handed in no file {wanted!r}; there is {names}")
    choice = (chosen.choice,) if chosen.choice else ()
    return Task(chosen.id, chosen.file, (*choice, *chosen.doubts))


def _done(task: Task, row: Row | None) -> bool:
    """Whether a row of the same bytes is what grading the task would give.

    Of two files that are equal the row names one, and it says why a person should look.
    """
    if row is None or row.file != task.file.name:
        return False
    said = tuple(reason for reason in row.review if reason.startswith(DOUBTS))
    return said == task.doubts


@contextmanager
def _settings(
    assignment: Assignment,
    limits: Limits,
    level: sandbox.Level,
    seed: str,
    jobs: int,
    hidden: Sequence[Path],
    open_cases: bool,
) -> Iterator[tuple[list[Setting], _Zygotes]]:
    """A setting a worker, with the zygote it uses; all share one where kernels are kept apart."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch.folder())
        zygotes = _Zygotes(level, hidden)
        stack.callback(zygotes.stop)
        # Without Landlock, kernels of one zygote could read each other's folders.
        shared = level != "bubblewrap" or landlock.abi() > 0
        homes = [folder / f"z{i}" for i in range(1 if shared else jobs)]
        tried = set(assignment.names.values())
        # The zygotes import for seconds; meanwhile a thread, which is gone before workers fork,
        # draws the cases.
        with ThreadPoolExecutor(1) as aside:
            asked = [question for question in assignment.questions if question.id in tried]
            drawn = {q.id: aside.submit(prepare, q, seed) for q in asked}
            sockets = [zygotes.start(home) for home in homes]
            prepared = {name: future.result() for name, future in drawn.items()}
        numbers = {q.id: number_of(q, seed) for q in assignment.questions if q.training}
        marks = fingerprint(seed)
        settings = [
            Setting(assignment, prepared, numbers, limits, level, marks, path, home, open_cases)
            for path, home in zip(sockets, homes, strict=True)
        ]
        yield settings * (jobs if shared else 1), zygotes


def _prove(settings: list[Setting], zygotes: _Zygotes) -> None:
    """Grade the sheet's own solution.

    Raises:
        CourseError: it has not all its points.
    """
    assignment = settings[0].assignment
    path = settings[0].folder.parent / "solution.ipynb"
    path.write_text(json.dumps(solved(Project.find(Path(__file__)), assignment.slug)))
    task = Task("the sheet's own solution", File(path.name, path))
    (row,) = rows([task], settings, 1, zygotes)
    own = {cell.question for cell in assignment.cells} - assignment.private
    wrong = [
        f"{result.id}: {result.message}"
        for result in row.questions
        if result.id in own and result.status not in ("right", "manual")
    ]
    if wrong:
        reasons = "\n".join([*row.review, *wrong])
        raise CourseError(f"the sheet's own solution fails here; nothing was graded\n{reasons}")
