"""A class of students: files as they come out of Colab, the same ones from the same seed.

Each student has a talent, and with it each question is answered rightly (the sheet's way or
another), wrongly in a known way, with a typing error, or not at all. Some try things in cells of
their own: a value, a plot, something that raises, an experiment that takes two seconds. The files
keep nbgrader's metadata, which Colab leaves alone and nbgrader cannot do without. Cells that check
have the output that the student saw, because plain nbval compares with it.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import linecache
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.grading.answers import ALTERNATIVES, MISCONCEPTIONS, WORDS

__all__ = ["Sheet", "Student", "code", "make"]

ROOT = Path(__file__).parents[2]

# What students try, and how many in a hundred do.
VALUE = "NoiseSchedule.linear(1000).alpha_bars[::250]"
PLOT = """\
import matplotlib.pyplot as plt

plt.plot(NoiseSchedule.cosine(1000).alpha_bars, label="cosine")
plt.plot(NoiseSchedule.linear(1000).alpha_bars, label="linear")
plt.legend()
plt.show()"""
RAISES = "print(x_t.shape)"
SECONDS = 2
LONG = f"""\
import time

# does it get slower with more steps?
start, tries = time.perf_counter(), 0
while time.perf_counter() - start < {SECONDS}:
    torch.randn(64, 64) @ torch.randn(64, 64)
    tries += 1
print(tries)"""
EXTRAS = {VALUE: 30, PLOT: 10, RAISES: 8, LONG: 5}


@dataclass(frozen=True)
class Student:
    """A submission, what it is made of, and what it deserves.

    Attributes:
        name: also the name of the file, without ``.ipynb``.
        path: the file.
        kinds: for each question "solution", "alternative", "misconception", "typo", "syntax" or
            "blank".
        points: for each question that is not read by a person.
    """

    name: str
    path: Path
    kinds: Mapping[str, str]
    points: Mapping[str, int]


class Sheet:
    """An exercise sheet: its cells, and all the ways we know of answering its questions."""

    def __init__(self, slug: str, root: Path = ROOT) -> None:
        self.slug = slug
        self.notebook = json.loads((root / "exercises" / f"{slug}.ipynb").read_text())
        solved = json.loads((root / "solutions" / f"{slug}.ipynb").read_text())
        self.solutions = {
            question: _without_markers(source) for question, source in _answers(solved).items()
        }
        self.blanks = _answers(self.notebook)
        self.points = {
            cell["metadata"]["nbgrader"]["grade_id"].removesuffix("-check").replace("-", "."): int(
                cell["metadata"]["nbgrader"]["points"]
            )
            for cell in self.notebook["cells"]
            if _role(cell) == "check"
        }

    def ways(self, question: str) -> dict[str, list[str]]:
        """The answers of each kind."""
        solution, blank = self.solutions[question], self.blanks[question]
        head, _, _ = solution.partition("\n    ")
        ways = {
            "solution": [solution],
            "alternative": ALTERNATIVES.get(question, []),
            "misconception": list(MISCONCEPTIONS.get(question, {}).values()),
            "typo": [f"{head}\n    result = 0.5\n    return resutl"],
            "syntax": [f"{head}\n    return (1 - 0.2 * (0.8 / 0.6)"],
            "blank": [blank],
        }
        return {kind: texts for kind, texts in ways.items() if texts}


def make(folder: Path, submissions: int, slug: str = "ddim", seed: int = 0) -> list[Student]:
    """Write the files of a class into ``folder`` and say what each is worth."""
    sheet = Sheet(slug)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _student(sheet, folder, f"s{number:03d}", random.Random(f"{seed} {number}"))
        for number in range(1, submissions + 1)
    ]


def code(cell: Mapping[str, Any]) -> str:
    """The source of a cell, however it is stored."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _student(sheet: Sheet, folder: Path, name: str, dice: random.Random) -> Student:
    talent = dice.betavariate(4, 1.6)
    kinds: dict[str, str] = {}
    written: dict[str, str] = {}
    for question in sheet.points:
        ways = sheet.ways(question)
        right = [kind for kind in ("solution", "alternative") if kind in ways]
        if dice.random() < talent:
            kinds[question] = dice.choice(right)
        else:
            wrong = {"misconception": 6, "blank": 4, "typo": 2, "syntax": 1}
            known = [kind for kind in wrong if kind in ways]
            (kinds[question],) = dice.choices(known, [wrong[kind] for kind in known])
        written[question] = dice.choice(ways[kinds[question]])
    words = dice.choice(WORDS) if dice.random() < talent else ""
    tried = [text for text, percent in EXTRAS.items() if dice.random() < percent / 100]
    notebook = _filled(sheet, written, words, tried, dice)
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(notebook, indent=2, ensure_ascii=False), encoding="utf-8")
    points = {
        question: sheet.points[question] * (kind in ("solution", "alternative"))
        for question, kind in kinds.items()
    }
    return Student(name, path, kinds, points)


