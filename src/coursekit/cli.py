"""The command ``coursekit``: derive, check and begin chapters of the book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from coursekit.console import FAILURE, INTERRUPTED, MISUSE, complain, err, guarded, out
from coursekit.grading.cli import app as grade
from coursekit.project import Project

app = typer.Typer(
    help="Tools that derive, check and grade the book.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(grade, name="grade")

Root = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the book (default: found from the working folder)."),
]


@app.callback()
def _coursekit() -> None:
    """Tools that derive, check and grade the book."""


@app.command()
def notebooks(
    slugs: Annotated[
        list[str] | None, typer.Argument(metavar="[SLUG]...", help="Chapters (default: all).")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Execute and write nothing; fail on any drift.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Execute even what has current outputs.")
    ] = False,
    confirm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="The check of this changed equation still checks it. May be repeated.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Notebooks executed at the same time.")
    ] = 1,
    timeout: Annotated[float, typer.Option(help="Seconds a cell may take.")] = 600.0,
    root: Root = None,
) -> None:
    """Derive the notebooks of chapters and sheets; execute those whose digest changed.

    Writes book/SLUG.ipynb, solutions/SLUG.ipynb and exercises/SLUG.ipynb. An interrupt (Ctrl-C)
    keeps the notebooks that are finished; the next run continues with the rest.
    """
    from coursekit import build

    def work() -> int:
        project = Project.find(root)
        chosen = project.select(slugs or [])
        if check:
            return _report(build.drift(project, chosen))
        plan = build.plan(project, chosen, force=force, confirmed=confirm or [])
        for warning in plan.warnings:
            err.print(f"warning: {warning}", style="yellow", markup=False)
        outcome = build.run(plan, jobs=jobs, timeout=timeout, console=out)
        _show_times(outcome)
        for failure in outcome.failures:
            complain(failure)
        if outcome.interrupted:
            err.print(f"interrupted; left to do: {', '.join(outcome.remaining)}", markup=False)
            return INTERRUPTED
        return MISUSE if outcome.failures else 0

    guarded(work)


@app.command()
def cache(root: Root = None) -> None:
    """Put stored outputs into Jupyter Book's cache, so that building the site executes nothing."""
    from coursekit import cache as execution_cache

    def work() -> int:
        missing = execution_cache.fill(Project.find(root))
        for source in missing:
            err.print(
                f"warning: {source} has no current outputs; the build of the site executes it "
                "(coursekit notebooks makes them)",
                style="yellow",
                markup=False,
            )
        return 0

    guarded(work)


@app.command()
def new(
    slug: Annotated[str, typer.Argument(help="Name of the chapter's module, e.g. rectified_flow.")],
    title: Annotated[
        str | None, typer.Option(help="Title of the chapter (default: that of book/map.yml).")
    ] = None,
    root: Root = None,
) -> None:
    """Begin a chapter: text, module, exercises with solutions, checks and tests from templates."""
    from coursekit import new as rooms

    def work() -> int:
        project = Project.find(root)
        for path in rooms.create(project, slug, title):
            out.print(f"wrote {project.relative(path)}", markup=False)
        for line in ["", *rooms.left_to_do(project, slug, title)]:
            out.print(line, markup=False)
        return 0

    guarded(work)


@app.command()
def claims(root: Root = None) -> None:
    """Print the equation ledger: every claim, how it is verified, and what its check printed."""
    from coursekit.claims import ledger

    def work() -> int:
        table = Table("Claim", "Number", "Verified by", "Chapter", "Printed")
        for entry in ledger(Project.find(root).root):
            printed = "\n".join(entry.printed)
            table.add_row(entry.label, entry.number, entry.method, entry.slug, printed)
        out.print(table)
        return 0

    guarded(work)


@app.command()
def page_report(
    pages: Annotated[
        list[str] | None, typer.Argument(metavar="[PAGE]...", help="Pages (default: chapters).")
    ] = None,
    root: Root = None,
) -> None:
    """Measure pages of the rendered site: screens, gaps between pictures, open code (a browser).

    A page is named as in _toc.yml, e.g. book/ddim. A star is over the budget.
    """
    from coursekit import page_report as report

    def work() -> int:
        project = Project.find(root)
        chosen = pages or [f"book/{slug}" for slug in project.chapters()]
        table = Table(*report.HEAD)
        for cells in report.table(project.root / "_build" / "html", chosen):
            table.add_row(*cells)
        out.print(table)
        return 0

    guarded(work)


@app.command()
def affected(
    base: Annotated[str, typer.Argument(help="The commit that the working tree is compared with.")],
    tests: Annotated[
        bool, typer.Option("--tests", help="Print what pytest is to run instead of the chapters.")
    ] = False,
    root: Root = None,
) -> None:
    """Print the chapters that the change since BASE can affect, and say what it cannot."""
    from coursekit.affected import affected as affected_by

    def work() -> int:
        found = affected_by(Project.find(root), base)
        lines = found.slugs
        if tests:
            chosen = f"--chapters={','.join(found.slugs)}"
            lines = ["tests"] if found.reason else [*found.tests, chosen] if found.tests else []
        for line in lines:
            out.print(line, markup=False)
        left = f"left out: {', '.join(found.spared)}" if found.spared else "nothing is left out"
        why = f" ({found.reason})" if found.reason else ""
        err.print(f"since {base}, {left}{why}", markup=False)
        return 0

    guarded(work)


def _report(problems: list[str]) -> int:
    """Print what ``notebooks --check`` found."""
    for problem in problems:
        err.print(f"error: {problem}", style="red", markup=False)
    if not problems:
        out.print("all derived notebooks are current")
    return FAILURE if problems else 0


def _show_times(outcome: Any) -> None:
    table = Table("Notebook", "Result", "Seconds", "Peak MB")
    for key, result, cost in outcome.rows:
        numbers = (f"{cost.seconds:.1f}", f"{cost.peak_mb:.0f}") if cost else ("", "")
        table.add_row(key, result, *numbers)
    if outcome.rows:
        out.print(table)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="coursekit")


if __name__ == "__main__":
    main()
