"""Fill in the rest of an image."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.gaussians.shared import gaussian


def fill(m, C, x, known):
    u, v = ~known, known
    gain = torch.linalg.solve(C[v][:, v], C[v][:, u]).T
    out = x.clone()
    out[u] = m[u] + gain @ (x[v] - m[v])
    return out


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(D: int, entries: list[int], label: str, dtype=torch.float64, rest=77.0) -> Case:
        m, C = gaussian(g, D, dtype)
        x = m + 2 * torch.randn(D, generator=g, dtype=dtype)
        known = torch.zeros(D, dtype=torch.bool)
        known[entries] = True
        x[~known] = rest
        return Case((m, C, x, known), label=label)

    return [
        case(2, [0], "one of two"),
        case(5, [1, 4], "two of five"),
        case(8, [0, 1, 2, 3, 4, 6], "six of eight"),
        case(6, [5, 0, 2], "single precision", torch.float32),
        case(5, [0, 3], "NaN where nothing is known", rest=float("nan")),
    ]


ANSWERS = answers("""
the top of the joint density over the unknown entries, from the inverse covariance:
    m, x, P = m.double(), x.double(), C.double().inverse()
    rest = torch.linalg.solve(P[~known][:, ~known], P[~known][:, known] @ (x - m)[known])
    return x.masked_scatter(~known, m[~known] - rest)
tell the Gaussian one known entry after the other:
    mean, covariance = m.double().numpy(), C.double().numpy()
    for i in np.flatnonzero(known):
        gain = covariance[:, i] / covariance[i, i]
        mean = mean + gain * (float(x[i]) - mean[i])
        covariance = covariance - np.outer(gain, covariance[i])
    return mean
marginal mean: + gain @ (x[v] - m[v]) →
    You filled in the plain mean. What is known says something about the rest: add
    C_uv C_vv⁻¹ (x_v − m_v).
mean of the known not subtracted: x[v] - m[v] → x[v]
    You multiply the gain with x_v. Only its deviation from what was expected is news: x_v − m_v.
mean of the unknown lost: m[u] + gain → gain
    You filled in how far the rest lies from its mean. Add the mean itself, m_u.
no inverse: torch.linalg.solve(C[v][:, v], C[v][:, u]).T → C[u][:, v]
    Your gain is C_uv. It must be divided by the spread of what is known: C_uv C_vv⁻¹.
variances only: torch.linalg.solve(C[v][:, v], C[v][:, u]).T → C[u][:, v] / C.diagonal()[v]
    You divide by the variances of the known entries, each on its own, and count twice what two of
    them say together. Use the inverse of the whole matrix C_vv.
inverse of the unknown: C[v][:, v], C[v][:, u]).T → C[u][:, u], C[u][:, v])
    Your gain has C_uu⁻¹. It is the covariance of the *known* entries that is inverted.
mask inverted: → fill(m, C, x, ~known)
    You kept the entries where known is False, and filled in those that you were told.
known entries lost: x.clone() → m.clone()
    In the place of the known entries you return their mean. They are known: leave them as they are.
inverse of each entry:
    torch.linalg.solve(C[v][:, v], C[v][:, u]).T → C[u][:, v] @ (1 / C[v][:, v])
    You inverted each entry, 1 / C_vv. The inverse of a matrix is another thing: torch.linalg.solve.
""")
QUESTION = Question("gaussians.fill", 3, fill, cases, ANSWERS)
