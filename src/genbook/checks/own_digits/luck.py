"""How far a number may be off by luck: the bootstrap, with the draws given."""

from genbook.checks import Case, Question, Tensor, answers, generator, math, np, torch


def luck(measure, rows, draws):
    values = [float(measure(rows[draw])) for draw in draws]
    return np.std(values, ddof=1)


def middle(x: Tensor) -> Tensor:
    return x.mean(0).square().sum()


def spread(x: Tensor) -> Tensor:
    return torch.cov(x.T).trace()


def largest(x: Tensor) -> float:
    return float(x.max())


def around(centre: Tensor | float, values: list[float], fewer: int) -> float:
    squares = [(value - float(centre)) ** 2 for value in values]
    return math.sqrt(sum(squares) / (len(values) - fewer))


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(measure, n: int, many: int, label: str) -> Case:
        rows = torch.randn(n, 3, generator=g, dtype=torch.float64) + 1
        return Case((measure, rows, torch.randint(0, n, (many, n), generator=g)), label=label)

    return [
        case(middle, 20, 30, "twenty rows, thirty draws"),
        case(spread, 40, 12, "forty rows"),
        case(largest, 15, 25, "a measure that returns a number"),
        case(middle, 10, 2, "two draws"),
    ]


ANSWERS = answers("""
by torch: → torch.stack([torch.as_tensor(measure(rows[draw])) for draw in draws]).double().std()
in a loop:
    total = squares = 0.0
    for draw in draws:
        value = float(measure(torch.stack([rows[i] for i in draw])))
        total, squares = total + value, squares + value**2
    n = len(draws)
    return math.sqrt((squares - total**2 / n) / (n - 1))
variance: return np.std(values, ddof=1) → return np.var(values, ddof=1)
    This is the variance. The question asks for its root, the standard deviation.
divided by n: , ddof=1 →
    You divide by the number of draws. Without bias it is one less.
of the mean: return np.std(values, ddof=1) → return np.std(values, ddof=1) / len(values) ** 0.5
    You divided by the root of the number of draws. More draws do not make your digits more certain:
    the standard deviation of the values itself is the answer.
as a range: return np.std(values, ddof=1) → return np.max(values) - np.min(values)
    You return the range of the values. It grows with the number of draws.
an interval: return np.std(values, ddof=1) → return 1.96 * np.std(values, ddof=1)
    You return half an interval of 95 %. The question asks for the standard deviation alone.
around the value of all rows: np.std(values, ddof=1) → around(measure(rows), values, 1)
    or: np.std(values, ddof=1) → around(measure(rows), values, 0)
    You measure how far the values are from that of all rows. A standard deviation is taken around
    their own mean: their bias is no luck.
the mean: return np.std(values, ddof=1) → return np.mean(values)
    You return the mean of the values. The question is how far they scatter.
without the draws: rows[draw] → rows
    You measure the same rows every time. Each draw holds the indices of the rows to take.
of single rows: measure(rows[draw]) → measure(rows[draw[:2]])
    Your draws are cut short. Each holds as many rows as there are.
""")
QUESTION = Question("own_digits.luck", 2, luck, cases, ANSWERS)
