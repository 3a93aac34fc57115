"""The verdict on an answer, and the line that says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from genbook.checks.machinery.registry import Case, Question

__all__ = ["Result", "points", "zero"]


@dataclass(frozen=True)
class Result:
    """The verdict on an answer.

    ``misconception`` is the name of the one recognised; ``case`` and ``reason`` are the label of
    the first wrong case and what is wrong with it, as parts of the message. ``failing`` is that
    case itself, to be tried again: ``step(*failing.args, **failing.kwargs)``.
    """

    points: int
    possible: int
    message: str
    misconception: str | None = None
    case: str = ""
    reason: str = ""
    failing: Case | None = field(default=None, repr=False, compare=False)

    def _ipython_display_(self) -> None:
        """Show nothing: ``check`` has printed its line, which the value of a cell would repeat."""


def zero(entry: Question, reason: str, misconception: str | None = None) -> Result:
    """No points, and why."""
    message = f"{entry.id} ✗ 0/{points(entry.points)} · {reason}"
    return Result(0, entry.points, message, misconception)


def points(number: int) -> str:
    """``1 point``, ``2 points``."""
    return f"{number} point{'s' if number != 1 else ''}"
