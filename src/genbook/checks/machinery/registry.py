"""What a question of the exercises is, and where to find it by its id."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import Any, Literal

from torch import nn

from genbook.checks.machinery.misconception import Answer, Entry, Equivalent, Misconception

__all__ = ["Case", "Question", "Training", "pencil", "question", "questions", "sheet", "slugs"]

_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Case:
    """One call of the student's function; ``label`` is a word for it that the student reads.

    ``story`` says what happens in the case, for questions whose ``use`` makes the call: the student
    reads it where otherwise the call would be.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    story: str = ""


def _nothing_known(network: nn.Module, seed: int) -> tuple[str, str]:
    return "", ""


@dataclass(frozen=True)
class Training:
    """What a network is tried on, for a question that is answered by its weights.

    Args:
        build: the network that the sheet prescribes, untrained; a new one each time.
        score: from a network and a seed to a value and its standard error, on data that are drawn
            from the seed. Must not change the network, and must not depend on anything else. Called
            where no gradients are kept.
        bound: all points for a value up to it (from it on, where ``better`` is "higher").
        quantity: what the value is, in words that a student can read: "excess loss".
        better: which way the value should go.
        diagnose: what else can be said about a network that missed the bound: a line of numbers
            that lets nothing be guessed about the data, and the name of the misconception that it
            shows; each may be empty.
    """

    build: Callable[[], nn.Module]
    score: Callable[[nn.Module, int], tuple[float, float]]
    bound: float
    quantity: str
    better: Literal["lower", "higher"] = "lower"
    diagnose: Callable[[nn.Module, int], tuple[str, str]] = _nothing_known


def _no_cases(seed: int) -> list[Case]:
    return []


def pencil(label: str) -> Callable[[int], list[Case]]:
    """The cases of a question that is answered without arguments: one, whatever the seed."""
    return lambda seed: [Case(label=label)]


@dataclass(frozen=True)
class Question:
    """A question: what is asked for, how it is tried, and the ways of being wrong that we know.

    Args:
        id: ``<slug>.<name>``.
        points: all of them or none.
        reference: the solution; where it raises, the student's function must raise the same.
        cases: from a seed to the calls; the same seed gives the same cases.
        answers: a table of right and wrong answers and equivalent mutants, most of them changes to
            the reference; they are added to the next three.
        misconceptions: the known ways of being wrong, each rejected and named.
        alternatives: at least two other correct answers, written differently.
        equivalent_mutants: changes ``old → new`` of a line of the reference, or of the sheet's
            solution, that change nothing, and why (see tests/mutation.py).
        name: what the student defines; by default it is called as the class, or as in the id.
        rtol: with atol, ``|answer − reference| ≤ atol + rtol · |reference|`` counts as equal.
        atol: see rtol.
        manual: read by a person; has no cases.
        use: for a class or a sampler, ``use(answer, *args)`` gives the value to compare.
        training: for a question that is answered by the weights of a network, what those are tried
            on. There are no cases then, and the reference, the alternatives and the misconceptions
            are functions without arguments that train a network and return it.

    Raises:
        ValueError: an entry that cannot work.
    """

    id: str
    points: int
    reference: Callable[..., Any] | None = None
    cases: Callable[[int], list[Case]] = _no_cases
    answers: InitVar[tuple[Entry, ...]] = ()
    misconceptions: tuple[Misconception, ...] = ()
    alternatives: tuple[Callable[..., Any], ...] = ()
    equivalent_mutants: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    rtol: float = 1e-4
    atol: float = 1e-6
    manual: bool = False
    use: Callable[..., Any] | None = None
    training: Training | None = None

    def __post_init__(self, answers: tuple[Entry, ...]) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"question id {self.id!r} is not of the form <slug>.<name>")
        if type(self.points) is not int or self.points < 1:
            raise ValueError(f"{self.id}: points must be a whole number ≥ 1, not {self.points!r}")
        if self.manual != (self.reference is None):
            raise ValueError(f"{self.id}: give either a reference or manual=True")
        if self.training and (self.use or self.cases is not _no_cases):
            raise ValueError(f"{self.id}: what is trained is judged by a score, not by cases")
        own = getattr(self.reference, "__name__", "") if isinstance(self.reference, type) else ""
        object.__setattr__(self, "name", self.name or own or self.id.partition(".")[2])
        parts = self._bound(Misconception, (*self.misconceptions, *answers))
        object.__setattr__(self, "misconceptions", parts)
        others = [each for each in self.alternatives if not isinstance(each, Answer)]
        right = self._bound(Answer, (*self.alternatives, *answers))
        object.__setattr__(self, "alternatives", (*others, *right))
        same = {each.change: each.reason for each in answers if isinstance(each, Equivalent)}
        object.__setattr__(self, "equivalent_mutants", {**self.equivalent_mutants, **same})

    def _bound(self, kind: Any, known: Iterable[Any]) -> tuple[Any, ...]:
        """Those of a kind, as changes to the reference unless they were made to another one."""
        wanted = (each for each in known if isinstance(each, kind))
        return tuple(replace(each, reference=each.reference or self.reference) for each in wanted)


def sheet(slug: str, names: str, explain: int) -> list[Question]:
    """The questions of a chapter, each from its file, and last the one for words.

    Args:
        slug: of the chapter.
        names: of the questions and their files, in the order of the sheet, with spaces between.
        explain: the points that a person gives for the words.
    """
    parts = (importlib.import_module(f"genbook.checks.{slug}.{name}") for name in names.split())
    return [*(part.QUESTION for part in parts), Question(f"{slug}.explain", explain, manual=True)]


def slugs() -> list[str]:
    """The chapters that have questions."""
    import genbook.checks as package

    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in names if name != "machinery")


def questions(slug: str) -> list[Question]:
    """The questions of a chapter, in the order of its exercise sheet.

    Raises:
        ValueError: a slug without questions.
    """
    if slug not in slugs():
        raise ValueError(f"no questions for {slug!r}; there are some for {', '.join(slugs())}")
    found: list[Question] = importlib.import_module(f"genbook.checks.{slug}").QUESTIONS
    return found


def question(question_id: str) -> Question:
    """The question with this id.

    Raises:
        ValueError: an unknown id; the message has the nearest known ones.
    """
    slug = question_id.partition(".")[0] if isinstance(question_id, str) else ""
    if slug in slugs():
        for entry in questions(slug):
            if entry.id == question_id:
                return entry
    known = [entry.id for name in slugs() for entry in questions(name)]
    near = difflib.get_close_matches(str(question_id), known, n=3) or known
    raise ValueError(f"no question {question_id!r}; did you mean {', '.join(near)}?")
