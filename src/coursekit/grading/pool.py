"""Worker processes: submissions go out, rows come back, and a worker that dies is replaced.

A submission whose worker dies, hangs or fails is tried once more; if that fails too, its row says
that a person must look. A worker takes its kernel with it. When the zygote dies, every submission
that was being graded is tried again, because nobody knows whose fault it was.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from coursekit.grading.ending import as_usual
from coursekit.grading.incoming.students import Task, sha256
from coursekit.grading.jail.confine import die_with
from coursekit.grading.verdict.results import QuestionResult, Row
from coursekit.grading.worker import Setting, serve

__all__ = ["rows"]

# The death of a zygote may be somebody else's doing, so it costs less than a failure of one's own.
_OWN_FAILURE, _SANDBOX_FAILURE, _TOO_MUCH = 3, 1, 6
_GRACE = 60.0  # seconds a worker may take beyond the notebook's time before it is given up


@dataclass
class _Worker:
    """A worker process and what it is doing."""

    process: ForkProcess
    link: Connection
    task: Task | None = None
    until: float = 0.0
    sandbox: int = 0  # which of the zygotes that followed each other the task began with


@dataclass
class _Queue:
    """What is left to do; a submission comes back a few times."""

    todo: list[Task]
    failures: Counter[str] = field(default_factory=Counter)

    def again(self, task: Task, cost: int) -> bool:
        """Put a task back unless its failures have cost too much."""
        self.failures[task.student] += cost
        if self.failures[task.student] >= _TOO_MUCH:
            return False
        self.todo.append(task)
        return True


def rows(
    todo: Sequence[Task], settings: list[Setting], jobs: int, sandbox: Callable[[Path], int]
) -> Iterator[Row]:
    """Rows as they are done.

    Args:
        sandbox: sees to it that a folder has its zygote, and says how often it was replaced.
    """
    queue = _Queue(list(reversed(todo)))
    workers: dict[int, _Worker] = {}
    numbers = iter(range(10**9))
    try:
        while queue.todo or any(worker.task for worker in workers.values()):
            for place in range(jobs):
                if place not in workers and queue.todo:
                    workers[place] = _begin(settings[place], next(numbers))
                worker = workers.get(place)
                if worker is not None and worker.task is None and queue.todo:
                    worker.task = queue.todo.pop()
                    seconds = 2 * settings[place].limits.notebook_s + _GRACE
                    worker.until = time.monotonic() + seconds
                    worker.sandbox = sandbox(settings[place].folder)
                    worker.link.send(worker.task)
            wait([worker.link for worker in workers.values()], timeout=1.0)
            for place, worker in list(workers.items()):
                task = worker.task
                if task is None:
                    continue
                row, reason = _receive(worker)
                if row is not None:
                    worker.task = None
                    yield row
                elif reason:
                    worker.task = None
                    if not worker.process.is_alive() or reason == "hangs":
                        _end(workers.pop(place))
                    same = sandbox(settings[place].folder) == worker.sandbox
                    if not queue.again(task, _OWN_FAILURE if same else _SANDBOX_FAILURE):
                        yield _failed(task, settings[place], reason)
    finally:
        for worker in workers.values():
            _end(worker)


def _begin(setting: Setting, number: int) -> _Worker:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    arguments = (os.getpid(), theirs, setting, number)
    process = context.Process(target=_serve, args=arguments, daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(parent: int, tasks: Connection, setting: Setting, number: int) -> None:
    """What a worker does, so that it leaves nothing behind when it or the grader is killed."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which ends its workers
    as_usual()
    tempfile.tempdir = str(setting.folder.parent)
    serve(tasks, setting, number)


def _receive(worker: _Worker) -> tuple[Row | None, str]:
    """A row, or why there is none, or neither: still at work."""
    if worker.link.poll():
        try:
            found, what = worker.link.recv()
        except (EOFError, OSError):
            worker.process.join(2)
            return None, f"the grader's process ended ({worker.process.exitcode})"
        if found is None:
            return None, str(what)
        parts = tuple(QuestionResult(**entry) for entry in found.pop("questions"))
        return Row(**found, questions=parts), ""
    if not worker.process.is_alive():
        return None, f"the grader's process ended ({worker.process.exitcode})"
    return None, "hangs" if time.monotonic() > worker.until else ""


def _end(worker: _Worker) -> None:
    """End a worker: with a word if it is idle, else at once. Its kernel dies with it."""
    if worker.task is None and worker.process.is_alive():
        try:
            worker.link.send(None)
            worker.process.join(3)
        except OSError:
            pass
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.link.close()


def _failed(task: Task, setting: Setting, reason: str) -> Row:
    """The row of a submission that could not be graded: no zero without a person."""
    questions = tuple(
        QuestionResult(
            question.id,
            setting.assignment.titles[question.id],
            None if question.manual else 0,
            question.points,
            "manual" if question.manual else "error",
            message=""
            if question.manual
            else "This could not be graded; your instructor will look.",
        )
        for question in setting.assignment.questions
    )
    return Row(
        student=task.student,
        file=task.file.name,
        sha256=sha256(task),
        assignment=setting.assignment.slug,
        level=setting.level,
        seed=setting.seed,
        status="review",
        review=(*task.doubts, f"the grader failed on this file each time: {reason}"),
        questions=questions,
    )
