"""Names, objects and tensors: which objects are the same, and which share their numbers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["EMA"]


class EMA:
    r"""Exponential moving average of a network's parameters.

    $\bar\theta_n = d_n\,\bar\theta_{n-1} + (1 - d_n)\,\theta_n$ with
    $d_n = \min(\text{decay}, \frac{1 + n}{10 + n})$: at first the average follows the network
    closely, so that the random start is forgotten, then it slows down.

    The average owns its storage: it starts as a *copy* of the parameters. An average that refers to
    the parameters themselves would track the network silently. Buffers (running statistics, say)
    are not averaged but copied.

    Args:
        model: the network to follow; its parameters are read at each `update`.
        decay: in [0, 1).
        warmup: False keeps the decay constant.

    Raises:
        ValueError: if decay is out of range.

    Source: Polyak and Juditsky 1992; warm-up as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, model: nn.Module, decay: float = 0.999, warmup: bool = True) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), not {decay}")
        self.model = model
        self.decay = decay
        self.warmup = warmup
        self.updates = 0
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        # Pairs (average, own): looked up once, because a step of a small network is short.
        self._parameters = [(self.average[name], p) for name, p in model.named_parameters()]
        self._buffers = [
            (self.average[name], b) for name, b in model.named_buffers() if name in self.average
        ]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network's present parameters; call it after each training
        step.
        """
        self.updates += 1
        decay = self.decay
        if self.warmup:
            decay = min(decay, (1 + self.updates) / (10 + self.updates))
        # One fused call for all parameters: a loop over them takes three times as long.
        torch._foreach_lerp_(
            [average for average, _ in self._parameters],
            [own for _, own in self._parameters],
            1 - decay,
        )
        for average, own in self._buffers:
            average.copy_(own)

    def copy_to(self, model: nn.Module) -> nn.Module:
        """Load the average into `model`, a network of the same shape, and return it."""
        model.load_state_dict(self.average)
        return model

    @contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """A context in which the network has the averaged weights; it gets its own back in any
        case.

        >>> with ema.applied() as model:          # doctest: +SKIP
        ...     x = ddpm.sample(model, schedule, (16, 1, 8, 8))
        """
        own = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        try:
            self.model.load_state_dict(self.average)
            yield self.model
        finally:
            self.model.load_state_dict(own)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on: a copy that later updates do not change."""
        average: dict[str, Tensor] = {name: value.clone() for name, value in self.average.items()}
        return {"decay": self.decay, "updates": self.updates, "average": average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`.

        Raises:
            ValueError: if the average belongs to another network (names the first key that
                differs).
        """
        average = state["average"]
        differing = sorted(average.keys() ^ self.average.keys())
        if differing:
            raise ValueError(
                f"the average belongs to another network: {differing[0]!r} is in one only"
            )
        for name, value in self.average.items():
            value.copy_(average[name])
        self.decay, self.updates = state["decay"], state["updates"]
