"""Two witnesses by hand."""

from genbook.checks import Question, answers, math, pencil


def by_hand():
    variance = 1 / (1 / 4 + 1 / 2)
    mean = variance * (20 / 4 + 23 / 2)
    divergence = 0.5 * (4 / 2 - 1 + (23 - 20) ** 2 / 2 + math.log(2 / 4))
    return mean, variance, divergence


ANSWERS = answers("""
by gain:
    gain = 4 / (4 + 2)
    return [20 + gain * 3, 4 - gain * 4, 2.75 - math.log(2) / 2]
with torch:
    deviation, twice = torch.tensor([4.0, 2.0]).sqrt()
    p, q = torch.distributions.Normal(20.0, deviation), torch.distributions.Normal(23.0, twice)
    return torch.stack([p.mean + 2, p.variance / 3, torch.distributions.kl_divergence(p, q)])
rounded: → (22, 1.333, 2.403)
variances for deviations: → (22.4, 3.2, 0.5 * (16 / 4 - 1 + 9 / 4 + math.log(4 / 16)))
    You took 4 and 2 for standard deviations. The second argument of N(m, ·) is the variance.
the sum: return mean, variance → return 43.0, 6.0
    You added two random variables. Two witnesses of one number multiply their densities: inverse
    variances add, and the result is narrower than both.
the middle: return mean → return 21.5
    Your mean is half-way between. The surer witness counts more: weigh with inverse variances.
weights exchanged: 20 / 4 + 23 / 2 → 20 / 2 + 23 / 4
    Your mean lies near the less certain witness. The weights are the *inverse* variances.
precision for variance: return mean, variance → return mean, 1 / variance
    Your second number is the inverse variance, 1/4 + 1/2. Its inverse is asked for.
reverse divergence: 4 / 2 - 1 → 2 / 4 - 1; ** 2 / 2 → ** 2 / 4; 2 / 4) → 4 / 2)
    Your divergence has its arguments exchanged. KL(p ‖ q) averages over p, and the variance of q
    stands in the denominators.
dimension forgotten in the divergence: - 1 →
    Your divergence lacks the − d, here − 1, in the bracket: a Gaussian's divergence from itself
    would be 1/2.
divergence in bits: , divergence → , divergence / math.log(2)
    Your divergence is in bits. Nats are asked for: natural logarithms.
two decimals: return mean, variance, divergence → return 22.0, 1.33, 2.40
    Two decimals are too few: give at least three.
logarithm upside down: math.log(2 / 4) → math.log(4 / 2)
    Your logarithm is upside down. In KL(p ‖ q) the variance of q stands above that of p.
variances added: return mean, variance → return mean, 6.0
    You added the variances. Both together know more than either: inverse variances add.
divergence without the half: divergence = 0.5 * → divergence =
    Your divergence is twice too large: the factor 1/2 is missing.
the square has no sign: 23 - 20 ≡ 20 - 23
""")

# By hand, three decimals are enough.
CASES = pencil("the three numbers")
QUESTION = Question("gaussians.by_hand", 2, by_hand, CASES, ANSWERS, rtol=1e-3)
