"""Repair a permutation test."""

from genbook.checks import Case, Question, Tensor, answers, generator, torch


def p_value(x, y, statistic, orders):
    pooled = torch.cat([x, y])
    value = statistic(x, y)
    n = len(x)
    null = [statistic(pooled[order[:n]], pooled[order[n:]]) for order in orders]
    return (1 + sum(bool(v >= value) for v in null)) / (1 + len(orders))


def mean_gap(x: Tensor, y: Tensor) -> Tensor:
    """|mean difference|², times (n m)²: on whole numbers exact, so rounding decides no tie."""
    return (len(y) * x.sum(0) - len(x) * y.sum(0)).square().sum()


def lead(x: Tensor, y: Tensor) -> Tensor:
    return x.mean() - y.mean()


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def orders(n: int, many: int) -> Tensor:
        return torch.rand(many, n, generator=g).argsort(1)

    x = torch.randint(-9, 10, (5, 2), generator=g).double()
    y = torch.randint(-9, 10, (12, 2), generator=g).double() + 3
    far = torch.tensor([[5.0], [6.0], [7.0]]).double()
    near = torch.tensor([[0.0], [0.0], [1.0], [1.0], [2.0], [2.0], [3.0]]).double()
    # The true labelling itself is among the shuffles, so that ties and the cut are seen.
    certain = torch.cat([torch.arange(10)[None], orders(10, 30)])
    return [
        Case((x, y, mean_gap, orders(17, 60)), label="five and twelve points"),
        Case((near[:3], near[3:], lead, orders(7, 80)), label="a statistic with ties"),
        Case((far, near, lead, certain), label="a clear difference"),
        Case((near[4:], near[:4], lead, orders(7, 80)), label="three and four points"),
        Case((x[:2], y[:6], mean_gap, orders(8, 50)), label="two and six points"),
    ]


ANSWERS = answers("""
stacked:
    rows = torch.cat([x, y])
    values = torch.stack([statistic(*z.tensor_split([len(x)])) for z in (rows, *rows[orders])])
    return (values >= values[0]).double().mean()
row by row:
    rows, count = [*x, *y], 1
    for order in orders.tolist():
        shuffled = torch.stack([rows[i] for i in order])
        count += int(not statistic(shuffled[: len(x)], shuffled[len(x) :]) < statistic(x, y))
    return count / (len(orders) + 1)
as given: n = len(x) → n = len(pooled) // 2; 1 + sum → sum; 1 + len → len
    Both mistakes are still there. Count the rows that are called x after a shuffle, and ask whether
    p may be zero.
still cut in the middle: n = len(x) → n = len(pooled) // 2
    The measured value is counted now. But a shuffle must give as many rows to x as x has; you cut
    in the middle.
measured value not counted: 1 + sum → sum; 1 + len → len
    The cut is right now. But the measured value is one of the 1 + P values: without it p can be
    zero, which no number of shuffles supports.
one in the numerator only: 1 + len → len
    You added the measured value to those that are as large, but not to the number of all: p may
    exceed 1. Divide by 1 + P.
strictly larger: v >= value → v > value
    You counted values larger than the measured one. A shuffle that ties is as extreme as the
    measured value, so it counts.
smaller values: v >= value → v <= value
    You counted the small values. A large statistic speaks for a difference, so p is the share of
    shuffles that give one at least as large.
only x shuffled: pooled[order[:n]], pooled[order[n:]] → x[order[order < n]], y
    You changed the order of the rows within x. No name changed hands, so the statistic stays the
    same.
""")
QUESTION = Question("evaluation.p_value", 3, p_value, cases, ANSWERS)
