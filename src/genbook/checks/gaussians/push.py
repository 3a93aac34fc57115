"""A Gaussian through a linear map, with noise."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.gaussians.shared import gaussian


def push(m, C, A, c, noise):
    return A @ m + c, A @ C @ A.T + noise**2 * torch.eye(len(c), dtype=C.dtype)


def cases(seed: int) -> list[Case]:
    g = generator(seed)

    def case(D: int, E: int, dtype: torch.dtype, noise: float, label: str) -> Case:
        A = torch.randn(E, D, generator=g, dtype=dtype)
        c = torch.randn(E, generator=g, dtype=dtype)
        return Case((*gaussian(g, D, dtype), A, c, noise), label=label)

    return [
        case(2, 2, torch.float64, 0.5, "from the plane to the plane"),
        case(3, 2, torch.float64, 1.5, "from three dimensions to two"),
        case(2, 4, torch.float32, 0.3, "to more dimensions, single precision"),
        case(3, 3, torch.float32, 0.0, "no noise"),
    ]


ANSWERS = answers("""
with numpy:
    m, C, A, c = (x.numpy() for x in (m, C, A, c))
    covariance = np.einsum("ij,jk,lk->il", A, C, A) + noise**2 * np.identity(len(c))
    return [np.einsum("ij,j->i", A, m) + c, covariance]
with a root of C and the noise's own directions, side by side:
    root = A.double() @ torch.linalg.cholesky(C.double())
    root = torch.cat([root, noise * torch.eye(len(c), dtype=torch.float64)], 1)
    return (A * m).sum(1) + c, root @ root.T
noise not squared: noise**2 → noise
    You added `noise` to the covariance. It is a standard deviation, and variances add: square it.
noise in all entries: * torch.eye(len(c), dtype=C.dtype) →
    You added noise² to every entry of the covariance. Independent noise is on the diagonal: noise²
    times the identity.
transposed: A @ C @ A.T → A.T @ C @ A
    You computed A^T C A. The covariance of A x is A C A^T.
matrix on one side: @ A.T →
    You computed A C. The covariance of A x is A C A^T: the map acts on both sides.
shift forgotten: A @ m + c → A @ m
    Your mean lacks the shift c. (In the covariance it plays no part.)
noise forgotten: + noise**2 * torch.eye(len(c), dtype=C.dtype) →
    Your covariance lacks the noise: add noise² times the identity.
diagonals only: A @ C @ A.T → (A @ C @ A.T).diagonal().diag()
    You kept the variances only. A map makes its outputs depend on each other: keep all of A C A^T.
the sum has the type of C again; noise² in float32 is near enough: , dtype=C.dtype ≡
""")
QUESTION = Question("gaussians.push", 2, push, cases, ANSWERS)
