"""One step by hand."""

from genbook.checks import Question, answers, math, pencil


def by_hand():
    x0 = (1 - 0.8 * 0.2) / 0.6
    xs = 0.8 * x0 + 0.6 * 0.2
    sigma = 0.6 / 0.8 * math.sqrt(1 - 0.36 / 0.64)
    return x0, xs, sigma


ANSWERS = answers("""
in x / a and b / a, as Euler's method sees it:
    slope, rho_t, rho_s, scaled = 0.2, 4 / 3, 3 / 4, 1.0 / 0.6
    return [scaled - rho_t * slope, 0.8 * (scaled + (rho_s - rho_t) * slope), 0.1875 * math.sqrt(7)]
four digits, as an array: → np.array([1.4, 1.24, 0.4961])
alpha-bar without roots:
    → (0.872 / 0.36, 0.64 * 0.872 / 0.36 + 0.36 * 0.2, 0.75 * math.sqrt(0.4375))
    You mixed signal and noise with ᾱ and 1 − ᾱ. These are variances: the rates are √ᾱ and √(1 − ᾱ).
variance for sigma: 0.6 / 0.8 * math.sqrt(1 - 0.36 / 0.64) → 0.36 / 0.64 * (1 - 0.36 / 0.64)
    Your third number is σ². The question asks for σ, the standard deviation of the fresh noise.
the larger variance: 0.6 / 0.8 * math → math
    Your σ is σ̂ = √(1 − ᾱ_t / ᾱ_s), the noise of the jump forward. The posterior knows x_0 as well
    and is narrower by the factor b_s / b_t.
direction with b_t: x0 + 0.6 → x0 + 0.8
    The direction term of your x_s has the noise rate of t. You are building a state at time s: it
    carries b_s of noise.
predicted x_0 without the division: 0.2) / 0.6 → 0.2)
    Your x̂_0 is x_t − b_t eps. That is a_t x̂_0: divide by a_t.
""")
QUESTION = Question("ddim.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
