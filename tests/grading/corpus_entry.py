"""What an entry of the corpus of submissions is, and the words to write one in a few lines.

An entry changes the solved sheet ``ddim``: the exercises with every answer put in. So whatever it
does not touch is honest work, and a fair grader gives full marks for it.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

from genbook import checks

__all__ = [
    "POINTS",
    "WRONG",
    "Entry",
    "cell",
    "code",
    "edited",
    "encoded",
    "full",
    "insert",
    "locate",
    "markdown",
    "put",
    "solution",
]

Notebook = dict[str, Any]
Scores = dict[str, float] | Literal["full", "zero"]

ROOT = Path(__file__).resolve().parents[2]


def _worth(slug: str, *names: str) -> dict[str, int]:
    questions = [checks.question(f"{slug}.{name}") for name in names]
    return {question.id: question.points for question in questions}


# The questions that a machine marks, and what they are worth.
POINTS = _worth("ddim", "by_hand", "timesteps", "step", "slerp", "sample", "order")

OTHER_POINTS = {
    "objects": _worth(
        "objects",
        *("predict", "views", "places", "storages", "film", "plan", "average", "with_weights"),
    )
}
"""The same of other sheets of which there are entries."""

# A wrong answer to each question, of which nobody could say that it is nearly right. All but the
# first take the arguments of the question, so that what is refused is their values.
WRONG = {
    "ddim.by_hand": "def by_hand():\n    return 0.0, 0.0, 0.0",
    "ddim.timesteps": "def timesteps(T, steps, spacing='linear'):\n    return [T] * (steps + 1)",
    "ddim.step": "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n    return xt * 0",
    "ddim.slerp": "def slerp(u, v, w):\n    return u * 0",
    "ddim.sample": "def sample(model, schedule, xT, steps):\n    return xT * 0",
    "ddim.order": "def order(sampler, exact, steps):\n    return -7.0",
}

_CATEGORIES = ("cheat", "crash", "resource", "escape", "honest", "colab", "file")


@dataclass(frozen=True)
class Entry:
    """One submission and its fair score.

    Args:
        name: also the student's name and the name of the file; letters, digits and hyphens.
        category: what kind of trouble it is.
        make: from the solved notebook to the bytes that are handed in.
        scores: the points of the questions that differ from full marks, or one word for all.
        status: of the row; "review" where a person has to look.
        why: one sentence on why this is the fair score.
        expect: the status of questions, where the reason for the zero matters.
        only: the sandbox levels in which it can be tried; empty for all.
        suffix: of the file.
        sheet: that is changed.
    """

    name: str
    category: str
    make: Callable[[Notebook], bytes]
    scores: Scores
    status: Literal["graded", "review"]
    why: str
    expect: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    suffix: str = ".ipynb"
    sheet: str = "ddim"

    @property
    def possible(self) -> dict[str, int]:
        """The questions of its sheet that a machine marks, and what they are worth."""
        return OTHER_POINTS.get(self.sheet, POINTS)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"{self.name!r} is no name of an entry")
        if self.category not in _CATEGORIES:
            raise ValueError(f"{self.name}: no category {self.category!r}")
        named = [*self.expect, *(self.scores if isinstance(self.scores, dict) else ())]
        if unknown := [name for name in named if name not in self.possible]:
            raise ValueError(f"{self.name}: no questions {unknown}")

    def points(self) -> dict[str, float]:
        """The fair points of every question that a machine marks."""
        if self.scores == "zero":
            return dict.fromkeys(self.possible, 0)
        return {**self.possible, **(self.scores if isinstance(self.scores, dict) else {})}


def edited(
    name: str,
    category: str,
    why: str,
    *,
    answers: Mapping[str, str] | None = None,
    first: str = "",
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
    last: str = "",
    wrong: tuple[str, ...] = (),
    scores: Scores | None = None,
    status: Literal["graded", "review"] = "graded",
    expect: Mapping[str, str] | None = None,
    only: tuple[str, ...] = (),
    sheet: str = "ddim",
) -> Entry:
    """An entry that puts code of the student into the solved notebook.

    Questions are called by the part of their id behind the dot.

    Args:
        name: see Entry, as ``category``, ``why``, ``status``, ``only`` and ``sheet``.
        answers: what replaces the answer cells.
        first: a cell below the book's own imports.
        before: cells above answer cells.
        after: cells between answer cells and their checks.
        last: a cell at the end.
        wrong: the questions that are answered as in WRONG.
        scores: zero for the questions in ``wrong`` and ``answers``, where nothing else is said.
        expect: as in Entry.
    """
    wrongly = {q: WRONG[f"{sheet}.{q}"] for q in wrong}
    given = {**wrongly, **(answers or {})}

    def make(notebook: Notebook) -> bytes:
        for question, source in given.items():
            put(notebook, question, source)
        for question, source in (before or {}).items():
            insert(notebook, locate(notebook, question), code(source))
        for question, source in (after or {}).items():
            insert(notebook, locate(notebook, question) + 1, code(source))
        if first:
            insert(notebook, locate(notebook, f"{sheet}-02") + 1, code(first))
        if last:
            insert(notebook, len(notebook["cells"]), code(last))
        return encoded(notebook)

    if scores is None:
        scores = {f"{sheet}.{question}": 0 for question in given}
    elif isinstance(scores, dict):
        scores = {f"{sheet}.{question}": points for question, points in scores.items()}
    expected = {f"{sheet}.{question}": word for question, word in (expect or {}).items()}
    return Entry(name, category, make, scores, status, why, expected, only, sheet=sheet)


def full(sheet: str = "ddim") -> Notebook:
    """The solved sheet: a new copy of the exercises with the answers of the solutions."""
    return copy.deepcopy(_full(sheet))


@functools.cache
def _full(sheet: str) -> Notebook:
    exercises, solutions = (
        json.loads((ROOT / folder / f"{sheet}.ipynb").read_text(encoding="utf-8"))
        for folder in ("exercises", "solutions")
    )
    solved = {part["id"]: part for part in solutions["cells"]}
    for part in exercises["cells"]:
        if "question" in part["metadata"].get("genbook", {}):
            part["source"] = _without_markers("".join(solved[part["id"]]["source"]))
    return exercises


def _without_markers(source: str) -> str:
    source = re.sub(r"\n *### BEGIN GIVEN\n.*?### END GIVEN", "", source, flags=re.DOTALL)
    return re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", source, flags=re.MULTILINE).rstrip()


def solution(question: str) -> str:
    """The code that answers a question right."""
    return cell(full(), question)["source"]


def locate(notebook: Notebook, name: str) -> int:
    """The place of a cell, by its id or by the last part of the id of the question it answers."""
    ids = [part.get("id") for part in notebook["cells"]]
    own = (f"{sheet}-{name}" for sheet in ("ddim", *OTHER_POINTS))
    return ids.index(next((full_id for full_id in own if full_id in ids), name))


def cell(notebook: Notebook, name: str) -> dict[str, Any]:
    """A cell, found as by ``locate``."""
    found: dict[str, Any] = notebook["cells"][locate(notebook, name)]
    return found


def put(notebook: Notebook, name: str, source: str) -> None:
    """Write other code or text into a cell; its id and metadata stay."""
    cell(notebook, name)["source"] = dedent(source).strip("\n")


def insert(notebook: Notebook, place: int, new: dict[str, Any]) -> None:
    """Put a cell of the student's own at a place; its id depends on nothing but the place."""
    taken = {part.get("id") for part in notebook["cells"]}
    number = next(n for n in range(1000) if f"own-{place}-{n}" not in taken)
    notebook["cells"].insert(place, {**new, "id": f"own-{place}-{number}"})


def code(source: str) -> dict[str, Any]:
    """A code cell."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": dedent(source).strip("\n"),
    }


def markdown(source: str) -> dict[str, Any]:
    """A cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": dedent(source).strip("\n")}


def encoded(notebook: Notebook) -> bytes:
    """The notebook as a file."""
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()
