"""A worker: one pytest session that grades submission after submission, in a process of its own.

The class is graded by a few such processes, forked from the main one, so that torch and the
references are in memory once. pytest is started once a worker and not once a submission: its loop
over tests is replaced by one that asks for the next submission.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from nbval.plugin import NbCellError

from coursekit.grading.incoming import ingest
from coursekit.grading.incoming.assignment import Assignment
from coursekit.grading.incoming.merge import Plan, merge
from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.incoming.students import LARGEST, Task
from coursekit.grading.incoming.weights import Weights
from coursekit.grading.jail.kernel import HarnessError, Limits, SandboxedKernel
from coursekit.grading.verdict.attempt import Session
from coursekit.grading.verdict.engine import GradedNotebook
from coursekit.grading.verdict.feedback import Finding
from coursekit.grading.verdict.reference import Prepared
from coursekit.grading.verdict.results import QuestionResult, Row
from genbook.checks import Question
from genbook.checks.machinery import trained
from genbook.checks.machinery.result import zero

__all__ = ["Setting", "serve"]

_TRIES = 3  # to start a kernel
_SHOWN = 4  # pictures of an answer
_OWN_MEMORY = 2 * 2**30  # bytes a worker may use beyond what it was forked with


@dataclass(frozen=True)
class Setting:
    """What all submissions of a run have in common.

    ``numbers`` are those from which the hidden data of training questions are drawn.
    """

    assignment: Assignment
    prepared: dict[str, Prepared]
    numbers: dict[str, int]
    limits: Limits
    level: str
    seed: str
    zygote: Path
    folder: Path
    open_cases: bool = False


def serve(tasks: Connection, setting: Setting, number: int) -> None:
    """Grade what comes through ``tasks`` until None comes; send each row back as it is done.

    What comes back for a task is (row as dict, seconds), or (None, reason) when the grader itself
    failed.
    """
    _limit_memory()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    loop = _Loop(tasks, setting, number)
    with tempfile.TemporaryDirectory(prefix="gk-pytest-") as folder:
        settings = Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n")
        options = ["-q", "-s", "--noconftest", "-c", str(settings), "--rootdir", folder]
        without = (
            "cacheprovider",
            "faulthandler",
            "logging",
            "unraisableexception",
            "threadexception",
        )
        plugins = [part for name in without for part in ("-p", f"no:{name}")]
        pytest.main([*options, *plugins, "-p", "nbval.plugin", folder], plugins=[loop])


def _limit_memory() -> None:
    """A flood from a kernel may end this worker, but must not take the machine's memory."""
    if sys.platform != "linux":
        return
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            limit = int(line.split()[1]) * 1024 + _OWN_MEMORY
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


class _Loop:
    """The pytest plugin that replaces collection and loop."""

    def __init__(self, tasks: Connection, setting: Setting, number: int) -> None:
        self.tasks, self.setting, self.number = tasks, setting, number
        self.kernels = 0
        self.failure: str | None = None

    def pytest_collection(self, session: pytest.Session) -> bool:
        """Nothing is collected: the submissions come one by one."""
        session.items = []
        return True

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Grade until there is no more."""
        while (task := self.tasks.recv()) is not None:
            start = time.monotonic()
            try:
                row = self._grade(session, task)
            except Exception as error:  # a harness that fails must say so, and live
                self.failure = self.failure or f"{type(error).__name__}: {error}"
            if self.failure is None:
                self.tasks.send((asdict(row), time.monotonic() - start))
            else:
                self.tasks.send((None, self.failure))
                self.failure = None
        return True

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Anything but a wrong answer is a failure of the harness."""
        if call.excinfo is not None and not call.excinfo.errisinstance(NbCellError):
            self.failure = self.failure or f"{call.excinfo.typename}: {call.excinfo.value}"

    def _grade(self, pytest_session: pytest.Session, task: Task) -> Row:
        setting = self.setting
        data, weights = task.file.read(LARGEST), task.weights()
        submission = ingest.read(data)
        if task.file.nothing:
            submission = ingest.Submission((), (ingest.NOTHING,), readable=False)
        plan = merge(setting.assignment, submission)
        plan.review += task.doubts
        plan.silent = plan.silent and not task.words_beside
        session = Session(
            plan, setting.prepared, setting.limits, self._new_kernel, setting.open_cases
        )
        if any(step.role == "check" for step in plan.steps):
            node = GradedNotebook.from_parent(pytest_session, path=task.file.path)
            node.session_of = session
            items = list(node.collect())
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failure is not None:
                    pytest_session._setupstate.teardown_exact(None)
                    raise HarnessError(self.failure)
        results = tuple(
            _result(setting, session, plan, q, weights) for q in setting.assignment.questions
        )
        _doubt(plan, results)
        return Row(
            student=task.student,
            file=task.file.name,
            sha256=weights.checksum(data),
            assignment=setting.assignment.slug,
            level=setting.level,
            seed=setting.seed,
            status="review" if plan.review else "graded",
            review=tuple(dict.fromkeys(plan.review)),
            notes=tuple(dict.fromkeys([*plan.notes, *session.notes])),
            questions=results,
        )

    def _new_kernel(self) -> SandboxedKernel:
        """A kernel; one that does not come up has run nothing yet, and is started again."""
        for _ in range(_TRIES - 1):
            with suppress(HarnessError):
                return self._start_kernel()
        return self._start_kernel()

    def _start_kernel(self) -> SandboxedKernel:
        self.kernels += 1
        folder = self.setting.folder / f"w{self.number}k{self.kernels}"
        confine = self.setting.level != "none"
        return SandboxedKernel(self.setting.zygote, folder, self.setting.limits, confine)


