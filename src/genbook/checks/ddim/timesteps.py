"""The times to visit."""

from genbook.checks import Case, Question, answers


def timesteps(T, steps, spacing="linear"):
    power = 1 if spacing == "linear" else 2
    return [round(T * (i / steps) ** power) for i in range(steps, -1, -1)]


def cases(seed: int) -> list[Case]:
    # An odd number of steps: then no time lies half-way between two integers, where ways of
    # rounding differ.
    odd = 5 + 2 * (seed % 5)
    return [
        Case((1000, 10), label="ten steps of a thousand"),
        Case((1000, 10, "quadratic"), label="ten steps, quadratic"),
        Case((1000, 7), label="a number of steps that does not divide T"),
        Case((102 + seed, odd), label="times that need rounding"),
        Case((400 + seed, odd, "quadratic"), label="quadratic, with rounding"),
        Case((8, 8), label="every time"),
        Case((50, 1), label="a single step"),
    ]


ANSWERS = answers("""
with torch: [round(T * (i / steps) → (T * torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    power) for i in range(steps, -1, -1)] → power).round().long()
in whole numbers:
    up, down = (1, steps) if spacing == "linear" else (2, steps**2)
    return [(2 * T * i**up + down) // (2 * down) for i in range(steps + 1)][::-1]
with numpy: → np.rint(T * np.linspace(1, 0, steps + 1) ** (1 + (spacing[0] == "q"))).astype(int)
stops before 0: range(steps, -1, -1) → range(steps, 0, -1)
    Your last time is not 0. The image is x_0: a sampler that stops earlier returns it with noise on
    it. You need steps + 1 times for so many jumps.
stops at t = 1: round(T * (i / steps) ** power) → max(1, round(T * (i / steps) ** power))
    Your last time is 1, the first *noisy* time. One jump is missing: to t = 0.
one time too few: (i / steps) → i; range(steps, -1, -1) → np.linspace(1, 0, steps)
    or: → [round(float(t)) for t in np.linspace(T, 0, steps)]
    You spread `steps` times over the interval. Jumps are the gaps between times, so so many jumps
    need steps + 1 times (the fence and its posts).
ascending: range(steps, -1, -1) → range(steps + 1)
    Your times ascend. Sampling starts from noise at T and comes down to the data at 0.
zero-based: round(T * (i / steps) ** power) → max(0, round(T * (i / steps) ** power) - 1)
    Your times start at T − 1, as indices that count the noise levels from zero do. In this book t =
    T is pure noise, t = 0 is the image, and the index is the time.
dense near the noise: else 2 → else 0.5
    Your quadratic times crowd near T. They should be squares, which crowd near 0, where the details
    of the image are decided.
steps of one whole length:
    → timesteps(T, steps, spacing) if spacing[0] != "l" else [*range(0, T + 1, T // steps)][::-1]
    or: → timesteps(T, steps, spacing) if spacing[0] != "l" else [*range(T, -1, -(T // steps))]
    Your steps all have the length T // steps. Where `steps` does not divide T, they miss T or 0:
    round each time on its own.
one spacing: else 2 → else 1
    or: → [*range(0, T + 1, T // steps)][::-1]
    or: → [*range(T, -1, -(T // steps))]
    or: → [T * i // steps for i in range(steps, -1, -1)]
    Your times are linear, whatever `spacing` says.
cut off: round( → int(
    You cut the digits off, as int() and // do. The nearest integer is asked for: round().
""")
QUESTION = Question("ddim.timesteps", 2, timesteps, cases, ANSWERS)
