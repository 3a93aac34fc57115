"""Names, objects and tensors: which objects are the same, and which share their numbers.

    same_object(a, b)      two names, one object?
    shares_storage(a, b)   two objects, but the same numbers underneath?
    describe(x)            what x is, in words that are the same in every run
    snapshot(x)            x as it is now, whatever happens to x later
    EMA(model, decay)      the average of a network's weights, with numbers of its own

Two tensors can be two objects on the same numbers. The chapter's bugs live in that gap.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

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

    True for a tensor and its views, for a tensor and the NumPy array made from it, and also for two
    slices of one storage that do not overlap. False for copies, and for what holds no numbers.

    Memory that is borrowed in pieces is known by its pieces: ``torch.from_numpy`` of two halves of
    an array, or ``np.frombuffer`` of two halves of some bytes, share nothing with each other. And a
    file that was mapped twice (``np.memmap``) is two stretches of memory, although a write goes to
    both.

    Args:
        a, b: tensors, NumPy arrays, networks (parameters and buffers), or lists, tuples and
            dictionaries of these, such as a ``state_dict``.

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
        # tensor's. `as_strided` has an object between the two.
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
        if stride <= reach:  # the axes overlap, as those of `unfold` do: look at every place
            places = np.zeros(1, dtype=np.int64)
            for step, count in axes:
                places = np.unique(places[:, None] + step * np.arange(count))
            return len(places)
        seen, reach = seen * length, reach + (length - 1) * stride
    return seen


def snapshot(value: Any) -> Any:
    """``value`` as it is now: a deep copy that nothing done to the original can change.

    Tensors come without their history and own exactly the numbers they show; a slice does not take
    the rest of its storage along. That holds for tensors in lists, tuples, dictionaries and
    dataclasses, however deep. Networks come frozen (``requires_grad`` off, no gradients), in the
    mode they were in. Two names for one object inside ``value`` are two names for one copy.

    Objects of any other class are left to ``copy.deepcopy``: a slice in one keeps its whole
    storage, a tensor with a history raises a RuntimeError, and files, locks and whatever else
    cannot be copied raise a TypeError.
    """
    return _snapshot(value, {})


def _snapshot(value: Any, memo: dict[int, Any]) -> Any:
    if id(value) in memo:
        return memo[id(value)]
    result: Any
    if isinstance(value, nn.Module):
        result = copy.deepcopy(value, memo)
        for parameter in result.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None
    elif isinstance(value, Tensor):
        result = value.detach().clone()
    elif isinstance(value, torch.Generator):
        result = value.clone_state()
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        result = type(value)(*(_snapshot(item, memo) for item in value))
    elif type(value) is tuple:
        result = tuple(_snapshot(item, memo) for item in value)
    elif type(value) is list:
        result = memo[id(value)] = []  # known before it is filled: it may hold itself
        result.extend(_snapshot(item, memo) for item in value)
    elif type(value) in (dict, OrderedDict, defaultdict):
        result = memo[id(value)] = copy.copy(value)
        for key, item in value.items():
            result[key] = _snapshot(item, memo)
        # A state_dict carries the versions of its modules in an attribute.
        for key, item in getattr(value, "__dict__", {}).items():
            setattr(result, key, _snapshot(item, memo))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        result = memo[id(value)] = copy.copy(value)
        for field in dataclasses.fields(value):
            item = _snapshot(getattr(value, field.name), memo)
            object.__setattr__(result, field.name, item)  # also if it is frozen
    else:
        result = copy.deepcopy(value, memo)
    memo[id(value)] = result
    return result


class EMA:
    r"""Exponential moving average of a network's parameters.

    $\bar\theta_n = d_n\,\bar\theta_{n-1} + (1 - d_n)\,\theta_n$ with
    $d_n = \min(\text{decay}, \frac{1 + n}{10 + n})$: at first the average follows the network
    closely, so that the random start is forgotten, then it slows down.

    The average owns its storage: it starts as a *copy* of the parameters. An average that refers to
    the parameters themselves would track the network silently. Parameters of half precision are
    averaged in float32, where a step of `1 - decay` is not rounded away. Tied parameters stay tied.

    Buffers (running statistics, say) and whole numbers are not averaged but copied. The statistics
    of a batch norm are then those of the network and not of its average: pass some data through the
    averaged network in training mode before you use it.

    Args:
        model: the network to follow; its parameters, those it has then, are read at each `update`.
        decay: in [0, 1).
        warmup: False keeps the decay constant.

    Raises:
        TypeError: if model is no network, or decay no number; or if the state of the network holds
            more than parameters and buffers (`get_extra_state`).
        ValueError: if decay is out of range.

    Source: Polyak and Juditsky 1992; warm-up as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, model: nn.Module, decay: float = 0.999, warmup: bool = True) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a network (nn.Module), not {type(model).__name__}")
        if not isinstance(decay, int | float) or isinstance(decay, bool):
            raise TypeError(f"decay must be a number in [0, 1), not {decay!r}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), not {decay}")
        self.model = model
        self.decay = float(decay)
        self.warmup = warmup
        self.updates = 0
        self._inside = 0
        state = model.state_dict(keep_vars=True)
        self.average: OrderedDict[str, Tensor] = OrderedDict()
        # The versions of the modules, which `load_state_dict` asks for.
        self.average._metadata = snapshot(state._metadata)  # type: ignore[attr-defined]
        # By name: the tensor, its dictionary, or the whole layer may be replaced later.
        self._places: list[tuple[Tensor, str, str]] = []
        copies: dict[int, Tensor] = {}
        for name, value in state.items():
            if id(value) not in copies:  # else a second name: tied weights have one average
                path, _, key = name.rpartition(".")
                _present(model, path, key)
                copies[id(value)] = _accumulator(value)
                self._places.append((copies[id(value)], path, key))
            self.average[name] = copies[id(value)]

    def decay_at(self, n: int) -> float:
        r"""The decay $d_n$ of the n-th update, n = 1, 2, …"""
        return min(self.decay, (1 + n) / (10 + n)) if self.warmup else self.decay

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network's present parameters; call it after each training
        step.

        Raises:
            RuntimeError: inside `applied()`, where the network holds the average itself; or if the
                network has changed such that the average does not fit (another device or shape, a
                tensor that is gone). Then nothing is changed.
        """
        if self._inside:
            raise RuntimeError("update() inside applied() would average the average with itself")
        averages: list[Tensor] = []
        values: list[Tensor] = []
        copied: list[tuple[Tensor, Tensor]] = []
        for average, path, key in self._places:
            value, trained = _present(self.model, path, key)
            if value.device != average.device:
                raise RuntimeError(
                    f"the average is on {average.device} and the network on {value.device}: "
                    "move the network first, then make its EMA"
                )
            if value.shape != average.shape:
                raise RuntimeError(
                    f"{'.'.join(filter(None, (path, key)))!r} has shape {tuple(average.shape)} in "
                    f"the average and {tuple(value.shape)} in the network: make a new EMA"
                )
            if trained and (value.is_floating_point() or value.is_complex()):
                averages.append(average)
                values.append(value if value.dtype == average.dtype else value.to(average.dtype))
            else:
                copied.append((average, value))
        for average, value in copied:
            average.copy_(value)
        self.updates += 1
        if averages:
            # One fused call for all parameters: a loop over them takes three times as long.
            torch._foreach_lerp_(averages, values, 1 - self.decay_at(self.updates))

    def copy_to(self, model: nn.Module) -> nn.Module:
        """Load the average into `model`, a network of the same shape, and return it.

        Raises:
            ValueError: if the average does not fit (names the first tensor that does not).
        """
        _check_fit(self.average, model.state_dict(), "the network")
        model.load_state_dict(self.average)
        return model

    @contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """A context in which the network has the averaged weights; it gets its own back in any
        case.

        >>> with ema.applied() as model:          # doctest: +SKIP
        ...     x = ddpm.sample(model, schedule, (16, 1, 8, 8))
        """
        own = snapshot(self.model.state_dict())
        self._inside += 1
        try:
            yield self.copy_to(self.model)
        finally:
            self._inside -= 1
            self.model.load_state_dict(own)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on: a copy that later updates do not change."""
        return {
            "decay": self.decay,
            "warmup": self.warmup,
            "updates": self.updates,
            "average": snapshot(self.average),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`; nothing is changed if it does not fit.

        Raises:
            ValueError: if it is no state of an EMA, or of another network's (names the first tensor
                that differs).
        """
        missing = [key for key in ("decay", "updates", "average") if key not in state]
        if missing:
            raise ValueError(f"no state of an EMA: it has no {missing[0]!r}")
        average = state["average"]
        _check_fit(average, self.average, "this one")
        for name, value in self.average.items():
            value.copy_(average[name])
        self.decay, self.updates = state["decay"], state["updates"]
        self.warmup = state.get("warmup", self.warmup)


def _present(model: nn.Module, path: str, key: str) -> tuple[Tensor, bool]:
    """The tensor that a network has under a name now, and whether it is a parameter."""
    name = ".".join(filter(None, (path, key)))
    if key == "_extra_state":
        raise TypeError(f"an average has parameters and buffers, and {name!r} is neither")
    try:
        module = model.get_submodule(path)
    except AttributeError:
        module = nn.Module()  # gone, and its tensors with it
    for held, trained in ((module._parameters, True), (module._buffers, False)):
        value = held.get(key)
        if value is not None:
            return value, trained
    raise RuntimeError(
        f"the network has no tensor {name!r} any more: change its layers first, then make its EMA"
    )


def _accumulator(value: Tensor) -> Tensor:
    """A copy to average in, with enough digits for small steps."""
    copied = value.detach().clone()
    return copied.float() if value.dtype in (torch.float16, torch.bfloat16) else copied


def _check_fit(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    """Raise ValueError, with the first tensor that is missing, not wanted, or of another shape."""
    differing = sorted(given.keys() ^ wanted.keys())
    if differing:
        raise ValueError(f"the average belongs to another network: {differing[0]!r} is in one only")
    for name, value in wanted.items():
        if given[name].shape != value.shape:
            raise ValueError(
                f"the average belongs to another network: {name!r} has shape "
                f"{tuple(given[name].shape)} in it and {tuple(value.shape)} in {where}"
            )