def _doubt(plan: Plan, results: Sequence[QuestionResult]) -> None:
    """A person looks where points were lost that an honest answer might have had."""
    lost = [result for result in results if result.points == 0 and result.status != "manual"]
    if lost and plan.absent:
        names = ", ".join(plan.absent[:5])
        plan.review.append(f"needs what is not installed where this was graded: {names}")
    plan.review += [
        f"{result.id}: an answer stands in a cell of text, which is not run"
        for result in lost
        if result.status == "error" and "cell of text" in plan.unread.get(result.id, "")
    ]


def _result(
    setting: Setting,
    session: Session,
    plan: Plan,
    question: Question,
    weights: Weights,
) -> QuestionResult:
    title = setting.assignment.titles[question.id]
    if question.manual:
        text = plan.texts.get(question.id, "")
        if not text and plan.silent and question.id in plan.texts:
            nothing = "You wrote no words here."
            return QuestionResult(question.id, title, 0, question.points, "missing", None, nothing)
        shown = tuple(found.uri for found in plan.pictures.get(question.id, ()) if found.uri)
        return QuestionResult(
            question.id,
            title,
            None,
            question.points,
            "manual",
            answer=text,
            pictures=shown[:_SHOWN],
        )
    if question.training is not None:
        found = _trained(question, setting.numbers[question.id], plan, weights)
    else:
        found = session.findings.get(question.id) or Finding("missing", "Not answered yet.")
        if found.status == "missing" and question.id in plan.unread:
            found = Finding("error", plan.unread[question.id])
        if question.id in plan.untouched and found.status == "wrong":
            found = Finding("missing", found.message)  # nobody's misconception: the sheet's own
    points = question.points if found.status == "right" else 0
    return QuestionResult(
        question.id,
        title,
        points,
        question.points,
        found.status,
        found.misconception,
        found.message,
    )


def _trained(question: Question, number: int, plan: Plan, files: Weights) -> Finding:
    """The verdict on the best weights of those in the notebook's outputs and in files."""
    every = [*trained.embedded(plan.weights, question.id), *files.found.get(question.id, [])]
    results = []
    for data in dict.fromkeys(every):
        try:
            results.append(trained.judge_weights(question, data, number))
        except Exception as error:  # costs this question only, and a person looks
            plan.review.append(
                f"{question.id}: the grader could not judge these weights ({type(error).__name__})"
            )
            results.append(zero(question, "These weights could not be judged."))
    best = max(results, key=lambda result: result.points, default=None)
    if files.unused and not (best and best.points):
        names = ", ".join(one_line(name, 80) for name in files.unused[:5])
        plan.review.append(f"weights that are damaged, or not called {question.id}: {names}")
    if best is None:
        return Finding("missing", "There are no weights: run the check, then save the notebook.")
    status = "right" if best.points else "wrong"
    return Finding(status, best.message.partition(" · ")[2] or best.message, best.misconception)
