"""How contenders are measured, and when a target counts as met.

One thread, process time, interleaved. Wall time on a shared machine says what else was running.
Process time does not, but caches and clock rates still move with the load; so contenders take
turns, every round gives one ratio of ours to the peer, and what is reported is the median of the
ratios with their whole range. Times of different runs are not comparable; ratios are.

Why the whole range. The rounds of one run share what differs between runs, such as where memory
lies. In twelve runs of eight rows, on a machine that was busy with other work, the medians of a row
scattered by 1 to 3 %. How often did an interval of one run hold the median of all, and how often
were the intervals of two runs apart, so that they would contradict each other?

    interval of one run                      holds        apart
    95 %, bootstrap of the median            25–83 %      14–76 %
    quartiles                                25–92 %      5–64 %
    5th to 95th percentile                   67–100 %     0–18 %
    range, of 31 rounds                      75–100 %     0–5 %

So a verdict is asked of the range: "met" if all of it lies within the target, "missed" if all of it
lies above, else "undecided". More rounds make it harder to be met, never easier.

Some work contains a part that ours and the peer do by the very same call, such as drawing the noise
of a step. It says nothing about either and can be most of the time. Such a part is given as
``shared``: it takes its turn in every round, and its time is taken from both before they are
compared. The ratio of the whole is printed beside.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

__all__ = ["Comparison", "Peer", "Work", "compare", "table"]

Work = Callable[[], object]
Verdict = Literal["met", "missed", "undecided", "missing"]
_SHARED = " shared"  # the name of its turns; no peer has it


@dataclass(frozen=True)
class Peer:
    """Whom we compare with.

    Attributes:
        target: the ratio, ours ÷ peer, that we want to stay within.
        build: imports the peer and returns its work. A package that is not installed costs the
            peer's rows and not the run, so the import belongs in here.
    """

    target: float
    build: Callable[[], Work]


@dataclass(frozen=True)
class Comparison:
    """Ours against one peer.

    Attributes:
        work: what both do.
        peer: whom we compare with.
        target: the ratio we want to stay within.
        ours_us, peer_us: median process time of one call, in microseconds.
        ratio: ours ÷ peer, less what both share, the median over the rounds.
        low, high: the smallest and the largest ratio of a round.
        rounds: how many there were.
        whole: the median ratio with the shared part, where there is one.
        missing: the package that is not installed; then there are no numbers.
    """

    work: str
    peer: str
    target: float
    ours_us: float | None = None
    peer_us: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    whole: float | None = None
    missing: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.low is None or self.high is None:
            return "missing"
        if self.high <= self.target:
            return "met"
        return "missed" if self.low > self.target else "undecided"


def compare(
    work: str,
    ours: Work,
    peers: Mapping[str, Peer],
    rounds: int = 31,
    slice_seconds: float = 0.01,
    shared: Work | None = None,
) -> list[Comparison]:
    """Measure ours and its peers in turns.

    Args:
        work: what they do, for the table.
        ours: does it once.
        peers: by name.
        rounds: how often everyone has a turn.
        slice_seconds: process time of a turn; fast work is repeated to fill it.
        shared: the part of the work that all do by the same call; what is compared is the rest.
    """
    contenders, missing = {"": ours} | ({_SHARED: shared} if shared else {}), {}
    for name, peer in peers.items():
        try:
            contenders[name] = peer.build()
        except ModuleNotFoundError as error:
            missing[name] = error.name or name
    present = len(missing) < len(peers)
    times = _turns(contenders, rounds, slice_seconds) if present else {}
    return [
        Comparison(work, name, peer.target, missing=missing[name])
        if name in missing
        else _compared(work, name, peer.target, times[""], times[name], times.get(_SHARED))
        for name, peer in peers.items()
    ]


def table(comparisons: list[Comparison]) -> str:
    """The comparisons as lines of text, columns aligned."""
    head = ["work", "peer", "ours µs", "peer µs", "whole", "ratio", "range", "target", ""]
    rows = [
        [
            c.work,
            c.peer,
            *(
                ["–"] * 5
                if c.ratio is None
                else [
                    f"{c.ours_us:.1f}",
                    f"{c.peer_us:.1f}",
                    f"{c.whole:.3f}" if c.whole is not None else "",
                    f"{c.ratio:.3f}",
                    f"{c.low:.3f}–{c.high:.3f}",
                ]
            ),
            f"≤ {c.target:.2f}",
            c.verdict if c.verdict == "met" else c.verdict.upper(),
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


def _compared(
    work: str,
    peer: str,
    target: float,
    own: list[float],
    other: list[float],
    shared: list[float] | None,
) -> Comparison:
    """The numbers of a row from the times of the rounds, in seconds."""
    both = shared or [0.0] * len(own)
    ratios = [(a - c) / (b - c) for a, b, c in zip(own, other, both, strict=True)]
    whole = statistics.median(a / b for a, b in zip(own, other, strict=True)) if shared else None
    return Comparison(
        work,
        peer,
        target,
        ours_us=statistics.median(own) * 1e6,
        peer_us=statistics.median(other) * 1e6,
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        rounds=len(ratios),
        whole=whole,
    )


def _turns(
    contenders: Mapping[str, Work], rounds: int, slice_seconds: float
) -> dict[str, list[float]]:
    """The seconds of a call for every contender, round by round."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        calls = {name: _calls_per(slice_seconds, work) for name, work in contenders.items()}
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, work in contenders.items():
                times[name].append(_seconds(work, calls[name]) / calls[name])
    finally:
        torch.set_num_threads(threads)
    return times


def _seconds(work: Work, calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - start


def _calls_per(seconds: float, work: Work) -> int:
    """How many calls fill the time (at least one); also the warm-up."""
    calls = 1
    while (taken := _seconds(work, calls)) < seconds:
        calls = max(2 * calls, round(calls * seconds / taken) if taken > 0 else 0)
    return calls
