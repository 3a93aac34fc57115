"""Run an answer on a question's cases, judge the outcomes, and say what was wrong.

Running (``outcomes``) and judging (``judge``) are separate, so that a grader can run an answer in
one process and judge it in another.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from genbook.checks.machinery import compare, pencil, show, trained
from genbook.checks.machinery.misconception import Misconception
from genbook.checks.machinery.randomness import own_randomness
from genbook.checks.machinery.registry import Case, Question, question
from genbook.checks.machinery.result import Result, points, zero
from genbook.checks.machinery.trusted import measuring, theirs

__all__ = ["Outcome", "Result", "Trial", "check", "judge", "outcomes", "trial", "verdict"]


_RANDOM = (
    "called twice with the same arguments, your function gave two different results. "
    "Use the random numbers it is given, and draw no others"
)


@dataclass(frozen=True)
class Outcome:
    """What a call did: a plain value, or a ``problem`` in words with its ``kind``.

    kind: "value", "error" (an exception, whose type is ``error``), "missing" (NotImplementedError),
    "signature" (the call does not fit), "unreadable", or "mutated" (an argument was changed).
    """

    kind: str
    value: Any = None
    problem: str = ""
    error: type[BaseException] | None = None


class Trial(NamedTuple):
    """The cases of a seed, and what the reference and each misconception do in them."""

    cases: list[Case]
    expected: list[Outcome]
    mistakes: list[list[Outcome]]


def check(question_id: str, answer: Any, seed: int = 0) -> Result:
    """Try an answer on the cases of a question, print what came of it, and return the verdict.

    The verdict is kept as ``check.last``. Its ``failing`` is the first case in which the answer is
    wrong, so that it can be tried again: ``step(*check.last.failing.args)``.

    Raises for no wrong answer, but under nbgrader, which gives all points to a cell that raises
    nothing.

    Raises:
        ValueError: an unknown id.
        AssertionError: a wrong answer, while nbgrader grades or validates the notebook.
    """
    entry = question(question_id)
    if entry.training is not None:
        result, weights = trained.verdict(entry, answer, seed)
        print(result.message)
        trained.hand_in(entry, weights)
    else:
        result = verdict(entry, answer, seed)
        print(result.message)
    check.last = result  # type: ignore[attr-defined]
    if result.failing and result.failing.args and entry.use is None:
        print("  The arguments of this case are check.last.failing.args.")
    if result.points < result.possible and "NBGRADER_EXECUTION" in os.environ:
        raise AssertionError(f"{question_id} has no points")
    return result


def verdict(
    entry: Question,
    answer: Any,
    seed: int = 0,
    known: Trial | None = None,
    done: list[Outcome] | None = None,
) -> Result:
    """``check`` without the registry and without printing.

    ``known``, the trial of that seed, saves running the reference and the misconceptions again for
    many answers; ``done``, what this answer does in the trial's cases, saves running it twice.
    """
    if entry.manual:
        message = f"{entry.id} · read by your instructor ({points(entry.points)})"
        return Result(0, entry.points, message)
    if entry.training is not None:
        return trained.verdict(entry, answer, seed)[0]
    if not callable(answer):
        what = f"check({entry.id!r}, {entry.name})"
        return zero(entry, f"give the function itself, without calling it: {what}")
    cases, expected, mistakes = known or (entry.cases(seed), None, ())
    done = done or outcomes(entry, answer, cases)
    result = judge(entry, cases, done, expected, mistakes)
    if result.points == 0 and any(outcome.kind == "value" for outcome in done):
        again = outcomes(entry, answer, cases, randomness=1)
        if any(not _alike(entry, one, two) for one, two in zip(done, again, strict=True)):
            return zero(entry, _RANDOM)
    return result


def trial(entry: Question, seed: int) -> Trial:
    """What there is to know of a seed before any answer to a question that has cases."""
    assert entry.reference is not None
    cases = entry.cases(seed)
    mistakes = [outcomes(entry, known.function, cases) for known in entry.misconceptions]
    return Trial(cases, outcomes(entry, entry.reference, cases), mistakes)


def outcomes(
    entry: Question, answer: Callable[..., Any], cases: list[Case], randomness: int = 0
) -> list[Outcome]:
    """What the answer does in each case. Every call gets its own copies of the arguments.

    ``randomness`` seeds the global generators, which an answer should leave alone.
    """
    with measuring(entry.use), own_randomness(randomness):
        return [_outcome(entry, answer, case) for case in cases]


def judge(
    entry: Question,
    cases: list[Case],
    done: list[Outcome],
    expected: list[Outcome] | None = None,
    mistakes: Sequence[list[Outcome]] = (),
) -> Result:
    """Compare outcomes with the reference's; the first wrong case becomes the message.

    ``expected``, the reference's outcomes, and ``mistakes``, those of each misconception,
    save running these again for many answers to the same cases.
    """
    assert entry.reference is not None
    expected = expected or outcomes(entry, entry.reference, cases)
    for i, (case, got, right) in enumerate(zip(cases, done, expected, strict=True)):
        reason = _wrong(entry, got, right)
        if not reason:
            continue
        if got.kind == "missing":
            return zero(entry, "not answered yet")
        # Where nothing is given, the expected value is the whole answer, and not told.
        by_hand = not case.args and not case.kwargs
        values = got.kind == right.kind == "value"
        known = _recognise(entry, cases, done, mistakes)
        if values and by_hand:
            reason = pencil.wrong(entry, got.value, right.value)
            known = known or pencil.explain(entry, got.value, right.value, mistakes)
        label = f" ({case.label})" if case.label else ""
        lines = [
            f"case {i + 1} of {len(cases)}{label}:",
            f"    {case.story or show.call(entry.name, _as_called(entry), case)}",
            f"  {reason}",
        ]
        if values and not by_hand and not reason.startswith("got "):
            found = compare.difference(got.value, right.value, entry.rtol, entry.atol)
            lines += [
                f"    got       {show.value(found.got, found.place)}",
                f"    expected  {show.value(found.expected, found.place)}",
            ]
        sentences = [f"  → {each.sentence}" for each in known]
        name = known[0].name if known else None
        message = zero(entry, "\n".join(lines + sentences)).message
        return Result(0, entry.points, message, name, case.label, reason, case)
    count = f"{len(cases)} case{'s' if len(cases) != 1 else ''}"
    message = f"{entry.id} ✓ {entry.points}/{points(entry.points)}, {count}"
    return Result(entry.points, entry.points, message)


def _outcome(entry: Question, answer: Callable[..., Any], case: Case) -> Outcome:
    args, kwargs = compare.clone(case.args), compare.clone(dict(case.kwargs))
    if entry.use is None and not _fits(answer, args, kwargs):
        wanted = show.signature(entry.name, entry.reference)
        return Outcome("signature", problem=f"it cannot be called like this; keep {wanted}")
    try:
        if entry.use is None:
            value = compare.plain(theirs(answer, *args, **kwargs))
        else:
            called = functools.partial(theirs, answer)
            value = compare.plain(entry.use(called, *args, **kwargs))
    except NotImplementedError as error:
        return Outcome("missing", problem=show.error(error), error=type(error))
    except compare.Unreadable as error:
        return Outcome("unreadable", problem=f"your function returned {error}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a student may call exit()
        return Outcome("error", problem=show.error(error), error=type(error))
    changed = _changed(entry, case, args, kwargs)
    if changed:
        return Outcome("mutated", value, f"your function changed its argument {changed} in place")
    return Outcome("value", value)


def _wrong(entry: Question, got: Outcome, right: Outcome) -> str:
    """Why an outcome is wrong, in words; the empty string if it is right."""
    if got.kind == "missing":
        return got.problem
    if right.kind == "error":
        assert right.error is not None
        if got.error is not None and issubclass(got.error, right.error):
            return ""
        name = right.error.__name__
        if got.kind == "value":
            return f"this must raise a {name}, but it returned {show.value(got.value)}"
        return f"this must raise a {name}: {got.problem}"
    if got.kind == "error":
        return f"your code raised {got.problem}"
    if got.kind != "value":
        return got.problem
    return compare.mismatch(got.value, right.value, entry.rtol, entry.atol)


def _recognise(
    entry: Question,
    cases: list[Case],
    done: list[Outcome],
    mistakes: Sequence[list[Outcome]],
) -> list[Misconception]:
    """The first misconception that explains every case, alone: same values, same errors."""
    # Two functions that fail alike in every case need not share a reason.
    if not any(got.kind in ("value", "mutated") for got in done):
        return []
    for i, misconception in enumerate(entry.misconceptions):
        with own_randomness(0):
            others = (
                iter(mistakes[i])
                if mistakes
                else (_outcome(entry, misconception.function, case) for case in cases)
            )
            if all(_alike(entry, got, other) for got, other in zip(done, others, strict=True)):
                return [misconception]
    return []


def _alike(entry: Question, got: Outcome, other: Outcome) -> bool:
    if got.kind != other.kind:
        return False
    if got.kind == "mutated" and got.problem != other.problem:
        return False
    both = got.value is not None and other.value is not None
    if got.kind != "value" and not (got.kind == "mutated" and both):
        # By name: an error that has crossed a process is of a class of its own.
        names = [getattr(outcome.error, "__name__", None) for outcome in (got, other)]
        return names[0] == names[1] and got.kind != "signature"
    return not compare.mismatch(got.value, other.value, entry.rtol, entry.atol, loose=True)


def _fits(answer: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    try:
        inspect.signature(answer).bind(*args, **kwargs)
    except TypeError:
        return False
    except Exception:  # no signature to be had: the call will tell
        return True
    return True


def _as_called(entry: Question) -> Callable[..., Any] | None:
    """What gives the arguments of a case their names."""
    return entry.reference if entry.use is None else functools.partial(entry.use, None)


def _changed(entry: Question, case: Case, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    names = []
    try:
        names = list(inspect.signature(entry.use or entry.reference).parameters)  # type: ignore[arg-type]
        names = names[1:] if entry.use else names
    except (TypeError, ValueError):
        pass
    for i, (before, after) in enumerate(zip(case.args, args, strict=True)):
        if not compare.same(before, after):
            return names[i] if i < len(names) else f"number {i + 1}"
    return next((k for k, v in case.kwargs.items() if not compare.same(v, kwargs[k])), "")
