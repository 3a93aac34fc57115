"""Training: one loop for every network of the book, live in a notebook or from the command line.

    python -m genbook.training --list
    python -m genbook.training digits-ddpm --out runs/digits-ddpm --resume

Whatever is random in step k is drawn from a generator seeded with (seed, k): the order of the data,
the times, the noise. Nothing else has to be remembered, so a run that was killed goes on bit for
bit on the same machine.
"""

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from .objects import EMA

__all__ = ["Trainer", "learning_rate", "main", "train"]

Loss = Callable[..., Tensor]
WARMUP = 100  # steps in which the learning rate rises


def generator(*seeds: int) -> torch.Generator:
    """A generator that depends on all the numbers, and differs when any of them does."""
    # The seeds are hashed to 32 bits, because torch's CPU generator looks at no more.
    mixed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
    return torch.Generator().manual_seed(mixed)


def rows(seed: int, step: int, batch: int, size: int) -> Tensor:
    """Indices `(batch,)` of the data in step `step`: one shuffled pass over all `size` after
    another.
    """
    first, last = step * batch, (step + 1) * batch
    epochs = range(first // size, (last - 1) // size + 1)
    order = torch.cat([torch.randperm(size, generator=generator(seed, 0, e)) for e in epochs])
    start = first - epochs[0] * size
    return order[start : start + batch]


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 100 steps (or a tenth of all), then half a cosine down to 0 at
    `steps`.
    """
    warmup = max(1, min(WARMUP, steps // 10))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class Trainer:
    """A network, its optimiser, its average and the number of steps done.

    Args:
        model: the network; trained in place.
        loss: `loss(model, *batch, generator)` -> scalar, where `batch` are rows of `data`.
        data: tensors with equal first dimension, such as `data.digits.load()`.
        steps: of the whole run; the learning rate falls to zero there.
        batch: rows a step, over all processes.
        lr: peak learning rate of Adam (Kingma and Ba 2015; decoupled weight decay after Loshchilov
            and Hutter 2019).
        ema: decay of the average of the weights.
        clip: largest norm of the gradient.
        seed: of the data order and the losses' generators.
        pieces: into how many pieces a batch is cut; each draws its noise from its own generator and
            they are shared out among the processes, so that one process computes what several do.
            Default: the number of processes.

    Raises:
        ValueError: for tensors of different length, or numbers that do not divide.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
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
        """One step of the optimiser and of the average; returns the loss of the batch."""
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
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip, error_if_nonfinite=True)
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
            "settings": self._settings(),
        }
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from `save(path)`.

        Raises:
            ValueError: if the checkpoint is of a run with other settings (names the first that
                differs).
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        for key, value in self._settings().items():
            if state["settings"][key] != value:
                other = state["settings"][key]
                raise ValueError(f"{path} is of a run with {key}={other}, this one has {value}")
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.ema.load_state_dict(state["ema"])
        self.done, self.seconds = state["done"], state["seconds"]
        self.losses = state["losses"].tolist()

    def _settings(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "batch": self.batch,
            "lr": self.lr,
            "seed": self.seed,
            "pieces": self.pieces,
            "rows": len(self.data[0]),
        }


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C is only noted (the value says so), a second one interrupts at
    once.
    """
    seen: list[int] = []

    def note(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)


def train(
    model: nn.Module,
    loss: Loss,
    data: Sequence[Tensor],
    *,
    steps: int,
    progress: bool | None = None,
    checkpoint: Path | None = None,
    every: int = 500,
    resume: bool = False,
    look: Callable[[Trainer], None] | None = None,
    **settings: Any,
) -> Trainer:
    """Train `model` for `steps` steps; returns the `Trainer`, with `.losses`, `.seconds` and
    `.ema`.

    >>> run = train(model, loss, digits.load(), steps=1000)         # doctest: +SKIP
    >>> run.ema.copy_to(model)                                      # doctest: +SKIP

    Args:
        progress: show a bar with the loss; by default only on a terminal, so that the stored output
            of a notebook stays as it is.
        checkpoint: file written every `every` steps, at the end and on Ctrl-C.
        resume: go on from `checkpoint` if it exists.
        look: called with the trainer every `every` steps and at the end, in the first process only.
        settings: those of `Trainer`.

    Raises:
        ValueError: as `Trainer` and `Trainer.restore`.
        KeyboardInterrupt: after Ctrl-C, once the step is finished and the checkpoint written.
    """
    run = Trainer(model, loss, data, steps=steps, **settings)
    if resume and checkpoint is not None and checkpoint.exists():
        run.restore(checkpoint)
    first = run.rank == 0
    hidden = not first or (not sys.stderr.isatty() if progress is None else not progress)
    guard = _interrupts() if checkpoint is not None else nullcontext(lambda: False)
    with guard as interrupted, tqdm(total=steps, initial=run.done, disable=hidden) as bar:
        while run.done < steps:
            run.step()
            bar.update()
            if run.done % 20 == 0:
                bar.set_postfix(loss=f"{sum(run.losses[-100:]) / len(run.losses[-100:]):.4f}")
            pause = run.done % every == 0 or run.done == steps
            if first and checkpoint is not None and (pause or interrupted()):
                run.save(checkpoint)
            if first and pause and look is not None:
                look(run)
            if interrupted():
                raise KeyboardInterrupt(f"stopped after step {run.done}")
    return run


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `python -m genbook.training`; returns its exit status."""
    from . import recipes  # recipes use this module

    parser = argparse.ArgumentParser(prog="python -m genbook.training", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recipe", nargs="?", help="which network to train: see --list")
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    parser.add_argument("--steps", type=int, help="train for this many steps instead")
    parser.add_argument("--seed", type=int, help="another seed")
    parser.add_argument("--every", type=int, default=1000, help="steps between checkpoints")
    parser.add_argument("--threads", type=int, help="threads of torch")
    parser.add_argument("--ship", action="store_true", help="put the result into the package")
    options = parser.parse_args(arguments)
    if options.list:
        for recipe in recipes.RECIPES.values():
            print(f"{recipe.name:20} {recipe.summary}")
        return 0
    if options.recipe not in recipes.RECIPES:
        parser.error(f"recipe must be one of {', '.join(recipes.RECIPES)}, not {options.recipe}")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        return recipes.run(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command with --resume goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
