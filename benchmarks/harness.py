"""How contenders are measured: one thread, process time, interleaved, medians, and their ratio.

Wall time on a shared machine says what else was running. Process time does not, but caches and
clock rates still move with the load; so contenders take turns, and what is reported is the ratio of
their medians in the same run. Times of different runs are not comparable; ratios are.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

__all__ = ["Comparison", "compare", "table"]


@dataclass(frozen=True)
class Comparison:
    """Ours against one peer.

    Attributes:
        work: what both do.
        peer: whom we compare with.
        ours_us, peer_us: median process time of one call, in microseconds.
        ratio: ours ÷ peer, of the medians.
        low, high: quartiles of the ratio over the rounds.
        target: the ratio we want to stay below.
    """

    work: str
    peer: str
    ours_us: float
    peer_us: float
    ratio: float
    low: float
    high: float
    target: float

    @property
    def met(self) -> bool:
        return self.ratio <= self.target


def compare(
    work: str,
    ours: Callable[[], object],
    peers: Mapping[str, tuple[Callable[[], object], float]],
    rounds: int = 31,
    slice_seconds: float = 0.01,
) -> list[Comparison]:
    """Measure ours and its peers in turns.

    Args:
        work: what they do, for the table.
        ours: does it once.
        peers: name to (does it once, target of ours ÷ peer).
        rounds: how often everyone has a turn.
        slice_seconds: process time of a turn; fast work is repeated to fill it.
    """
    contenders = [ours, *(peer for peer, _ in peers.values())]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        counts = [_calls_per(slice_seconds, contender) for contender in contenders]
        turns = [
            [_seconds(contender, n) / n for contender, n in zip(contenders, counts, strict=True)]
            for _ in range(rounds)
        ]
    finally:
        torch.set_num_threads(threads)
    own, *others = ([turn[i] for turn in turns] for i in range(len(contenders)))
    comparisons = []
    for (name, (_, target)), other in zip(peers.items(), others, strict=True):
        low, _, high = statistics.quantiles([a / b for a, b in zip(own, other, strict=True)], n=4)
        a, b = statistics.median(own), statistics.median(other)
        comparisons.append(Comparison(work, name, a * 1e6, b * 1e6, a / b, low, high, target))
    return comparisons


def table(comparisons: list[Comparison]) -> str:
    """The comparisons as lines of text, columns aligned."""
    head = ["work", "peer", "ours µs", "peer µs", "ratio", "quartiles", "target", ""]
    rows = [
        [
            c.work,
            c.peer,
            f"{c.ours_us:.1f}",
            f"{c.peer_us:.1f}",
            f"{c.ratio:.3f}",
            f"{c.low:.3f}–{c.high:.3f}",
            f"≤ {c.target:.2f}",
            "met" if c.met else "MISSED",
        ]
        for c in comparisons
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, *rows]
    )


def _seconds(work: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - start


def _calls_per(seconds: float, work: Callable[[], object]) -> int:
    """How many calls fill the time (at least one); also the warm-up."""
    calls = 1
    while (taken := _seconds(work, calls)) < seconds:
        calls = max(2 * calls, round(calls * seconds / taken) if taken > 0 else 0)
    return calls
