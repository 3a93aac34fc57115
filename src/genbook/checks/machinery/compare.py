"""Values of students: copied, read without trusting them, and compared.

A student's value may be anything, so nothing of it is called: it is taken apart by its exact type
into NumPy arrays, numbers, strings, lists and dictionaries (``plain``), and those are compared.
"""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch

from genbook.checks.machinery.trusted import theirs

__all__ = [
    "Array",
    "Unreadable",
    "bare",
    "clone",
    "difference",
    "mismatch",
    "plain",
    "same",
    "text",
]

_MOST_ITEMS = 10_000
_END = object()
_DEEPEST = 20


class Unreadable(Exception):
    """A value that is not made of numbers, arrays, strings, lists and dictionaries."""


@dataclasses.dataclass(frozen=True)
class Array:
    """An array or tensor as it came: its values, and the words that describe its type."""

    values: np.ndarray
    dtype: str
    device: str = "cpu"


def clone(value: Any) -> Any:
    """A deep copy for one call. Copies generators of random numbers too, which deepcopy cannot."""
    if isinstance(value, torch.Generator):
        return value.clone_state()
    if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if type(value) in (list, tuple):
        return type(value)(clone(item) for item in value)
    if type(value) is dict:
        return {key: clone(item) for key, item in value.items()}
    try:
        return copy.deepcopy(value)
    except Exception:  # a model that cannot be copied is shared: better than no case at all
        return value


def bare(value: Any, most: int = _MOST_ITEMS) -> Any:
    """The value with nothing in it that can answer otherwise when it is asked again.

    Lists, tuples and dictionaries of a class of their own become plain ones, and so do what
    iterates, as far as ``most`` items, and tensors, on the same storage. All else is as it is.
    """
    kind = type(value)
    if kind in (torch.Tensor, torch.nn.Parameter):
        return value
    if issubclass(kind, torch.Tensor):
        # What has a history keeps it, and what has none gets none.
        leaf = torch._C.TensorBase.is_leaf.__get__(value)  # type: ignore[attr-defined]
        with torch._C.DisableTorchFunctionSubclass(), torch.set_grad_enabled(not leaf):
            return torch.Tensor.as_subclass(value, torch.Tensor)
    if issubclass(kind, list):
        return [bare(item, most) for item in list.__iter__(value)]
    if issubclass(kind, tuple):
        return tuple(bare(item, most) for item in tuple.__iter__(value))
    if issubclass(kind, dict):
        return {k: bare(v, most) for k, v in dict.items(value) if type(k) in (str, int)}
    if issubclass(kind, Generator | Iterator | Mapping):
        steps: Any = theirs(dict, value) if issubclass(kind, Mapping) else theirs(iter, value)
        if type(steps) is dict:
            return bare(steps, most)
        found: list[Any] = []
        while len(found) < most and (item := theirs(next, steps, _END)) is not _END:
            found.append(bare(item, most))
        return found
    return value


def plain(value: Any) -> Any:
    """The value made of None, bool, int, float, complex, str, ``Array``, list and dict only.

    Tuples and generators become lists. Raises Unreadable, with a reason, for all else.
    """
    return _plain(value, [_MOST_ITEMS], 0)


def _plain(value: Any, budget: list[int], depth: int) -> Any:
    kind = type(value)
    budget[0] -= 1
    if budget[0] < 0:
        raise Unreadable(f"more than {_MOST_ITEMS} items: does your generator or loop end?")
    if depth > _DEEPEST:
        raise Unreadable("lists within lists without end")
    if value is None or kind in (bool, int, float, complex, str):
        return value
    if issubclass(kind, torch.Tensor):
        return _tensor(value)
    if issubclass(kind, np.ndarray):
        return _array(np.ndarray.view(value, np.ndarray))
    if issubclass(kind, np.generic):
        return _array(np.asarray(value))
    if kind in (Fraction, Decimal):
        return float(value)
    if issubclass(kind, list | tuple):
        items = list.__iter__(value) if issubclass(kind, list) else tuple.__iter__(value)
        return [_plain(item, budget, depth + 1) for item in items]
    if issubclass(kind, dict):
        return {
            key: _plain(item, budget, depth + 1)
            for key, item in dict.items(value)
            if type(key) in (str, int, float, bool)
        }
    if issubclass(kind, Generator | Iterator | range):
        # Each item is read when it comes: a generator may write over what it gave before.
        steps, found = theirs(iter, value), []
        while (item := theirs(next, steps, _END)) is not _END:
            found.append(_plain(item, budget, depth + 1))
        return found
    sympy = sys.modules.get("sympy")
    if sympy is not None and issubclass(kind, sympy.Expr) and value.is_number:
        return float(value)
    raise Unreadable(_what(value))


def _what(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__} instead of a value"
    if type(value).__name__ in ("function", "method", "builtin_function_or_method"):
        return "a function instead of a value: were its parentheses forgotten?"
    return f"an object of type {type(value).__name__}, which cannot be compared"


