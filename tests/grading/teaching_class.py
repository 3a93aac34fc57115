"""A small class to practise on: thirty submissions of the sheet on DDIM, as they come in.

    python tests/grading/teaching_class.py FOLDER [STUDENTS]

writes them to FOLDER: solved, wrong in known ways, blank, damaged, late, renamed. Nobody in it is
real, and the same call writes the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus_entry as sheet

__all__ = ["EXPLAINED", "MACHINE", "fair", "make", "names"]

Notebook = dict[str, Any]
Change = Callable[[Notebook], None]

MACHINE = sum(sheet.POINTS.values())
"""The points that a machine gives: all but those of the last question."""

EXPLAINED = (
    "She measured two nearly deterministic samplers. Without the roots her sigma is far too small, "
    "so nothing looked broken. With the right one, few steps would have left noise in the images."
)

_STEP = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n"
_TIMES = 'def timesteps(T, steps, spacing="linear"):\n'
_STRAIGHT = "def slerp(u, v, w):\n    return (1 - w) * u + w * v"
_FORGETS = _STEP + (
    "    x0 = (xt - schedule.b(t) * eps) / schedule.a(t)\n"
    "    return schedule.a(s) * x0 + schedule.b(s) * eps"
)
_ASCENDS = _TIMES + (
    '    power = 1 if spacing == "linear" else 2\n'
    "    return [round(T * (i / steps) ** power) for i in range(steps + 1)]"
)


def _answers(**sources: str) -> Change:
    def change(notebook: Notebook) -> None:
        for question, source in sources.items():
            sheet.put(notebook, question, source)

    return change


def _stubs(*questions: str) -> Change:
    """These questions as the sheet has them."""

    def change(notebook: Notebook) -> None:
        path = sheet.ROOT / "exercises" / "ddim.ipynb"
        blank = json.loads(path.read_text(encoding="utf-8"))
        for question in questions:
            stub = "".join(sheet.cell(blank, question)["source"])
            sheet.put(notebook, question, stub)

    return change


def _blank(notebook: Notebook) -> None:
    _stubs("by_hand", "timesteps", "step", "slerp", "sample", "order", "explain")(notebook)


def _renamed(notebook: Notebook) -> None:
    """The answer has a name of its own, and so has the call of the check."""
    answer = "".join(sheet.cell(notebook, "slerp")["source"])
    sheet.put(notebook, "slerp", answer.replace("def slerp(", "def my_slerp("))
    for part in notebook["cells"]:
        part["source"] = "".join(part["source"]).replace(
            'check("ddim.slerp", slerp)', 'check("ddim.slerp", my_slerp)'
        )


def _stripped(notebook: Notebook) -> None:
    """As some programs save: without ids and metadata."""
    notebook["nbformat_minor"] = 0
    for part in notebook["cells"]:
        part["metadata"] = {}
        part.pop("id", None)


def _shuffled(notebook: Notebook) -> None:
    """Cells copied below the last one, the first left where they were, as stubs."""
    copied = [dict(sheet.cell(notebook, name)) for name in ("by_hand", "timesteps")]
    _stubs("by_hand", "timesteps")(notebook)
    for part in copied:
        sheet.insert(notebook, len(notebook["cells"]), sheet.code("".join(part["source"])))


def _installs(notebook: Notebook) -> None:
    sheet.insert(notebook, 1, sheet.code("!pip install tqdm\n%matplotlib inline"))


# What is done to the solved sheet, and the questions that are lost; student by student, in turn.
_KINDS: tuple[tuple[Change | None, tuple[str, ...]], ...] = (
    (None, ()),
    (_answers(slerp=_STRAIGHT), ("slerp",)),
    (_answers(step=_FORGETS), ("step",)),
    (_renamed, ()),
    (_stubs("order", "sample"), ("order", "sample")),
    (_answers(timesteps=_ASCENDS), ("timesteps",)),
    (_installs, ()),
    (_stripped, ()),
    (_answers(timesteps=_ASCENDS, slerp=_STRAIGHT), ("timesteps", "slerp")),
    (_blank, tuple(name.removeprefix("ddim.") for name in sheet.POINTS)),
    (_shuffled, ()),
    (_answers(slerp="def slerp(u, v, w:\n    return u"), ("slerp",)),
    (_answers(step=_STEP + "    import os\n    os._exit(0)"), ("step",)),
)
_NAMES = ["ada", "alan", "alonzo", "barbara", "claude", "donald", "dorothy", "edsger", "emmy"]
_NAMES += ["ernst", "frances", "grace", "hedy", "ida", "john", "kathleen", "katherine", "leslie"]
_NAMES += ["lotfi", "margaret", "mary", "niklaus", "olga", "radia", "sophie", "tim"]
_LOST = {"victor": "zero", "walter": "zero", "xenia": "zero", "yuri": "salvaged"}


def names(students: int = 30) -> list[str]:
    """Who is in the class, six or more: the last four hand in files that are no whole notebooks."""
    return [*_NAMES[: students - len(_LOST)], *_LOST]


def fair(student: str) -> int | None:
    """The points that a machine should give; None where a file is so damaged that it depends."""
    if student in _LOST:
        return 0 if _LOST[student] == "zero" else None
    lost = _KINDS[_NAMES.index(student) % len(_KINDS)][1]
    return MACHINE - sum(sheet.POINTS[f"ddim.{name}"] for name in lost)


def make(folder: Path, students: int = 30) -> None:
    """Write the class."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(_NAMES[: students - len(_LOST)]):
        notebook = sheet.full()
        sheet.put(notebook, "explain", EXPLAINED)
        change = _KINDS[number % len(_KINDS)][0]
        if change is not None:
            change(notebook)
        (folder / f"{name}.ipynb").write_bytes(sheet.encoded(notebook))
    whole = sheet.encoded(sheet.full())
    late = sheet.full()
    sheet.put(late, "explain", "I know now: the roots are missing.")
    (folder / "alan_late.ipynb").write_bytes(sheet.encoded(late))
    if (folder / "barbara.ipynb").exists():
        (folder / "barbara (1).ipynb").write_bytes(whole)
    (folder / "victor.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n")
    (folder / "walter.ipynb").write_bytes(b"")
    (folder / "xenia.ipynb").write_bytes(b"<!doctype html><title>Sign in</title>")
    (folder / "yuri.ipynb").write_bytes(whole[: len(whole) * 2 // 3])


if __name__ == "__main__":
    make(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
