"""Outcomes as JSON: what leaves the student's kernel, and how the grader reads it.

``emit`` is the part of a check that runs in the kernel: it calls the answer and sends the values.
The zygote imports it before any student's code runs, and it holds nothing secret: no reference, no
seed, no tolerance. It reads and measures with the functions of that time (``trusted``). What it
sends is worth something only if the numbers are right, so whoever patches it can only lose.

The grader unpickles nothing that a kernel wrote. A value becomes JSON of a few fixed forms, arrays
the base64 of their bytes, and ``decode`` accepts these forms only. Both directions are in one
module so that they cannot drift apart.

    None, true, 3, 0.5, "text"         themselves (other floats and long integers: see below)
    {"f": "nan"}  {"i": "0x1f…"}       floats that JSON lacks, integers beyond 2⁵³
    {"c": [re, im]}                    complex numbers
    {"l": […]}  {"m": [[key, …], …]}   lists and dictionaries
    {"a": base64, "t": "<f4", "s": [2, 3], "d": "float32", "v": "cpu"}   arrays and tensors
"""

from __future__ import annotations

import base64
import builtins
import json
import math
import re
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np

from genbook.checks.machinery import compare
from genbook.checks.machinery.run import Outcome, outcomes
from genbook.checks.machinery.trusted import measuring

__all__ = ["LIMIT", "MIME", "decode", "dumps", "emit", "encode", "loads", "outcome"]

MIME = "application/vnd.genbook.values+json"
LIMIT = 8 * 2**20  # bytes of JSON a question
_TEXT = 4_000
_DEEPEST = 25
_DTYPE = re.compile(r"[<>|=]?[biufc][0-9]{1,2}")
_WORDS = re.compile(r"[A-Za-z0-9_:]{1,40}")


def emit(payload: str, answer: Callable[[], Any], nonce: str, randomness: int = 0) -> None:
    """Try an answer on the cases of ``payload`` and publish what it did.

    Args:
        payload: base64 of the pickled pair (question without its reference, cases). The grader
            made it; pickles never travel the other way.
        answer: gives the student's function; raises NameError where there is none.
        nonce: comes back with the values, so that nothing sent earlier is taken for them.
        randomness: seed of the global generators, which an answer should leave alone.
    """
    from IPython.display import display

    with measuring():  # whatever the student's code has made of the tools
        entry, cases = cloudpickle.loads(base64.b64decode(payload))
    try:
        function = answer()
    except NameError as error:
        done = [Outcome("missing", problem=str(error), error=NotImplementedError)] * len(cases)
    else:
        if callable(function):
            done = outcomes(entry, function, cases, randomness)
        else:
            what = f"a {type(function).__name__} instead of a function: keep `def {entry.name}(…)`"
            done = [Outcome("unreadable", problem=what)] * len(cases)
    with measuring():
        text = dumps(done, nonce=nonce, question=entry.id)
    display({MIME: text}, raw=True)


def dumps(done: list[Outcome], **more: Any) -> str:
    """The outcomes of a question, and ``more``, as JSON text.

    An outcome whose value is too large to send becomes "unreadable".
    """
    rows = [_row(one) for one in done]
    text = json.dumps({**more, "outcomes": rows}, allow_nan=False)
    if len(text) <= LIMIT:
        return text
    large = Outcome("unreadable", problem="your function returned more than can be compared")
    return json.dumps({**more, "outcomes": [_row(large) for _ in done]})


def loads(text: Any) -> dict[str, Any]:
    """The object that ``dumps`` wrote, its outcomes still encoded.

    Raises:
        ValueError: not the text of such an object.
    """
    if not isinstance(text, str) or len(text) > LIMIT + 1000:
        raise ValueError("not a text, or too long")
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict) or not isinstance(found.get("outcomes"), list):
        raise ValueError("not an object with outcomes")
    return found


