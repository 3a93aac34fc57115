"""The folder of a run: what was asked for, the secret seed, and what is made of the rows."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from coursekit.grading.incoming.assignment import Assignment
from coursekit.grading.incoming.plaintext import one_line, visible
from coursekit.grading.incoming.roster import Roster
from coursekit.grading.incoming.students import find
from coursekit.grading.jail.kernel import Limits
from coursekit.grading.jail.scratch import Busy, lock
from coursekit.grading.outgoing import exports, overrides, report
from coursekit.grading.outgoing.overrides import Graded, Overrides
from coursekit.grading.verdict.durable import write_file
from coursekit.grading.verdict.results import Journal, Row
from coursekit.project import CourseError, Project

__all__ = ["Run", "decisions", "export", "gather", "held", "results_name", "to_mark"]

OVERRIDES = "overrides.yml"
_ELSEWHERE = "(nothing below the question; see whether there are words elsewhere in the file)"
_LONGEST_ANSWER = 5000  # letters of an answer in to_mark.yml


@dataclass(frozen=True)
class Run:
    """What ``grade run`` was asked for; ``resume`` finds it in ``run.json``.

    Attributes:
        seed: gives the secret cases; the file is readable for its owner only.
        options: limits, as in ``Limits``.
    """

    assignment: str
    submissions: str
    seed: str
    level: str
    private: str = ""
    overrides: str = ""
    roster: str = ""
    options: dict[str, float] = field(default_factory=dict)

    @classmethod
    def begin(cls, out: Path, wanted: Run) -> Run:
        """The run of the folder ``out``: the one that is there, or ``wanted``, written down.

        Raises:
            CourseError: the folder belongs to another run.
        """
        path = out / "run.json"
        complete = replace(wanted, seed=wanted.seed or secrets.token_hex(16))
        growing = out / f".run.json.{os.getpid()}"
        complete._write(growing)
        try:
            os.link(growing, path)  # of several shards that begin at once, one wins
        except FileExistsError:
            pass
        finally:
            growing.unlink()
        found = cls.load(out)
        if wanted.seed and found.seed != wanted.seed:
            raise CourseError(f"{path} was begun with another seed: take another folder")
        for name in ("assignment", "submissions", "level", "private", "options"):
            if getattr(found, name) != getattr(wanted, name):
                raise CourseError(
                    f"{path} was begun with {name} {getattr(found, name)!r}, not "
                    f"{getattr(wanted, name)!r}: take another folder, or `coursekit grade resume`"
                )
        return found

    @classmethod
    def load(cls, out: Path) -> Run:
        """The run that was begun in ``out``.

        Raises:
            CourseError: there is none.
        """
        path = out / "run.json"
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise CourseError(f"no run was begun in {out}: there is no run.json") from None
        except (ValueError, TypeError) as error:
            raise CourseError(f"{path} cannot be read: {error}") from None

    def changed(self, out: Path, **files: Path | None) -> Run:
        """The run of ``out`` with other ``overrides`` or another ``roster``; None keeps what is."""
        new = {name: str(path.resolve()) for name, path in files.items() if path is not None}
        run = replace(self, **new)  # type: ignore[arg-type]
        if run != self:
            run._write(out / "run.json")
        return run

    def _write(self, path: Path) -> None:
        write_file(path, json.dumps(asdict(self), indent=2) + "\n", mode=0o600)

    def limits(self) -> Limits:
        """The limits of the run."""
        known: dict[str, Any] = asdict(Limits())
        return Limits(**{name: type(known[name])(value) for name, value in self.options.items()})

    def load_assignment(self) -> Assignment:
        """The assignment, with the private questions of this run."""
        private = Path(self.private) if self.private else None
        return Assignment.load(Project.find(Path(__file__)), self.assignment, private)

    def overrides_file(self) -> Path:
        """The instructor's decisions: the file that was named, or the one of the submissions."""
        if self.overrides:
            return Path(self.overrides)
        place = Path(self.submissions)
        return (place if place.is_dir() else place.parent) / OVERRIDES


