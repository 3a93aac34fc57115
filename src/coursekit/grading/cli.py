"""The commands ``coursekit grade …``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from coursekit import console
from coursekit.grading.jail.sandbox import Level as SandboxLevel
from coursekit.project import CourseError, Project

ATTENTION = 1  # all is graded, and a person must look at some
app = typer.Typer(
    help="Grade a class: run submissions in a sandbox and judge what they compute.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path, typer.Argument(help="Folder of the results.", metavar="OUT")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Submissions at the same time.")]


class Sandbox(StrEnum):
    """The levels to choose from; none at all needs a word of its own."""

    bubblewrap = "bubblewrap"
    landlock = "landlock"


Level = Annotated[Sandbox | None, typer.Option(help="The sandbox (default: the first that works).")]
Private = Annotated[
    Path | None, typer.Option(help="Python file with a list QUESTIONS of your own.", exists=True)
]
Decisions = Annotated[
    Path | None, typer.Option(help="Your decisions (default: overrides.yml there).", exists=True)
]
Class = Annotated[
    Path | None, typer.Option(help="CSV of the class, for Canvas or Moodle.", exists=True)
]
Unsafe = Annotated[
    bool, typer.Option("--unsafe", help="No sandbox: only for submissions that you trust.")
]


@app.command()
def run(
    submissions: Annotated[
        Path,
        typer.Argument(help="Folder or zip of submissions."),
    ],
    assignment: Annotated[str, typer.Option("--assignment", "-a", help="The sheet, e.g. ddim.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    seed: Annotated[str, typer.Option(help="Of the secret cases (default: a new one).")] = "",
    jobs: Jobs = 2,
    level: Level = None,
    unsafe: Unsafe = False,
    private: Private = None,
    overrides: Decisions = None,
    roster: Class = None,
    shard: Annotated[
        str, typer.Option(help="I/N: only every N-th submission, from the I-th; then `resume`.")
    ] = "1/1",
    resume_: Annotated[
        bool, typer.Option("--resume", help="Continue: as `coursekit grade resume OUT`.")
    ] = False,
    cell_seconds: Annotated[float, typer.Option(min=1, help="Time of a student's cell.")] = 30,
    question_seconds: Annotated[float, typer.Option(min=1, help="Time of a question.")] = 30,
    notebook_seconds: Annotated[float, typer.Option(min=5, help="Time of a notebook.")] = 300,
    memory: Annotated[int, typer.Option(min=500, help="Megabytes of a notebook.")] = 2000,
) -> None:
    """Grade SUBMISSIONS and write results, grade books and reports to OUT.

    Exit code 0: all graded; 1: graded, and a person must look at some; 2: wrong use; 130:
    interrupted, 143 or 129: ended by SIGTERM or SIGHUP (go on with `coursekit grade resume OUT`).
    """
    from coursekit.grading.ending import undisturbed
    from coursekit.grading.incoming.needs import imported
    from coursekit.grading.jail.forked import to_stay
    from coursekit.grading.jail.zygotes import Zygotes, can_begin

    def work() -> int:
        part = _shard(shard)
        if (out / "results.jsonl").exists() and not resume_ and part == (1, 1):
            place = shlex.quote(str(out))
            raise CourseError(f"{out} has results already: `coursekit grade resume {place}`")
        chosen = _level(level, unsafe)
        hidden = (submissions.resolve(), out.resolve())
        imports = imported(Project.find(Path(__file__)), assignment)
        early = Zygotes(chosen, jobs, hidden, imports) if can_begin(hidden) else nullcontext()
        with early as zygotes:
            with undisturbed(), to_stay():  # takes seconds, in which the zygotes import too
                from coursekit.grading import session
                from coursekit.grading.outgoing.store import Run, held
            wanted = Run(
                assignment,
                str(submissions.resolve()),
                seed,
                chosen,
                str(private.resolve()) if private else "",
                str(overrides.resolve()) if overrides else "",
                str(roster.resolve()) if roster else "",
                {
                    "cell_s": cell_seconds,
                    "question_s": question_seconds,
                    "notebook_s": notebook_seconds,
                    "memory_mb": memory,
                },
            )
            session.check(out, wanted)  # what is wrong with it should not leave a folder behind
            with held(out, part):
                begun = Run.begin(out, wanted)
                unclear = session.grade_class(
                    out, begun, jobs, part, console.out, zygotes, console.BEGAN
                )
                return ATTENTION if unclear else 0

    _guarded(work)


@app.command()
def resume(out: Out, jobs: Jobs = 2, overrides: Decisions = None, roster: Class = None) -> None:
    """Continue a run that was stopped, take in new files and decisions, and export again.

    Submissions that have a row are not run again unless their file changed.
    """
    from coursekit.grading import session
    from coursekit.grading.outgoing.store import Run, held

    def work() -> int:
        Run.load(out)  # else a folder that was misspelt would be made
        with held(out):
            run = Run.load(out).changed(out, overrides=overrides, roster=roster)
            unclear = session.grade_class(out, run, jobs, (1, 1), console.out, began=console.BEGAN)
            return ATTENTION if unclear else 0

    _guarded(work)


@app.command()
def explain(
    student: Annotated[str, typer.Argument(help="As in grades.csv.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    again: Annotated[
        bool, typer.Option("--again", help="Run it once more and show the secret cases.")
    ] = False,
) -> None:
    """Say how a student's points came about, question by question."""
    from coursekit.grading import explain as explaining
    from coursekit.grading.outgoing.store import Run

    def work() -> int:
        for line in explaining.lines(out, Run.load(out), student, again):
            console.out.print(line, markup=False)
        return 0

    _guarded(work)


