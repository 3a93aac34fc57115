"""What all recipes have in common."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genbook.evaluation import Interval

__all__ = ["Data", "Recipe", "device_of", "measured"]


@dataclass(frozen=True)
class Data:
    """What a network is trained on, and whose it is; the card repeats the words.

    Fields:
        words: what the training data are, and what was kept from the network.
        source: who made them, and where they were published.
        licence: under which they come.
        load: gives the tensors, of equal first dimension; a batch is some of their rows.
    """

    words: str
    source: str
    licence: str
    load: Callable[[], Sequence[Tensor]]


@dataclass(frozen=True)
class Recipe(ABC):
    """What all recipes have; one subclass a network.

    Fields:
        name: of the recipe and of the weights.
        summary: one line for ``--list`` and the card.
        use: what the weights are for, and what not.
        data: what the network is trained on.
        steps, batch, lr, weight_decay, ema, seed: as in :class:`genbook.training.Trainer`.

    Attributes:
        half: whether the weights are stored in half precision; they are measured as stored.
    """

    name: str
    summary: str
    use: str
    data: Data
    steps: int
    batch: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.0
    ema: float = 0.999
    seed: int = 0
    half: ClassVar[bool] = False

    @abstractmethod
    def model(self) -> nn.Module:
        """The network, with the random start that belongs to the seed."""

    @abstractmethod
    def loss(self, model: nn.Module, *batch: Any, **random: Any) -> Tensor:
        """The loss ``()`` of some rows of the data, given in order, and a ``generator``.

        The rows are on the device of the model; the generator is one of the CPU.
        """

    @abstractmethod
    def metrics(self, model: nn.Module) -> dict[str, Any]:
        """What the card says of the finished network."""

    def details(self) -> dict[str, Any]:
        """Further entries of the card."""
        return {}

    def look(self, model: nn.Module, path: Path) -> None:  # noqa: B027 (a hook, not a duty)
        """Save a picture of what the network does by now, where there is something to see."""

    def settings(self) -> dict[str, Any]:
        """All numbers of the recipe: every field that is not words or data."""
        words = ("name", "summary", "use", "data")
        names = [field.name for field in dataclasses.fields(self) if field.name not in words]
        return {name: getattr(self, name) for name in names}


def device_of(model: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(model.parameters()).device


def measured(interval: Interval, n: int) -> dict[str, Any]:
    """An interval as the card stores it: four digits, the number of samples, and how it was
    made.
    """
    value, low, high = (float(f"{number:.4g}") for number in interval)
    return {"value": value, "low": low, "high": high, "n": n, "interval": "95 % bootstrap"}