def results_name(shard: tuple[int, int]) -> str:
    """The name of the file for the rows of a shard; (1, 1) is the whole."""
    return "results.jsonl" if shard == (1, 1) else f"results-{shard[0]}-of-{shard[1]}.jsonl"


@contextmanager
def held(out: Path, shard: tuple[int, int] = (1, 1)) -> Iterator[None]:
    """Keep other runs out of a folder: all of them, or for a shard only those of the same shard.

    Raises:
        CourseError: another run is at work there.
    """
    out.mkdir(parents=True, exist_ok=True)
    whole = shard == (1, 1)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(out / ".lock", shared=not whole))
            if not whole:
                stack.enter_context(lock(out / results_name(shard)))
        except Busy:
            raise CourseError(f"another `coursekit grade` is at work in {out}") from None
        except OSError as error:
            raise CourseError(f"{out} cannot be locked: {error.strerror}") from None
        if whole:
            for half in out.glob(".run.json.*"):  # of a run that was killed while it began
                half.unlink()
        yield


def decisions(out: Path, run: Run, assignment: Assignment) -> Overrides:
    """The overrides of the run of ``out``, checked against its questions and submissions.

    Raises:
        CourseError: anything in the file that is unknown or impossible.
    """
    maxima = {question.id: float(question.points) for question in assignment.questions}
    students = find(Path(run.submissions), assignment.slug, out)
    files = {student.id: student.files for student in students}
    return overrides.load(run.overrides_file(), maxima, files)


def gather(out: Path) -> list[Row]:
    """The rows of all shards, in ``results.jsonl`` and out of their own files."""
    with Journal(out / "results.jsonl") as journal:
        for path in sorted(out.glob("results-*-of-*.jsonl")):
            with Journal(path) as shard:
                for row in shard.rows:
                    if (row.student, row.sha256) not in journal:
                        journal.append(row)
        return journal.rows


def export(
    out: Path, rows: Sequence[Row], run: Run, assignment: Assignment, decided: Overrides
) -> list[Graded]:
    """Write grades, imports and reports; the same rows and decisions give the same bytes."""
    maxima: Mapping[str, float] = {q.id: float(q.points) for q in assignment.questions}
    graded = overrides.apply(rows, decided, maxima)
    roster = Roster.load(Path(run.roster)) if run.roster else None
    title = f"Exercises: {assignment.slug}"
    write_file(out / "grades.csv", exports.grades_csv(graded))
    write_file(out / "canvas.csv", exports.canvas_csv(graded, title, roster))
    write_file(out / "moodle.csv", exports.moodle_csv(graded, roster))
    write_file(out / "junit.xml", exports.junit_xml(graded, f"coursekit grade {assignment.slug}"))
    sentences = {q.id: {m.name: m.sentence for m in q.misconceptions} for q in assignment.questions}
    report.write(out / "report", graded, sentences)
    write_file(out / "to_mark.yml", to_mark(graded))
    return graded


def to_mark(graded: Sequence[Graded]) -> str:
    """What waits for a person, in the form of the overrides: fill in the numbers, and ``true``."""
    lines = [
        "# What waits for you. Fill in, copy what is done into overrides.yml, then:",
        "# coursekit grade resume …",
        "students:",
    ]
    for entry in graded:
        open_ = [question for question in entry.questions if question.points is None]
        if open_ or entry.needs_review:
            lines.append(f"  {json.dumps(entry.student)}:")
            lines.append(f"    of: {overrides.checksum(entry.row)}")
        if entry.needs_review:
            lines += [f"    # look: {one_line(reason, 500)}" for reason in entry.row.review]
            lines.append("    reviewed:    # true, when you have looked")
        if open_:
            lines.append("    questions:")
        for question in open_:
            answer = visible(question.result.answer, _LONGEST_ANSWER).strip() or _ELSEWHERE
            lines += [f"      # {line}".rstrip() for line in answer.splitlines()]
            lines.append(f"      {question.result.id}:    # of {question.possible:g}")
    return "\n".join(lines) + "\n"
