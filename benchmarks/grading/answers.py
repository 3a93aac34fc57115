"""What students write: answers to the sheet on DDIM, right in other ways and wrong in known ways.

The sheet's own solution and its blank are read from the notebooks; these come on top. A wrong
answer is filed under the name that the registry of checks has for its misconception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genbook.checks import question

__all__ = ["ALTERNATIVES", "MISCONCEPTIONS", "WORDS"]

_BY_HAND = question("ddim.by_hand")


def _numbers(function: Callable[..., Any] | None) -> str:
    """What somebody writes who has worked the three numbers out on paper as this function does."""
    assert function is not None
    return f"def by_hand():\n    return {tuple(round(float(x), 6) for x in function())}\n"


ALTERNATIVES: dict[str, list[str]] = {
    "ddim.by_hand": [_numbers(_BY_HAND.reference)],
    "ddim.timesteps": [
        """\
def timesteps(T, steps, spacing="linear"):
    line = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    if spacing == "quadratic":
        line = line**2
    return (T * line).round().long().tolist()
"""
    ],
    "ddim.step": [
        """\
def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    x0 = (xt.double() - (1 - now).sqrt() * eps.double()) / now.sqrt()
    variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
    xs = then.sqrt() * x0 + (1 - then - variance).sqrt() * eps
    if noise is not None:
        xs = xs + variance.sqrt() * noise
    return xs
""",
        """\
def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
    print("step from", t, "to", s)
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * b_s / b_t * math.sqrt(1 - (a_t / a_s) ** 2)
    out = torch.empty_like(xt)
    for i in range(len(xt)):
        x0 = (xt[i] - b_t * eps[i]) / a_t
        out[i] = a_s * x0 + (b_s**2 - sigma**2) ** 0.5 * eps[i]
        if noise is not None:
            out[i] += sigma * noise[i]
    return out
""",
    ],
    "ddim.slerp": [
        """\
def slerp(u, v, w):
    rows = []
    for p, q in zip(u.double(), v.double()):
        angle = torch.acos((p * q).sum() / (p.norm() * q.norm()))
        rows.append((torch.sin((1 - w) * angle) * p + torch.sin(w * angle) * q) / torch.sin(angle))
    return torch.stack(rows)
"""
    ],
    "ddim.sample": [
        """\
def sample(model, schedule, xT, steps):
    times = [round(schedule.T * i / steps) for i in range(steps + 1)][::-1]
    x = xT
    for i in range(steps):
        t, s = times[i], times[i + 1]
        x = ddim.step(schedule, x, model(x, t), t, s)
    return x
"""
    ],
    "ddim.order": [
        """\
def order(sampler, exact, steps):
    x = np.log(np.array(steps, dtype=float))
    y = np.array([math.log(float(((sampler(n) - exact) ** 2).mean())) / 2 for n in steps])
    x = x - x.mean()
    return -float((x * y).sum() / (x * x).sum())
"""
    ],
}

MISCONCEPTIONS: dict[str, dict[str, str]] = {
    "ddim.by_hand": {
        known.name: _numbers(known.function)
        for known in _BY_HAND.misconceptions
        if known.name in ("alpha-bar without roots", "variance for sigma")
    },
    "ddim.timesteps": {
        "one time too few": """\
def timesteps(T, steps, spacing="linear"):
    line = np.linspace(1, 0, steps)
    if spacing == "quadratic":
        line = line**2
    return [round(T * x) for x in line]
""",
        "stops before 0": """\
def timesteps(T, steps, spacing="linear"):
    power = 1 if spacing == "linear" else 2
    return [round(T * (i / steps) ** power) for i in range(steps, 0, -1)]
""",
    },
    "ddim.step": {
        "variance of a single step": """\
def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * b_s / b_t * math.sqrt(1 - float(schedule.alphas[t]))
    x0 = (xt - b_t * eps) / a_t
    xs = a_s * x0 + math.sqrt(b_s**2 - sigma**2) * eps
    return xs if noise is None else xs + sigma * noise
""",
        "direction without sigma": """\
def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * b_s / b_t * math.sqrt(1 - a_t**2 / a_s**2)
    xs = a_s * (xt - b_t * eps) / a_t + b_s * eps
    return xs if noise is None else xs + sigma * noise
""",
    },
    "ddim.slerp": {
        "lerp": """\
def slerp(u, v, w):
    return (1 - w) * u + w * v
""",
        "one angle for the batch": """\
def slerp(u, v, w):
    angle = torch.acos((u * v).sum() / (u.norm() * v.norm()))
    return (torch.sin((1 - w) * angle) * u + torch.sin(w * angle) * v) / torch.sin(angle)
""",
    },
    "ddim.sample": {
        "never reaches 0": """\
def sample(model, schedule, xT, steps):
    times = [round(schedule.T * i / steps) for i in range(steps, 0, -1)]
    x = xT
    for t, s in pairwise(times):
        eps = model(x, t)
        x0 = (x - schedule.b(t) * eps) / schedule.a(t)
        x = schedule.a(s) * x0 + schedule.b(s) * eps
    return x
""",
        "asked at the time it goes to": """\
def sample(model, schedule, xT, steps):
    times = [round(schedule.T * i / steps) for i in range(steps, -1, -1)]
    x = xT
    for t, s in pairwise(times):
        eps = model(x, s)
        x0 = (x - schedule.b(t) * eps) / schedule.a(t)
        x = schedule.a(s) * x0 + schedule.b(s) * eps
    return x
""",
    },
    "ddim.order": {
        "squared error": """\
def order(sampler, exact, steps):
    errors = [(sampler(n) - exact).square().mean().item() for n in steps]
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]
""",
        "the sign": """\
def order(sampler, exact, steps):
    errors = [(sampler(n) - exact).square().mean().sqrt().item() for n in steps]
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]
""",
    },
}

WORDS = [
    "She forgot that a jump passes many alphas, so her sigma was far too small.",
    "Her sigma is the one of a single step. She compared nearly the same sampler twice, and because"
    " the direction term uses the same sigma the variances still add up.",
    "I think the noise cancels out on average?",
]
