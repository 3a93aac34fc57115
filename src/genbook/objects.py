"""Names, objects and tensors: which objects are the same, and which share their numbers.

    same_object(a, b)      two names, one object?
    shares_storage(a, b)   two objects, but the same numbers underneath?
    describe(x)            what x is, in words that are the same in every run
    snapshot(x)            x as it is now, whatever happens to x later
    EMA(model, decay)      the average of a network's weights, with numbers of its own

Two tensors can be two objects on the same numbers. The chapter's bugs live in that gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from genbook._snapshot import snapshot
from genbook.ema import EMA

__all__ = ["EMA", "describe", "same_object", "shares_storage", "snapshot"]

_IMMUTABLE = (
    *(type(None), bool, int, float, complex, str, bytes, range, slice),
    *(np.number, np.bool_, np.datetime64),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format),
)


def same_object(a: object, b: object) -> bool:
    """Whether two names are bound to one object: ``a is b``.

    Equal values are not enough, and for tensors the answer can be False although a write through
    one is seen through the other: then ask ``shares_storage``.
    """
    return a is b


def shares_storage(a: Any, b: Any) -> bool:
    """Whether any number of ``a`` lies in the same storage as any number of ``b``.

    True for a tensor and its views, for a tensor and the NumPy array made from it, and
    also for two slices of one storage that do not overlap. False for copies, and for
    what holds no numbers.

    Memory that is borrowed in pieces is known by its pieces: ``torch.from_numpy`` of
    two halves of an array, or ``np.frombuffer`` of two halves of some bytes, share
    nothing with each other. And a file that was mapped twice (``np.memmap``) is two
    stretches of memory, although a write goes to both.

    Args:
        a, b: tensors, NumPy arrays, networks (parameters and buffers), or lists, tuples
            and dictionaries of these, such as a ``state_dict``.

    Raises:
        TypeError: for anything else, which has no storage to speak of.
    """
    first, second = list(_storages(a)), list(_storages(b))
    return any(one.meets(other) for one in first for other in second)


# It moved with NumPy 2.
_byte_bounds = (np.lib.array_utils if hasattr(np.lib, "array_utils") else np).byte_bounds  # type: ignore[attr-defined,unused-ignore]


class _Storage(NamedTuple):
    """A run of bytes in the memory of a device; ``key`` tells storages without addresses apart."""

    device: str
    start: int
    stop: int
    key: int

    def meets(self, other: _Storage) -> bool:
        if self.device == "meta":
            return self.key == other.key
        return self.device == other.device and self.start < other.stop and other.start < self.stop


def _storages(value: Any) -> Iterator[_Storage]:
    if isinstance(value, nn.Module):
        for tensor in (*value.parameters(), *value.buffers()):
            yield from _storages(tensor)
    elif isinstance(value, Tensor):
        if value.layout != torch.strided:
            raise TypeError(f"a tensor of layout {value.layout} is spread over several storages")
        if value.numel() == 0:
            return
        storage = value.untyped_storage()
        # Addresses decide where there are any: a slice of an array that became a tensor has a
        # storage object of its own, on the same memory.
        start = storage.data_ptr()
        yield _Storage(str(storage.device), start, start + storage.nbytes(), storage._cdata)
    elif isinstance(value, np.ndarray):
        # A view knows whose view it is; the last in the chain owns the memory or borrows a
        # tensor's. ``as_strided`` has an object between the two.
        if value.size == 0:
            return
        base = value.base
        if base is not None and not isinstance(base, np.ndarray | Tensor):
            base = getattr(base, "base", None)
        if isinstance(base, np.ndarray | Tensor):
            yield from _storages(base)
        else:
            start, stop = _byte_bounds(value)
            yield _Storage("cpu", start, stop, 0)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _storages(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _storages(item)
    else:
        raise TypeError(
            f"{type(value).__name__} has no storage: give tensors, arrays, networks, or lists, "
            "tuples and dictionaries of these"
        )


def describe(value: Any) -> str:
    """What an object is, in one line: its type, whether it can change, and for tensors which
    numbers of which storage they see.

    The line has no addresses in it, so it is the same in every run.

    >>> describe(torch.zeros(3, 4)[:, 1])
    'Tensor (3,) of float32, a view: 3 of the 12 numbers of its storage'
    >>> describe(([1], 2))
    'tuple of 2, immutable, but it holds what can change'
    """
    kind = type(value).__name__
    if isinstance(value, Tensor):
        return _describe_tensor(value)
    if isinstance(value, np.ndarray):
        own = "owns its numbers" if value.flags.owndata else "a view"
        return f"{kind} {value.shape} of {value.dtype}, {own}"
    if isinstance(value, nn.Module):
        names = len(list(value.named_parameters(remove_duplicate=False)))
        tensors = list(value.parameters())
        count = f"{sum(p.numel() for p in tensors)} parameters in {len(tensors)} tensors"
        shared = f" under {names} names" if names > len(tensors) else ""
        return f"{kind}, mutable, {count}{shared}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, _IMMUTABLE):
        shown = repr(value.item() if isinstance(value, np.generic) else value)
        return f"{kind} {shown if len(shown) <= 40 else shown[:37] + '...'}, immutable"
    if isinstance(value, tuple | frozenset):
        holds = "" if _fixed(value) else ", but it holds what can change"
        return f"{kind} of {len(value)}, immutable{holds}"
    try:
        size = f" of {len(value)}"
    except Exception:  # it has no length, or refuses to say
        size = ""
    return f"{kind}{size}, mutable"


def _fixed(value: Any) -> bool:
    """Whether nothing in a value can change, however deep one looks."""
    if isinstance(value, tuple | frozenset):
        return all(_fixed(item) for item in value)
    return isinstance(value, _IMMUTABLE)


def _describe_tensor(value: Tensor) -> str:
    kind = type(value).__name__
    words = f"{kind} {tuple(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
    if value.layout != torch.strided:
        return f"{words}, layout {str(value.layout).removeprefix('torch.')}"
    held = value.untyped_storage().nbytes() // value.element_size()
    seen = _different_places(value)
    if seen < value.numel():
        return f"{words}, a view: {seen} of the {held} numbers of its storage, some seen repeatedly"
    if seen < held:
        return f"{words}, a view: {seen} of the {held} numbers of its storage"
    return f"{words}, all {held} numbers of its storage"


def _different_places(value: Tensor) -> int:
    """How many numbers of its storage a tensor sees, each counted once."""
    if value.numel() == 0:
        return 0
    axes = sorted((s, n) for n, s in zip(value.shape, value.stride(), strict=True) if n > 1 and s)
    seen, reach = 1, 0
    for stride, length in axes:
        if stride <= reach:  # the axes overlap, as those of ``unfold`` do: look at every place
            places = np.zeros(1, dtype=np.int64)
            for step, count in axes:
                places = np.unique(places[:, None] + step * np.arange(count))
            return len(places)
        seen, reach = seen * length, reach + (length - 1) * stride
    return seen
