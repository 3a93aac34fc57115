"""The random start of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["shaken"]


def shaken(seed: int, build: Callable[..., nn.Module], **config: Any) -> nn.Module:
    """Build a network whose random start depends on ``seed`` alone; the global generator stays as
    it was.
    """
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPUs, too, and nothing would give theirs back.
        torch.default_generator.manual_seed(seed)
        return build(**config)
