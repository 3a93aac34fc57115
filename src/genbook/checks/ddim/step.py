"""One step from t to s."""

from genbook.checks import Case, Question, answers, generator, math, torch
from genbook.checks.ddpm.shared import schedules


def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * b_s / b_t * math.sqrt(1 - a_t**2 / a_s**2)
    x0 = (xt - b_t * eps) / a_t
    xs = a_s * x0 + math.sqrt(b_s**2 - sigma**2) * eps
    return xs if noise is None else xs + sigma * noise


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, cosine, random = schedules(seed)
    images = [torch.randn(3, 1, 4, 4, generator=g) for _ in range(3)]
    vectors = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(3)]
    eta = 0.2 + 0.6 * float(torch.rand((), generator=g))
    return [
        Case((linear, *images[:2], 16, 7), label="η = 0"),
        Case((linear, *images[:2], 16, 7, 1.0, images[2]), label="η = 1, a long jump"),
        Case((cosine, *vectors[:2], 9, 3, eta, vectors[2]), label="η in between"),
        Case((random, *images[:2], 6, 5, 1.0, images[2]), label="η = 1, one step"),
        Case((random, *vectors[:2], 4, 0, 1.0, vectors[2]), label="the last jump, to t = 0"),
        Case((linear, *vectors[:2], 20, 10, 0.0), label="from t = T"),
        Case((linear, *vectors[:2], 14, 4, eta), label="no noise given, and η > 0"),
    ]


ANSWERS = answers("""
with tensors of float64: xt - b_t * eps → xt.double() - b_t * eps.double()
    math.sqrt(1 - a_t**2 / a_s**2) → (1 - schedule.alpha_bars[t] / schedule.alpha_bars[s]).sqrt()
the family's mean k x_t + m x̂_0, with α as a product over the jump:
    a_t**2 / a_s**2 → math.prod(schedule.alphas[s + 1 : t + 1].tolist())
    x0 + math.sqrt(b_s**2 - sigma**2) * eps → x0 + k * (xt - a_t * x0)
    x0 = (xt → k = math.sqrt(b_s**2 - sigma**2) / b_t;x0 = (xt
variance of a single step: a_t**2 / a_s**2 → float(schedule.alphas[t])
    Your σ uses 1 − α_t, the noise of the one step from t − 1 to t. The jump from s to t passes all
    the α in between: use 1 − ᾱ_t / ᾱ_s.
direction without sigma: math.sqrt(b_s**2 - sigma**2) → b_s
    Your direction term is b_s eps, whatever σ is. Fresh noise has to replace old noise: with √(b_s²
    − σ²) the two variances add up to b_s².
sigma not squared in the direction: math.sqrt(b_s**2 - sigma**2) → max(b_s**2 - sigma, 0) ** 0.5
    Your direction term is √(b_s² − σ). Variances are subtracted: √(b_s² − σ²).
variance for sigma: sigma * noise → sigma**2 * noise
    You multiply the fresh noise with σ², its variance. The factor is σ.
the larger variance: sigma * noise → sigma * b_t / b_s * noise
    Your fresh noise has σ̂ = √(1 − ᾱ_t / ᾱ_s). The member of the family has the factor b_s / b_t in
    front; without it the marginal at s is too wide, and the last jump leaves noise on the image.
the larger variance throughout: * b_s / b_t →
    or: * b_s / b_t →; math.sqrt(b_s**2 - sigma**2) → torch.tensor(b_s**2 - sigma**2).sqrt()
    or: * b_s / b_t →; math.sqrt(b_s**2 - sigma**2) → (b_s**2 - sigma**2) ** 0.5
    or: * b_s / b_t →; math.sqrt(b_s**2 - sigma**2) → max(b_s**2 - sigma**2, 0) ** 0.5
    Your σ is σ̂ = √(1 − ᾱ_t / ᾱ_s), which can be more than all the noise at s, so that b_s² − σ²
    becomes negative. The σ of the family has b_s / b_t in front.
difference of standard deviations: math.sqrt(b_s**2 - sigma**2) → (b_s - sigma)
    Your direction term is b_s − σ. Standard deviations do not add up, variances do: √(b_s² − σ²).
always eta = 1: eta * b_s → b_s
    Your σ is the one of η = 1, whatever `eta` says. Multiply it with η.
always eta = 0: eta * b_s → 0 * b_s
    Your step is right for η = 0, and it ignores `eta` and `noise` otherwise: σ is missing, under
    the root and before the fresh noise.
eta squared: eta * b_s → eta**2 * b_s
    Your σ has η². η multiplies the standard deviation σ itself; only the variance gets the square.
eta on the variance: eta * b_s → math.sqrt(eta) * b_s
    You scaled the variance with η. η multiplies the standard deviation, so the variance gets η².
direction with b_t: b_s**2 - sigma → b_t**2 - sigma
    Your direction term keeps the noise of time t. The new state belongs to time s, so the variances
    of its noise add up to b_s².
predicted x_0 not rescaled: a_s * x0 → x0
    You put the predicted x_0 into x_s at full strength. At time s the image is still faded:
    multiply it with a_s.
x_t minus the noise as x_0: eps) / a_t → eps)
    Your predicted x_0 is x_t − b_t eps. This is the faded image a_t x_0: divide by a_t.
all noise fresh: math.sqrt(b_s**2 - sigma**2) * eps → b_s * (eps if noise is None else noise)
    if noise is None else xs + sigma * noise →
    You noised the predicted x_0 afresh. That is the other end of the dial, σ = b_s: it keeps the
    marginals, but at η < 1 most of the noise should be the old one, eps.
rates without roots: sigma = eta → a_t, b_t, a_s, b_s = a_t**2, b_t**2, a_s**2, b_s**2;sigma = eta
    or: x0 = (xt → a_t, b_t, a_s, b_s = a_t**2, b_t**2, a_s**2, b_s**2;x0 = (xt
    b_s**2 - sigma**2 → max(b_s**2 - sigma**2, 0)
    You mixed with ᾱ and 1 − ᾱ. These are variances; the rates are their roots, a and b.
sigma only where there is noise: b_s**2 - sigma**2 → b_s**2 - (0 if noise is None else sigma) ** 2
    Where no noise is given, you leave σ out of the root as well. It stays there all the same.
variances added: b_s**2 - sigma**2 → b_s**2 + sigma**2
    You added σ² under the root. The fresh noise takes its share of b_s²: subtract it.
""")
QUESTION = Question("ddim.step", 3, step, cases, ANSWERS)
