"""``coursekit notebooks``: plan what must be done, do it, or only say whether anything would be."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from coursekit import claims, printed, references, times
from coursekit.derive import Derived, carry, derive, render, stored, unexecuted
from coursekit.execute import CellFailure, Execution, Stopped
from coursekit.project import Project, write_atomically
from coursekit.source import Source, SourceError
from coursekit.times import Cost


@dataclass(frozen=True)
class Plan:
    """What to do: all notebooks of the chosen slugs, and which of them have to be executed."""

    project: Project
    notebooks: list[Derived]
    stale: set[str]
    warnings: list[str]


@dataclass
class Outcome:
    """What was done: rows (notebook, result, cost), failures in words, what an interrupt left."""

    rows: list[tuple[str, str, Cost | None]] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    remaining: list[str] = field(default_factory=list)
    interrupted: bool = False


def plan(
    project: Project, slugs: Sequence[str], force: bool = False, confirmed: Sequence[str] = ()
) -> Plan:
    """Derive everything in memory; nothing is written yet.

    Raises:
        SourceError: a mistake in a text, or a formula that changed under its check.
    """
    book = references.load(project.root)
    notebooks = [item for slug in slugs for item in derive(project, book, slug)]
    warnings = []
    for source in _chapters(notebooks):
        warnings += [str(problem) for problem in claims.unmatched(source)]
        claims.refuse_unconfirmed(project.root, source, confirmed)
    stale = {item.key for item in notebooks if not carry(item) or (force and item.executed)}
    return Plan(project, notebooks, stale, warnings)


def run(plan: Plan, jobs: int, timeout: float, console: Console) -> Outcome:
    """Execute what is stale and write every notebook that is finished.

    A notebook is written as soon as it is done, whole or not at all. The exercises of a sheet are
    written with its solutions; a chapter's claims with the chapter.
    """
    outcome = Outcome()
    todo = [item for item in plan.notebooks if item.key in plan.stale]
    failed = {item.slug for item in todo if item.room == "solutions"}
    for item in plan.notebooks:
        if item.key not in plan.stale and not (item.room == "exercises" and item.slug in failed):
            _finish(plan, item, None, outcome)
    if todo:
        _execute_all(plan, todo, jobs, timeout, console, outcome)
    return outcome


def drift(project: Project, slugs: Sequence[str]) -> list[str]:
    """Everything that ``run`` would change or that must not be committed, as sentences.

    Raises:
        SourceError: a mistake in a text.
    """
    book = references.load(project.root)
    problems: list[str] = []
    notebooks = [item for slug in slugs for item in derive(project, book, slug)]
    for item in notebooks:
        problems += _drift_of(project, item)
    chapters = _chapters(notebooks)
    for source in chapters:
        problems += [str(problem) for problem in claims.unmatched(source)]
    if claims.updated(project.root, chapters, project.slugs()) != claims.text(project.root):
        problems.append("book/claims.json is not current: run coursekit notebooks")
    for slug in slugs:
        wanted = [project.sheet(slug)]
        wanted += [] if project.is_assignment(slug) else [project.chapter(slug)]
        missing = [path for path in wanted if not path.is_file()]
        problems += [f"{slug} lacks {project.relative(path)}" for path in missing]
    return problems + _orphans(project) + times.excesses(project.root)


def _orphans(project: Project) -> list[str]:
    """Derived notebooks whose source is gone."""
    rooms = {"book": project.chapter, "solutions": project.sheet, "exercises": project.sheet}
    return [
        f"{project.relative(path)} has no source: delete it"
        for room, source in rooms.items()
        for path in sorted((project.root / room).glob("*.ipynb"))
        if not source(path.stem).is_file()
    ]


def _chapters(notebooks: Sequence[Derived]) -> list[Source]:
    return [item.source for item in notebooks if item.room == "book"]


def _drift_of(project: Project, item: Derived) -> list[str]:
    name = project.relative(item.path)
    advice = f"run coursekit notebooks {item.slug}"
    if not item.path.is_file():
        return [f"{name} is missing: {advice}"]
    if not carry(item):
        old = stored(item.path)
        if old is None:
            return [f"{name} cannot be read: {advice}"]
        if unexecuted(old):
            return [f"{name} has cells that were not executed: {advice}"]
        return [f"{name} is stale (its code, the package or the weights changed): {advice}"]
    if item.path.read_text(encoding="utf-8") != render(item):
        return [f"{name} differs from what its source gives: {advice}"]
    return [str(problem) for problem in _unprinted(item)]


def _unprinted(item: Derived) -> list[SourceError]:
    """The checks of an executed chapter that printed no line, at their lines of the source."""
    if item.room != "book":
        return []
    return [
        SourceError(
            item.source.path, item.line(check.cell, check.line), f"'{check.label}' {check.reason}"
        )
        for check in printed.missing(item.notebook)
    ]


def _finish(plan: Plan, item: Derived, cost: Cost | None, outcome: Outcome) -> None:
    """Write a finished notebook and what belongs to it; a too large one is a failure."""
    root = plan.project.root
    try:
        changed = write_atomically(item.path, render(item))
    except SourceError as error:
        outcome.failures.append(error)
        outcome.rows.append((item.key, "failed", cost))
        return
    outcome.failures += _unprinted(item)
    if item.room == "book":
        claims.write(root, claims.updated(root, [item.source], plan.project.slugs()))
    if cost is not None:
        times.record(root, item.key, cost, item.digest)
    result = "executed" if cost else "derived again" if changed else "current"
    outcome.rows.append((item.key, result, cost))
    if item.room == "solutions" and cost is not None:
        for other in plan.notebooks:
            if (other.room, other.slug) == ("exercises", item.slug):
                _finish(plan, other, None, outcome)


def _execute_all(
    plan: Plan, todo: list[Derived], jobs: int, timeout: float, console: Console, outcome: Outcome
) -> None:
    """Execute ``todo`` in threads, one kernel each; the main thread stays free for Ctrl-C."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} cells"),
        TimeElapsedColumn(),
    )
    running: dict[str, Execution] = {}
    lock = threading.Lock()
    stopping = threading.Event()

    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(jobs) as pool:

        def work(item: Derived) -> Cost:
            if stopping.is_set():
                raise Stopped
            execution = Execution(item.notebook, timeout)
            with lock:
                running[item.key] = execution
            bar = progress.add_task(item.key, total=len(item.notebook.cells))
            try:
                return execution.run(lambda done, _: progress.update(bar, completed=done))
            finally:
                with lock:
                    del running[item.key]

        futures = {pool.submit(work, item): item for item in todo}
        pending: set[Future[Cost]] = set(futures)
        while pending:
            try:
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                outcome.interrupted = True
                stopping.set()
                with lock:
                    for execution in running.values():
                        execution.stop()
                continue
            for future in done:
                _collect(plan, futures[future], future, outcome)


def _collect(plan: Plan, item: Derived, future: Future[Cost], outcome: Outcome) -> None:
    try:
        _finish(plan, item, future.result(), outcome)
        return
    except Stopped:
        outcome.remaining.append(item.key)
        return
    except CellFailure as failure:
        line = item.line(failure.index, failure.line)
        error = SourceError(item.source.path, line, f"this cell failed: {failure.reason}")
    outcome.failures.append(error)
    outcome.rows.append((item.key, "failed", None))