def _tensor(value: torch.Tensor) -> Array:
    # A subclass may answer questions about itself as it likes; read the plain tensor underneath.
    with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
        if type(value) is not torch.Tensor:
            value = torch.Tensor.as_subclass(value, torch.Tensor)
        device, name = str(value.device), str(value.dtype).removeprefix("torch.")
        if value.is_meta:
            return Array(np.zeros(tuple(value.shape)), name, device)
        try:
            dense = value.detach() if value.layout == torch.strided else value.detach().to_dense()
            dense = dense.cpu().resolve_conj().resolve_neg()
            if dense.dtype in (torch.bfloat16, torch.float16):
                dense = dense.float()
            return Array(dense.numpy().copy(), name, device)
        except (RuntimeError, TypeError) as error:
            raise Unreadable(f"a tensor of type {name} that cannot be read") from error


def _array(value: np.ndarray) -> Array:
    if value.dtype.kind not in "biufc":
        raise Unreadable(f"a NumPy array of type {value.dtype}, which does not hold numbers")
    return Array(value.copy(), str(value.dtype))


def mismatch(got: Any, expected: Any, rtol: float, atol: float, loose: bool = False) -> str:
    """Why two plain values differ, in words for the student; the empty string if they agree.

    Numbers, arrays and lists of numbers are interchangeable when their shapes agree, and so are
    float32 and float64; an array of whole numbers (indices, times) must have whole numbers.

    ``loose`` is for comparing answers with one another, right or wrong: NaN equals NaN, and 3.0 may
    stand for 3 everywhere.
    """
    if got is None and expected is not None:
        return "your function returned None: is a `return` missing?"
    if isinstance(expected, dict):
        return _differ_dict(got, expected, rtol, atol, loose)
    if isinstance(expected, list) and not _numeric(expected):
        return _differ_list(got, expected, rtol, atol, loose)
    if expected is None or isinstance(expected, str):
        agree = type(got) is type(expected) and got == expected
        return "" if agree else f"expected {expected!r}, got {_name(got)}"
    return _differ_numbers(got, expected, rtol, atol, loose)


class Difference(NamedTuple):
    """The parts of two values in which they differ, and where in them, if they are arrays."""

    got: Any
    expected: Any
    place: tuple[int, ...] | None = None


def difference(got: Any, expected: Any, rtol: float, atol: float) -> Difference:
    """The innermost parts of two plain values in which they differ first."""
    keys: Iterable[Any] = ()
    if isinstance(expected, dict) and isinstance(got, dict) and set(got) == set(expected):
        keys = expected
    elif isinstance(expected, list) and not _numeric(expected) and isinstance(got, list):
        keys = range(len(expected)) if len(got) == len(expected) else ()
    for key in keys:
        if mismatch(got[key], expected[key], rtol, atol):
            return difference(got[key], expected[key], rtol, atol)
    if not _numeric(got) or not _numeric(expected):
        return Difference(got, expected)
    try:
        left, right = _as_array(got).values, _as_array(expected).values
    except (ValueError, TypeError, OverflowError):
        return Difference(got, expected)
    if left.shape != right.shape or not left.size or left.dtype.kind == "b":
        return Difference(got, expected)
    with np.errstate(all="ignore"):
        error = np.abs(left - right) - rtol * np.abs(right)
    worst = np.argmax(np.where(np.isfinite(left), error, np.inf))
    return Difference(got, expected, tuple(map(int, np.unravel_index(worst, left.shape))))


def _differ_dict(got: Any, expected: dict[Any, Any], *how: Any) -> str:
    if not isinstance(got, dict):
        return f"expected a dictionary, got {_name(got)}"
    if set(got) != set(expected):
        return f"expected the keys {sorted(map(text, expected))}, got {sorted(map(text, got))}"
    for key in expected:
        if reason := mismatch(got[key], expected[key], *how):
            return f"entry {key!r}: {reason}"
    return ""


def _differ_list(got: Any, expected: list[Any], *how: Any) -> str:
    if isinstance(got, Array) and got.values.ndim:
        got = [Array(row, got.dtype, got.device) for row in got.values]
    if not isinstance(got, list):
        return f"expected {len(expected)} values (a tuple or a list), got {_name(got)}"
    if len(got) != len(expected):
        return f"expected {len(expected)} values, got {len(got)}"
    for i, (one, other) in enumerate(zip(got, expected, strict=True)):
        if reason := mismatch(one, other, *how):
            return f"value {i + 1} of {len(expected)}: {reason}"
    return ""


