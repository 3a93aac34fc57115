"""The average of a network's weights, with numbers of its own.

Taught by the chapter ``objects``: why the average must be a copy, and why it warms up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from genbook._snapshot import snapshot

__all__ = ["EMA"]


class EMA:
    r"""Exponential moving average of a network's parameters.

    $\bar\theta_n = d_n\,\bar\theta_{n-1} + (1 - d_n)\,\theta_n$ with
    $d_n = \min(\text{decay}, \frac{1 + n}{10 + n})$: at first the average follows the network
    closely, so that the random start is forgotten, then it slows down.

    The average owns its storage: it starts as a *copy* of the parameters. An average that refers to
    the parameters themselves would track the network silently. Parameters of half precision are
    averaged in float32, where a step of ``1 - decay`` is not rounded away. Tied parameters stay
    tied.

    Buffers (running statistics, say) and whole numbers are not averaged but copied. The statistics
    of a batch norm are then those of the network and not of its average: pass some data through the
    averaged network in training mode before you use it.

    Args:
        model: the network to follow; its parameters, those it has then, are read at each
            ``update``.
        decay: in [0, 1).
        warmup: False keeps the decay constant.

    Raises:
        TypeError: if model is no network, or decay no number; or if the state of the network holds
            more than parameters and buffers (``get_extra_state``).
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
        # The versions of the modules, which ``load_state_dict`` asks for.
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
        """Move the average towards the network's parameters, after each training step.

        Raises:
            RuntimeError: inside ``applied()``, where the network holds the average itself;
                or if the network has changed such that the average does not fit (another
                device or shape, a tensor that is gone). Then nothing is changed.
        """
        if self._inside:
            raise RuntimeError("update() inside applied() would average the average")
        averages: list[Tensor] = []
        values: list[Tensor] = []
        copied: list[tuple[Tensor, Tensor]] = []
        for average, path, key in self._places:
            value, trained = _present(self.model, path, key)
            if value.device != average.device:
                raise RuntimeError(
                    f"the average is on {average.device}, the network on {value.device}: "
                    "move the network first, then make its EMA"
                )
            if value.shape != average.shape:
                name = ".".join(filter(None, (path, key)))
                raise RuntimeError(
                    f"{name!r} has shape {tuple(average.shape)} in "
                    f"the average and {tuple(value.shape)} in the network: make a new EMA"
                )
            if trained and (value.is_floating_point() or value.is_complex()):
                averages.append(average)
                values.append(value.to(average.dtype))
            else:
                copied.append((average, value))
        for average, value in copied:
            average.copy_(value)
        self.updates += 1
        if averages:
            # One fused call for all parameters: a loop over them takes three times as long.
            torch._foreach_lerp_(averages, values, 1 - self.decay_at(self.updates))

    def copy_to(self, model: nn.Module) -> nn.Module:
        """Load the average into ``model``, a network of the same shape, and return it.

        Raises:
            ValueError: if the average does not fit (names the first tensor that does not).
        """
        _check_fit(self.average, model.state_dict(), "the network")
        model.load_state_dict(self.average)
        return model

    @contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """A context in which the network has the averaged weights, and then its own.

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
        """Go on from ``state_dict()``; nothing is changed if it does not fit.

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
