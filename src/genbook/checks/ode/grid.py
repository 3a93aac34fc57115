"""The noise levels of Karras and colleagues."""

from genbook.checks import Case, Question, answers


def grid(steps, low, high, rho):
    first, last = high ** (1 / rho), low ** (1 / rho)
    return [(first + i / (steps - 1) * (last - first)) ** rho for i in range(steps)] + [0.0]


def cases(seed: int) -> list[Case]:
    return [
        Case((5, 0.01, 80.0, 7.0), label="five steps"),
        Case((18, 0.002, 80.0, 7.0), label="eighteen steps, as in the paper"),
        Case((4, 1.0, 10.0, 1.0), label="rho = 1"),
        Case((2, 0.5, 3.0, 3.0), label="two steps"),
        Case((6 + seed % 7, 0.02, 20.0 + seed % 5, 4.0), label="other numbers"),
    ]


ANSWERS = answers("""
with numpy: → np.append(np.linspace(high ** (1 / rho), low ** (1 / rho), steps) ** rho, 0.0)
with torch, the shares written out:
    share = torch.arange(steps, dtype=torch.float64) / (steps - 1)
    levels = ((1 - share) * high ** (1 / rho) + share * low ** (1 / rho)) ** rho
    return torch.cat([levels, torch.zeros(1).double()])
stops before 0: + [0.0] →
    Your last level is the lowest noise, not 0. What a sampler returned would still be noisy.
one level too few: i / (steps - 1) → i / steps
    or: i / (steps - 1) → i / steps; range(steps) → range(steps + 1); + [0.0] →
    You divided by the number of steps, so your lowest level is not `low`. Between `steps` levels
    there are steps − 1 gaps.
one level too many: i / (steps - 1) → i / steps; range(steps) → range(steps + 1)
    You have one level too many: `steps + 1` in all, the 0 among them.
ascending: for i in range(steps)] → for i in range(steps - 1, -1, -1)]
    or: → sorted(grid(steps, low, high, rho))
    Your levels ascend. A sampler begins with the most noise.
not taken to the power: * (last - first)) ** rho → * (last - first))
    These are the rho-th roots of the levels. Take them to the power rho.
the power for the root: high ** (1 / rho), low ** (1 / rho) → high**rho, low**rho
    (last - first)) ** rho → (last - first)) ** (1 / rho)
    Your levels are even in σ^ρ: they crowd at the noise. Even in the ρ-th *root* is asked for.
even in sigma: first, last = high ** (1 / rho), low ** (1 / rho) → first, last = high, low
    (last - first)) ** rho → (last - first))
    Your levels are even in σ, whatever rho says.
even in the logarithm: → [high * (low / high) ** (i / (steps - 1)) for i in range(steps)] + [0.0]
    Your levels are even in log σ, which is what a rho without end gives, whatever rho says.
""")
QUESTION = Question("ode.grid", 2, grid, cases, ANSWERS)
