"""One jump from the data to time t."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.ddpm.shared import schedules


def q_sample(schedule, x0, t, eps):
    return schedule.a(t, x0) * x0 + schedule.b(t, x0) * eps


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, cosine, random = schedules(seed)
    images, of_images = torch.randn(2, 4, 1, 8, 8, generator=g)
    vectors, *noise = torch.randn(4, 3, 2, generator=g)
    square, of_square = torch.randn(2, 3, 3, generator=g, dtype=torch.float64)
    each, some = torch.tensor([1, 5, 13, 20]), torch.tensor([9, 2, 6])
    return [
        Case((linear, images, each, of_images), label="images, one t each"),
        Case((random, vectors, 4, noise[0]), label="an integer t"),
        Case((cosine, square, some, of_square), label="as many samples as dimensions"),
        Case((linear, vectors, 0, noise[1]), label="t = 0"),
        Case((random, vectors, 7, noise[2]), label="t = T"),
    ]


ANSWERS = answers("""
in float64:
    alpha_bar = schedule.alpha_bars[t].reshape(-1, *[1] * (x0.ndim - 1))
    return alpha_bar**0.5 * x0.double() + (1 - alpha_bar) ** 0.5 * eps.double()
row by row:
    bars = [schedule.alphas[: s + 1].prod() for s in torch.as_tensor(t).expand(len(x0))]
    return torch.stack([v**0.5 * x + (1 - v) ** 0.5 * e for v, x, e in zip(bars, x0, eps)])
variance for standard deviation: schedule.b(t, x0) → schedule.b(t, x0) ** 2
    You multiply the noise with 1 − ᾱ_t, which is its variance. A standard normal number times
    √(1 − ᾱ_t) has that variance.
alpha for alpha-bar: schedule.a(t, x0) → schedule.gather("alphas", t, x0) ** 0.5
    schedule.b(t, x0) → schedule.gather("betas", t, x0) ** 0.5
    You used α_t and β_t, which belong to the one step from t − 1 to t. The jump from 0 to t needs
    ᾱ_t, the product of all α up to t.
alpha-bar without roots: schedule.a(t, x0) → schedule.a(t, x0) ** 2
    schedule.b(t, x0) → schedule.b(t, x0) ** 2
    You mix with ᾱ_t and 1 − ᾱ_t. These are shares of the variance; signal and noise are multiplied
    with their square roots.
signal and noise swapped: schedule.a → schedule.b; schedule.b → schedule.a
    Your image gets clearer as t grows: the two factors are swapped. √ᾱ_t belongs to x_0.
an index too low: → q_sample(schedule, x0, (t - 1) % (schedule.T + 1), eps)
    You read the schedule at t − 1. Its tensors have T + 1 entries and are indexed by t itself;
    entry 0 means “no noise”.
noise that does not shrink the image: schedule.a(t, x0) * x0 → x0
    You added noise to an image of full strength. The forward chain also fades the image, by √ᾱ_t,
    so that the total variance stays the same.
signal without its root: schedule.a(t, x0) → schedule.a(t, x0) ** 2
    Your noise is right, and the image is multiplied with ᾱ_t. Its factor is the root, √ᾱ_t.
variances added: → x0 + schedule.b(t, x0) ** 2 * eps
    You added noise of the factor 1 − ᾱ_t to the whole image. Image and noise both have a factor,
    √ᾱ_t and √(1 − ᾱ_t).
""")
QUESTION = Question("ddpm.q_sample", 1, q_sample, cases, ANSWERS)
