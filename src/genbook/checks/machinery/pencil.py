"""Answers by hand: say which number is wrong and why, and never what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genbook.checks.machinery import compare
from genbook.checks.machinery.misconception import Misconception
from genbook.checks.machinery.registry import Question

if TYPE_CHECKING:
    from genbook.checks.machinery.run import Outcome

__all__ = ["explain", "wrong"]

_ROUNDED = 1e-3
"""A number by hand that is as near as this is meant, and rounded more than was asked for."""


def wrong(entry: Question, got: Any, expected: Any) -> str:
    """Which parts of a wrong answer are wrong."""
    if got is None:
        return compare.mismatch(got, expected, entry.rtol, entry.atol)
    mine, right = _parts(got), _parts(expected)
    if list(mine) != list(right):
        return _unlike(got, expected)
    off = [name for name, part in mine.items() if not _same(entry, part, right[name])]
    if not off and len(right) > 1:  # the numbers are right, and their form is not
        return compare.mismatch(got, expected, entry.rtol, entry.atol)
    coarse = [name for name in off if _same(entry, mine[name], right[name], _ROUNDED)]
    if len(right) == 1:
        return "this is rounded too much" if coarse else "this is not it"
    false = [name for name in off if name not in coarse]
    return "; ".join(
        f"{_and(names)} {'is' if len(names) == 1 else 'are'} {what}"
        for names, what in ((false, "wrong"), (coarse, "rounded too much"))
        if names
    )


def explain(
    entry: Question, got: Any, expected: Any, mistakes: Sequence[list[Outcome]]
) -> list[Misconception]:
    """Misconceptions that have the wrong parts of an answer: one for all, or else one for each.

    Whoever makes two mistakes, or one mistake in some of the numbers, gets what can be said about
    each of them.
    """
    mine, right = _parts(got), _parts(expected)
    if list(mine) != list(right):
        return []
    left = {name for name, part in mine.items() if not _same(entry, part, right[name])}
    shared = []
    for i, known in enumerate(entry.misconceptions):
        value = mistakes[i][0].value if mistakes else compare.plain(known.function())
        parts = _parts(value)
        if list(parts) == list(right):
            # A number that the mistake leaves as it is says nothing about who made it.
            changed = {name for name in left if not _same(entry, parts[name], right[name])}
            shared.append(
                {name for name in changed if _same(entry, mine[name], parts[name], _ROUNDED)}
            )
        else:
            shared.append(set())
    found = []
    while left and shared:
        best = max(range(len(shared)), key=lambda i: len(shared[i] & left))  # the first of equals
        if not shared[best] & left:
            break
        found.append(entry.misconceptions[best])
        left -= shared[best]
    return found


def _parts(value: Any, name: str = "") -> dict[str, Any]:
    """The numbers of an answer, or where it has names, what is called by each."""
    if isinstance(value, dict):
        keys = sorted(value, key=compare.text)
        return {repr(k) if isinstance(k, str) else compare.text(k): value[k] for k in keys}
    if isinstance(value, compare.Array):
        value = value.values.tolist()
    if not isinstance(value, list):
        return {name or "number 1": value}
    rows = [isinstance(item, list) or getattr(item, "values", None) is not None for item in value]
    if any(rows) and name == "":
        nested = [_parts(item, f"row {i + 1}") for i, item in enumerate(value)]
        return {key: part for each in nested for key, part in each.items()}
    lead = f"{name}, " if name else ""
    return {f"{lead}number {i + 1}": item for i, item in enumerate(value)}


def _same(entry: Question, one: Any, other: Any, rtol: float = 0.0) -> bool:
    return not compare.mismatch(one, other, max(rtol, entry.rtol), entry.atol, loose=True)


def _unlike(got: Any, expected: Any) -> str:
    """In what form an answer is not like the one expected."""
    if isinstance(expected, dict):
        keys = ", ".join(sorted(map(str, expected)))
        return f"a dictionary with the keys {keys} is asked for"
    count = len(_parts(expected))
    return f"{count} number{'s are' if count > 1 else ' is'} asked for, in the form of the question"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
