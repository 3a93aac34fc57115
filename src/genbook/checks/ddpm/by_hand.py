"""Three steps by hand."""

from genbook.checks import Question, answers, pencil


def by_hand():
    alpha_bar = 0.9 * 0.8 * 0.5
    return alpha_bar, 0.6 * 2, 1 - alpha_bar


ANSWERS = answers("""
step by step:
    mean, variance = 2.0, 0.0
    for beta in (0.1, 0.2, 0.5):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    return [(mean / 2) ** 2, mean, variance]
as an array: → np.array([0.36, 1.2, 0.64])
added variances: → (1 - 0.8, math.sqrt(0.2) * 2, 0.8)
    You added the three β. Each step also shrinks the noise that was there before it, so the noise
    variances do not add up: multiply the α = 1 − β instead.
product of the betas: 0.9 * 0.8 * 0.5 → 0.1 * 0.2 * 0.5; 0.6 → 0.1
    You multiplied the β. What survives a step is the share α = 1 − β, so ᾱ is the product of the α.
mean without the root: 0.6 * 2 → alpha_bar * 2
    Your mean is ᾱ x_0. ᾱ is a share of the variance; the image is multiplied with its square root.
standard deviation: 1 - alpha_bar → 0.8
    Your third number is the standard deviation √(1 − ᾱ). The question asks for the variance.
""")
QUESTION = Question("ddpm.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
