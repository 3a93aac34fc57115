"""A run: a network, its optimiser, its average, and how it takes a step, is saved and goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from genbook.ema import EMA
from genbook.training import checkpoint
from genbook.training.draws import generator, rows

__all__ = ["Diverged", "Trainer", "learning_rate"]

WARMUP = 100  # steps in which the learning rate rises


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 100 steps (or a tenth of all), then half a cosine down to 0 at
    ``steps``.
    """
    warmup = max(1, min(WARMUP, steps // 10))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class Diverged(RuntimeError):
    """A run that can only get worse: a NaN or an infinity has come into its gradient."""


class Trainer:
    """A network, its optimiser, its average and the number of steps done.

    Args:
        model: the network; trained in place.
        loss: ``loss(model, *batch, generator)`` -> scalar, where ``batch`` are rows of ``data``.
        data: tensors with equal first dimension, such as ``data.digits.load()``.
        steps: of the whole run; the learning rate falls to zero there.
        batch: rows a step, over all processes.
        lr: peak learning rate of Adam (Kingma and Ba 2015).
        weight_decay: decoupled from the gradient (Loshchilov and Hutter 2019).
        ema: decay of the average of the weights.
        clip: largest norm of the gradient.
        seed: of the data order and the losses' generators.
        pieces: into how many pieces a batch is cut; each draws its noise from its own generator and
            they are shared out among the processes, so that one process computes what several do.
            Default: the number of processes.
        also: more that a checkpoint must agree on, such as the numbers inside the loss.

    Raises:
        ValueError: for tensors of different length, or numbers that do not divide.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[..., Tensor],
        data: Sequence[Tensor],
        *,
        steps: int,
        batch: int = 128,
        lr: float = 2e-3,
        weight_decay: float = 0.0,
        ema: float = 0.999,
        clip: float = 1.0,
        seed: int = 0,
        pieces: int | None = None,
        also: Mapping[str, Any] | None = None,
    ) -> None:
        self.world, self.rank = 1, 0
        if dist.is_available() and dist.is_initialized():
            self.world, self.rank = dist.get_world_size(), dist.get_rank()
        self.pieces = self.world if pieces is None else pieces
        if len({len(tensor) for tensor in data}) != 1 or len(data[0]) == 0:
            raise ValueError("data must be tensors of one length, at least 1")
        if steps < 1 or batch < 1:
            raise ValueError(f"steps and batch must be at least 1, not {steps} and {batch}")
        if self.pieces < 1 or batch % self.pieces or self.pieces % self.world:
            raise ValueError(
                f"batch={batch} must be divisible by pieces={self.pieces}, "
                f"and pieces by the {self.world} processes"
            )
        self.model, self.loss, self.data = model, loss, tuple(data)
        self.steps, self.batch, self.lr, self.clip, self.seed = steps, batch, lr, clip, seed
        self.weight_decay, self.also = weight_decay, dict(also or {})
        self.device = next(model.parameters()).device
        # One fused kernel for all tensors; the default loop takes three times as long on small
        # networks.
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=lr, weight_decay=weight_decay, fused=True
        )
        self.ema = EMA(model, ema)
        self.parallel = DistributedDataParallel(model) if self.world > 1 else model
        self.done = 0
        self.losses: list[float] = []
        self.seconds = 0.0

    def step(self) -> float:
        """One step of the optimiser and of the average; returns the loss of the batch.

        Raises:
            Diverged: the gradient is not finite; then the step is not taken.
        """
        start = time.perf_counter()
        if not self.model.training:
            self.model.train()
        chosen = rows(self.seed, self.done, self.batch, len(self.data[0])).chunk(self.pieces)
        mine = range(self.rank, self.pieces, self.world)
        total = torch.zeros((), device=self.device)
        self.optimiser.zero_grad(set_to_none=True)
        for piece in mine:
            batch = [tensor[chosen[piece]].to(self.device) for tensor in self.data]
            # Processes exchange gradients once a step, with the last piece.
            with nullcontext() if piece == mine[-1] else self._apart():
                random = generator(self.seed, 1, self.done, piece)
                value = self.loss(self.parallel, *batch, generator=random) / len(mine)
                value.backward()
            total += value.detach()
        if self.world > 1:
            dist.all_reduce(total)
            total /= self.world
        if not nn.utils.clip_grad_norm_(self.model.parameters(), self.clip).isfinite():
            raise Diverged(
                f"the gradient of step {self.done} is non-finite (its loss is {total.item():g}): "
                f"nothing was changed by it; try a smaller lr than {self.lr:g}"
            )
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.done, self.steps, self.lr)
        self.optimiser.step()
        self.ema.update()
        self.done += 1
        self.losses.append(total.item())
        self.seconds += time.perf_counter() - start
        return self.losses[-1]

    def _apart(self) -> AbstractContextManager[None]:
        """Within, gradients stay in their process."""
        if isinstance(self.parallel, DistributedDataParallel):
            return self.parallel.no_sync()
        return nullcontext()

    def save(self, path: Path) -> None:
        """Write everything needed to go on; a reader sees the old file or the new, never half of
        one.
        """
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "ema": self.ema.state_dict(),
            "done": self.done,
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "seconds": self.seconds,
            "identity": self.identity,
        }
        checkpoint.write(path, state)

    def restore(self, path: Path) -> None:
        """Go on from ``save(path)``; a checkpoint that does not fit changes nothing here or there.

        Raises:
            OSError: the file cannot be opened.
            ValueError: it is damaged, no checkpoint, or one of another run: names the first
                setting, layer, tensor or data that differ.
        """
        state = checkpoint.read(path)
        checkpoint.refuse_others(path, state["identity"], self.identity)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.ema.load_state_dict(state["ema"])
        self.done, self.seconds = state["done"], state["seconds"]
        self.losses = state["losses"].tolist()

    @cached_property  # hashing all data takes a while, and few live runs are ever saved
    def identity(self) -> dict[str, dict[str, Any]]:
        """What a run must share with a checkpoint to go on from it."""
        return {
            "settings": checkpoint.plain({**self.also, **self._settings()}),
            "network": checkpoint.anatomy(self.model),
            "data": checkpoint.fingerprint(self.data),
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "batch": self.batch,
            "lr": self.lr,
            "weight_decay": self.weight_decay,
            "ema": self.ema.decay,
            "clip": self.clip,
            "seed": self.seed,
            "pieces": self.pieces,
        }
