"""A class is graded: what is asked, who is graded and where, and every row on the disk at once.

Before the first student comes the sheet's own solution. Where that has not all its points
something is wrong with this machine, and nobody should get a zero for it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

from coursekit.grading.ending import heed
from coursekit.grading.incoming.assignment import Assignment, solved
from coursekit.grading.incoming.files import File
from coursekit.grading.incoming.needs import imported
from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.incoming.students import DOUBTS, Student, Task, find, sha256
from coursekit.grading.jail.kernel import Limits
from coursekit.grading.jail.zygotes import Zygotes, choose_level
from coursekit.grading.pool import rows
from coursekit.grading.verdict.reference import Prepared, fingerprint, number_of, prepare
from coursekit.grading.verdict.results import Journal, Row
from coursekit.grading.worker import Setting
from coursekit.project import CourseError, Project

__all__ = ["Progress", "grade", "tasks_of"]

Progress = Callable[[Row, int, int], None]


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
    zygotes: Zygotes | None = None,
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
        zygotes: begun already, for this level, as many jobs, and what is hidden.

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
    every = tasks_of(submissions, assignment, chosen or {}, out)
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
            imports = () if zygotes else imported(Project.find(Path(__file__)), assignment.slug)
            begin = nullcontext(zygotes) if zygotes else Zygotes(level, jobs, unseen, imports)
            with begin as begun:
                settings = _settings(assignment, limits, begun, seed, jobs, open_cases)
                _prove(settings, begun)
                for row in rows(todo, settings, jobs, begun):
                    journal.append(row)
                    keys[row.student] = (row.student, row.sha256)  # of the bytes that were graded
                    done += 1
                    if progress is not None:
                        progress(row, done, len(tasks))
        return journal.finish(set(keys.values()))


def tasks_of(
    submissions: Path, assignment: Assignment, chosen: dict[str, str], out: Path
) -> list[Task]:
    """One task a student, sorted; the results in ``out`` are nobody's.

    Raises:
        CourseError: no submissions, or a choice of a file that is not there.
    """
    students = find(submissions, assignment.slug, out)
    training = tuple(question.id for question in assignment.questions if question.training)
    return [_task(student, chosen.get(student.id), training) for student in students]


def _task(student: Student, wanted: str | None, training: tuple[str, ...]) -> Task:
    chosen = student if wanted is None else student.choose(wanted)
    if wanted is not None and chosen.file.name != wanted:
        names = ", ".join(map(one_line, student.files))
        raise CourseError(f"{student.id} handed in no file {wanted!r}; there is {names}")
    return chosen.task(training)


def _done(task: Task, row: Row | None) -> bool:
    """Whether a row of the same bytes is what grading the task would give.

    Of two files that are equal the row names one, and it says why a person should look.
    """
    if row is None or row.file != task.file.name:
        return False
    said = tuple(reason for reason in row.review if reason.startswith(DOUBTS))
    return said == task.doubts


def _settings(
    assignment: Assignment,
    limits: Limits,
    zygotes: Zygotes,
    seed: str,
    jobs: int,
    open_cases: bool,
) -> list[Setting]:
    """A setting a worker, with the zygote it uses."""
    tried = set(assignment.names.values())
    # While the zygotes import. No thread may be there when workers fork, so this is not one, and
    # torch makes none: its pool would be lost in the fork, and a worker would wait for it.
    torch.set_num_threads(1)
    prepared: dict[str, Prepared] = {}
    for question in assignment.questions:
        if question.id in tried:
            prepared[question.id] = prepare(question, seed)
            heed()
    numbers = {q.id: number_of(q, seed) for q in assignment.questions if q.training}
    marks, level = fingerprint(seed), zygotes.level
    return [
        Setting(assignment, prepared, numbers, limits, level, marks, path, home, open_cases)
        for path, home in zygotes.places(jobs)
    ]


def _prove(settings: list[Setting], zygotes: Zygotes) -> None:
    """Grade the sheet's own solution, alone: nobody's submission may disturb it.

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
