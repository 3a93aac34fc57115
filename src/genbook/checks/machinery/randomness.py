"""Random numbers: of a case, from its seed; of an answer, apart from those of the notebook."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["generator", "own_randomness"]


def generator(seed: int) -> torch.Generator:
    """A generator of its own, from which the numbers of a case are drawn."""
    return torch.Generator().manual_seed(seed)


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Give the global generators back as they were: a check must not change later samples."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            random.seed(seed)
            np.random.seed(seed)
            # The processor's own: torch.manual_seed would leave its mark on a GPU's, too.
            torch.default_generator.manual_seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
