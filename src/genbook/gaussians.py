"""Gaussians and their mixtures: what can be known exactly about a noised distribution.

Four functions do the arithmetic of Gaussians N(m, C): ``linear_map``, ``product``, ``condition``,
``kl``. The class ``GaussianMixture`` is a distribution of data whose noised version
x_t = a x_0 + b eps has a density, a score and a best guess of x_0 in closed form. With it a sampler
can be tried without a network: what is wrong with the samples is then the sampler's fault alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbook._gaussian import condition, kl, linear_map, product, symmetric, tensors
from genbook.arguments import all_finite, choice, integer
from genbook.denoiser import Model
from genbook.paths import Path, Prediction, target_of
from genbook.sampling import randn

__all__ = ["GaussianMixture", "condition", "kl", "linear_map", "product"]

Rate = float | Tensor
"""A rate a or b: one number, or a tensor with one for each sample, of the shape of x[..., 0]."""


class GaussianMixture:
    r"""Data $x_0 \sim \sum_k w_k\,\mathcal{N}(m_k, C_k)$, of which x_t = a x_0 + b eps is known.

    Each covariance is diagonalised once, $C_k = V_k \Lambda_k V_k^\top$. Noise of variance b²
    is the same along every axis, so $a^2 C_k + b^2 I$ has the same axes and the variances
    $a^2 \Lambda_k + b^2$: at any noise level a density costs one product of matrices, a score two.

    Args:
        weights: $w_k > 0$, shape ``(K,)``, with sum 1.
        means: shape ``(K, D)``.
        covariances: symmetric and positive definite, shape ``(K, D, D)``.

    All of one floating-point type, in which everything is then computed. (In single precision keep
    the data near the origin: residuals are differences of coordinates, and lose as many digits as
    the data are far away in units of their spread.)

    Raises:
        TypeError: not floating-point, or of several types.
        ValueError: shapes that do not fit, NaN or infinity, weights that are not positive or do not
            sum to one, covariances that are not symmetric or not positive definite.
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        weights, means, covariances = tensors(weights=weights, means=means, covariances=covariances)
        if weights.ndim != 1 or len(weights) == 0:
            raise ValueError(f"weights must have shape (K,), not {tuple(weights.shape)}")
        K = len(weights)
        if means.ndim != 2 or len(means) != K or means.shape[1] == 0:
            raise ValueError(f"{K} weights need means of shape ({K}, D), not {tuple(means.shape)}")
        D = means.shape[1]
        if covariances.shape != (K, D, D):
            raise ValueError(
                f"means of shape {(K, D)} need covariances of shape {(K, D, D)}, not "
                f"{tuple(covariances.shape)}"
            )
        if (weights <= 0).any():
            raise ValueError(f"weights must be positive, got {float(weights.min()):g}")
        total = float(_wide(weights).sum())
        if abs(total - 1) > max(1e-5, K * torch.finfo(weights.dtype).eps):
            raise ValueError(f"weights must sum to 1, their sum is {total:.6g}")
        symmetric(covariances, "covariances")
        values, vectors = torch.linalg.eigh(_wide(covariances))
        # Below this an eigenvalue is zero up to rounding, whatever its sign.
        smallest = D * torch.finfo(covariances.dtype).eps * values[:, -1].abs()
        if (values[:, 0] <= smallest).any():
            k = int((values[:, 0] - smallest).argmin())
            raise ValueError(
                f"covariance {k} is not positive definite to within {_name(covariances.dtype)} "
                f"(smallest eigenvalue {float(values[k, 0]):.3g}): add a small multiple of the "
                "identity"
            )
        self.weights = weights / total
        self.means, self.covariances = means.clone(), (covariances + covariances.mT) / 2
        self._log_weights = self.weights.log()
        self._values = values.to(means)  # Λ, (K, D)
        self._basis = vectors.transpose(0, 1).flatten(1).to(means)  # all axes, (D, K D)
        self._centres = torch.einsum("kd,kde->ke", _wide(means), vectors).to(means)

    @classmethod
    def fit(cls, x: Tensor, labels: Tensor, ridge: float = 1e-3) -> GaussianMixture:
        """One Gaussian for each class: its share, its mean and its covariance + ridge · I.

        Without the ridge a pixel that never changes within a class has variance 0, and the
        class no density.

        Args:
            x: ``(N, …)``, flattened to ``(N, D)``.
            labels: ``(N,)``, integers 0..K − 1, each at least twice.
            ridge: a variance, added in every direction.

        Raises:
            TypeError: x is not floating-point, or the labels are no integers.
            ValueError: shapes that do not fit, NaN or infinity, labels that are negative or
                appear less than twice, a negative ridge, or a covariance that is singular
                with it.
        """
        (x,) = tensors(x=x)
        if x.ndim < 2 or len(x) == 0:
            raise ValueError(f"x must have shape (N, …) with N > 0, not {tuple(x.shape)}")
        if labels.shape != x.shape[:1]:
            given = tuple(labels.shape)
            raise ValueError(f"labels must have shape ({len(x)},), not {given}")
        if labels.dtype == torch.bool or labels.is_floating_point() or labels.is_complex():
            raise TypeError(f"labels must be integers, not {labels.dtype}")
        if (labels < 0).any():
            raise ValueError(f"labels must not be negative, got {int(labels.min())}")
        if not ridge >= 0:
            raise ValueError(f"the ridge, a variance, must not be negative, got {ridge}")
        counts = torch.bincount(labels)
        if (counts < 2).any():
            raise ValueError(f"class {int(counts.argmin())} needs at least two examples")
        parts = [x[labels == k].flatten(1) for k in range(len(counts))]
        eye = ridge * torch.eye(parts[0].shape[1], dtype=x.dtype, device=x.device)
        return cls(
            counts.to(x) / len(x),
            torch.stack([part.mean(0) for part in parts]),
            torch.stack([torch.cov(part.T).reshape(eye.shape) + eye for part in parts]),
        )

    @property
    def mean(self) -> Tensor:
        r"""Mean of the whole, $\sum_k w_k m_k$, shape ``(D,)``."""
        return self.weights @ self.means

    @property
    def covariance(self) -> Tensor:
        r"""Covariance of the whole ``(D, D)``, that within the components and that between them.

        $\sum_k w_k \bigl(C_k + (m_k - m)(m_k - m)^\top\bigr)$ with m the mean of the whole.
        """
        apart = self.means - self.mean
        return torch.einsum("k,kde->de", self.weights, self.covariances) + torch.einsum(
            "k,kd,ke->de", self.weights, apart, apart
        )

    def to(self, *target: torch.dtype | torch.device | str) -> GaussianMixture:
        """The mixture in another floating-point type or on another device.

        Raises:
            TypeError: a type that is not floating-point.
        """
        for kind in target:
            if isinstance(kind, torch.dtype) and not kind.is_floating_point:
                raise TypeError(f"a mixture needs a floating-point type, not {kind}")
        new = self._with(
            **{name: value.to(*target) for name, value in vars(self).items()}  # type: ignore[arg-type]
        )
        if torch.finfo(new.means.dtype).eps < torch.finfo(self.means.dtype).eps:
            # The axes are only known to the old precision, and so is the sum of the weights.
            weights = new.weights / new.weights.sum()
            return GaussianMixture(weights, new.means, new.covariances)
        return new

    def at(self, a: float, b: float) -> GaussianMixture:
        r"""The mixture of $x_t = a x_0 + b\epsilon$: means $a m_k$, covariances $a^2 C_k + b^2 I$.

        Raises:
            ValueError: b < 0, NaN, or a = b = 0, where nothing random is left; rates so small or so
                large that a variance is zero or infinite in the type of the mixture.
        """
        a, b = float(a), float(b)
        _rates(a, b, (), self.means)
        values = a**2 * self._values + b**2
        if not _representable(values):
            raise _lost(a, b, values.dtype)
        eye = torch.eye(self.means.shape[1], dtype=self.means.dtype, device=self.means.device)
        return self._with(
            weights=self.weights,
            _log_weights=self._log_weights,
            means=a * self.means,
            covariances=a**2 * self.covariances + b**2 * eye,
            _values=values,
            _basis=self._basis,
            _centres=a * self._centres,
        )

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n ≥ 1 points ``(n, D)``: choose a component, then x = m + V Λ^½ z."""
        n = integer("n", n)
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        device, dtype = self.means.device, self.means.dtype
        weights = self.weights if generator is None else self.weights.to(generator.device)
        chosen = torch.multinomial(weights, n, replacement=True, generator=generator).to(device)
        z = randn((n, self.means.shape[1]), generator, device, dtype)
        x = self.means[chosen]
        for k, axes in enumerate(self._basis.unflatten(1, self.means.shape).unbind(1)):
            of_k = chosen == k
            x[of_k] += (z[of_k] * self._values[k].sqrt()) @ axes.T
        return x

    def log_prob(self, x: Tensor) -> Tensor:
        r"""$\log \sum_k w_k\,\mathcal{N}(x; m_k, C_k)$ in nats, ``(…)`` for x ``(…, D)``."""
        log_joint, _ = self._parts(x, 1.0, 0.0)
        return log_joint.logsumexp(-1) - 0.5 * x.shape[-1] * math.log(2 * math.pi)

    def responsibilities(self, x: Tensor) -> Tensor:
        """P(component k | x), ``(…, K)`` for x ``(…, D)``: Bayes' rule, and a classifier."""
        return self._parts(x, 1.0, 0.0)[0].softmax(-1)

    def score(self, x: Tensor) -> Tensor:
        r"""$\nabla_x \log p(x) = -\sum_k P(k \mid x)\, C_k^{-1}(x - m_k)$, of the shape of x."""
        return self._pull(x, 1.0, 0.0).neg_()

    def eps(self, x: Tensor, a: Rate, b: Rate, component: Tensor | None = None) -> Tensor:
        r"""$\mathbb{E}[\epsilon \mid x_t = x] = -b\,\nabla \log p_t(x)$, of the shape of x.

        Args:
            x: ``(…, D)``, values of x_t.
            a, b: the rates of x_t = a x_0 + b eps: numbers, or one for each sample.
            component: labels ``(…)`` in 0..K of the components that x_0 is known to come from; the
                label K says nothing (the null class). Default: nothing is known.
        """
        _point(x, self.means)
        a, b = _rates(a, b, x.shape[:-1], self.means)
        return self._pull(x, a, b, component).mul_(_column(b))

    def posterior_mean(
        self, x: Tensor, a: Rate, b: Rate, component: Tensor | None = None
    ) -> Tensor:
        r"""$\mathbb{E}[x_0 \mid x_t = x]$, the best guess; arguments as in :meth:`eps`.

        The mean over the components of $m_k + a C_k (a^2 C_k + b^2 I)^{-1} (x - a m_k)$,
        which is Tweedie's $(x + b^2 \nabla \log p_t(x)) / a$ where a > 0, and the data's
        mean where a = 0.
        """
        _point(x, self.means)
        a, b = _rates(a, b, x.shape[:-1], self.means)
        log_joint, scaled = self._parts(x, a, b, component)
        guess = self._centres + _column(a, 2) * self._values * scaled
        return self._back(log_joint.softmax(-1), guess)

    def model(self, schedule: Path, prediction: Prediction = "eps") -> Model:
        """The perfect network for this data, called as ``model(x, t, cond=None)``.

        x has the shape ``(B, D)`` or, for images of D pixels, ``(B, C, H, W)``; t is a time of the
        path or a tensor ``(B,)`` of times; cond holds labels of components, see :meth:`eps`.

        Args:
            schedule: a schedule, or any other path.
            prediction: what the network predicts: the conditional mean of it, which is exact.
        """
        choice("prediction", prediction, Prediction)

        def predict(x: Tensor, t: float | Tensor, cond: Tensor | None = None) -> Tensor:
            flat = x.flatten(1)
            if isinstance(t, Tensor) and t.numel():
                low, high = t.aminmax()
                t = low.item() if low == high else t  # one for all, as in a sampler: fewer numbers
            a, b = schedule.rates(t, flat[:, 0])
            if prediction == "eps":
                return self.eps(flat, a, b, cond).reshape(x.shape)
            x0 = self.posterior_mean(flat, a, b, cond)
            if prediction == "x0":
                return x0.reshape(x.shape)
            slopes = schedule.derivatives(t, flat) if prediction == "velocity" else (None, None)
            eps = self.eps(flat, a, b, cond)
            return target_of(prediction, x0, eps, _column(a), _column(b), *slopes).reshape(x.shape)

        return predict

    def cdf(self, x: Tensor) -> Tensor:
        """P(X ≤ x) for data on a line (D = 1), elementwise for x of any shape ``(…)``.

        Raises:
            ValueError: D > 1.
        """
        if self.means.shape[1] != 1:
            raise ValueError(f"the cdf is for D = 1, this mixture has D = {self.means.shape[1]}")
        z = (x[..., None] - self.means[:, 0]) / self._values[:, 0].sqrt()
        return (self.weights * torch.special.ndtr(z)).sum(-1)

    def __repr__(self) -> str:
        K, D = self.means.shape
        return f"GaussianMixture(K={K}, D={D}, {_name(self.means.dtype)})"

    def _with(self, **parts: Tensor) -> GaussianMixture:
        """A mixture of parts that are known to be sound: nothing is diagonalised again."""
        new = object.__new__(GaussianMixture)
        vars(new).update(parts)
        return new

    def _parts(
        self, x: Tensor, a: Rate, b: Rate, component: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """In each component's own axes, with Λ_t = a² Λ + b²: log(w_k N_k) without its 2π
        ``(…, K)``, and Λ_t⁻¹ V^T (x − a m), the residual in units of variance
        ``(…, K, D)``.
        """
        _point(x, self.means)
        signal, variance = _column(a, 2), _column(a**2, 2) * self._values + _column(b**2, 2)
        offset = (x @ self._basis).unflatten(-1, self.means.shape)
        offset = offset.sub_(signal * self._centres)
        scaled = offset * variance.reciprocal()
        distance = (offset * scaled).sum(-1) + variance.log().sum(-1)
        log_joint = torch.sub(self._log_weights, distance, alpha=0.5)
        if not all_finite(log_joint):
            if not _representable(variance):
                raise _lost(a, b, variance.dtype)
            raise ValueError("x must be finite and not astronomically large")
        if component is not None:
            log_joint = log_joint.masked_fill(self._others(component, x), -math.inf)
        return log_joint, scaled

    def _pull(self, x: Tensor, a: Rate, b: Rate, component: Tensor | None = None) -> Tensor:
        """−∇ log p_t(x): the pulls away from the centres, weighted by the responsibilities."""
        log_joint, scaled = self._parts(x, a, b, component)
        return self._back(log_joint.softmax(-1), scaled)

    def _back(self, responsibilities: Tensor, vectors: Tensor) -> Tensor:
        """Σ_k r_k V_k u_k, out of the axes of the components ``(…, K, D)`` into those of x."""
        return (responsibilities[..., None] * vectors).flatten(-2) @ self._basis.T

    def _others(self, component: Tensor, x: Tensor) -> Tensor:
        """Where a component is ruled out by the labels, ``(…, K)``."""
        K = len(self.weights)
        if component.shape != x.shape[:-1] or component.is_floating_point():
            raise ValueError(
                f"labels must be integers of shape {tuple(x.shape[:-1])}, not {component.dtype} of "
                f"shape {tuple(component.shape)}"
            )
        if component.numel() and not 0 <= int(component.min()) <= int(component.max()) <= K:
            raise ValueError(f"labels must lie in 0..{K} ({K} says nothing)")
        label = component[..., None].to(self.means.device)
        return (label != torch.arange(K, device=self.means.device)) & (label != K)


def _rates(a: Rate, b: Rate, shape: tuple[int, ...], means: Tensor) -> tuple[Rate, Rate]:
    """The rates of samples of this shape: floats, or tensors of the type of the means if they
    differ between samples. Refuses those of no path.
    """
    if any(isinstance(rate, Tensor) and rate.ndim for rate in (a, b)):
        rates = [torch.as_tensor(rate, dtype=means.dtype, device=means.device) for rate in (a, b)]
        for rate in rates:
            if rate.shape not in ((), shape):
                raise ValueError(
                    f"rates must be numbers or have one entry for each sample, shape "
                    f"{tuple(shape)}, not {tuple(rate.shape)}"
                )
        a, b = rates
        squares = rates[0] ** 2 + rates[1] ** 2
        negative, wild = bool((b < 0).any()), not bool(squares.isfinite().all())
        gone = not bool(squares.all())
    else:
        a, b = float(a), float(b)
        square = a * a + b * b
        negative, wild, gone = b < 0, not math.isfinite(square), square == 0
    if wild:
        raise ValueError(f"a and b must be finite, and so must their squares, got {a} and {b}")
    if negative:
        raise ValueError(f"b is a standard deviation and must not be negative, got {b}")
    if gone:
        raise ValueError(
            f"a = {a} and b = {b} (or their squares) are both 0, which leaves nothing random: x_t "
            "is 0 whatever x_0 was"
        )
    return a, b


def _wide(x: Tensor) -> Tensor:
    """x in float64; on the CPU where its device has none (Apple's "mps")."""
    return x.cpu().double() if x.device.type == "mps" else x.double()


def _representable(variance: Tensor) -> bool:
    """Whether one can divide by the variances, and by their inverses."""
    return bool((variance.isfinite() & (variance >= torch.finfo(variance.dtype).tiny)).all())


def _lost(a: Rate, b: Rate, dtype: torch.dtype) -> ValueError:
    return ValueError(
        f"a = {a} and b = {b} leave nothing random, or too much: a variance of a x_0 + b eps is 0 "
        f"or infinite in {_name(dtype)}"
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _column(rate: Rate, axes: int = 1) -> Rate:
    """A rate for each sample with axes behind, so that it broadcasts over its entries."""
    return rate[(..., *[None] * axes)] if isinstance(rate, Tensor) else rate


def _point(x: Tensor, means: Tensor) -> None:
    """Refuse what is no point of the space of the means."""
    if not isinstance(x, Tensor) or x.dtype != means.dtype:
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"x is {kind} and the mixture {means.dtype}: convert one, see .to(dtype)")
    if x.ndim == 0 or x.shape[-1] != means.shape[1]:
        raise ValueError(f"x must have shape (…, {means.shape[1]}), not {tuple(x.shape)}")
