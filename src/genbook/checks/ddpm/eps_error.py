"""What an error weighs."""

from genbook.checks import Case, Question, answers
from genbook.checks.ddpm.shared import schedules


def eps_error(schedule, t, prediction):
    alpha, beta, alpha_bar = schedule.alphas[t], schedule.betas[t], schedule.alpha_bars[t]
    return {
        "eps": 1.0,
        "x0": alpha_bar / (1 - alpha_bar),
        "v": alpha_bar,
        "mean": alpha * (1 - alpha_bar) / beta**2,
    }[prediction]


def cases(seed: int) -> list[Case]:
    linear, cosine, random = schedules(seed)
    return [
        Case((linear, 5, "eps"), label='"eps"'),
        Case((linear, 5, "x0"), label='"x0"'),
        Case((random, 4, "x0"), label='"x0", other β'),
        Case((cosine, 7, "v"), label='"v"'),
        Case((random, 3, "mean"), label='"mean"'),
        Case((linear, 18, "mean"), label='"mean", late'),
    ]


ANSWERS = answers("""
1 / (slope of the prediction in eps, at fixed x_t)²:
    a, b = schedule.rates(t)
    mean = float(schedule.betas[t]) / b / math.sqrt(schedule.alphas[t])
    slope = {"eps": 1.0, "x0": b / a, "v": a + b * b / a, "mean": mean}[prediction]
    return slope**-2
by the rates: 1.0 → torch.ones(()); alpha_bar / (1 - alpha_bar) → schedule.snr[t]
    alpha * (1 - alpha_bar) / beta**2 → (1 - beta) / beta * schedule.b(t) ** 2 / beta
ratio of amplitudes: alpha_bar / (1 - alpha_bar) → (alpha_bar / (1 - alpha_bar)).sqrt()
    Your factor for x0 is a_t / b_t. It converts the error itself; for the *squared* error it has to
    be squared, which gives the signal-to-noise ratio.
inverse ratio: alpha_bar / (1 - alpha_bar) → (1 - alpha_bar) / alpha_bar
    Your factor for x0 is upside down. Near t = 0 a small error in x_0 is a large one in eps,
    because there is little noise to be found.
v without the change of x0: "v": alpha_bar → "v": 1 / alpha_bar
    From v = a eps − b x_0 you held x_0 fixed. But x_t is what is fixed: an error in eps changes the
    x_0 that goes with it. Write eps = b x_t + a v first.
beta not squared: beta**2 → beta
    In the factor for the mean, β_t must be squared, as all factors of a squared error are.
all upside down: → 1 / eps_error(schedule, t, prediction)
    All your factors are upside down: they lead from the error of eps to that of the prediction.
    Solve for eps first; the factor is what then stands before the prediction, squared.
none squared: → eps_error(schedule, t, prediction) ** 0.5
    Your factors convert the error itself. For the *squared* error each of them has to be squared.
noise share for v: "v": alpha_bar → "v": 1 - alpha_bar
    Your factor for v is b_t². In eps = b x_t + a v, the b belongs to x_t, which is known; the error
    of v is multiplied with a.
alpha forgotten in the mean: alpha * (1 - alpha_bar) / beta**2 → (1 - alpha_bar) / beta**2
    Your factor for the mean lacks α_t: before eps stands β_t / (√α_t b_t), with √α_t too.
""")
QUESTION = Question("ddpm.eps_error", 3, eps_error, cases, ANSWERS)
