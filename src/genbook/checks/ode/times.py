"""The times that a sampler visits."""

from genbook.checks import Case, Question, answers


def times(steps):
    return [1 - i / steps for i in range(steps + 1)]


def cases(seed: int) -> list[Case]:
    return [Case((steps,), label=f"{steps} steps") for steps in (4, 1, 7 + seed)]


ANSWERS = answers("""
with numpy: → np.linspace(1, 0, steps + 1)
counted up: → torch.arange(steps + 1, dtype=torch.float64).flip(0) / steps
one time too few: range(steps + 1) → range(steps)
    So many steps have one time more: your last one is not 0, and what you return is still noisy.
the wrong way: 1 - i / steps → i / steps
    Your times go up, from the data to the noise. A sampler begins at t = 1.
times for steps: i / steps → i / (steps + 1)
    You divide by the number of times. Their distance is 1 / steps, so that the last one is 0.
""")
QUESTION = Question("ode.times", 2, times, cases, ANSWERS)
