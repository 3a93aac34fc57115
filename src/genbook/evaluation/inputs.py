"""The one place where the measures look at what they are given."""

from __future__ import annotations

from torch import Tensor

from genbook.arguments import tensors

__all__ = ["checked", "in_double"]


def in_double(x: Tensor) -> Tensor:
    """The tensor in float64, on its device; on the CPU if that has no float64 (Apple's "mps")."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def checked(
    a: Tensor, b: Tensor, what: str = "features", rows_a: int = 2, rows_b: int = 2
) -> tuple[Tensor, Tensor]:
    """Both samples ``(N, D)`` and ``(M, D)`` in float64.

    Raises:
        TypeError: no tensors.
        ValueError: another shape, two devices, fewer rows than needed, NaN or infinity.
    """
    tensors(**{what: a, f"the other {what}": b})
    if a.ndim != 2 or b.ndim != 2 or a.shape[1:] != b.shape[1:] or 0 in a.shape[1:]:
        raise ValueError(
            f"{what} must be (N, D) and (M, D), not {tuple(a.shape)} and {tuple(b.shape)}"
        )
    if a.device != b.device:
        raise ValueError(f"{what} must be on one device, not on {a.device} and {b.device}")
    a, b = in_double(a), in_double(b)
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
