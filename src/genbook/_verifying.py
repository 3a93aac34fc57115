"""What the four calls of ``verify`` share: the error, and values as arrays of finite numbers."""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

import numpy as np
import torch

_LABEL = re.compile(r"(eq|claim)-[a-z0-9][a-z0-9_-]*")


class VerificationError(AssertionError):
    """The claim does not hold, or the check given could not have told."""


def fail(label: str, reason: str) -> NoReturn:
    raise VerificationError(f"{label} ✗ {reason}")


def check_label(label: str) -> None:
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise ValueError(f"label {label!r} must look like eq-<slug>-<name> or claim-<slug>-<name>")


def numbers(label: str, value: Any, name: str) -> np.ndarray:
    """The value as a NumPy array, of numbers, on the same memory where that is possible."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg()
        value = value.double().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    array = np.asarray(value)
    if array.dtype == bool or array.dtype.kind not in "iufc":
        raise TypeError(
            f"{label}: {name} must be numbers, not {type(value).__name__} {value!r:.60}"
        )
    if array.size == 0:
        fail(label, f"{name} is empty.")
    return array


def finite(label: str, value: Any, name: str) -> np.ndarray:
    """The value in double precision, real or complex, without NaN and infinities."""
    array = numbers(label, value, name)
    array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    bad = int((~np.isfinite(array)).sum())
    if bad:
        fail(label, f"{bad} of {array.size} entries of {name} are NaN or infinite.")
    return array


def number(label: str, value: Any) -> float:
    """One number, not a boolean and not NaN."""
    if isinstance(value, bool | np.bool_) or getattr(value, "dtype", None) == torch.bool:
        fail(
            label, f"the value is {value}: claim a number, so that the reader sees how near it is."
        )
    try:
        given = float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{label}: value must be a number, not {type(value).__name__}") from error
    if math.isnan(given):
        fail(label, "the value is NaN.")
    return given


def worst(excess: np.ndarray) -> tuple[Any, str]:
    """The index of the largest entry, and the same in words for a message."""
    at = np.unravel_index(np.argmax(excess), excess.shape)
    return at, f" at index {tuple(int(i) for i in at)}" if excess.shape else ""
