"""Repair a film."""

from genbook.checks import Case, Question, Tensor, answers, generator, math, np, torch
from genbook.checks.machinery import compare


def film(x0, rates, noise):
    return [a * x0 + b * noise for a, b in rates]


def use(answer, x0, rates, noise):
    """The frames, all held at once, and what all tensors hold when each frame was written into."""
    frames = compare.bare(answer(x0, rates, noise), len(rates) + 1)
    seen = compare.clone(frames)
    held = frames if isinstance(frames, list | tuple) else [frames]
    held = [torch.from_numpy(f) if isinstance(f, np.ndarray) else f for f in held]
    if isinstance(frames, Tensor | np.ndarray) and frames.ndim:  # in one, along its first axis
        held = held[0].unbind()
    held = [t for t in held if isinstance(t, Tensor) and t.layout == torch.strided]
    # Whoever writes into a frame changes this frame and nothing else.
    given = compare.clone([x0, noise])
    with torch.no_grad():
        for i, frame in enumerate(held):
            frame.add_(i + 1)
    after = compare.clone([*held, x0, noise])
    x0.copy_(given[0])  # the arguments are left as they were
    noise.copy_(given[1])
    return {
        "frames": seen,
        "frames, x0 and noise, after 1 was added to the first frame, 2 to the second, …": after,
    }


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    image, noise = torch.randn(2, 2, 1, 3, 3, generator=g)
    row, other = torch.randn(2, 5, generator=g, dtype=torch.float64)
    rates = [(math.cos(u), math.sin(u)) for u in (0.3, 0.8, 1.4)]
    return [
        Case((image, rates, noise), label="three times, two images"),
        Case((row, rates[::-1], other), label="from late to early"),
        Case((row, [(0.6, 0.8)], other), label="a single time"),
        Case((row, [(1.0, 0.0), (0.8, 0.6)], other), label="the clean image first"),
    ]


ANSWERS = answers("""
in place in a clone: → [x0.clone().mul_(a).add_(b * noise) for a, b in rates]
at once:
    ab = torch.tensor(rates, dtype=x0.dtype).T.reshape(2, -1, *[1] * x0.ndim)
    return ab[0] * x0 + ab[1] * noise
rows of one stacked tensor, one storage, and still no frame is seen in another:
    ab = torch.tensor(rates, dtype=x0.dtype).T.reshape(2, -1, *[1] * x0.ndim)
    yield from (ab[0] * x0 + ab[1] * noise).unbind()
as given: → [x0.mul_(a).add_(b * noise) for a, b in rates]
    The caller's x0 is destroyed. `x = x0` copies nothing, and `*=` writes into the tensor that both
    names lead to.
one clone for all frames: → [x.mul_(a).add_(b * noise) for x in [x0.clone()] for a, b in rates]
    The caller's image is safe now, but your frames are one tensor under several names, and it holds
    what was written last.
one buffer for all frames:
    → [x.copy_(a * x0 + b * noise) for x in [x0.clone()] for a, b in rates]
    All your frames are the last one. You append the same tensor each time and then write over it:
    make a new tensor for each frame.
the clean image is x0 itself: b * noise → b * noise if b else x0
    One of your frames is x0 itself. Whoever writes into that frame destroys the image.
noise on noise: a * x0 → x0 := a * x0
    Each of your frames starts from the one before, which is noisy already. Start each from x0.
copies of the caller's image: → [x0.mul_(a).add_(b * noise).clone() for a, b in rates]
    Your frames are tensors of their own now. But what you multiply is still the caller's x0, which
    is destroyed, and each frame starts from the one before.
the noise is written into: b * noise → noise.mul_(b)
    You write into the caller's noise, and the next frame finds it faded. Use `b * noise`.
""")
QUESTION = Question("objects.film", 2, film, cases, ANSWERS, use=use)
