"""The one place where the measures look at what they are given."""

from __future__ import annotations

from torch import Tensor

__all__ = ["checked"]


def checked(
    a: Tensor, b: Tensor, what: str = "features", rows_a: int = 2, rows_b: int = 2
) -> tuple[Tensor, Tensor]:
    """Both samples ``(N, D)`` and ``(M, D)`` in float64.

    Raises:
        ValueError: another shape, fewer rows than needed, NaN or infinity.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1:] != b.shape[1:] or 0 in a.shape[1:]:
        raise ValueError(
            f"{what} must be (N, D) and (M, D), not {tuple(a.shape)} and {tuple(b.shape)}"
        )
    a, b = a.double(), b.double()
    for sample, least in ((a, rows_a), (b, rows_b)):
        if len(sample) < least:
            number = {1: "one row", 2: "two rows"}.get(least, f"{least} rows")
            raise ValueError(
                f"{what} must have at least {number}; there are {len(a)} and {len(b)}: "
                "too few samples"
            )
        if not sample.sum().isfinite():  # a NaN or an infinity does not leave a sum again
            raise ValueError(f"{what} contain NaN or infinity")
    return a, b
