"""Calls, values and errors as a student can read them: short, with shapes, never raising."""

from __future__ import annotations

import inspect
import linecache
import os
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np
import torch

from genbook.checks.machinery.compare import Array
from genbook.checks.machinery.registry import Case

__all__ = ["call", "error", "signature", "value"]

_WIDEST = 160
_FEW = 8


# Lines of these are not the student's.
_LIBRARIES = tuple(
    os.path.dirname(path)
    for path in (
        os.__file__,  # the standard library
        os.path.dirname(torch.__file__),  # site-packages
        os.path.dirname(os.path.dirname(__file__)),  # this package
    )
)


def value(item: Any, at: tuple[int, ...] | None = None) -> str:
    """A value in one line: small arrays in full, large ones by shape and some entries.

    Those are the first ones, or what is about the place ``at``.
    """
    try:
        return _value(item, at)
    except Exception:  # a number with too many digits, an object that refuses to be looked at
        return f"<{type(item).__name__}>"


def _value(item: Any, at: tuple[int, ...] | None) -> str:
    if isinstance(item, torch.Tensor):
        if item.device.type != "cpu" or item.layout != torch.strided:
            return f"tensor of shape {tuple(item.shape)} on {item.device}"
        dtype = str(item.dtype).removeprefix("torch.")
        return _numbers(item.detach().resolve_conj().double().numpy(), dtype, "tensor", at)
    if isinstance(item, np.ndarray):
        return _numbers(item, str(item.dtype), "array", at)
    if isinstance(item, Array):
        return _numbers(item.values, item.dtype, "array", at)
    if type(item) is float:
        return f"{item:.6g}"
    if type(item) in (list, tuple):
        if at and at[0] >= _FEW:
            begin = at[0] - 2
            shown = ", ".join(value(part) for part in item[begin : begin + 5])
            more = ", …" if begin + 5 < len(item) else ""
            return _cut(f"[…, {shown}{more}] from [{begin}], {len(item)} in all")
        inner = ", ".join(value(part) for part in item[:_FEW])
        more = f", … {len(item)} in all" if len(item) > _FEW else ""
        if type(item) is list:
            return _cut(f"[{inner}{more}]")
        return _cut(f"({inner}{',' if len(item) == 1 else ''}{more})")
    if type(item) is dict:
        return _cut("{" + ", ".join(f"{k!r}: {value(v)}" for k, v in item.items()) + "}")
    if type(item) in (str, int, bool, complex, type(None)):
        return _cut(repr(item))
    if inspect.isroutine(item):
        return _cut(f"<function {getattr(item, '__name__', '?')}>")
    if hasattr(item, "T") and isinstance(item.T, int):
        return f"{type(item).__name__}(T={item.T})"
    return f"<{type(item).__name__}>"


def call(name: str, function: Callable[..., Any] | None, case: Case) -> str:
    """The call of a case: ``step(xt=tensor(…), t=7, s=3)``, named as in the reference."""
    parts = [value(argument) for argument in case.args]
    try:
        bound = inspect.signature(function).bind(*case.args, **case.kwargs)  # type: ignore[arg-type]
        parts = [f"{key}={value(argument)}" for key, argument in bound.arguments.items()]
    except (TypeError, ValueError):
        parts += [f"{key}={value(argument)}" for key, argument in case.kwargs.items()]
    one_line = f"{name}({', '.join(parts)})"
    if len(one_line) <= 88:
        return one_line
    return f"{name}(\n" + "".join(f"      {part},\n" for part in parts) + "    )"


def signature(name: str, function: Callable[..., Any] | None) -> str:
    """``step(schedule, xt, eps, t, s, eta=0.0, noise=None)``, without annotations."""
    try:
        original = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return f"{name}(…)"
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in original.parameters.values()]
    return f"{name}{inspect.Signature(bare)}"


def error(problem: BaseException) -> str:
    """``ValueError: …``, and below it the line of the student's code in which it happened."""
    try:
        message = str(problem)
    except Exception:
        message = ""
    text = _cut(f"{type(problem).__name__}: {message}" if message else type(problem).__name__)
    line = _line(problem.__traceback__)
    return f"{text}\n    in {line}" if line else text


def _line(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    mine = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    if not mine or mine[-1].lineno is None:
        return ""
    source = linecache.getline(mine[-1].filename, mine[-1].lineno).strip()
    return f"line {mine[-1].lineno}: {source}" if source else f"line {mine[-1].lineno}"


def _numbers(numbers: np.ndarray, dtype: str, word: str, at: tuple[int, ...] | None) -> str:
    if numbers.size <= _FEW:
        listed = _listed(numbers)
        return f"{word}({listed}, {dtype})"
    whole = f"{word} of shape {numbers.shape}, {dtype}"
    if not at or len(at) != numbers.ndim or not any(at):
        return f"{whole}, {_listed(numbers.ravel()[:4])[:-1]}, …]"
    begin = max(0, min(at[-1] - 1, numbers.shape[-1] - 4))
    row = ", ".join(map(str, (*at[:-1], f"{begin}:{begin + 4}")))
    return f"{whole}, at [{row}]: {_listed(numbers[at[:-1]][begin : begin + 4])}"


def _listed(numbers: np.ndarray) -> str:
    digits: Any = {"float_kind": lambda number: f"{number:.4g}"}
    return " ".join(np.array2string(numbers, separator=", ", formatter=digits).split())


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
