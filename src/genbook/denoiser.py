"""A denoiser: a network, the path it was trained on, and what it predicts there.

Whatever the network predicts, a denoiser answers with all of it: the data, the noise, v, the
velocity and the score, from one call. So a step is written with the prediction that its formula
has, and works with any network on any path that together determine it. Guidance is a denoiser
around denoisers; so is the exact mixture of :mod:`genbook.gaussians`, or a network of another
library.

The predicted data may be kept in the range of the data on the way: see :func:`clipped` and
:func:`thresholded`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from genbook.arguments import choice, same_shape, signal_left
from genbook.paths import Coefficient, Path, Prediction, combine, factors, target_of

__all__ = ["Denoiser", "Guess", "Model", "clipped", "thresholded"]

Model = Callable[..., Tensor]
"""A network, called as ``model(x, t, cond)`` with t a tensor ``(B,)``."""

Limit = Callable[[Tensor], Tensor]
"""What keeps predicted data ``(B, …)`` in the range of the data."""


class Denoiser:
    """What a network says about the data and the noise in x_t.

    Args:
        model: called as ``model(x, t, cond)`` with t a tensor ``(B,)``, integer on a chain.
        path: what the network was trained on.
        prediction: what it predicts there.
        clip: applied to the predicted data, as :func:`clipped` makes it; all other predictions are
            then those that belong to the clipped data.
        keep_eps: leave the noise as the network predicted it, although the data were clipped. (So
            do diffusers' schedulers; data and noise then do not add up to x_t any more, and v and
            the velocity are those of the two.)
        twice: the network answers with twice the channels; the second half, kept as
            ``Guess.second``, is the sampler's (a learned variance, say).

    Raises:
        ValueError: an unknown prediction.
    """

    def __init__(
        self,
        model: Model,
        path: Path,
        prediction: Prediction = "eps",
        *,
        clip: Limit | None = None,
        keep_eps: bool = False,
        twice: bool = False,
    ):
        choice("prediction", prediction, Prediction)
        self.model, self.path, self.prediction = model, path, prediction
        self.clip, self.keep_eps, self.twice = clip, keep_eps, twice

    def __call__(self, x: Tensor, t: Any, cond: Any = None) -> Guess:
        """Ask the network once, at the state x ``(B, …)`` of time t.

        Raises:
            ValueError: the network's output has another shape than x.
        """
        output, second = self.model(x, self.path.network_time(x, t), cond), None
        if self.twice and isinstance(output, Tensor):
            if output.ndim < 2 or output.shape[1] != 2 * x.shape[1]:
                raise ValueError(
                    f"a learned variance needs {2 * x.shape[1]} output channels, "
                    f"got {tuple(output.shape)}"
                )
            output, second = output.chunk(2, dim=1)
        if not isinstance(output, Tensor):
            raise TypeError(f"a network must answer with a tensor, got {type(output).__name__}")
        same_shape(xt=x, output=output)
        return Guess(self, x, t, output, second)


class Guess:
    """What a denoiser says at one state: every prediction, each worked out when it is asked for.

    Attributes:
        output: what the network said, shape ``(B, …)``.
        second: the second half of its channels, if it has twice as many.
    """

    def __init__(self, asked: Denoiser, x: Tensor, t: Any, output: Tensor, second: Tensor | None):
        self._asked, self._x, self._t = asked, x, t
        self.output, self.second = output, second
        self._x0: Tensor | None = None

    @property
    def x0(self) -> Tensor:
        """The data, clipped if the denoiser clips."""
        if self._x0 is None:
            x0 = self._as("x0", self._asked.prediction, self.output)
            self._x0 = x0 if self._asked.clip is None else self._asked.clip(x0)
        return self._x0

    @property
    def eps(self) -> Tensor:
        """The noise."""
        if self._asked.clip is None or self._asked.keep_eps:
            return self._as("eps", self._asked.prediction, self.output)
        return self._as("eps", "x0", self.x0)

    @property
    def v(self) -> Tensor:
        """a eps − b x_0."""
        return self._other("v")

    @property
    def velocity(self) -> Tensor:
        """dx_t/dt = a' x_0 + b' eps."""
        return self._other("velocity")

    @property
    def score(self) -> Tensor:
        """∇ log p_t(x_t) = −eps / b."""
        return self._other("score")

    def _other(self, target: Prediction) -> Tensor:
        if self._asked.clip is None:
            return self._as(target, self._asked.prediction, self.output)
        a, b, *slopes = self._coefficients(target == "velocity")
        return target_of(target, self.x0, self.eps, a, b, *slopes)

    def _as(self, target: Prediction, source: Prediction, value: Tensor) -> Tensor:
        """``value``, a prediction of the kind ``source``, as one of the kind ``target``."""
        if source == target:
            return value
        a, b, *slopes = self._coefficients("velocity" in (source, target))
        if source in ("eps", "score") and target not in ("eps", "score"):
            signal_left(a)
        of_xt, of_value = factors(source, target, a, b, *slopes)
        return combine(of_xt, self._x, of_value, value)

    def _coefficients(self, moving: bool) -> tuple[Coefficient, ...]:
        """The rates at this time, and their slopes where something moves."""
        path, t = self._asked.path, self._t
        rates = path.rates(t, self._x)
        return (*rates, *path.derivatives(t, self._x)) if moving else rates


def clipped(low: float = -1.0, high: float = 1.0) -> Limit:
    """Clip predicted data to the range of the data, elementwise.

    A young network's guess at much noise leaves the range; the error stays in the sample. Right for
    images in [−1, 1], wrong for latents, whose range has no ends.

    References:
        "Static thresholding" in Saharia et al. (2022), Photorealistic Text-to-Image Diffusion
        Models, section 2.3.
    """
    if not low < high:
        raise ValueError(f"low must be below high, got {low} and {high}")

    def clip(x0: Tensor) -> Tensor:
        return x0.clamp(low, high)

    return clip


def thresholded(quantile: float = 0.995, largest: float = math.inf) -> Limit:
    """Dynamic thresholding: clip to a quantile of |x_0| of each sample, then divide by it.

        s = max(1, that quantile),    x_0 ← clamp(x_0, −s, s) / s

    With guidance nearly every pixel would leave the range, and clipping would saturate them all.

    Args:
        quantile: of the absolute values within a sample, in (0, 1].
        largest: s is at most this; 1 makes it plain clipping.

    References:
        Saharia et al. (2022), Photorealistic Text-to-Image Diffusion Models, section 2.3.
    """
    if not 0 < quantile <= 1 or not largest >= 1:
        raise ValueError(
            f"quantile must lie in (0, 1] and largest be at least 1, got {quantile} and {largest}"
        )

    def threshold(x0: Tensor) -> Tensor:
        sizes = x0.flatten(1).abs().to(torch.promote_types(x0.dtype, torch.float32))
        if not x0.numel():
            return x0
        s = torch.quantile(sizes, quantile, dim=1).clamp(1, largest).to(x0.dtype)
        s = s.reshape(-1, *[1] * (x0.ndim - 1))
        return x0.clamp(-s, s) / s

    return threshold