def _filled(
    sheet: Sheet, written: dict[str, str], words: str, tried: list[str], dice: random.Random
) -> dict[str, Any]:
    """The notebook as Colab stores it: its own ids in the metadata, minor version 0."""
    setup = next(code(cell) for cell in sheet.notebook["cells"] if "import torch" in code(cell))
    cells, count, current = [], 0, ""
    for original in sheet.notebook["cells"]:
        cell = copy.deepcopy(original)
        cell.pop("id", None)
        role, source = _role(cell), code(cell)
        if role == "answer":
            current = cell["metadata"]["genbook"]["question"]
            source = written[current]
        elif role == "manual" and words:
            source = words
        outputs = _seen(setup, written[current], source) if role == "check" else []
        cells.append(_stored(cell, source, outputs))
    after_imports = 1 + next(i for i, cell in enumerate(cells) if "import torch" in code(cell))
    for text in tried:
        place = dice.randrange(after_imports, len(cells))
        cells.insert(place, _stored({"cell_type": "code", "metadata": {}}, text, []))
    for cell in cells:
        cell["metadata"]["id"] = f"{dice.getrandbits(48):012x}"
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
    return {
        "nbformat": 4,
        "nbformat_minor": 0,
        "metadata": {
            "colab": {"provenance": []},
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        },
        "cells": cells,
    }


def _stored(cell: dict[str, Any], source: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    cell["source"] = source.rstrip("\n").splitlines(keepends=True)
    if cell["cell_type"] == "code":
        cell["outputs"], cell["execution_count"] = outputs, None
    return cell


@cache
def _seen_text(setup: str, answer: str, check: str) -> str:
    """What ``check`` prints to the student; nothing where it cannot even be called."""
    # Registered under a name, so that messages can quote the line that raised.
    name = f"<cell {hash(answer)}>"
    linecache.cache[name] = (len(answer), None, answer.splitlines(keepends=True), name)
    names: dict[str, Any] = {}
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        exec(setup, names)
        try:
            exec(compile(answer, name, "exec"), names)
            exec(check, names)
        except (SyntaxError, NameError):
            return ""
    return text.getvalue()


def _seen(setup: str, answer: str, check: str) -> list[dict[str, Any]]:
    text = _seen_text(setup, answer, check)
    if not text:
        return []
    lines = text.splitlines(keepends=True)
    return [{"output_type": "stream", "name": "stdout", "text": lines}]


def _role(cell: Mapping[str, Any]) -> str:
    """``answer``, ``check``, ``manual`` or nothing, from nbgrader's metadata."""
    data = cell["metadata"].get("nbgrader")
    if data is None:
        return ""
    return "check" if not data["solution"] else "manual" if data["grade"] else "answer"


def _answers(notebook: Mapping[str, Any]) -> dict[str, str]:
    return {
        cell["metadata"]["genbook"]["question"]: code(cell)
        for cell in notebook["cells"]
        if _role(cell) == "answer"
    }


def _without_markers(source: str) -> str:
    """A solution without nbgrader's marks and without what students were given instead."""
    kept, given = [], False
    for line in source.splitlines():
        mark = line.strip()
        if mark in ("### BEGIN GIVEN", "### END GIVEN"):
            given = mark == "### BEGIN GIVEN"
        elif not given and mark not in ("### BEGIN SOLUTION", "### END SOLUTION"):
            kept.append(line)
    return "\n".join(kept)
