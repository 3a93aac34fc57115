"""The variational bound of a diffusion model: how many bits an image costs.

The other half of the chapter ``ddpm``: the bound L on −log p(x_0), term by term, and the loss that
draws one of its terms at random. Training for pictures does not need it; training a variance and
measuring a likelihood do.

References:
    Ho, Jain & Abbeel (2020), Denoising Diffusion Probabilistic Models: equations are quoted by
    their numbers there.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbook.arguments import finite
from genbook.ddpm import (
    Target,
    Variance,
    log_variances,
    p_reverse,
    q_posterior,
    q_sample,
    random_times,
)
from genbook.denoiser import Model
from genbook.evaluation import bits_per_dimension
from genbook.sampling import randn_like, steps_of
from genbook.schedules import NoiseSchedule

__all__ = ["variational_loss", "vlb_terms"]


def variational_loss(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    prediction: Target = "eps",
    variance: Variance = "posterior",
    levels: int | None = 256,
) -> Tensor:
    """L: the variational bound of one random time, in bits per dimension (equation 5).

    T times the term of a time drawn uniformly is an unbiased estimate of L − L_T; L_T has no
    parameters. For eps and a fixed variance it is L_simple weighted with β_t² / (2 σ_t² α_t
    b_t²) (equation 12).

    Args:
        model: called as ``model(xt, t, cond)``.
        x0: data in [−1, 1], shape ``(B, …)``.
        prediction, variance: see :func:`genbook.ddpm.p_reverse`.
        levels: number of grey levels of the data, evenly spaced from −1 to 1; ``None`` for
            continuous data, whose density is measured instead of their probability.

    Returns:
        A scalar, the mean over batch and dimensions.

    Raises:
        ValueError: x0 has NaN or infinite entries, or the model's output has another shape.
    """
    finite(x0=x0)
    t = random_times(schedule, x0, generator)
    xt = q_sample(schedule, x0, t, randn_like(x0, generator))
    mean, log_variance = p_reverse(
        schedule, xt, model(xt, t, cond), t, prediction=prediction, variance=variance
    )
    return schedule.T * _reverse_term(schedule, x0, xt, t, mean, log_variance, levels).mean()


@torch.no_grad()
def vlb_terms(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    prediction: Target = "eps",
    variance: Variance = "posterior",
    levels: int | None = 256,
    progress: bool = False,
) -> Tensor:
    """The bound on −log p(x_0), term by term: L_0, L_1, …, L_T in bits per dimension (equation 5).

    L_0 is the reconstruction from x_1, L_{t−1} = KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)), and
    L_T = KL(q(x_T | x_0) ‖ N(0, I)). Their sum bounds the code length of x_0. One draw of x_t each.

    Returns:
        Shape ``(B, T + 1)``, indexed like the L. See :func:`variational_loss` for the rest.
    """
    finite(x0=x0)
    T = schedule.T
    terms = x0.new_empty(len(x0), T + 1)
    for t, s in steps_of(range(T, -1, -1), progress):
        times = schedule.network_time(x0, t)
        xt = q_sample(schedule, x0, t, randn_like(x0, generator))
        output = model(xt, times, cond)
        mean, log_variance = p_reverse(schedule, xt, output, t, s, prediction, variance)
        terms[:, s] = _reverse_term(schedule, x0, xt, times, mean, log_variance, levels)
    a, b = schedule.a(T), schedule.b(T)
    prior = x0.new_zeros(())
    terms[:, T] = _bits(_kl(a * x0, prior + 2 * math.log(b), prior, prior))
    return terms


def _reverse_term(
    schedule: NoiseSchedule,
    x0: Tensor,
    xt: Tensor,
    t: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    levels: int | None,
) -> Tensor:
    """L_{t−1} of each sample in bits per dimension: a KL for t > 1, and L_0 for t = 1."""
    q_mean, _ = q_posterior(schedule, x0, xt, t)
    _, q_log_variance = log_variances(schedule, t, t - 1, xt)
    kl = _kl(q_mean, q_log_variance, mean, log_variance)
    reconstruction = -_decoder_log_prob(x0, mean, log_variance, levels)
    first = (t == 1).reshape(-1, *[1] * (x0.ndim - 1))
    return _bits(torch.where(first, reconstruction, kl))


def _kl(mean: Tensor, log_variance: Tensor, p_mean: Tensor, p_log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) ‖ N(p_mean, p_variance)) in nats, elementwise."""
    ratio = log_variance - p_log_variance
    return (ratio.exp() + (mean - p_mean) ** 2 * (-p_log_variance).exp() - 1 - ratio) / 2


def _decoder_log_prob(x0: Tensor, mean: Tensor, log_variance: Tensor, levels: int | None) -> Tensor:
    """log p(x_0 | x_1) in nats, elementwise: a Gaussian over a grey level (equation 13)."""
    if levels is None:
        square = (x0 - mean) ** 2 * (-log_variance).exp()
        return -(square + log_variance + math.log(2 * math.pi)) / 2
    half, scale = 1 / (levels - 1), (-log_variance / 2).exp()
    d = x0 - mean
    below = torch.special.log_ndtr((d + half) * scale)  # the lowest level reaches down to −∞
    above = torch.special.log_ndtr((half - d) * scale)  # the highest one up to ∞
    # In between, both ends are taken on the side where the distribution function is small.
    near = torch.special.log_ndtr((half - d.abs()) * scale)
    far = torch.special.log_ndtr((-half - d.abs()) * scale)
    inside = near + torch.log1p(-(far - near).exp())
    return torch.where(x0 < half - 1, below, torch.where(x0 > 1 - half, above, inside))


def _bits(nats: Tensor) -> Tensor:
    """Nats of every element to bits per dimension of every sample, ``(B, …)`` to ``(B,)``."""
    return torch.as_tensor(bits_per_dimension(nats.flatten(1).sum(1), nats[0].numel()))
