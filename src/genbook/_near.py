"""Near mistakes: what each check of ``verify`` must refuse, by name.

A check that accepts the truth and refuses nonsense proves little. The mistakes that people make lie
near: t for t − 1, a lost root or half, the other sign. So a mistake counts as near when its value
is of the claim's order, between a tenth and ten times its size, in at least one of the entries in
which it differs. Refusing what is farther off is easy, and an author could hide behind it.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from genbook import _symbolic
from genbook._verifying import fail, finite

Rejects = Mapping[str, Any]

FARTHEST = 10.0
_WIDTH = 88
_LONGEST_NAME = 60
_UNFIT = re.compile(r"[,;\n]|^\s|\s$|^$")  # the line's own signs, and names that are not seen


def named(label: str, rejects: Rejects | None) -> Iterator[tuple[str, Any]]:
    """Each near mistake with its value; functions of no argument are called now.

    Raises:
        TypeError: not a dictionary of names and values.
        ValueError: empty, or a name that the printed line cannot carry.
    """
    if rejects is None:
        return
    if not isinstance(rejects, Mapping):
        raise TypeError(
            f"{label}: rejects must be a dictionary of names and values, like "
            f"{{'missing square root': beta}}, not {type(rejects).__name__}"
        )
    if not rejects:
        raise ValueError(f"{label}: rejects is empty: name a near mistake, or leave it out")
    for name in rejects:
        if not isinstance(name, str) or _UNFIT.search(name) or len(name) > _LONGEST_NAME:
            raise ValueError(
                f"{label}: the name {name!r} of a near mistake must be 1 to {_LONGEST_NAME} "
                "characters on one line, without comma or semicolon"
            )
    for name, value in rejects.items():
        computed = inspect.isroutine(value) or isinstance(value, functools.partial)
        yield name, value() if computed else value


def values(label: str, name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The value of a near mistake, which must have the shape of the claim's."""
    wrong = finite(label, value, name)
    if wrong.shape != shape:
        fail(label, f"the near mistake “{name}” has shape {wrong.shape} and expected {shape}.")
    return wrong


def check_near(label: str, name: str, wrong: np.ndarray, right: np.ndarray, scale: float) -> None:
    """Refuse a mistake that is far from the claim in every entry in which it differs.

    ``scale`` is the size of an entry whose right value is zero.
    """
    differs = wrong != right
    size = np.where(right == 0, scale, np.abs(right))[differs]
    other = np.abs(wrong)[differs]
    small = np.where(right[differs] == 0, 0.0, size / FARTHEST)
    if not ((small <= other) & (other <= FARTHEST * size)).any():
        if not differs.any():
            fail(label, f"the near mistake “{name}” has the claim's own value.")
        far(label, name)


def far(label: str, name: str) -> None:
    fail(
        label,
        f"the near mistake “{name}” is far from the claim: it is more than {FARTHEST:g} times, or "
        f"less than a {FARTHEST:g}th of, its size wherever they differ, and refusing it is easy. "
        "Name a nearer one, or compare at inputs where it is near.",
    )


def check_expression(label: str, name: str, wrong: Any, lhs: Any, rhs: Any) -> None:
    """Refuse a wrong right-hand side with which the identity would still hold, or a far one."""
    true, false = _symbolic.pairs(lhs, rhs), _symbolic.pairs(lhs, wrong)
    both = [(right, side) for (_, right), (_, side) in zip(true, false, strict=True)]
    different = [(right, side) for right, side in both if not _symbolic.vanishes(side - right)]
    if not different:
        fail(label, f"the near mistake “{name}” is accepted too: it equals the right side.")
    ratios = [ratio for right, side in different for ratio in _symbolic.ratios(side, right)]
    if not any(ratio is None or 1 / FARTHEST <= ratio <= FARTHEST for ratio in ratios):
        far(label, name)


def line(first: str, rejects: list[str]) -> str:
    """The printed line: what was checked, and what it refuses, at most 88 characters wide.

    Where it would be wider it goes on in lines that begin with two spaces.
    """
    if not rejects:
        return first
    lines = [f"{first};"]
    words = ["refuses:", *(f"{name}," for name in rejects[:-1]), rejects[-1]]
    for word in words:
        room = len(lines[-1]) + 1 + len(word) <= _WIDTH
        if room:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return "\n".join(lines)
