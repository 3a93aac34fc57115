"""From one noise to another, along the sphere."""

from genbook.checks import Case, Question, answers, generator, torch


def slerp(u, v, w):
    p, q = u.flatten(1), v.flatten(1)
    lengths = p.norm(dim=1, keepdim=True) * q.norm(dim=1, keepdim=True)
    angle = torch.acos((p * q).sum(1, keepdim=True) / lengths)
    arc = torch.sin((1 - w) * angle) * p + torch.sin(w * angle) * q
    return (arc / torch.sin(angle)).reshape(u.shape)


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    images = torch.randn(2, 3, 1, 8, 8, generator=g)
    w = 0.15 + 0.3 * float(torch.rand((), generator=g))
    # Angles well away from 0, where the formula loses digits, and lengths that differ.
    plane = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [-1.0, -0.8]])
    return [
        Case((*plane, 0.5), label="two pairs in the plane, half-way"),
        Case((*images, w), label="noise images"),
        Case((*images.double(), 0.9), label="nearly there"),
        Case((*images, 0.0), label="w = 0"),
        Case((*images, 1.0), label="w = 1"),
    ]


ANSWERS = answers("""
row by row:
    def between(p, q):
        angle = math.acos(np.vdot(p, q) / math.sqrt(np.vdot(p, p) * np.vdot(q, q)))
        return (math.sin((1 - w) * angle) * p + math.sin(w * angle) * q) / math.sin(angle)
    return np.stack([between(p, q) for p, q in zip(u.double().numpy(), v.double().numpy())])
in float64, the angle by its sine: torch.acos( → math.pi / 2 - torch.asin(
    u.flatten(1), v.flatten(1) → u.double().flatten(1), v.double().flatten(1)
lerp: arc / torch.sin(angle) → (1 - w) * p + w * q
    This is the straight line. Its middle is shorter than both ends, and the network never saw noise
    that short: follow the arc.
straight line, stretched: torch.sin((1 - w) * angle) → (1 - w); torch.sin(w * angle) → w
    / torch.sin(angle) → / arc.norm(dim=1)[:, None] * p.norm(dim=1).lerp(q.norm(dim=1), w)[:, None]
    You walked the straight line and corrected the length. Points and lengths are near, but the
    angle does not grow evenly with w; use sin((1 − w) θ) and sin(w θ).
weights swapped: u.flatten(1), v.flatten(1) → v.flatten(1), u.flatten(1)
    At w = 0 you return v. The path should start at u and end at v.
one angle for the batch: u.flatten(1), v.flatten(1) → u.reshape(1, -1), v.reshape(1, -1)
    You took one angle for the whole batch. Each pair of samples has its own: sum over all axes but
    the first.
angle of vectors that were not normalised: / lengths →
    The arc cosine of u · v is an angle only for vectors of length 1 (and NaN for most others):
    divide by both lengths first.
angle of vectors that were not normalised, clamped: / lengths → .clamp(-1, 1)
    You clamped u · v into [−1, 1]. It left that range because u and v do not have length 1: divide
    by both lengths instead.
last axis only: u.flatten(1), v.flatten(1) → u.flatten(0, -2), v.flatten(0, -2)
    You summed over the last axis only, so that every row of an image got an angle of its own. A
    sample is one vector: sum over all axes but the first.
unit length:
    arc / torch.sin(angle) → slerp(p / p.norm(dim=1)[:, None], q / q.norm(dim=1)[:, None], w)
    Your result has length 1. The lengths are divided out for the angle only; the arc goes from u
    itself to v itself.
not divided by sin θ: / torch.sin(angle) →
    At w = 0 you return u sin θ. Divide by sin θ, so that the ends are u and v.
""")
QUESTION = Question("ddim.slerp", 3, slerp, cases, ANSWERS, rtol=1e-3, atol=1e-4)
