"""Design: take the bias out of any statistic."""

from genbook.checks import Case, Question, Tensor, answers, generator, np, torch


def without_bias(statistic, x, splits):
    means = [np.mean([float(statistic(piece)) for piece in x.tensor_split(m)]) for m in splits]
    return np.polyfit(splits, means, 1)[1]


def spread(x: Tensor) -> Tensor:
    """The variance divided by N: biased by −variance / N exactly."""
    return (x - x.mean(0)).square().mean(0).sum()


def plain_spread(x: Tensor) -> float:
    """The same as a plain number, as ``genbook.evaluation.frechet`` returns one."""
    return float(spread(x))


def squared_mean(x: Tensor) -> Tensor:
    return x.mean(0).square().sum()


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    x = 2 * torch.randn(120, 3, generator=g, dtype=torch.float64) + 0.3
    return [
        Case((squared_mean, x, [1, 2, 3, 4]), label="a squared mean"),
        Case((spread, x, [1, 2, 4, 8]), label="a variance divided by N"),
        Case((squared_mean, x[:60, :1], [2, 5]), label="two points of the line"),
        Case((squared_mean, x[:61], [1, 2, 4, 7]), label="pieces of unequal size"),
        Case((plain_spread, x[:90], [1, 3, 5]), label="a statistic that returns a plain number"),
    ]


ANSWERS = answers("""
by the pseudo-inverse:
    np.polyfit(splits, means, 1)[1] → (np.linalg.pinv(np.vander(splits, 2)) @ means)[1]
by covariance: return → (spread, along), _ = np.cov(splits, means);return
    np.polyfit(splits, means, 1)[1] → np.mean(means) - along / spread * np.mean(splits)
over the size of a piece: polyfit(splits → polyfit(1 / np.array(splits)
    You fitted the line over 1/m, which is like the size of a piece. The bias is like one over that
    size, so it is a straight line over m.
the slope: 1)[1] → 1)[0]
    You returned the slope, which is the bias of the whole sample. The value without bias is where
    the line meets m = 0.
no extrapolation: → float(statistic(x))
    This is the statistic of the whole sample, with all of its bias.
mean of the points: np.polyfit(splits, means, 1)[1] → np.mean(means)
    You averaged over the splits. All of them have a bias of the same sign; a mean does not remove
    it, a line does.
first piece only: x.tensor_split(m) → x.tensor_split(m)[:1]
    You used one piece of each split. Take the mean over all pieces, or you throw most of the sample
    away.
pieces of m points: tensor_split → split
    x.split(m) cuts into pieces of m points. You want m pieces: x.tensor_split(m).
through the ends: → without_bias(statistic, x, [splits[0], splits[-1]])
    Your line goes through two of its points. Least squares uses all splits.
line at one: 1)[1] → 1).sum()
    You read the line at m = 1, which is the whole sample. Read it at m = 0.
""")
QUESTION = Question("evaluation.without_bias", 2, without_bias, cases, ANSWERS)
