"""The divergence of a field, sample by sample."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.ode.shared import Field


def divergence(f, x):
    x = x.detach().requires_grad_()
    slope = f(x).flatten(1)
    total = 0
    for i in range(slope.shape[1]):
        (row,) = torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)
        total = total + row.flatten(1)[:, i]
    return total.detach()


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    points = torch.randn(5, 3, generator=g, dtype=torch.float64)
    images = torch.randn(4, 1, 2, 2, generator=g, dtype=torch.float64)
    three, four = (torch.randn(n, n, generator=g, dtype=torch.float64) for n in (3, 4))
    one = torch.randn(1, 1, generator=g, dtype=torch.float64)
    return [
        Case((Field(three), points), label="points"),
        Case((Field(four), images), label="images"),
        Case((Field(one), points[:, :1]), label="on a line"),
        Case((Field(three), points[:1]), label="a single sample"),
    ]


ANSWERS = answers("""
by the whole matrix of each sample:
    rows = []
    for one in x:
        matrix = torch.autograd.functional.jacobian(lambda z: f(z[None])[0].flatten(), one)
        rows.append(matrix.reshape(one.numel(), one.numel()).trace())
    return torch.stack(rows)
by all vectors of a basis, forward:
    eye = torch.eye(x[0].numel(), dtype=x.dtype).reshape(-1, *x.shape[1:])
    total = 0
    for e in eye:
        direction = e.expand(x.shape).contiguous()
        moved = torch.autograd.functional.jvp(f, x, direction)[1]
        total = total + (moved * direction).flatten(1).sum(1)
    return total
all entries of the matrix: row.flatten(1)[:, i] → row.flatten(1).sum(1)
    You added all derivatives up. The divergence has only those of an entry by itself: ∂f_i / ∂x_i.
the mean: return total.detach() → return total.detach() / slope.shape[1]
    This is the mean of the ∂f_i / ∂x_i. The divergence is their sum.
one number for the batch: return total.detach() → return total.detach().sum().expand(len(x))
    or: return total.detach() → return total.detach().sum()
    or: → torch.autograd.grad(f(x.requires_grad_()).sum(), x)[0].sum()
    You added the samples up. Each sample has a divergence of its own: shape (B,).
the first derivative alone: range(slope.shape[1]) → range(1)
    or: range(slope.shape[1]) → range(slope.shape[1] - 1, slope.shape[1])
    You took one entry only. The divergence is the sum over all of them.
the sizes: row.flatten(1)[:, i] → row.flatten(1)[:, i].abs()
    or: return total.detach() → return total.detach().abs()
    You took absolute values. Where paths draw together the divergence is negative.
""")
QUESTION = Question("ode.divergence", 3, divergence, cases, ANSWERS)
