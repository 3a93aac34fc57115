"""The other side of a check: secret cases, the reference's outcomes, and the verdict.

For each question a number is derived from the run's seed, and from it come the cases. Cases are
used only if they tell right from wrong: every correct answer that the registry knows passes them,
every misconception fails and is named, and so do the right values of other numbers, replayed one
after the other. Otherwise the next number is tried.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cloudpickle
import numpy as np

from coursekit.grading.jail import values
from coursekit.project import CourseError
from genbook.checks import Case, Question
from genbook.checks.machinery import compare
from genbook.checks.machinery.run import Outcome, Result, Trial, judge, outcomes, trial, verdict

__all__ = ["Prepared", "fingerprint", "number_of", "prepare"]

# Cases may grow with their number (a schedule of 100 + seed steps), so it stays small.
_NUMBERS = 1000
_ATTEMPTS = 20
_OTHERS = (0, 17, 403)  # the student's own number, and two that may be anybody's


@dataclass(frozen=True)
class Prepared:
    """A question with its secret cases.

    Attributes:
        question: the entry of the registry.
        cases: drawn from the run's seed.
        expected: what the reference does in them.
        mistakes: what each of the misconceptions does in them.
        payload: base64 of what the kernel gets: the cases, and the question without its reference.
    """

    question: Question
    cases: list[Case]
    expected: list[Outcome]
    mistakes: list[list[Outcome]]
    payload: str

    @cached_property
    def shown(self) -> str:
        """The expected outcomes in the form in which a check sends an answer's."""
        return values.dumps(self.expected, nonce="", question=self.question.id)

    def judge(self, done: list[Outcome]) -> Result:
        """The verdict on outcomes."""
        return judge(self.question, self.cases, done, self.expected, self.mistakes)

    def decode(self, rows: list[Any]) -> list[Outcome]:
        """The outcomes in ``rows``, one a case.

        Raises:
            ValueError: rows that no honest check sends.
        """
        if len(rows) != len(self.cases):
            raise ValueError(f"{len(rows)} outcomes for {len(self.cases)} cases")
        return [values.outcome(row) for row in rows]

    def has_wrong_value(self, done: list[Outcome]) -> bool:
        """Whether in some case a value came back, and a wrong one."""
        q = self.question
        return any(
            got.kind == "value"
            and (
                right.kind != "value"
                or bool(compare.mismatch(got.value, right.value, q.rtol, q.atol))
            )
            for got, right in zip(done, self.expected, strict=True)
        )

    def differ(self, rows: list[Any], again: list[Any]) -> bool:
        """Whether two runs with the same arguments gave different values."""
        q = self.question
        for one, two in zip(self.decode(rows), self.decode(again), strict=True):
            if one.kind != two.kind:
                return True
            if one.kind == "value" and compare.mismatch(
                one.value, two.value, q.rtol, q.atol, loose=True
            ):
                return True
        return False


def prepare(question: Question, seed: str) -> Prepared:
    """The question with the cases that belong to the run's ``seed``.

    Raises:
        CourseError: no cases tell the registry's right answers from its wrong ones.
    """
    assert question.reference is not None
    for attempt in range(_ATTEMPTS):
        number = number_of(question, seed, attempt)
        known = trial(question, number)
        if _tells_right_from_wrong(question, number, known) and not _replays(
            question, number, known
        ):
            cases, expected, mistakes = known
            assert all(_is_finite(outcome.value) for outcome in expected), question.id
            return Prepared(question, cases, expected, mistakes, _payload(question, cases))
    raise CourseError(
        f"{question.id}: {_ATTEMPTS} draws of cases refuse a right answer, accept a wrong one, or "
        "are passed by the values of other draws; "
        "its entry in the registry needs repair"
    )


def fingerprint(seed: str) -> str:
    """A name for a seed that does not give it away."""
    return hmac.new(seed.encode(), b"fingerprint", hashlib.sha256).hexdigest()[:12]


def number_of(question: Question, seed: str, attempt: int = 0) -> int:
    """The number from which the secret cases or data of a question are drawn."""
    name = f"{question.id}/{attempt}"
    digest = hmac.new(seed.encode(), name.encode(), hashlib.sha256).digest()
    return 1 + int.from_bytes(digest[:8], "big") % _NUMBERS


def _tells_right_from_wrong(question: Question, number: int, known: Trial) -> bool:
    right = (question.reference, *question.alternatives)
    return all(verdict(question, answer, number, known).points for answer in right) and all(
        verdict(question, mistake.function, number, known, done).misconception == mistake.name
        for mistake, done in zip(question.misconceptions, known.mistakes, strict=True)
    )


def _replays(question: Question, number: int, known: Trial) -> bool:
    """Whether the right values of another number, one after the other, would pass these cases.

    What is answered by hand has the same answer always.
    """
    assert question.reference is not None
    if not any(case.args or case.kwargs for case in known.cases):
        return False
    for other in _OTHERS:
        done = outcomes(question, question.reference, question.cases(other))
        same = other != number and len(done) == len(known.cases)
        if same and judge(question, known.cases, done, known.expected, known.mistakes).points:
            return True
    return False


def _is_finite(value: Any) -> bool:
    """Whether a plain value has no number in it that is infinite or none at all."""
    if isinstance(value, list):
        return all(map(_is_finite, value))
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    numbers = value.values if isinstance(value, compare.Array) else value
    if isinstance(numbers, str | None):
        return True
    return bool(np.isfinite(numbers).all())


def _payload(question: Question, cases: list[Case]) -> str:
    """The cases and what is needed to call an answer; functions and classes travel by value.

    The modules of the questions hold the references, so the kernel must not import them.
    """
    reference = _signature_only(question.reference)
    bare = Question(question.id, question.points, reference, name=question.name, use=question.use)
    homes = {part.__module__ for part in (question.cases, question.use) if part is not None}
    homes = {home for home in homes if not home.startswith("genbook.checks.machinery")}
    modules = [sys.modules[name] for name in sorted(set(map(_by_value, homes)))]
    for each in modules:
        cloudpickle.register_pickle_by_value(each)
    try:
        data = cloudpickle.dumps((bare, cases))
    finally:
        for each in modules:
            cloudpickle.unregister_pickle_by_value(each)
    return base64.b64encode(data).decode("ascii")


def _by_value(module: str) -> str:
    """The module itself or, for a chapter's question, the package that it shares helpers with."""
    chapter = re.match(r"genbook\.checks\.\w+", module)
    return chapter[0] if chapter else module


def _signature_only(function: Callable[..., Any] | None) -> Callable[..., Any]:
    """A function that does nothing, with the signature of another one."""

    def empty(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError

    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return empty
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    empty.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=bare, return_annotation=inspect.Signature.empty
    )
    return empty
