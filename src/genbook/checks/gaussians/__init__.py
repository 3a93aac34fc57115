"""The questions of the exercise sheet on Gaussians, KL and the evidence lower bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from genbook.checks import Case, Misconception, Question

__all__ = ["QUESTIONS"]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _gaussian(
    g: torch.Generator, D: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """A mean (D,) and a covariance (D, D) that is far from singular."""
    root = torch.randn(D, D, generator=g, dtype=dtype)
    mean = torch.randn(D, generator=g, dtype=dtype)
    return mean, root @ root.T / D + 0.5 * torch.eye(D, dtype=dtype)


# --- 1. By hand ----------------------------------------------------------------------------------


def by_hand() -> tuple[float, float, float]:
    variance = 1 / (1 / 4 + 1 / 2)
    mean = variance * (20 / 4 + 23 / 2)
    divergence = 0.5 * (4 / 2 - 1 + (23 - 20) ** 2 / 2 + math.log(2 / 4))
    return mean, variance, divergence


_NATS = 2.75 - math.log(2) / 2


def _by_hand_gain() -> list[float]:
    gain = 4 / (4 + 2)
    return [20 + gain * 3, 4 - gain * 4, _NATS]


def _by_hand_torch() -> Tensor:
    p, q = (Normal(torch.tensor(m), v**0.5) for m, v in ((20.0, 4), (23.0, 2)))
    return torch.stack([torch.tensor(22.0), torch.tensor(4 / 3), kl_divergence(p, q)])


BY_HAND = Question(
    id="gaussians.by_hand",
    points=2,
    name="by_hand",
    reference=by_hand,
    cases=lambda seed: [Case(label="the three numbers")],
    rtol=1e-3,  # by hand: three decimals are enough
    alternatives=(_by_hand_gain, _by_hand_torch, lambda: (22, 1.333, 2.403)),
    equivalent_mutants={
        "divergence = 0.5 * (4 / 2 - 1 + (23 - 20) ** 2 / 2 + math.log(2 / 4)) → "
        "divergence = 0.5 * (4 / 2 - 1 + (20 - 23) ** 2 / 2 + math.log(2 / 4))": (
            "the square has no sign"
        ),
    },
    misconceptions=(
        Misconception(
            "variances for deviations",
            lambda: (22.4, 3.2, 0.5 * (16 / 4 - 1 + 9 / 4 + math.log(4 / 16))),
            "You took 4 and 2 for standard deviations. The second argument of N(m, ·) is the "
            "variance.",
        ),
        Misconception(
            "the sum",
            lambda: (43.0, 6.0, _NATS),
            "You added two random variables. Two witnesses of one number multiply their "
            "densities: inverse variances add, and the result is narrower than both.",
        ),
        Misconception(
            "the middle",
            lambda: (21.5, 4 / 3, _NATS),
            "Your mean is half-way between. The surer witness counts more: weigh each mean with "
            "its inverse variance.",
        ),
        Misconception(
            "weights exchanged",
            lambda: (21.0, 4 / 3, _NATS),
            "Your mean lies near the less certain witness. The weights are the *inverse* "
            "variances.",
        ),
        Misconception(
            "precision for variance",
            lambda: (22.0, 0.75, _NATS),
            "Your second number is the inverse variance, 1/4 + 1/2. Its inverse is asked for.",
        ),
        Misconception(
            "reverse divergence",
            lambda: (22.0, 4 / 3, 0.5 * (2 / 4 - 1 + 9 / 4 + math.log(4 / 2))),
            "Your divergence has its arguments exchanged. KL(p ‖ q) averages over p, and the "
            "variance of q stands in the denominators.",
        ),
        Misconception(
            "dimension forgotten in the divergence",
            lambda: (22.0, 4 / 3, _NATS + 0.5),
            "Your divergence lacks the − d, here − 1, in the bracket: a Gaussian's divergence from "
            "itself would be 1/2.",
        ),
        Misconception(
            "divergence in bits",
            lambda: (22.0, 4 / 3, _NATS / math.log(2)),
            "Your divergence is in bits. Nats are asked for: natural logarithms.",
        ),
    ),
)


# --- 2. A linear map -----------------------------------------------------------------------------


def push(m: Tensor, C: Tensor, A: Tensor, c: Tensor, noise: float) -> tuple[Tensor, Tensor]:
    return A @ m + c, A @ C @ A.T + noise**2 * torch.eye(len(c), dtype=C.dtype)


def _push_numpy(m: Tensor, C: Tensor, A: Tensor, c: Tensor, noise: float) -> list[np.ndarray]:
    covariance = np.einsum("ij,jk,lk->il", A.numpy(), C.numpy(), A.numpy())
    covariance[np.diag_indices(len(c))] += noise**2
    return [np.einsum("ij,j->i", A.numpy(), m.numpy()) + c.numpy(), covariance]


def _push_root(m: Tensor, C: Tensor, A: Tensor, c: Tensor, noise: float) -> tuple[Tensor, Tensor]:
    """With a root of C and the noise's own directions, side by side."""
    root = A.double() @ torch.linalg.cholesky(C.double())
    root = torch.cat([root, noise * torch.eye(len(c), dtype=torch.float64)], 1)
    return (A * m).sum(1) + c, root @ root.T


