"""One step by hand."""

from genbook.checks import Question, answers, math, pencil


def by_hand():
    x0 = (1.4 - 0.8 * -0.5) / 0.6
    xs = 0.96 * x0 + 0.28 * -0.5
    sigma = 0.28 / 0.8 * math.sqrt(1 - 0.36 / 0.9216)
    return x0, xs, sigma


ANSWERS = answers("""
in x / a and b / a, as Euler's method sees it:
    slope, rho_t, rho_s, scaled = -0.5, 4 / 3, 7 / 24, 1.4 / 0.6
    xs = 0.96 * (scaled + (rho_s - rho_t) * slope)
    return [scaled - rho_t * slope, xs, 0.7 / 1.92 * math.sqrt(0.5616)]
four digits, as an array: → np.array([3, 2.74, 0.2732])
alpha-bar without roots:
    → (1.72 / 0.36, 0.9216 * 1.72 / 0.36 - 0.0784 * 0.5, 0.35 * math.sqrt(1 - 0.36 / 0.9216))
    You mixed signal and noise with ᾱ and 1 − ᾱ. These are variances: the rates are √ᾱ and √(1 − ᾱ).
variance for sigma: 0.28 / 0.8 * math.sqrt(1 - 0.36 / 0.9216) → 0.1225 * (1 - 0.36 / 0.9216)
    Your third number is σ². The question asks for σ, the standard deviation of the fresh noise.
the larger variance: 0.28 / 0.8 * math → math
    Your σ is σ̂ = √(1 − ᾱ_t / ᾱ_s), the noise of the jump forward. The posterior knows x_0 as well
    and is narrower by the factor b_s / b_t.
direction with b_t: x0 + 0.28 → x0 + 0.8
    The direction term of your x_s has the noise rate of t. You are building a state at time s: it
    carries b_s of noise.
predicted x_0 without the division: -0.5) / 0.6 → -0.5)
    Your x̂_0 is x_t − b_t eps. That is a_t x̂_0: divide by a_t.
""")
QUESTION = Question("ddim.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
