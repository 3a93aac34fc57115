"""Grade one class by ours and by others: ``python -m benchmarks.grading [--submissions 100] …``.

Every grader is warmed up with two submissions and then grades the whole class, one grader after the
other; with ``--rounds 2`` a second time in the opposite order, and so on. Reported are wall
seconds (medians over the rounds), how many times longer than ours, whose points are as deserved,
and the memory that ours needs for each worker beyond the first. A target that is missed, in any
round, is an exit status of 1.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.grading import environment, measure
from benchmarks.grading.graders import COURSEKIT, GRADERS, Grader, Points
from benchmarks.grading.students import ROOT, Sheet, Student, make

SPEED_TARGET = 5.0  # times the fastest other grader
MEMORY_TARGET = 150.0  # MB for a worker beyond the first
UNGRADED = {"nbclient"}  # no grades: a bound, not a contender
CACHE = Path.home() / ".cache" / "genbook-benchmarks" / "graders"


@dataclass
class Outcome:
    """What one grader did with the class."""

    name: str
    seconds: list[float] = field(default_factory=list)
    points: Points | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    chosen = [name for name in (*GRADERS, "memory") if name in options.only]
    if {"ours", "memory"} & set(chosen) and not _has_grade():
        print("ours is left out: coursekit grade is not there", file=sys.stderr)
        chosen = [name for name in chosen if name not in ("ours", "memory")]
    graders = [name for name in chosen if name != "memory"]
    if set(graders) - {"ours"}:
        environment.make(options.venv, ROOT)
        print(environment.versions(options.venv))
    sheet = Sheet(options.assignment)
    with ExitStack() as stack:
        base = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        students = make(
            base.resolve() / "class", options.submissions, options.assignment, options.seed
        )
        bench = Bench(base.resolve(), options.venv.resolve(), sheet, students)
        for name in graders:
            print(f"{name}: warming up …", file=sys.stderr, flush=True)
            bench.grade(name, options.jobs, students[:2], "warm")
        outcomes = {name: Outcome(GRADERS[name].name) for name in graders}
        for number in range(options.rounds):
            for name in graders if number % 2 == 0 else reversed(graders):
                print(f"{name}: {len(students)} submissions …", file=sys.stderr, flush=True)
                taken, points = bench.grade(name, options.jobs, students, f"round-{number + 1}")
                outcomes[name].seconds.append(taken)
                outcomes[name].points = points
        memory = {}
        for jobs in (1, 2, 3) if "memory" in chosen else ():
            print(f"memory with {jobs} workers …", file=sys.stderr, flush=True)
            memory[jobs] = bench.memory(jobs, students[: options.memory])
    print("\n".join(report(outcomes, students, memory)))
    if options.json:
        record = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "submissions": len(students),
            "jobs": options.jobs,
            "graders": {name: asdict(outcome) for name, outcome in outcomes.items()},
            "memory_mb": memory,
        }
        options.json.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return 0 if all(met for _, met in targets(outcomes, memory)) else 1


class Bench:
    """The class and the folders; every run of a grader begins in a new folder."""

    def __init__(self, base: Path, venv: Path, sheet: Sheet, students: Sequence[Student]) -> None:
        self.base, self.venv, self.sheet, self.students = base, venv, sheet, students

    def grade(
        self, name: str, jobs: int, students: Sequence[Student], label: str
    ) -> tuple[float, Points | None]:
        """Wall seconds and points.

        Raises:
            SystemExit: the grader left no readable result; the message names its log.
        """
        grader = self._prepared(name, jobs, students, label)
        log = self.base / f"{name}-{label}-log"
        taken = measure.seconds(
            grader.commands(students), jobs, grader.folder, log, grader.environment()
        )
        try:
            return taken, grader.points(self.sheet)
        except Exception as error:
            raise SystemExit(f"{name} left no result ({error!r}): see {log}-0.txt") from error

    def memory(self, jobs: int, students: Sequence[Student]) -> float:
        """The peak of ours with so many workers, in MB."""
        grader = self._prepared("ours", jobs, students, f"memory-{jobs}")
        (command,) = grader.commands(students)
        log = self.base / f"memory-{jobs}-log"
        return measure.peak_memory(command, grader.folder, log, grader.environment())

    def _prepared(self, name: str, jobs: int, students: Sequence[Student], label: str) -> Grader:
        folder = self.base / f"{name}-{label}"
        folder.mkdir(parents=True)
        grader = GRADERS[name](self.venv, folder, jobs)
        grader.prepare(self.sheet, students)
        return grader


def report(
    outcomes: dict[str, Outcome], students: Sequence[Student], memory: dict[int, float]
) -> list[str]:
    """The lines that are printed."""
    ours = outcomes.get("ours")
    rows = [["grader", "seconds", "a submission", "× ours", "points as deserved"]]
    for outcome in outcomes.values():
        rows.append(
            [
                outcome.name,
                f"{outcome.median:.1f}",
                f"{outcome.median / len(students):.2f} s",
                f"{outcome.median / ours.median:.1f}" if ours else "",
                _agreement(outcome.points, students),
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i in (0, 4) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    for outcome in outcomes.values():
        lines += [f"{outcome.name}: {line}" for line in differences(outcome.points, students)]
    return lines + [
        f"{line} {'met' if met else 'MISSED'}" for line, met in targets(outcomes, memory)
    ]


def targets(outcomes: dict[str, Outcome], memory: dict[int, float]) -> list[tuple[str, bool]]:
    """What was asked of us and found, and whether it is met: the speed in every round."""
    found = []
    ours = outcomes.get("ours")
    others = [o for name, o in outcomes.items() if name not in {"ours", *UNGRADED}]
    if ours and others:
        fastest = min(others, key=lambda outcome: outcome.median)
        ratio = fastest.median / ours.median
        line = (
            f"the fastest other grader, {fastest.name}, takes {ratio:.1f} times as long as ours"
            f" (target ≥ {SPEED_TARGET:.0f})"
        )
        worst = min(b / a for a, b in zip(ours.seconds, fastest.seconds, strict=True))
        found.append((line, worst >= SPEED_TARGET))
    if memory:
        each = (memory[3] - memory[1]) / 2
        peaks = ", ".join(f"{mb:.0f} MB with {jobs}" for jobs, mb in memory.items())
        line = (
            f"memory of ours: {peaks} workers, {each:.0f} MB for each beyond the first"
            f" (target ≤ {MEMORY_TARGET:.0f} MB)"
        )
        found.append((line, each <= MEMORY_TARGET))
    return found


def differences(points: Points | None, students: Sequence[Student], most: int = 5) -> list[str]:
    """Where a grader's points are not what was deserved, in words; the first few."""
    if points is None:
        return []
    wrong = [
        f"{student.name} {question} ({student.kinds[question]}): "
        f"{points.get(student.name, {}).get(question)} of {deserved}"
        for student in students
        for question, deserved in student.points.items()
        if points.get(student.name, {}).get(question) != deserved
    ]
    more = [f"… {len(wrong) - most} more"] if len(wrong) > most else []
    return wrong[:most] + more


def _agreement(points: Points | None, students: Sequence[Student]) -> str:
    if points is None:
        return "gives none"
    asked = [(s.name, q, deserved) for s in students for q, deserved in s.points.items()]
    same = sum(points.get(name, {}).get(q) == deserved for name, q, deserved in asked)
    return f"{same} of {len(asked)}"


def _has_grade() -> bool:
    found = subprocess.run([*COURSEKIT, "grade", "--help"], capture_output=True, check=False)
    return found.returncode == 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    names = [*GRADERS, "memory"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("--submissions", type=int, default=100, help="size of the class")
    parser.add_argument("--jobs", type=int, default=2, help="cores that everyone may use")
    parser.add_argument("--assignment", default="ddim", help="the exercise sheet")
    parser.add_argument("--seed", type=int, default=0, help="of the class")
    parser.add_argument("--rounds", type=int, default=1, help="how often everyone grades it")
    parser.add_argument("--memory", type=int, default=20, help="submissions for the memory")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="leave others out")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the class and all results")
    parser.add_argument("--venv", type=Path, default=CACHE, help="environment of the others")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
