"""Three steps by hand."""

from genbook.checks import Question, answers, pencil


def by_hand():
    alpha_bar = 0.98 * 0.8 * 0.625
    return alpha_bar, 0.7 * 3, 1 - alpha_bar


ANSWERS = answers("""
step by step:
    mean, variance = 3.0, 0.0
    for beta in (0.02, 0.2, 0.375):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    return [(mean / 3) ** 2, mean, variance]
as an array: → np.array([0.49, 2.1, 0.51])
added variances: → (1 - 0.595, math.sqrt(0.405) * 3, 0.595)
    You added the three β. Each step also shrinks the noise that was there before it, so the noise
    variances do not add up: multiply the α = 1 − β instead.
product of the betas: 0.98 * 0.8 * 0.625 → 0.02 * 0.2 * 0.375
    0.7 → alpha_bar**0.5
    You multiplied the β. What survives a step is the share α = 1 − β, so ᾱ is the product of the α.
mean without the root: 0.7 * 3 → alpha_bar * 3
    Your mean is ᾱ x_0. ᾱ is a share of the variance; the image is multiplied with its square root.
standard deviation: 1 - alpha_bar → math.sqrt(0.51)
    Your third number is the standard deviation √(1 − ᾱ). The question asks for the variance.
""")
QUESTION = Question("ddpm.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
