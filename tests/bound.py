"""Where the bound of a question lies that is answered by training: ``python tests/bound.py ID``.

Trains the reference with several seeds, every other right answer and every known mistake, and
prints what each is worth on hidden data, with the verdict and the mistake that it was told. The
bound belongs where all right ones pass, by more than they scatter, and no wrong one does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from genbook import checks
from genbook.checks.machinery.trained import export, judge_weights

HIDDEN = 101  # and on, the seeds of the data; that of the student's check is 0


def row(q: checks.Question, name: str, train: Callable[[], torch.nn.Module], seed: int) -> float:
    """Train with a seed, try on data of another, print a line, and return the value."""
    assert q.training is not None
    start = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = train().eval()
    spent = time.process_time() - start
    with torch.no_grad():
        value, error = q.training.score(network, HIDDEN + seed)
    result = judge_weights(q, export(network), HIDDEN + seed)
    verdict = "passes" if result.points else f"fails: {result.misconception or 'no mistake known'}"
    print(f"{name:50.50} {value:8.3g} ± {error:<6.2g} {spent:4.0f} s  {verdict}", flush=True)
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("question", help="e.g. ddpm.train")
    parser.add_argument("--seeds", type=int, default=5, help="of the reference (default: 5)")
    chosen = parser.parse_args()
    q = checks.question(chosen.question)
    if q.training is None or q.reference is None:
        parser.error(f"{q.id} is not answered by training")
    word = "at most" if q.training.better == "lower" else "at least"
    print(f"{q.id}: {q.training.quantity}, {word} {q.training.bound:g} is asked for")
    values = torch.tensor([row(q, f"seed {s}", q.reference, s) for s in range(chosen.seeds)])
    if len(values) > 1:
        print(f"these: {values.mean():.3g} on average, standard deviation {values.std():.2g}")
    for other in q.alternatives:
        row(q, getattr(other, "name", "another right answer"), other, 1)
    for known in q.misconceptions:
        row(q, known.name, known.function, 1)


if __name__ == "__main__":
    main()
