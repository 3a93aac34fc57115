"""The loop: steps until the end, with a progress bar, checkpoints and a way to stop in between."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from tqdm import tqdm

from genbook.training.trainer import Trainer

__all__ = ["train"]


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C is only noted (the value says so), a second one interrupts at
    once.

    Python lets only the main thread handle signals. In any other Ctrl-C is not ours to note.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
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
    loss: Callable[..., Tensor],
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
    """Train ``model`` for ``steps`` steps; returns the ``Trainer``, with ``.losses``, ``.seconds``
    and ``.ema``.

    >>> run = train(model, loss, digits.load(), steps=1000)         # doctest: +SKIP
    >>> run.ema.copy_to(model)                                      # doctest: +SKIP

    Args:
        progress: show a bar with the loss; by default only on a terminal, so that the stored output
            of a notebook stays as it is.
        checkpoint: file written every ``every`` steps, at the end and on Ctrl-C.
        resume: go on from ``checkpoint`` if it exists.
        look: called with the trainer every ``every`` steps and at the end, in the first process
            only.
        settings: those of ``Trainer``.

    Raises:
        ValueError: as ``Trainer`` and ``Trainer.restore``, or every < 1.
        KeyboardInterrupt: after Ctrl-C, once the step is finished and the checkpoint written.
            Without a checkpoint, or outside the main thread, Ctrl-C is not waited for.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, not {every}")
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
