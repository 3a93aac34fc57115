"""Questions that are answered by a network: its weights are exported, and judged anywhere else.

The check in the notebook and the grader use one function, ``judge_weights``, on the same bytes: a
safetensors file. Nothing of the student's runs there. The weights go into the network that the
registry builds, after their header has been read with suspicion: a file can claim anything.

The check leaves the bytes in two places, ``<id>.safetensors`` in the working folder and an HTML
comment in the output of its cell. So it is enough to hand in the notebook.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from genbook.checks.machinery import show
from genbook.checks.machinery.randomness import own_randomness
from genbook.checks.machinery.registry import Question
from genbook.checks.machinery.result import Result, points, zero

__all__ = [
    "LARGEST",
    "LIMIT",
    "embedded",
    "export",
    "hand_in",
    "intact",
    "judge_weights",
    "verdict",
]

LIMIT = 300_000  # bytes of a file: 400 KB as base64
SLACK = 3.0  # standard errors by which a grader's value may miss the bound, see judge_weights
_MOST_SLACK = 0.1  # of the bound

_LONGEST_HEADER = 64 * 1024
LARGEST = LIMIT + _LONGEST_HEADER  # bytes of a file that is judged
_TYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
# A little more room than hand_in takes: a program between may have spaced it otherwise.
_COMMENT = re.compile(r"<!--\s{0,9}genbook-weights:([\w.]{1,80}):([A-Za-z0-9+/=]+)\s{0,9}-->")


class BadWeights(ValueError):
    """The weights cannot be judged; the text says why, to the student."""


def verdict(entry: Question, answer: Any, seed: int = 0) -> tuple[Result, bytes]:
    """Judge a network, or the function that trains one; with it the weights as handed in.

    Never raises for a wrong answer. The bytes are empty where there are no weights to hand in.
    """
    try:
        with own_randomness(0):
            network = _network(entry, answer)
        data = export(network)
        _read(entry, data)
    except NotImplementedError:
        return zero(entry, "not answered yet"), b""
    except BadWeights as reason:
        return zero(entry, str(reason)), b""
    return judge_weights(entry, data, seed, slack=0.0), data


def judge_weights(entry: Question, data: bytes, seed: int, slack: float = SLACK) -> Result:
    """The verdict on the bytes of a safetensors file, whoever they come from.

    Args:
        entry: a question with ``training``.
        data: the file. Size, header, types, keys and shapes are checked before anything is loaded.
        seed: of the data that the network is tried on; the student's check has seed 0.
        slack: standard errors by which the value may miss the bound. Other data give another value:
            with the default, a network that just passed its student's check fails here less than
            once in fifty times. It is never more than a tenth of the bound: the network has a say
            in the error, too, and one that is right nearly nowhere and enormous at a few points
            has an error as large as its value.
    """
    training = entry.training
    assert training is not None
    try:
        network = _read(entry, data)
        with own_randomness(0), torch.no_grad():
            value, error = training.score(network, seed)
    except BadWeights as reason:
        return zero(entry, str(reason))
    sign = 1 if training.better == "lower" else -1
    limit = "at most" if sign > 0 else "at least"
    asked = f"{limit} {training.bound:g} is asked for"
    if not math.isfinite(value) or not math.isfinite(error):
        return zero(entry, f"the {training.quantity} of your network is not a number: {asked}")
    found = f"{training.quantity} {value:.3g} ± {error:.1g}"
    missed = sign * (value - training.bound)
    if missed <= min(slack * error, _MOST_SLACK * abs(training.bound)):
        within = ", and it is within the error" if missed > 0 else ""
        message = f"{entry.id} ✓ {entry.points}/{points(entry.points)}, {found} ({asked}{within})"
        return Result(entry.points, entry.points, message)
    with own_randomness(0), torch.no_grad():
        detail, name = training.diagnose(network, seed)
    lines = [f"{found}, but {asked}"]
    lines += [f"  {detail}"] if detail else []
    known = next((known for known in entry.misconceptions if known.name == name), None)
    lines += [f"  → {known.sentence}"] if known else []
    return zero(entry, "\n".join(lines), known.name if known else None)


def intact(data: bytes) -> bool:
    """Whether it is a whole safetensors file of numbers, whatever network they are of."""
    try:
        _header(data)
    except BadWeights:
        return False
    return True


def hand_in(entry: Question, data: bytes) -> None:
    """Leave the weights in the working folder and, under IPython, in the output of the cell."""
    if not data:
        return
    file = Path(f"{entry.id}.safetensors")
    try:
        file.write_bytes(data)
        where = f"in {file} and in this notebook"
    except OSError:  # a folder that cannot be written to: the notebook is enough
        where = "in this notebook"
    text = f"The weights of {entry.id} ({len(data) / 1000:.0f} kB) are kept {where}."
    comment = f"<!-- genbook-weights:{entry.id}:{base64.b64encode(data).decode()} -->"
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is not None:  # type: ignore[no-untyped-call]
        bundle = {"text/plain": text, "text/html": f"<small>{text}</small>\n{comment}"}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


def embedded(pages: Iterable[str], question_id: str, most: int = 3) -> list[bytes]:
    """The weights of a question in the HTML outputs of a notebook, the last ones first.

    What is too large or no base64 is passed over, and so are repetitions.
    """
    found: list[bytes] = []
    for page in reversed(list(pages)):
        for match in reversed(list(_COMMENT.finditer(page))):
            if match[1] != question_id or len(match[2]) > LIMIT * 4 // 3 + 4:
                continue
            try:
                data = base64.b64decode(match[2], validate=True)
            except binascii.Error:
                continue
            if data not in found:
                found.append(data)
            if len(found) == most:
                return found
    return found


def export(network: nn.Module) -> bytes:
    """The weights of a network as a safetensors file.

    Raises:
        BadWeights: it has none, or such that cannot be handed in.
    """
    tensors: dict[str, Tensor] = {}
    try:
        for key, value in network.state_dict().items():
            # A copy of its own: safetensors refuses tensors that share memory.
            tensors[key] = value.detach().to("cpu", copy=True).contiguous()
    except Exception as error:
        raise BadWeights(
            f"the weights of your network cannot be read: {show.error(error)}"
        ) from error
    wrong = [key for key, value in tensors.items() if not value.isfinite().all()]
    if wrong:
        raise BadWeights(
            f"{len(wrong)} of the {len(tensors)} tensors of your network hold NaN or infinite "
            f"numbers, the first is {wrong[0]!r}: the training diverged; try a smaller learning "
            "rate"
        )
    size = sum(value.nbytes for value in tensors.values())
    if size > LIMIT:
        raise BadWeights(
            f"your network has {size} bytes of weights, and {LIMIT} can be handed in: is it the "
            "network of the question?"
        )
    return safetensors.torch.save(tensors)


def _network(entry: Question, answer: Any) -> nn.Module:
    """The network that an answer is or trains.

    Raises:
        BadWeights: neither, or the training failed.
        NotImplementedError: the stub's.
    """
    wanted = f"give the network, or the function that trains it and returns it: {entry.name}"
    if isinstance(answer, nn.Module):
        return answer
    if isinstance(answer, type) or not callable(answer):
        kind = answer.__name__ if isinstance(answer, type) else type(answer).__name__
        word = "the class" if isinstance(answer, type) else "an object of type"
        raise BadWeights(f"this is {word} {kind}; {wanted}")
    try:
        network = answer()
    except (NotImplementedError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a student may call exit()
        raise BadWeights(f"your code raised {show.error(error)}") from None
    if network is None:
        raise BadWeights("your function returned None: is a `return` missing?")
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        raise BadWeights(f"your function returned an object of type {kind}; {wanted}")
    return network


def _read(entry: Question, data: bytes) -> nn.Module:
    """The network of the question with these weights, in evaluation mode.

    Raises:
        BadWeights: a file that is not what it should be.
    """
    assert entry.training is not None
    header = _header(data)
    network = entry.training.build()
    own = network.state_dict()
    _refuse_other_keys(list(own), list(header))
    for key, value in own.items():
        shape = tuple(value.shape)
        if header[key] != shape:
            raise BadWeights(
                f"the weights do not fit the network of the question: {key!r} should have shape "
                f"{shape}, not {header[key]}"
            )
    try:
        network.load_state_dict(safetensors.torch.load(data))
    except (safetensors.SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise BadWeights("the weights are damaged: they cannot be read") from error
    # After loading: a number of float64 may be infinite in the network's float32.
    wrong = [key for key, value in network.state_dict().items() if not value.isfinite().all()]
    if wrong:
        raise BadWeights(f"the weights hold NaN or infinite numbers, in {wrong[0]!r} for one")
    return network.eval()


def _refuse_other_keys(own: list[str], given: list[str]) -> None:
    missing = [key for key in own if key not in given]
    unexpected = [key for key in given if key not in own]
    parts = [f"{len(missing)} missing, the first is {missing[0]!r}"] if missing else []
    if unexpected:
        parts.append(f"{len(unexpected)} unexpected, the first is {_short(unexpected[0])!r}")
    if parts:
        reason = "the weights do not fit the network of the question: "
        raise BadWeights(reason + "; ".join(parts))


def _header(data: bytes) -> dict[str, tuple[int, ...]]:
    """The shapes that a safetensors file claims, once they agree with its types and its size.

    Nothing is allocated by what the file says: a tensor's bytes must lie in the file.

    Raises:
        BadWeights: no safetensors file, or one of another kind.
    """
    if len(data) > LARGEST:
        raise BadWeights(f"the file of weights has more than {LARGEST} bytes")
    damaged = BadWeights("the weights are no safetensors file, or a damaged one")
    if len(data) < 8:
        raise damaged
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(len(data) - 8, _LONGEST_HEADER):
        raise damaged
    try:
        entries = json.loads(data[8 : 8 + length].decode())
    except (ValueError, RecursionError):
        raise damaged from None
    if not isinstance(entries, dict):
        raise damaged
    entries.pop("__metadata__", None)
    room = len(data) - 8 - length
    shapes, used = {}, 0
    for key, entry in entries.items():
        shape, used_here = _claim(key, entry, room, damaged)
        shapes[key], used = shape, used + used_here
    if used != room:
        raise damaged
    return shapes


def _claim(key: str, entry: Any, room: int, damaged: BadWeights) -> tuple[tuple[int, ...], int]:
    """Shape and bytes of one tensor of a header."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise damaged
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _TYPES:
        raise BadWeights(f"{_short(key)!r} is of type {_short(str(kind))}, not of a float type")
    numbers = [shape, offsets]
    if not all(isinstance(n, list) and all(type(i) is int and i >= 0 for i in n) for n in numbers):
        raise damaged
    if len(shape) > 8 or len(offsets) != 2 or any(size > room for size in shape):
        raise damaged
    size = math.prod(shape) * _TYPES[kind]
    if not 0 <= offsets[0] <= offsets[1] <= room or offsets[1] - offsets[0] != size:
        raise damaged
    return tuple(shape), size


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