def _push_cases(seed: int) -> list[Case]:
    g = _generator(seed)

    def case(D: int, E: int, dtype: torch.dtype, noise: float, label: str) -> Case:
        A = torch.randn(E, D, generator=g, dtype=dtype)
        shift = torch.randn(E, generator=g, dtype=dtype)
        return Case((*_gaussian(g, D, dtype), A, shift, noise), label=label)

    return [
        case(2, 2, torch.float64, 0.5, "from the plane to the plane"),
        case(3, 2, torch.float64, 1.5, "from three dimensions to two"),
        case(2, 4, torch.float32, 0.3, "to more dimensions, single precision"),
        case(3, 3, torch.float32, 0.0, "no noise"),
    ]


def _noise_everywhere(
    m: Tensor, C: Tensor, A: Tensor, c: Tensor, noise: float
) -> tuple[Tensor, Tensor]:
    return A @ m + c, A @ C @ A.T + noise**2


PUSH = Question(
    id="gaussians.push",
    points=2,
    name="push",
    reference=push,
    cases=_push_cases,
    alternatives=(_push_numpy, _push_root),
    equivalent_mutants={
        "return (A @ m + c, A @ C @ A.T + noise ** 2 * torch.eye(len(c), dtype=C.dtype)) → "
        "return (A @ m + c, A @ C @ A.T + noise ** 2 * torch.eye(len(c)))": (
            "the sum has the type of C again; noise² in single precision is within the tolerance"
        ),
    },
    misconceptions=(
        Misconception(
            "noise not squared",
            lambda m, C, A, c, noise: (
                A @ m + c,
                A @ C @ A.T + noise * torch.eye(len(c), dtype=C.dtype),
            ),
            "You added `noise` to the covariance. It is a standard deviation, and variances add: "
            "square it.",
        ),
        Misconception(
            "noise in all entries",
            _noise_everywhere,
            "You added noise² to every entry of the covariance. Independent noise is on the "
            "diagonal: noise² times the identity.",
        ),
        Misconception(
            "transposed",
            lambda m, C, A, c, noise: (
                A @ m + c,
                A.T @ C @ A + noise**2 * torch.eye(len(c), dtype=C.dtype),
            ),
            "You computed A^T C A. The covariance of A x is A C A^T.",
        ),
        Misconception(
            "matrix on one side",
            lambda m, C, A, c, noise: (
                A @ m + c,
                A @ C + noise**2 * torch.eye(len(c), dtype=C.dtype),
            ),
            "You computed A C. The covariance of A x is A C A^T: the map acts on both sides.",
        ),
        Misconception(
            "shift forgotten",
            lambda m, C, A, c, noise: (A @ m, push(m, C, A, c, noise)[1]),
            "Your mean lacks the shift c. (In the covariance it plays no part.)",
        ),
        Misconception(
            "noise forgotten",
            lambda m, C, A, c, noise: (A @ m + c, A @ C @ A.T),
            "Your covariance lacks the noise: add noise² times the identity.",
        ),
    ),
)


# --- 3. The divergence ---------------------------------------------------------------------------


def kl(m1: Tensor, C1: Tensor, m2: Tensor, C2: Tensor) -> Tensor:
    apart = m1 - m2
    trace = torch.linalg.solve(C2, C1).trace()
    square = apart @ torch.linalg.solve(C2, apart)
    return 0.5 * (trace - len(m1) + square + torch.logdet(C2) - torch.logdet(C1))


def _kl_torch(m1: Tensor, C1: Tensor, m2: Tensor, C2: Tensor) -> Tensor:
    return kl_divergence(MultivariateNormal(m1, C1), MultivariateNormal(m2, C2))


def _kl_eigenvalues(m1: Tensor, C1: Tensor, m2: Tensor, C2: Tensor) -> float:
    """In the axes in which the second is a standard normal."""
    root = np.linalg.inv(np.linalg.cholesky(C2.double().numpy()))
    values = np.linalg.eigvalsh(root @ C1.double().numpy() @ root.T)
    white = root @ (m2 - m1).double().numpy()
    return float((values - 1 - np.log(values)).sum() + white @ white) / 2


def _kl_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    plane, other = _gaussian(g, 2), _gaussian(g, 2)
    return [
        Case((*plane, *other), label="in the plane"),
        Case((*other, *plane), label="the other way round"),
        Case((*_gaussian(g, 5), *_gaussian(g, 5)), label="five dimensions"),
        Case(
            (*_gaussian(g, 3, torch.float32), *_gaussian(g, 3, torch.float32)),
            label="single precision",
        ),
        Case((plane[0], plane[1], other[0], plane[1]), label="equal covariances"),
        Case((plane[0], plane[1], plane[0], 4 * plane[1]), label="equal means"),
        Case((*_gaussian(g, 1), *_gaussian(g, 1)), label="on a line"),
    ]


