"""Denoising score matching, weighted."""

from genbook.checks import Case, Question, answers, generator, torch


def loss(score, eps, b):
    b = b.reshape(-1, *[1] * (eps.ndim - 1))
    return (b * score + eps).square().mean()


def cases(seed: int) -> list[Case]:
    dice = generator(seed)
    points = [torch.randn(6, 2, generator=dice, dtype=torch.float64) for _ in range(2)]
    images = [torch.randn(4, 1, 4, 4, generator=dice) for _ in range(2)]
    many = 0.2 + 0.7 * torch.rand(6, generator=dice, dtype=torch.float64)
    few = 0.2 + 0.7 * torch.rand(4, generator=dice)
    return [
        Case((*points, many), label="points"),
        Case((*images, few), label="images"),
        Case((*images, few / 1000), label="images with next to no noise"),
        Case((*images, 0 * few), label="images without noise"),
        Case((points[0], -many[:, None] * points[0], many), label="a perfect score"),
    ]


ANSWERS = answers("""
with the axes spelt out, in float64:
    shaped = b.double()[(...,) + (None,) * (eps.ndim - 1)]
    return torch.nn.functional.mse_loss(shaped * score.double(), -eps.double())
sample by sample:
    each = [((b[i] * score[i] + eps[i]) ** 2).sum() for i in range(len(eps))]
    return torch.stack(each).sum() / eps.numel()
the sign: b * score + eps → b * score - eps
    Your target is +eps / b. The score of the bell points back to its centre: −eps / b.
divided first: (b * score + eps) → (b * (score + eps / b))
    or: (b * score + eps).square() → (b**2 * (score + eps / b).square())
    You divide by b and multiply by it again. At b = 0 that is infinity times zero: multiply
    the score by b, and nothing has to be divided.
no weight: (b * score + eps) → (score + eps / b)
    You left out the weight b². In little noise the target is huge, and the loss is about nothing
    else.
weight b: (b * score + eps).square() → (b * (score + eps / b).square())
    Your weight is b. With b² the target's variance is the same at all times.
the noise for the score: (b * score + eps) → (score + eps)
    or: (b * score + eps) → (score - eps)
    You compared the score with the noise itself. Their ratio is −b.
divided by b: b * score → score / b
    You divide the score by b. The score is −eps / b; b times it is the noise.
a sum: .mean() → .sum()
    You added up. The question asks for the mean over all entries.
the wrong axis: b.reshape(-1, *[1] * (eps.ndim - 1)) → b.mean()
    You took one b for the whole batch. Each sample has a time of its own: give b the shape
    (B, 1, …, 1).
""")
QUESTION = Question("sde.loss", 2, loss, cases, ANSWERS)
