"""Checkers that name the mistake: one registry entry per question of the exercises.

    check("ddim.step", step)

prints ``ddim.step ✓ 3/3 points, 7 cases``, or the first case in which the answer is wrong and,
where the outputs are those of a known misconception, a sentence about it. That case can be tried
again: ``step(*check.last.failing.args)``. A question for a pencil says which number is wrong, and
not what it should be. A cell of a sheet that uses an answer does so ``with once_answered(…)``, so
that "Run all" reaches the end of a sheet that nobody has answered yet. A chapter's entries are
the list ``QUESTIONS`` in ``genbook/checks/<slug>/__init__.py``, in the order of the sheet; each is
written in a file of its own beside it, as its ``QUESTION``: the reference, as the sheet's solution
has it, the cases, and the table of other answers, right and wrong (``answers``). What it needs is
imported from here, ``dataclass``, ``math``, ``np`` and ``torch`` included. What makes all work is
in ``genbook/checks/machinery/``.

What is asked of a question, by ``tests/test_checks.py``, which tries a single one by its id,
``pytest tests/test_checks.py -k "ddim.step"``:

- ``cases`` is defined in the question's own module, as it travels to another process with it; what
  it returns depends on the seed alone. Where nothing is given, it is ``pencil`` of a label.
- At least two other correct answers, written differently: all have all points.
- At least one misconception. Each is rejected and named, and its sentence ends in ``.``, ``?``,
  ``!`` or ``)``.
- Every mutant of the reference is killed by a case, or listed in the table as equivalent (``≡``)
  with the reason why it changes nothing.
- What a human marks (``manual=True``) or what is trained (``training``) has no cases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genbook.checks.machinery.misconception import Misconception, answers
from genbook.checks.machinery.randomness import generator
from genbook.checks.machinery.registry import (
    Case,
    Question,
    Training,
    pencil,
    question,
    questions,
    sheet,
    slugs,
)
from genbook.checks.machinery.result import Result
from genbook.checks.machinery.run import check
from genbook.checks.machinery.waiting import once_answered

__all__ = [
    "Case",
    "Misconception",
    "Question",
    "Result",
    "Tensor",
    "Training",
    "answers",
    "check",
    "dataclass",
    "generator",
    "math",
    "np",
    "once_answered",
    "pencil",
    "question",
    "questions",
    "sheet",
    "slugs",
    "torch",
]
