"""What the student reads about a question: the mistake by its name, never the secret inputs.

What a kernel says of a problem is in the student's hands, who may put the inputs into it. So of an
exception its type is told, and a line if it is one that the student handed in; of other problems,
only what has the form of the book's own words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from genbook.checks import Question
from genbook.checks.machinery import show
from genbook.checks.machinery.run import Outcome, Result

__all__ = ["DIED", "Finding", "finding", "quiet"]

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
# Numbers that tell more than a shape or a line would.
_TELLING = re.compile(r"[-+]?\d*\.\d+(?:e[-+]?\d+)?|\d{3,}")
# Names of types: no room for numbers.
_NAME = r"[A-Za-z_]{1,40}"
_WHERE = re.compile(r"\n    in line \d{1,4}: (.*)", re.DOTALL)
_CHANGED = re.compile(rf"your function changed its argument (?:{_NAME}|number \d) in place")
_RETURNED = re.compile(
    "your function returned (?:more than [a-z0-9 ]+(?:: does your generator or loop end\\?)?"
    rf"|lists within lists without end|the class {_NAME} instead of a value"
    "|a function instead of a value: were its parentheses forgotten\\?"
    rf"|an object of type {_NAME}, which cannot be compared"
    rf"|a tensor of type {_NAME}\\d{{0,2}} that cannot be read"
    rf"|a NumPy array of type {_NAME}\\d{{0,2}}, which does not hold numbers)"
    rf"|a {_NAME} instead of a function: keep `def \\w+\\(…\\)`"
)

DIED = {
    "memory": "your code needed more memory than there is",
    "threads": "your code started too many threads",
    "disk": "your code wrote too much to the disk",
    "time": "your notebook took all of its time before this question could be tried",
    "output": "your code displayed more than anybody could read",
    "not to be interrupted": "your code did not stop when its time was up",
}


class Finding(tuple):
    """(status, message, misconception) of a question, as in a row of the results."""

    __slots__ = ()

    def __new__(
        cls, status: str, message: str, misconception: str | None = None, longest: int = 600
    ) -> Finding:
        return super().__new__(cls, (status, _tidy(message, longest), misconception))

    @property
    def status(self) -> str:
        return self[0]

    @property
    def message(self) -> str:
        return self[1]

    @property
    def misconception(self) -> str | None:
        return self[2]


def finding(question: Question, done: Sequence[Outcome], result: Result) -> Finding:
    """The verdict in words that give no input of a case and no expected number away."""
    if result.points == result.possible:
        return Finding("right", "All cases agree.")
    if any(outcome.kind == "missing" for outcome in done) and not result.misconception:
        return Finding("missing", "Not answered yet.")
    sentence = next(
        (m.sentence for m in question.misconceptions if m.name == result.misconception), ""
    )
    where = f"In the case “{result.case}”: " if result.case else ""
    kinds = {outcome.kind for outcome in done}
    status = "error" if kinds == {"error"} else "wrong"
    reason = _without_numbers(result.reason)
    message = f"{where}{reason}."
    return Finding(status, f"{sentence}\n{message}" if sentence else message, result.misconception)


def quiet(question: Question, done: Sequence[Outcome], lines: AbstractSet[str]) -> list[Outcome]:
    """The outcomes with problems that tell nothing but what went wrong.

    Args:
        lines: what the student handed in, without blanks at the ends.
    """
    return [replace(one, problem=_problem(question, one, lines)) for one in done]


def _problem(question: Question, one: Outcome, lines: AbstractSet[str]) -> str:
    if one.kind == "value":
        return ""
    if one.kind == "signature":
        wanted = show.signature(question.name, question.reference)
        return f"it cannot be called like this; keep {wanted}"
    if one.kind == "mutated":
        known = _CHANGED.fullmatch(one.problem)
        return known[0] if known else "your function changed one of its arguments in place"
    if one.kind == "unreadable":
        known = _RETURNED.fullmatch(one.problem)
        return known[0] if known else "your function returned an object that cannot be compared"
    name = getattr(one.error, "__name__", "")
    told = name if re.fullmatch(_NAME, name) else "an exception"
    where = _WHERE.search(one.problem)
    return f"{told}{where[0]}" if where and where[1].strip() in lines else told


def _without_numbers(reason: str) -> str:
    """A reason without the values that were got and expected, or that an error speaks of."""
    reason = re.sub(r", most at \[[^]]*\]: got .*", "", reason, flags=re.DOTALL)
    reason = re.sub(
        r"^((?:value \d+ of \d+|entry '[^']*'): )?got .*", r"\1the number is wrong", reason
    )
    reason = re.sub(r"expected '[^']*', got .*", "the text is wrong", reason)
    reason = re.sub(r"expected the keys .*", "the keys are wrong", reason)
    reason = re.sub(r", but it returned .*", "", reason, flags=re.DOTALL).rstrip(".")
    return _TELLING.sub("…", reason)


def _tidy(text: str, longest: int) -> str:
    """Short, and the same in every run: addresses of objects are not."""
    text = _ADDRESS.sub("0x…", text)
    return text if len(text) <= longest else text[: longest - 1] + "…"