@app.command()
def doctor() -> None:
    """Tell which sandbox works here, what each level protects from, and what is missing."""
    from coursekit.grading.jail import doctor as looking

    def work() -> int:
        findings = looking.report()
        for finding in findings:
            console.out.print("[green]✓[/]" if finding.ok else "[red]✗[/]", end=" ")
            console.out.print(f"{finding.name}: {finding.detail}", markup=False)
        for level, words in looking.PROTECTS.items():
            console.out.print(f"  {level}: {words}", markup=False)
        return 0 if findings[-1].ok else ATTENTION

    _guarded(work)


@app.command()
def selftest(level: Level = None, jobs: Jobs = 2) -> None:
    """Grade a few honest and hostile submissions, in a minute: do they get their fair points?"""
    from coursekit.grading import selftest as trying

    def work() -> int:
        outcome = trying.run(level and level.value, jobs)
        for line in outcome.lines:
            console.out.print(line, markup=False)
        return 0 if outcome.passed else ATTENTION

    _guarded(work)


@app.command()
def reference(
    assignment: Annotated[str, typer.Argument(help="The sheet, e.g. ddim.")],
    seeds: Annotated[int, typer.Option(min=1, help="Secret seeds to try.")] = 3,
    private: Private = None,
    level: Level = None,
    unsafe: Unsafe = False,
) -> None:
    """Grade the sheet's own solution and its blank: full marks and none, on several seeds."""
    from coursekit.grading import selftest as trying

    def work() -> int:
        outcome = trying.reference(assignment, seeds, private, _level(level, unsafe))
        for line in outcome.lines:
            console.out.print(line, markup=False)
        return 0 if outcome.passed else ATTENTION

    _guarded(work)


def _level(level: Sandbox | None, unsafe: bool) -> SandboxLevel:
    from coursekit.grading.jail.zygotes import choose_level

    if level and unsafe:
        raise CourseError("--unsafe is no sandbox at all: leave out --level")
    return choose_level("none" if unsafe else level and level.value)


def _shard(text: str) -> tuple[int, int]:
    parts = text.split("/")
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        i, n = map(int, parts)
        if 1 <= i <= n:
            return i, n
    raise CourseError(f"--shard {text!r} is not of the form I/N with 1 ≤ I ≤ N")


def _guarded(work: Callable[[], int]) -> None:
    from coursekit.grading.ending import orderly

    console.guarded(lambda: orderly(work))
