"""A run as the instructor sees it: what is at work, how far it is, and what came of it."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.incoming.roster import Roster
from coursekit.grading.incoming.students import passed_over
from coursekit.grading.jail import scratch
from coursekit.grading.jail.zygotes import Zygotes
from coursekit.grading.outgoing import store
from coursekit.grading.outgoing.exports import strangers
from coursekit.grading.outgoing.overrides import Graded, GradedQuestion
from coursekit.grading.outgoing.report import twins
from coursekit.grading.outgoing.store import Run
from coursekit.grading.run import grade
from coursekit.grading.verdict.results import Row
from coursekit.project import CourseError

__all__ = ["check", "grade_class"]


def check(out: Path, run: Run) -> None:
    """Find what is wrong with a run before anything is written.

    Raises:
        CourseError: no such assignment, nothing to grade, or a file that cannot be used.
    """
    if Path(run.submissions) == out.resolve():
        raise CourseError(f"{out} is the folder of submissions: take another for the results")
    store.decisions(out, run, run.load_assignment())
    if run.roster:
        Roster.load(Path(run.roster))


def grade_class(
    out: Path,
    run: Run,
    jobs: int,
    shard: tuple[int, int],
    console: Console,
    zygotes: Zygotes | None = None,
    began: float | None = None,
) -> bool:
    """Grade what has no row, then export; a shard only grades.

    Args:
        zygotes: begun already, see ``grade``.
        began: when the command did, by the monotonic clock; by default now.

    Returns:
        Whether a person must look at some.

    Raises:
        CourseError: see ``grade``.
        KeyboardInterrupt: what is graded so far is kept.
    """
    whole = shard == (1, 1)
    start = time.monotonic() if began is None else began
    new: list[str] = []
    try:
        assignment = run.load_assignment()
        decided = store.decisions(out, run, assignment)
        if run.roster:
            Roster.load(Path(run.roster))  # better now than after an hour of grading
        scratch.sweep()  # what a killed run left goes also where nothing is left to grade
        if whole:
            store.gather(out)
        with _progress(console) as show:

            def count(row: Row, done: int, every: int) -> None:
                new.append(row.student)
                show(row, done, every)

            rows = grade(
                Path(run.submissions),
                assignment,
                out,
                seed=run.seed,
                jobs=jobs,
                level=run.level,
                limits=run.limits(),
                chosen=decided.chosen,
                shard=shard,
                results=store.results_name(shard),
                progress=count,
                zygotes=zygotes if zygotes and zygotes.level == run.level else None,
            )
    except KeyboardInterrupt:
        again = _resume(out) if whole else "the same command"
        with suppress(OSError):  # the terminal may be gone, and that was the reason
            console.print(f"{len(new)} more graded; go on with {again}", markup=False)
        raise
    final = store.export(out, rows, run, assignment, decided) if whole else []
    seconds = time.monotonic() - start
    graded = f"{len(rows)} submissions" + (f", {len(new)} new" if len(new) < len(rows) else "")
    console.print(f"{graded}, in {seconds:.0f} s by the clock, sandbox: {run.level}", markup=False)
    if not whole:
        console.print(f"wrote {out / store.results_name(shard)}", markup=False)
        console.print(f"when all shards are done: {_resume(out)}", markup=False)
        return False
    _summary(final, console)
    _where(out, run, final, console)
    return any(entry.needs_review for entry in final)


def _resume(out: Path) -> str:
    return f"coursekit grade resume {shlex.quote(str(out))}"


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[Row, int, int], None]]:
    """A bar in a terminal; elsewhere, as in a log, a line a submission."""
    if not console.is_terminal:

        def line(row: Row, done: int, every: int) -> None:
            points = sum(question.points or 0 for question in row.questions)
            mark = " (review)" if row.status == "review" else ""
            console.print(f"{done}/{every} {row.student}: {points:g}{mark}", markup=False)

        yield line
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    # Without a thread of its own: worker processes are forked while the bar is there.
    with Progress(*columns, TimeRemainingColumn(), console=console, auto_refresh=False) as bar:
        task = bar.add_task("preparing", total=None)
        bar.refresh()

        def move(row: Row, done: int, every: int) -> None:
            bar.update(task, description=row.student[:24], completed=done, total=every)
            bar.refresh()

        yield move


def _summary(graded: Sequence[Graded], console: Console) -> None:
    """How many are done with, and how the questions went."""
    states = Counter(entry.status for entry in graded)
    mean = sum(entry.total for entry in graded) / max(1, len(graded))
    possible = max((entry.possible for entry in graded), default=0)
    table = Table("Question", "Points", "Right", "Mean", "Most frequent misconception", box=None)
    for column in table.columns[1:4]:
        column.justify = "right"
    for answers in zip(*(entry.questions for entry in graded), strict=False):
        table.add_row(*_question(answers))
    console.print(table)
    console.print(
        f"final {states['final']} · to mark {states['to mark']} · review {states['review']} · "
        f"mean {mean:.2f} of {possible:g} points" + (" so far" if states["to mark"] else ""),
        markup=False,
    )


def _question(answers: Sequence[GradedQuestion]) -> Iterator[str]:
    """The cells of a question's line: its id, maximum, how many are right, mean, and trouble."""
    given = [answer.points for answer in answers if answer.points is not None]
    words = [answer for answer in answers if answer.result.status == "manual"]
    marked = sum(answer.points is not None for answer in words)
    wrong = Counter(a.result.misconception for a in answers if a.result.misconception)
    yield answers[0].result.id
    yield f"{answers[0].possible:g}"
    right = sum(answer.result.status == "right" for answer in answers)
    yield f"{marked} marked" if words else str(right)
    # As long as nobody has marked anything, all there is are zeros for no words.
    yield f"{sum(given) / len(given):.2f}" if given and (marked or not words) else "–"
    # Of two that are as frequent the first in the alphabet, whoever was graded first.
    most = min(wrong.items(), key=lambda item: (-item[1], item[0]), default=None)
    yield f"{most[0]} ({most[1]})" if most else ""


def _where(out: Path, run: Run, graded: Sequence[Graded], console: Console) -> None:
    """Where everything is, and what is left to do for a person."""
    console.print(f"points:  {out / 'grades.csv'}, canvas.csv and moodle.csv there", markup=False)
    console.print(f"reports: {out / 'report' / 'index.html'}", markup=False)
    marks = sum(q.points is None for entry in graded for q in entry.questions)
    review = [entry for entry in graded if entry.needs_review]
    for entry in review:
        why = "; ".join(entry.row.review)
        console.print(f"look at {entry.student}: {why}", style="yellow", markup=False)
    if over := passed_over(Path(run.submissions), out):
        some = ", ".join(one_line(name, 60) for name in over[:5])
        more = f" and {len(over) - 5} more" if len(over) > 5 else ""
        words = f"no row for {some}{more}: no notebooks by their names and beginnings"
        console.print(words, style="yellow", markup=False)
    for names in twins(graded):
        console.print(f"the same file, byte by byte: {', '.join(names)}", markup=False)
    roster = Roster.load(Path(run.roster)) if run.roster else None
    for table, names in strangers(graded, roster).items():
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        who = "anybody" if len(names) == len(graded) else some
        todo = "see the roster" if run.roster else "give a --roster"
        words = f"{table} has no number for {who}: {todo} before you import it"
        console.print(words, markup=False)
    if marks:
        words = "1 answer is" if marks == 1 else f"{marks} answers are"
        console.print(f"{words} for you to mark", markup=False)
    if marks or review:
        console.print(f"decide in {run.overrides_file()}, then {_resume(out)}", markup=False)