def _differ_numbers(got: Any, expected: Any, rtol: float, atol: float, loose: bool) -> str:
    if not _numeric(got):
        return f"expected {_name(expected)}, got {_name(got)}"
    try:
        one, other = _as_array(got), _as_array(expected)
    except (ValueError, TypeError, OverflowError):
        if isinstance(expected, list):
            return _differ_list(got, expected, rtol, atol, loose)  # row by row
        if type(got) is type(expected) is int and got == expected:
            return ""
        return f"expected {_name(expected)}, got a list of unequal rows or a number beyond all size"
    if one.device != other.device:
        return f"the result is on device {one.device}, but the inputs are on {other.device}"
    if one.values.shape != other.values.shape:
        if isinstance(got, list) and one.values.ndim == other.values.ndim == 1:
            entries = f"{one.values.size} entr{'y' if one.values.size == 1 else 'ies'}"
            return f"it has {entries}, expected {other.values.size}"
        return f"the shape is {one.values.shape}, expected {other.values.shape}"
    left, right = one.values, other.values
    wrong_kind = (left.dtype.kind == "b") != (right.dtype.kind == "b")
    whole = right.dtype.kind in "iu" and right.ndim > 0 and not loose
    if wrong_kind or (whole and left.dtype.kind not in "iu"):
        return f"the dtype is {one.dtype}, expected {other.dtype}"
    if left.dtype.kind == "c" and right.dtype.kind != "c":
        return f"the result is complex ({one.dtype}), expected {other.dtype}"
    if left.dtype.kind in "biu" and right.dtype.kind in "biu":
        wrong = left != right
        if not wrong.any():
            return ""
        error = np.abs(left.astype(float) - right.astype(float))
        return _numbers(left, right, error, wrong, one)
    with np.errstate(all="ignore"):
        left, right = left.astype(np.complex128), right.astype(np.complex128)
        bad = ~np.isfinite(left) & np.isfinite(right)
        if bad.any():
            word = "NaN" if np.isnan(left[bad]).any() else "infinite"
            return f"{int(bad.sum())} of {bad.size} values are {word}"
        error = np.abs(left - right)
        equal = (left == right) | (loose & np.isnan(left) & np.isnan(right))
        wrong = ~(equal | (error <= atol + rtol * np.abs(right)))
    return _numbers(one.values, other.values, error, wrong, one) if wrong.any() else ""


def _numbers(
    left: np.ndarray, right: np.ndarray, error: np.ndarray, wrong: np.ndarray, got: Array
) -> str:
    worst = np.unravel_index(np.argmax(np.where(wrong, error, -1.0)), error.shape)
    note = " (half precision loses digits: work in float32)" if "16" in got.dtype else ""
    if not error.shape:
        return f"got {_digits(left[()])}, expected {_digits(right[()])}{note}"
    index = ", ".join(str(int(i)) for i in worst)
    return (
        f"{int(wrong.sum())} of {wrong.size} values differ, most at [{index}]: "
        f"got {_digits(left[worst])}, expected {_digits(right[worst])}{note}"
    )


def _digits(number: Any) -> str:
    item = np.asarray(number).item()
    return f"{item:.6g}" if isinstance(item, float | complex) else text(item)


def text(item: Any) -> str:
    """A key or number as text. Python writes no whole number of more than 4300 digits."""
    try:
        return str(item)
    except ValueError:
        return "a number beyond all size"


def _numeric(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > 0 and all(_numeric(item) and not _shaped(item) for item in value)
    return isinstance(value, Array | bool | int | float | complex)


def _shaped(value: Any) -> bool:
    return isinstance(value, Array) and value.values.ndim > 0


def _as_array(value: Any) -> Array:
    if isinstance(value, Array):
        return value
    array = np.asarray(_bare(value))
    if array.dtype.kind == "O":  # whole numbers beyond 64 bits
        array = array.astype(float)
    return Array(array, {"b": "bool", "i": "int", "u": "int"}.get(array.dtype.kind, "float"))


def _bare(value: Any) -> Any:
    if isinstance(value, Array):
        return value.values.item()
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _name(value: Any) -> str:
    if isinstance(value, Array):
        return f"numbers of shape {value.values.shape}" if value.values.ndim else "a number"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if value is None:
        return "None"
    if isinstance(value, bool):
        return f"the truth value {value}"
    kinds: dict[type, str] = {list: "a list", dict: "a dictionary"}
    return kinds.get(type(value), "a number")


def same(one: Any, other: Any, depth: int = 0) -> bool:
    """Whether an argument still is what it was before the call, bit for bit (NaN equals NaN)."""
    if type(one) is not type(other) or depth > _DEEPEST:
        return type(one) is type(other)
    if isinstance(one, bool | int | float | str | complex):
        return one == other or one != one
    if isinstance(one, torch.Generator):  # drawing from it is what it is for
        return True
    if isinstance(one, torch.Tensor):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return bool(((one == other) | ((one != one) & (other != other))).all())
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and np.array_equal(
            one, other, equal_nan=one.dtype.kind in "fc"
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(
            same(a, b, depth + 1) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, Mapping):
        return set(one) == set(other) and all(same(one[k], other[k], depth + 1) for k in one)
    if isinstance(one, torch.nn.Module):
        return same(dict(one.state_dict()), dict(other.state_dict()), depth + 1)
    if hasattr(one, "__dict__") and not isinstance(one, type) and not callable(one):
        before, after = dict(vars(one)), dict(vars(other))
        for name, kept in before.items():  # what an object keeps for later may have grown
            grown = after.get(name)
            if name.startswith("_") and isinstance(kept, dict) and isinstance(grown, dict):
                after[name] = {key: grown[key] for key in kept if key in grown}
        return same(before, after, depth + 1)
    return True