def _row(one: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": one.kind}
    try:
        if one.kind in ("value", "mutated"):
            row["value"] = encode(one.value)
    except (ValueError, RecursionError) as error:
        return {"kind": "unreadable", "problem": f"your function returned {error}"}
    if one.problem:
        row["problem"] = _clean(one.problem)
    if one.error is not None:
        row["error"] = [kind.__name__[:80] for kind in type.mro(one.error)][:12]
    return row


def _clean(text: str) -> str:
    """Text that survives any file: without lone surrogates, not too long."""
    return text[:_TEXT].encode("utf-8", "replace").decode()


def encode(value: Any) -> Any:
    """A value as ``compare.plain`` leaves it, in the forms of JSON above.

    Raises:
        ValueError: a value of no such form.
    """
    if value is None or type(value) is bool:
        return value
    if type(value) is str:
        return _clean(value)
    if type(value) is int:
        return value if abs(value) < 2**53 else {"i": hex(value)}
    if type(value) is float:
        return value if math.isfinite(value) else {"f": repr(value)}
    if type(value) is complex:
        return {"c": [encode(value.real), encode(value.imag)]}
    if type(value) is compare.Array:
        numbers = np.ascontiguousarray(value.values)
        data = base64.b64encode(numbers.tobytes()).decode("ascii")
        shape = list(value.values.shape)  # ascontiguousarray makes a number a row
        words = {"d": value.dtype[:40], "v": value.device[:40]}
        return {"a": data, "t": numbers.dtype.str, "s": shape, **words}
    if type(value) is list:
        return {"l": [encode(item) for item in value]}
    if type(value) is dict:
        return {"m": [[encode(key), encode(item)] for key, item in value.items()]}
    raise ValueError(f"an object of type {type(value).__name__}")


def outcome(row: Any) -> Outcome:
    """One outcome, from what a kernel sent.

    Raises:
        ValueError: anything that ``dumps`` would not have written.
    """
    if not isinstance(row, dict) or row.get("kind") not in (
        "value",
        "error",
        "missing",
        "signature",
        "unreadable",
        "mutated",
    ):
        raise ValueError("not an outcome")
    problem = row.get("problem", "")
    names = row.get("error")
    if not isinstance(problem, str):
        raise ValueError("a problem that is no text")
    if names is not None and not (
        isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    ):
        raise ValueError("an error without a name")
    kind = row["kind"]
    if kind in ("error", "missing") and names is None:
        raise ValueError("an error without a name")
    value = decode(row.get("value")) if kind in ("value", "mutated") else None
    return Outcome(kind, value, _clean(problem), _error(names) if names else None)


def _error(names: list[str]) -> type[BaseException]:
    """The class of an exception: Python's own by its name, another as a child of its parent.

    A name that is no word is that of no class.
    """
    if not all(name.isidentifier() for name in names):
        raise ValueError("an error without a name")
    for i, name in enumerate(names[:12]):
        found = getattr(builtins, name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found if i == 0 else type(names[0], (found,), {})
    raise ValueError("an error that is no exception")


def decode(value: Any, depth: int = 0) -> Any:
    """The inverse of ``encode``.

    Raises:
        ValueError: another form.
    """
    if depth > _DEEPEST:
        raise ValueError("lists within lists without end")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is not dict:
        raise ValueError("not a value")
    form = set(value)
    if form == {"l"} and type(value["l"]) is list:
        return [decode(item, depth + 1) for item in value["l"]]
    if form == {"m"} and type(value["m"]) is list:
        return _mapping(value["m"], depth)
    if form == {"f"} and value["f"] in ("nan", "inf", "-inf"):
        return float(value["f"])
    if form == {"i"} and type(value["i"]) is str and len(value["i"]) <= 100_000:
        return int(value["i"], 16)
    if form == {"c"} and type(value["c"]) is list and len(value["c"]) == 2:
        real, imaginary = (decode(part, depth + 1) for part in value["c"])
        if type(real) is type(imaginary) is float:
            return complex(real, imaginary)
    if form == {"a", "t", "s", "d", "v"}:
        return _array(value)
    raise ValueError("not a value")


def _mapping(pairs: list[Any], depth: int) -> dict[Any, Any]:
    found = {}
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2:
            raise ValueError("not a dictionary")
        key = decode(pair[0], depth + 1)
        if type(key) not in (str, int, float, bool):
            raise ValueError("not a key")
        found[key] = decode(pair[1], depth + 1)
    return found


def _array(value: dict[str, Any]) -> compare.Array:
    kind, shape, words = value["t"], value["s"], (value["d"], value["v"])
    if type(kind) is not str or not _DTYPE.fullmatch(kind):
        raise ValueError("not a type of numbers")
    if type(shape) is not list or len(shape) > 32:
        raise ValueError("not a shape")
    if not all(type(size) is int and 0 <= size < 2**40 for size in shape):
        raise ValueError("not a shape")
    if not all(type(word) is str and _WORDS.fullmatch(word) for word in words):
        raise ValueError("not the name of a type or device")
    if type(value["a"]) is not str:
        raise ValueError("not an array")
    data = base64.b64decode(value["a"], validate=True)  # binascii.Error is a ValueError
    try:
        numbers = np.frombuffer(data, dtype=np.dtype(kind)).reshape(shape)
    except TypeError as error:
        raise ValueError("not a type of numbers") from error
    return compare.Array(numbers, *words)
