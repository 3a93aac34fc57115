"""A sampler as a table of numbers, read off from its code.

Most samplers of the book (with clipping they are none of them) do only two things with their
states: they multiply them by numbers that are known beforehand, and they add them up. Then every
state is a sum of the noise at the start, the network's answers so far and the fresh noises, and the
sampler is nothing but its times and the coefficients of these sums. For Runge–Kutta methods such a
table is called a tableau.

It is read off by running the code once, with unit vectors in place of noise and of answers: what
comes out are the coefficients. No network is asked, so nothing can be asked in secret: a sampler
with a table of ten rows *is* a sampler of ten calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Denoise", "Tableau", "tableau"]

Denoise = Callable[[Tensor, int], Tensor]
"""``denoise(x, t)``: the data ``(B, …)`` that a network sees in the state x of time t."""

Sampler = Callable[[Denoise, Tensor, Sequence[Tensor]], Tensor]
"""``sampler(denoise, x, noises)``: the images, from noise x and fresh noises."""


class Tableau(nn.Module):
    """The table of a sampler. A new one asks nothing, and returns its noise.

    Attributes:
        times: of the calls, ``(calls,)``; 0 where a call is not made.
        rows: the states in which the network is asked, and last the result, each as the
            coefficients of the noise at the start, of the answers, and of the fresh noises:
            ``(calls + 1, 1 + 2 calls)``.

    Args:
        calls: how many may be made.
    """

    times: Tensor
    rows: Tensor

    def __init__(self, calls: int = 10) -> None:
        super().__init__()
        self.calls = calls
        self.register_buffer("times", torch.zeros(calls, dtype=torch.float64))
        rows = torch.zeros(calls + 1, 1 + 2 * calls, dtype=torch.float64)
        rows[-1, 0] = 1
        self.register_buffer("rows", rows)

    def forward(self, denoise: Denoise, x: Tensor, noises: Sequence[Tensor]) -> Tensor:
        """Run the sampler of this table; ``noises`` are as many as its calls."""
        answers: list[Tensor] = []
        for time, row in zip(self.times.tolist(), self.rows[:-1], strict=True):
            state = self._sum(row, x, answers, noises)
            asked = round(time) >= 1
            answers.append(denoise(state, round(time)) if asked else torch.zeros_like(x))
        return self._sum(self.rows[-1], x, answers, noises)

    def _sum(
        self, row: Tensor, x: Tensor, answers: Sequence[Tensor], noises: Sequence[Tensor]
    ) -> Tensor:
        """What the coefficients make of all that is there; an answer yet to come is not."""
        start, *others = row.tolist()
        total = start * x
        for part, terms in ((others[: self.calls], answers), (others[self.calls :], noises)):
            for factor, term in zip(part, terms, strict=False):
                if factor:
                    total = total + factor * term
        return total


@torch.no_grad()
def tableau(sampler: Sampler, calls: int = 10) -> Tableau:
    """Read the table of a sampler off.

    Args:
        sampler: called as ``sampler(denoise, x, noises)``, with ``calls`` noises.
        calls: how many calls of ``denoise`` it may make.

    Raises:
        RuntimeError: one call more.
        ValueError: a time that is no whole number ≥ 1, a result of another shape, or a sampler that
            does something else than to multiply by numbers and to add.
    """
    table = Tableau(calls)
    basis = torch.eye(1 + 2 * calls, dtype=torch.float64)[:, :, None, None, None]
    start, answers, noises = basis[0], basis[1 : 1 + calls], basis[1 + calls :]
    times, states, result = _watched(sampler, start, answers, noises)
    for i, (time, state) in enumerate(zip(times, states, strict=True)):
        table.times[i], table.rows[i] = time, state.flatten()
    table.rows[-1] = result.flatten()
    # Sums of other terms must be what the table says.
    dice = torch.Generator().manual_seed(0)
    terms = torch.randn(1 + 2 * calls, 3, 1, 2, 2, generator=dice, dtype=torch.float64)
    start, answers, noises = terms[0], terms[1 : 1 + calls], terms[1 + calls :]
    again, *_, found = _watched(sampler, start, answers, noises)
    expected = torch.einsum("k,kbchw->bchw", table.rows[-1], terms)
    if again != times or not torch.allclose(found, expected, rtol=1e-6, atol=1e-8):
        raise ValueError(
            "your sampler has no table: with other states its times or its sums are others. Only "
            "multiply by numbers and add: no clipping, no products of states, no dice of its own"
        )
    return table


def _watched(
    sampler: Sampler, start: Tensor, answers: Tensor, noises: Tensor
) -> tuple[list[int], list[Tensor], Tensor]:
    """The times and the states of the calls, and the result."""
    times: list[int] = []
    states: list[Tensor] = []

    def denoise(x: Tensor, t: Any) -> Tensor:
        if len(times) == len(answers):
            raise RuntimeError(f"call {len(times) + 1}: the budget is {len(answers)} calls")
        time = float(t)
        if not (time >= 1 and time == round(time)):
            raise ValueError(f"the network is asked at whole times t ≥ 1, not at {time:g}")
        times.append(round(time))
        states.append(_like(start, x, f"the state of call {len(times)}"))
        return answers[len(times) - 1].clone()

    result = sampler(denoise, start.clone(), [noise.clone() for noise in noises])
    return times, states, _like(start, result, "the result")


def _like(start: Tensor, x: Any, what: str) -> Tensor:
    if not isinstance(x, Tensor) or x.shape != start.shape:
        found = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"{what} must be a tensor of the shape of x, not {found}")
    if not x.isfinite().all():
        raise ValueError(f"{what} has NaN or infinite numbers")
    if x.is_complex():
        if x.imag.any():
            raise ValueError(f"{what} has complex numbers: do the times descend?")
        x = x.real
    return x.double().clone()
