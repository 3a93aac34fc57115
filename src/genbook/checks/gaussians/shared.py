"""What the cases and the alternatives of several questions are made of."""

from genbook.checks import Tensor, torch


def gaussian(g: torch.Generator, D: int, dtype=torch.float64) -> tuple[Tensor, Tensor]:
    """A mean (D,) and a covariance (D, D) that is far from singular."""
    root = torch.randn(D, D, generator=g, dtype=dtype)
    mean = torch.randn(D, generator=g, dtype=dtype)
    return mean, root @ root.T / D + 0.5 * torch.eye(D, dtype=dtype)


def with_slope(f, x: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and its slope, for an f whose entry i depends on x[i] alone."""
    point = x.detach().clone().requires_grad_()
    value = f(point)
    return value.detach(), torch.autograd.grad(value.sum(), point)[0]
