"""The times: one dial for where the last jump begins, one for where the steps crowd."""

from genbook.checks import Case, Question, answers


def grid(T, calls, last, power):
    high, low = T ** (1 / power), last ** (1 / power)
    return [round((high + (low - high) * i / (calls - 1)) ** power) for i in range(calls)] + [0]


def cases(seed: int) -> list[Case]:
    return [
        Case((1000, 10, 100, 1), label="even times"),
        Case((1000, 10, 10, 2), label="squares"),
        Case((1000, 6, 47, 0.5), label="crowded at the noise"),
        Case((200 + seed % 50, 4, 5, 3), label="other numbers"),
        Case((30, 2, 7 + seed % 9, 1.5), label="two calls"),
    ]


ANSWERS = answers("""
with numpy:
    roots = np.linspace(T ** (1 / power), last ** (1 / power), calls)
    return [*np.rint(roots**power).astype(int).tolist(), 0]
with torch, from the end:
    share = torch.arange(calls, dtype=torch.float64).flip(0) / (calls - 1)
    ends = [torch.tensor(t, dtype=torch.float64) ** (1 / power) for t in (last, T)]
    times = torch.lerp(*ends, share) ** power
    return torch.cat([times.round().long(), torch.zeros(1, dtype=torch.long)])
upwards: for i in range(calls)] + [0] → for i in range(calls - 1, -1, -1)] + [0]
    or: for i in range(calls)] + [0] → for i in range(calls, -1, -1)]
    or: → sorted(grid(T, calls, last, power))
    or: → grid(T, calls, last, power)[::-1]
    Your times run upwards. A sampler begins at T, with noise, and comes down.
never reaches 0: + [0] →
    Your last time is `last`. What a sampler returned there would still be noisy: end with 0.
one gap too many: i / (calls - 1) → i / calls
    or: i / (calls - 1) → i / calls; range(calls)] + [0] → range(calls + 1)]
    You divided by the number of calls, and so your last call is not at `last`. Between `calls`
    times there are calls − 1 gaps.
one call too many: i / (calls - 1) → i / calls; range(calls) → range(calls + 1)
    Your list has one time too many. Each time but the 0 costs a call.
the way to 0: last ** (1 / power) → 0
    or: last ** (1 / power) → 0; i / (calls - 1) → i / calls
    or: last ** (1 / power) → 0; i / (calls - 1) → i / calls
    range(calls)] + [0] → range(calls + 1)]
    You run to 0 and never ask at `last`, from which the last jump is to begin.
times cut off: [round( → [int(
    or: [round( → [math.floor(
    You cut the times off, as int() and // do. Round them to the nearest integer.
not rounded: [round( → [(
    Times of a chain are whole numbers: round them.
always even: T ** (1 / power), last ** (1 / power) → T, last
    (calls - 1)) ** power) → (calls - 1)))
    Your times are even whatever `power` says.
the power for the root: T ** (1 / power), last ** (1 / power) → T**power, last**power
    (calls - 1)) ** power) → (calls - 1)) ** (1 / power))
    You took the power for the root: your times are even in t^power. Even in the root is asked for.
not taken to the power: (calls - 1)) ** power) → (calls - 1)))
    These are the roots of the times. Take them to the power.
""")
QUESTION = Question("own_sampler.grid", 3, grid, cases, ANSWERS)
