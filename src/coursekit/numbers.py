"""What the landing page says of the book in numbers, counted from the repository."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from coursekit import exercises, times
from coursekit.claims import ledger
from coursekit.project import Project


@dataclass(frozen=True)
class Numbers:
    """Verified claims, test functions, questions with a checker, seconds to run all notebooks."""

    claims: int
    tests: int
    questions: int
    seconds: int


def count(root: Path) -> Numbers:
    """Count anew; nothing is written down by hand.

    A claim counts when its check has printed its line in the stored notebook.
    """
    asked = [one for slug in Project(root).slugs() for one in exercises.registry(slug)]
    return Numbers(
        claims=sum(bool(entry.printed) for entry in ledger(root)),
        tests=sum(_tests(path) for path in _test_files(root)),
        questions=sum(not question.manual for question in asked),
        seconds=round(sum(cost["seconds"] for cost in times.read(root).values())),
    )


def sources(root: Path) -> list[Path]:
    """The files that the numbers depend on."""
    book = root / "book"
    return [book / "times.json", *sorted(book.glob("*.ipynb")), *_test_files(root)]


def _test_files(root: Path) -> list[Path]:
    return sorted((root / "tests").rglob("test_*.py"))


def _tests(path: Path) -> int:
    functions = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return sum(
        isinstance(one, ast.FunctionDef) and one.name.startswith("test_") for one in functions
    )