def _kl_with(change: Callable[[Tensor, Tensor, Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """A wrong divergence from trace, square, log det C2 / det C1 and the dimension."""

    def wrong(m1: Tensor, C1: Tensor, m2: Tensor, C2: Tensor) -> Tensor:
        trace = torch.linalg.solve(C2, C1).trace()
        square = (m1 - m2) @ torch.linalg.solve(C2, m1 - m2)
        return change(trace, square, torch.logdet(C2) - torch.logdet(C1), len(m1))

    return wrong


KL = Question(
    id="gaussians.kl",
    points=3,
    name="kl",
    reference=kl,
    cases=_kl_cases,
    alternatives=(_kl_torch, _kl_eigenvalues),
    equivalent_mutants={
        "apart = m1 - m2 → apart = m2 - m1": "its sign is squared away",
        "square = apart @ torch.linalg.solve(C2, apart) → "
        "square = torch.linalg.solve(C2, apart) @ apart": "a scalar product has no order",
    },
    misconceptions=(
        Misconception(
            "reversed",
            lambda m1, C1, m2, C2: kl(m2, C2, m1, C1),
            "You computed KL(q ‖ p). The average is over the *first* argument, and the inverse "
            "is that of the second covariance.",
        ),
        Misconception(
            "the first covariance in the quadratic term",
            lambda m1, C1, m2, C2: (
                kl(m1, C1, m2, C2) + 0.5 * (m1 - m2) @ (C1.inverse() - C2.inverse()) @ (m1 - m2)
            ),
            "Your distance of the means is measured with C1⁻¹. It comes from the density of the "
            "*second* Gaussian: (m1 − m2)^T C2⁻¹ (m1 − m2).",
        ),
        Misconception(
            "symmetrised",
            lambda m1, C1, m2, C2: (kl(m1, C1, m2, C2) + kl(m2, C2, m1, C1)) / 2,
            "You averaged the two directions. KL is not symmetric, and is not meant to be.",
        ),
        Misconception(
            "half forgotten",
            _kl_with(lambda trace, square, logs, D: trace - D + square + logs),
            "Your value is twice the divergence: the factor 1/2 is missing.",
        ),
        Misconception(
            "dimension forgotten",
            _kl_with(lambda trace, square, logs, D: 0.5 * (trace + square + logs)),
            "The dimension D is not subtracted, so a Gaussian's divergence from itself is not 0.",
        ),
        Misconception(
            "one for D",
            _kl_with(lambda trace, square, logs, D: 0.5 * (trace - 1 + square + logs)),
            "You subtract 1 as on a line. In D dimensions it is D: a Gaussian's divergence from "
            "itself must be 0.",
        ),
        Misconception(
            "logarithm upside down",
            _kl_with(lambda trace, square, logs, D: 0.5 * (trace - D + square - logs)),
            "Your logarithm has the sign of log(det C1 / det C2). It is log(det C2 / det C1).",
        ),
        Misconception(
            "no logarithm",
            _kl_with(lambda trace, square, logs, D: 0.5 * (trace - D + square)),
            "The determinants are missing: log(det C2 / det C1), from the two normalisers.",
        ),
    ),
)


# --- 4. Fill in the rest -------------------------------------------------------------------------


def fill(m: Tensor, C: Tensor, x: Tensor, known: Tensor) -> Tensor:
    u, v = ~known, known
    gain = torch.linalg.solve(C[v][:, v], C[v][:, u]).T
    out = x.clone()
    out[u] = m[u] + gain @ (x[v] - m[v])
    return out


def _fill_precision(m: Tensor, C: Tensor, x: Tensor, known: Tensor) -> Tensor:
    """The top of the joint density over the unknown entries, from the inverse covariance."""
    P = C.double().inverse()
    u, v = (~known).nonzero()[:, 0], known.nonzero()[:, 0]
    pull = P[u][:, v] @ (x[v] - m[v]).double()
    rest = m[u].double() - torch.linalg.solve(P[u][:, u], pull)
    return torch.where(known, x.double(), torch.zeros_like(m).double()).index_put((u,), rest)


def _fill_one_by_one(m: Tensor, C: Tensor, x: Tensor, known: Tensor) -> np.ndarray:
    """Tell the Gaussian one known entry after the other."""
    mean, covariance = m.double().numpy().copy(), C.double().numpy().copy()
    for i in known.nonzero()[:, 0].tolist():
        gain = covariance[:, i] / covariance[i, i]
        mean = mean + gain * (float(x[i]) - mean[i])
        covariance = covariance - np.outer(gain, covariance[i])
        covariance[i, :] = covariance[:, i] = 0
        covariance[i, i] = 1  # known: it correlates with nothing any more
    return mean


def _fill_cases(seed: int) -> list[Case]:
    g = _generator(seed)

    def case(D: int, entries: list[int], label: str, dtype: torch.dtype = torch.float64) -> Case:
        m, C = _gaussian(g, D, dtype)
        x = m + 2 * torch.randn(D, generator=g, dtype=dtype)
        known = torch.zeros(D, dtype=torch.bool)
        known[entries] = True
        x[~known] = 77.0
        return Case((m, C, x, known), label=label)

    return [
        case(2, [0], "one of two"),
        case(5, [1, 4], "two of five"),
        case(8, [0, 1, 2, 3, 4, 6], "six of eight"),
        case(6, [5, 0, 2], "single precision", torch.float32),
    ]


def _fill_with(change: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def wrong(m: Tensor, C: Tensor, x: Tensor, known: Tensor) -> Tensor:
        out = x.clone()
        out[~known] = change(m, C, x, ~known, known)
        return out

    return wrong


def _means_of_the_known(m: Tensor, C: Tensor, x: Tensor, known: Tensor) -> Tensor:
    out = fill(m, C, x, known)
    return torch.where(known, m, out)


FILL = Question(
    id="gaussians.fill",
    points=3,
    name="fill",
    reference=fill,
    cases=_fill_cases,
    alternatives=(_fill_precision, _fill_one_by_one),
    misconceptions=(
        Misconception(
            "marginal mean",
            _fill_with(lambda m, C, x, u, v: m[u]),
            "You filled in the plain mean. What is known says something about the rest: add "
            "C_uv C_vv⁻¹ (x_v − m_v).",
        ),
        Misconception(
            "mean of the known not subtracted",
            _fill_with(
                lambda m, C, x, u, v: m[u] + torch.linalg.solve(C[v][:, v], C[v][:, u]).T @ x[v]
            ),
            "You multiply the gain with x_v. Only its deviation from what was expected is news: "
            "x_v − m_v.",
        ),
        Misconception(
            "no inverse",
            _fill_with(lambda m, C, x, u, v: m[u] + C[u][:, v] @ (x[v] - m[v])),
            "Your gain is C_uv. It must be divided by the spread of what is known: C_uv C_vv⁻¹.",
        ),
        Misconception(
            "variances only",
            _fill_with(lambda m, C, x, u, v: m[u] + C[u][:, v] / C.diagonal()[v] @ (x[v] - m[v])),
            "You divide by the variances of the known entries, each on its own, and count twice "
            "what two of them say together. Use the inverse of the whole matrix C_vv.",
        ),
        Misconception(
            "inverse of the unknown",
            _fill_with(
                lambda m, C, x, u, v: (
                    m[u] + torch.linalg.solve(C[u][:, u], C[u][:, v]) @ (x[v] - m[v])
                )
            ),
            "Your gain has C_uu⁻¹. It is the covariance of the *known* entries that is inverted.",
        ),
        Misconception(
            "mask inverted",
            lambda m, C, x, known: fill(m, C, x, ~known),
            "You kept the entries where known is False, and filled in those that you were told.",
        ),
        Misconception(
            "known entries lost",
            _means_of_the_known,
            "In the place of the known entries you return their mean. They are known: leave them "
            "as they are.",
        ),
    ),
)


# --- 5. Repair a score ---------------------------------------------------------------------------


def score(w: Tensor, m: Tensor, s: Tensor, x: Tensor, a: float, b: float) -> Tensor:
    variance = a**2 * s**2 + b**2
    apart = x[:, None] - a * m
    log_joint = w.log() - apart.square().sum(-1) / (2 * variance) - x.shape[1] / 2 * variance.log()
    r = log_joint.softmax(-1)
    return -(r[..., None] * apart / variance[:, None]).sum(1)


def _score_autograd(w: Tensor, m: Tensor, s: Tensor, x: Tensor, a: float, b: float) -> Tensor:
    scale = (a**2 * s**2 + b**2).sqrt()
    with torch.enable_grad():
        point = x.detach().clone().requires_grad_()
        log_n = Normal(a * m, scale[:, None]).log_prob(point[:, None]).sum(-1)
        (slope,) = torch.autograd.grad((w.log() + log_n).logsumexp(-1).sum(), point)
    return slope


def _score_loop(w: Tensor, m: Tensor, s: Tensor, x: Tensor, a: float, b: float) -> Tensor:
    """Tweedie's formula, point by point."""
    rows = []
    for point in x.double():
        guess, total = torch.zeros_like(point), 0.0
        for weight, mean, width in zip(w.tolist(), m.double(), s.tolist(), strict=True):
            v = a * a * width * width + b * b
            distance = float(((point - a * mean) ** 2).sum())
            bell = weight * math.exp(-distance / (2 * v)) * v ** (-len(point) / 2)
            guess += bell * (mean + a * width**2 / v * (point - a * mean))
            total += bell
        rows.append((a * guess / total - point) / b**2)
    return torch.stack(rows)


def _score_cases(seed: int) -> list[Case]:
    g = _generator(seed)

    def case(K: int, D: int, a: float, b: float, label: str, dtype: torch.dtype) -> Case:
        w = torch.rand(K, generator=g, dtype=dtype) + 0.2
        m = torch.randn(K, D, generator=g, dtype=dtype)
        s = 0.3 + torch.rand(K, generator=g, dtype=dtype)
        x = torch.randn(4, D, generator=g, dtype=dtype)
        return Case((w / w.sum(), m, s, x, a, b), label=label)

    b = 0.3 + 0.5 * float(torch.rand((), generator=g))
    return [
        case(2, 1, 0.8, 0.6, "two components on a line", torch.float64),
        case(3, 2, 0.6, b, "three components in the plane", torch.float64),
        case(2, 5, 1.0, 1.7, "much noise, five dimensions", torch.float64),
        case(4, 3, 0.5, 0.9, "single precision", torch.float32),
        case(1, 2, 0.9, 0.4, "a single component", torch.float64),
    ]


def _given(w: Tensor, m: Tensor, s: Tensor, x: Tensor, a: float, b: float) -> Tensor:
    return _score_with(lambda s, a, b: a**2 * s**2 + b, D=1, weigh=_by_weight)(w, m, s, x, a, b)


def _by_weight(w: Tensor, log_joint: Tensor) -> Tensor:
    return w.expand_as(log_joint)


def _by_responsibility(w: Tensor, log_joint: Tensor) -> Tensor:
    return log_joint.softmax(-1)


def _score_with(
    spread: Callable[..., Tensor] = lambda s, a, b: a**2 * s**2 + b**2,
    D: int | None = None,
    weigh: Callable[[Tensor, Tensor], Tensor] = _by_responsibility,
    sign: float = -1.0,
    fade: bool = True,
) -> Callable[..., Tensor]:
    """A wrong score: with another variance, dimension in the normaliser, weights, sign or mean."""

    def wrong(w: Tensor, m: Tensor, s: Tensor, x: Tensor, a: float, b: float) -> Tensor:
        variance = spread(s, a, b)
        apart = x[:, None] - (a if fade else 1.0) * m
        half = (x.shape[1] if D is None else D) / 2
        log_joint = w.log() - apart.square().sum(-1) / (2 * variance) - half * variance.log()
        return sign * (weigh(w, log_joint)[..., None] * apart / variance[:, None]).sum(1)

    return wrong


SCORE = Question(
    id="gaussians.score",
    points=3,
    name="score",
    reference=score,
    cases=_score_cases,
    alternatives=(_score_autograd, _score_loop),
    equivalent_mutants={
        "r = log_joint.softmax(-1) → r = log_joint.softmax(1)": "of two axes 1 is the last",
    },
    misconceptions=(
        Misconception(
            "as given",
            _given,
            "These are the outputs of the code as given. Try it with two components and b = 0.5, "
            "and compare with the derivative of the log-density. (While r does not depend on x, "
            "the line above it plays no part.)",
        ),
        Misconception(
            "mixture of scores",
            _score_with(weigh=_by_weight),
            "You average the scores of the components with the weights w. The logarithm of a sum "
            "has another slope: weigh with the responsibilities, which depend on x.",
        ),
        Misconception(
            "b not squared",
            _score_with(lambda s, a, b: a**2 * s**2 + b),
            "Your variance is a² s² + b. The noise has the standard deviation b, and variances "
            "add.",
        ),
        Misconception(
            "normaliser of a line",
            _score_with(D=1),
            "Your log-densities have the normaliser of one dimension, −½ log v. In D dimensions "
            "it counts D times, and wide components lose weight: yours gives them too much.",
        ),
        Misconception(
            "normaliser of a line, b not squared",
            _score_with(lambda s, a, b: a**2 * s**2 + b, D=1),
            "Two mistakes are left: the normaliser is that of one dimension, and the variance "
            "has b where b² belongs.",
        ),
        Misconception(
            "wrong way",
            _score_with(sign=1.0),
            "Your score points away from the data. The slope of −|x − m|²/2v is −(x − m)/v.",
        ),
        Misconception(
            "softmax over the points",
            _score_with(weigh=lambda w, log_joint: log_joint.softmax(0)),
            "Your responsibilities sum to one over the points. They are probabilities of the "
            "components, for each point on its own: the sum runs over the last axis.",
        ),
        Misconception(
            "responsibilities not normalised",
            _score_with(weigh=lambda w, log_joint: log_joint.exp()),
            "Your responsibilities do not sum to one. Divide by their sum over the components; "
            "softmax does both at once.",
        ),
        Misconception(
            "means not faded",
            _score_with(fade=False),
            "Your components sit at m. On the path x_t = a x_0 + b eps they have moved to a m.",
        ),
        Misconception(
            "a not squared",
            _score_with(lambda s, a, b: a * s**2 + b**2),
            "Your variance has a s². A variance scales with the square: a² s².",
        ),
    ),
)


# --- 6. From a score to a guess and its error ----------------------------------------------------


@dataclass(frozen=True)
class Bumps:
    """The score of x_t = a x_0 + b eps for bumps at `centres`, all as wide, with equal weights."""

    centres: tuple[float, ...]
    width: float
    a: float
    b: float

    def __call__(self, x: Tensor) -> Tensor:
        variance = self.a**2 * self.width**2 + self.b**2
        apart = x[:, None] - self.a * torch.tensor(self.centres, dtype=x.dtype)
        r = (-(apart**2) / (2 * variance)).softmax(-1)
        return -(r * apart).sum(-1) / variance


def denoise(score: Callable[[Tensor], Tensor], x: Tensor, a: float, b: float) -> tuple[Tensor, ...]:
    x = x.detach().requires_grad_()
    s = score(x)
    (slope,) = torch.autograd.grad(s.sum(), x)
    return ((x + b**2 * s) / a).detach(), b**2 / a**2 * (1 + b**2 * slope)


def _with_slope(f: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and f'(x), for a function that works entry by entry."""
    with torch.enable_grad():
        point = x.detach().clone().requires_grad_()
        value = f(point)
        return value.detach(), torch.autograd.grad(value.sum(), point)[0]


def _denoise_guess(
    score: Callable[[Tensor], Tensor], x: Tensor, a: float, b: float
) -> tuple[Tensor, ...]:
    """The spread from the slope of the guess itself."""

    value, slope = _with_slope(lambda x: (x + b * b * score(x)) / a, x)
    return value, b * b / a * slope


def _denoise_loop(
    score: Callable[[Tensor], Tensor], x: Tensor, a: float, b: float
) -> list[list[float]]:
    means, variances = [], []
    for value in x.double().tolist():
        point = torch.tensor([value], dtype=torch.float64, requires_grad=True)
        s = score(point)
        s.backward()
        assert point.grad is not None
        means.append((value + b**2 * s.item()) / a)
        variances.append((b / a) ** 2 + b**4 / a**2 * point.grad.item())
    return [means, variances]


def _denoise_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    centres = tuple(torch.randn(3, generator=g).tolist())

    def case(bumps: Bumps, label: str, dtype: torch.dtype = torch.float64) -> Case:
        x = 1.5 * torch.randn(6, generator=g, dtype=dtype)
        return Case((bumps, x, bumps.a, bumps.b), label=label)

    return [
        case(Bumps((-1.0, 1.0), 0.3, 0.8, 0.6), "two bumps"),
        case(Bumps(centres, 0.5, 0.6, 0.5), "three bumps"),
        case(Bumps(centres, 0.2, 1.0, 2.0), "a = 1 and much noise"),
        case(Bumps((0.5,), 0.7, 0.4, 0.9), "single precision", torch.float32),
    ]


def _denoise_with(
    change: Callable[..., tuple[Tensor, Tensor]],
) -> Callable[..., tuple[Tensor, Tensor]]:
    """A wrong answer from x, the score, its slope, a and b."""

    def wrong(
        score: Callable[[Tensor], Tensor], x: Tensor, a: float, b: float
    ) -> tuple[Tensor, Tensor]:
        return change(x, *_with_slope(score, x), a, b)

    return wrong


DENOISE = Question(
    id="gaussians.denoise",
    points=3,
    name="denoise",
    reference=denoise,
    cases=_denoise_cases,
    alternatives=(_denoise_guess, _denoise_loop),
    misconceptions=(
        Misconception(
            "b for b squared",
            _denoise_with(lambda x, s, d, a, b: ((x + b * s) / a, b**2 / a**2 * (1 + b**2 * d))),
            "Your mean has b times the score. That is minus the predicted eps; in Tweedie's "
            "formula it is multiplied by b once more.",
        ),
        Misconception(
            "not divided by a",
            _denoise_with(lambda x, s, d, a, b: (x + b**2 * s, b**2 * (1 + b**2 * d))),
            "You return mean and variance of a x_0. Divide by a, and the variance by a².",
        ),
        Misconception(
            "away from the data",
            _denoise_with(lambda x, s, d, a, b: ((x - b**2 * s) / a, b**2 / a**2 * (1 - b**2 * d))),
            "You went down the log-density. The score points to where the data are: add it.",
        ),
        Misconception(
            "mean away from the data",
            _denoise_with(lambda x, s, d, a, b: ((x - b**2 * s) / a, b**2 / a**2 * (1 + b**2 * d))),
            "Your variance is right, and your mean goes down the log-density. The score points to "
            "where the data are: add it.",
        ),
        Misconception(
            "slope with the wrong sign",
            _denoise_with(lambda x, s, d, a, b: ((x + b**2 * s) / a, b**2 / a**2 * (1 - b**2 * d))),
            "Your mean is right, but in the variance the slope of the score has the wrong sign: "
            "where the log-density bends down, the slope is negative and the variance smaller.",
        ),
        Misconception(
            "mean not divided by a",
            _denoise_with(lambda x, s, d, a, b: (x + b**2 * s, b**2 / a**2 * (1 + b**2 * d))),
            "Your variance is right, and your mean is that of a x_0: divide by a.",
        ),
        Misconception(
            "variance not divided by a squared",
            _denoise_with(lambda x, s, d, a, b: ((x + b**2 * s) / a, b**2 * (1 + b**2 * d))),
            "Your mean is right, and your variance is that of a x_0: divide by a².",
        ),
        Misconception(
            "variance divided by a once",
            _denoise_with(lambda x, s, d, a, b: ((x + b**2 * s) / a, b**2 / a * (1 + b**2 * d))),
            "Your variance has b²/a. A variance scales with the square: b²/a².",
        ),
        Misconception(
            "variance of the noise alone",
            _denoise_with(lambda x, s, d, a, b: ((x + b**2 * s) / a, b**2 / a**2 + 0 * d)),
            "Your variance is b²/a², as if nothing were known of the data. The bend of the "
            "log-density corrects it: (b²/a²)(1 + b² · slope of the score).",
        ),
        Misconception(
            "slope of the guess",
            _denoise_with(lambda x, s, d, a, b: ((x + b**2 * s) / a, (1 + b**2 * d) / a)),
            "Your variance is the slope of the guess. Multiply it by b²/a.",
        ),
        Misconception(
            "standard deviation",
            _denoise_with(
                lambda x, s, d, a, b: ((x + b**2 * s) / a, b / a * (1 + b**2 * d).sqrt())
            ),
            "Your second result is the standard deviation. The variance is asked for.",
        ),
    ),
)


# --- 7. A bound that can be drawn ----------------------------------------------------------------


def bound(x: float, w: float, s: float, m: float, v: float) -> tuple[float, float]:
    rebuilt = -0.5 * math.log(2 * math.pi * s**2) - ((x - w * m) ** 2 + w**2 * v) / (2 * s**2)
    cost = 0.5 * (v + m**2 - 1 - math.log(v))
    variance = w**2 + s**2
    log_p = -0.5 * math.log(2 * math.pi * variance) - x**2 / (2 * variance)
    return rebuilt - cost, log_p - (rebuilt - cost)


def _bound_by_gap(x: float, w: float, s: float, m: float, v: float) -> tuple[float, float]:
    """The gap as the divergence from the posterior, and the bound as what is left."""
    precision = 1 + w**2 / s**2
    gap = 0.5 * (v * precision - 1 - math.log(v * precision))
    gap += 0.5 * precision * (m - w * x / s**2 / precision) ** 2
    log_p = Normal(0.0, math.hypot(w, s)).log_prob(torch.tensor(x, dtype=torch.float64))
    return float(log_p) - gap, gap


def _bound_by_entropy(x: float, w: float, s: float, m: float, v: float) -> list[float]:
    """E_q[log p(x, z)] plus the entropy of q, with Gauss and Hermite's quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    z = m + math.sqrt(v) * nodes
    log_joint = -0.5 * (np.log(2 * np.pi * s * s) + ((x - w * z) / s) ** 2)
    log_joint = log_joint - 0.5 * (np.log(2 * np.pi) + z**2)
    entropy = 0.5 * math.log(2 * math.pi * math.e * v)
    lower = float(weights @ log_joint / weights.sum()) + entropy
    total = w * w + s * s
    return [lower, -0.5 * (math.log(2 * math.pi * total) + x * x / total) - lower]


def _bound_single(x: float, w: float, s: float, m: float, v: float) -> Tensor:
    """In single precision, where the gap is a difference of large numbers."""
    x_, w_, s_, m_, v_ = torch.tensor([x, w, s, m, v], dtype=torch.float32)
    rebuilt = Normal(w_ * m_, s_).log_prob(x_) - w_**2 * v_ / (2 * s_**2)
    lower = rebuilt - kl_divergence(Normal(m_, v_.sqrt()), Normal(0.0, 1.0))
    log_p = Normal(0.0, (w_**2 + s_**2).sqrt()).log_prob(x_)
    return torch.stack([lower, log_p - lower])


def _bound_cases(seed: int) -> list[Case]:
    r = np.random.default_rng(seed)

    def any_q() -> tuple[float, float, float]:
        return float(r.normal()), float(r.normal()), float(r.uniform(0.3, 1.5))

    x, w, s = any_q()
    posterior = 1 / (1 + w**2 / s**2)
    return [
        Case((1.5, 2.0, 0.5, 0.4, 0.3), label="numbers to try by hand"),
        Case((*any_q(), *any_q()[1:]), label="any q"),
        Case((*any_q(), *any_q()[1:]), label="another q"),
        Case((x, w, s, posterior * w * x / s**2, posterior), label="the posterior itself"),
        Case((x, w, s, 0.0, 1.0), label="the prior"),
    ]


def _bound_with(
    change: Callable[..., tuple[float, float]],
) -> Callable[..., tuple[float, float]]:
    """A wrong bound from its rebuilt term, its cost, log p(x) and the five numbers."""

    def wrong(x: float, w: float, s: float, m: float, v: float) -> tuple[float, float]:
        rebuilt = -0.5 * math.log(2 * math.pi * s**2)
        rebuilt -= ((x - w * m) ** 2 + w**2 * v) / (2 * s**2)
        cost = 0.5 * (v + m**2 - 1 - math.log(v))
        total = w**2 + s**2
        log_p = -0.5 * math.log(2 * math.pi * total) - x**2 / (2 * total)
        return change(rebuilt, cost, log_p, x, w, s, m, v)

    return wrong


_LOG_ROOT = 0.5 * math.log(2 * math.pi)


def _from_posterior(x: float, w: float, s: float, m: float, v: float) -> float:
    """KL(p(z | x) ‖ q), the divergence in the other direction."""
    variance = 1 / (1 + w**2 / s**2)
    apart = variance * w * x / s**2 - m
    return 0.5 * (variance / v - 1 + apart**2 / v - math.log(variance / v))


def _and_gap(lower: float, log_p: float) -> tuple[float, float]:
    return lower, log_p - lower


BOUND = Question(
    id="gaussians.bound",
    points=3,
    name="bound",
    reference=bound,
    cases=_bound_cases,
    alternatives=(_bound_by_gap, _bound_by_entropy, _bound_single),
    atol=1e-4,  # the gap is a difference of large numbers, and they may be in single precision
    equivalent_mutants={
        "rebuilt = -0.5 * math.log(2 * math.pi * s ** 2) - ((x - w * m) ** 2 + w ** 2 * v) / "
        "(2 * s ** 2) → rebuilt = -0.5 * math.log(2 * math.pi * s ** 2) - ((w * m - x) ** 2 + "
        "w ** 2 * v) / (2 * s ** 2)": "the square has no sign",
    },
    misconceptions=(
        Misconception(
            "rebuilt at the mean",
            _bound_with(
                lambda rebuilt, cost, log_p, x, w, s, m, v: _and_gap(
                    rebuilt + w**2 * v / (2 * s**2) - cost, log_p
                )
            ),
            "You rebuilt x from the mean of q. The average over q is worse than its middle: "
            "E[(x − w z)²] = (x − w m)² + w² v.",
        ),
        Misconception(
            "no cost",
            _bound_with(lambda rebuilt, cost, log_p, x, w, s, m, v: _and_gap(rebuilt, log_p)),
            "The cost KL(q ‖ p(z)) is missing.",
        ),
        Misconception(
            "cost added",
            _bound_with(
                lambda rebuilt, cost, log_p, x, w, s, m, v: _and_gap(rebuilt + cost, log_p)
            ),
            "You added the divergence from the prior. It is a cost: subtract it.",
        ),
        Misconception(
            "gap negative",
            _bound_with(
                lambda rebuilt, cost, log_p, x, w, s, m, v: (
                    rebuilt - cost,
                    rebuilt - cost - log_p,
                )
            ),
            "Your gap is negative. The bound lies below log p(x); the gap is log p(x) − ELBO.",
        ),
        Misconception(
            "gap from the prior",
            _bound_with(lambda rebuilt, cost, log_p, x, w, s, m, v: (rebuilt - cost, cost)),
            "Your gap is KL(q ‖ p(z)), the divergence from the prior. The gap is the divergence "
            "from the *posterior* p(z | x).",
        ),
        Misconception(
            "gap in the other direction",
            _bound_with(
                lambda rebuilt, cost, log_p, x, w, s, m, v: (
                    rebuilt - cost,
                    _from_posterior(x, w, s, m, v),
                )
            ),
            "Your gap is KL(p(z | x) ‖ q). The average runs over q: KL(q ‖ p(z | x)).",
        ),
        Misconception(
            "v as a deviation",
            lambda x, w, s, m, v: bound(x, w, s, m, v**2),
            "You took v for a standard deviation. It is the variance of q.",
        ),
        Misconception(
            "2π forgotten",
            _bound_with(
                lambda rebuilt, cost, log_p, x, w, s, m, v: _and_gap(
                    rebuilt + _LOG_ROOT - cost, log_p + _LOG_ROOT
                )
            ),
            "Your gap is right, but the bound is too large by ½ log 2π = 0.919: the normaliser of "
            "p(x | z) has a 2π.",
        ),
        Misconception(
            "likelihood without the hidden part",
            _bound_with(
                lambda rebuilt, cost, log_p, x, w, s, m, v: (
                    rebuilt - cost,
                    -0.5 * math.log(2 * math.pi * s**2) - x**2 / (2 * s**2) - (rebuilt - cost),
                )
            ),
            "Your log p(x) has the variance s². When z is not known, x varies with it too: "
            "w² + s².",
        ),
    ),
)


QUESTIONS = [
    BY_HAND,
    PUSH,
    KL,
    FILL,
    SCORE,
    DENOISE,
    BOUND,
    Question(id="gaussians.explain", points=2, name="explain", manual=True),
]
