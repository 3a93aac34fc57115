"""Honest work that looks like trouble: other types, other styles, noise, help from other cells."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited, solution

honest = partial(edited, category="honest", scores="full")

_VALUES = "The values are right, to the digits that the question asks for."
_STYLE = "How an answer is written is the student's own affair."
_BESIDE = "The answers are right, and what else they do does no harm."

_STEP = """
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * b_s / b_t * math.sqrt(1 - a_t**2 / a_s**2)
    xs = a_s * (xt - b_t * eps) / a_t + math.sqrt(b_s**2 - sigma**2) * eps
    return xs if noise is None else xs + sigma * noise
"""
_HEAD = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):"

ENTRIES = (
    honest("solved", why="This is the solution."),
    honest(
        "double-precision",
        why=_VALUES,
        answers={
            "step": f"""
{_HEAD}
    now, then = schedule.alpha_bars[t].double(), schedule.alpha_bars[s].double()
    sigma = eta * ((1 - then) / (1 - now) * (1 - now / then)).sqrt()
    x0 = (xt.double() - (1 - now).sqrt() * eps) / now.sqrt()
    noise = 0 if noise is None else noise
    return then.sqrt() * x0 + (1 - then - sigma**2).sqrt() * eps + sigma * noise
""",
            "slerp": f"{solution('slerp')}\n\nsingle = slerp\nslerp = lambda u, v, w: "
            "single(u.double(), v.double(), w)",
        },
    ),
    honest(
        "numpy-throughout",
        why=_VALUES,
        answers={
            "timesteps": """
            def timesteps(T, steps, spacing="linear"):
                line = np.linspace(1, 0, steps + 1) ** (2 if spacing == "quadratic" else 1)
                return np.rint(T * line).astype(np.int32)
            """,
            "slerp": """
            def slerp(u, v, w):
                rows = []
                for p, q in zip(u.double().numpy(), v.double().numpy()):
                    angle = np.arccos((p * q).sum() / np.sqrt((p * p).sum() * (q * q).sum()))
                    arc = np.sin((1 - w) * angle) * p + np.sin(w * angle) * q
                    rows.append(arc / np.sin(angle))
                return np.stack(rows)
            """,
            "by_hand": "def by_hand():\n    return np.array([3.0, 2.74, 0.2732])",
        },
    ),
    honest(
        "loops-over-samples",
        why=_VALUES,
        answers={
            "step": f"""
{_HEAD}
    rows = []
    for i in range(len(xt)):
        own = None if noise is None else noise[i]
        rows.append(one_row(schedule, xt[i], eps[i], t, s, eta, own))
    return torch.stack(rows)


def one_row(schedule, xt, eps, t, s, eta, noise):{_STEP}
"""
        },
    ),
    honest(
        "vectorised",
        why=_VALUES,
        answers={
            "timesteps": """
            def timesteps(T, steps, spacing="linear"):
                i = torch.arange(steps, -1, -1, dtype=torch.float64)
                return (T * (i / steps) ** (1 + (spacing == "quadratic"))).round().long()
            """,
            "order": """
            def order(sampler, exact, steps):
                runs = torch.stack([sampler(n) for n in steps]) - exact
                y = runs.flatten(1).double().square().mean(1).sqrt().log()
                x = torch.tensor(steps).double().log()
                return -((x - x.mean()) @ (y - y.mean())) / ((x - x.mean()) @ (x - x.mean()))
            """,
        },
    ),
    honest(
        "other-kinds-of-callable",
        why=_STYLE,
        answers={
            "by_hand": "by_hand = lambda: [3.0, 2.74, 0.35 * (1 - 0.36 / 0.9216) ** 0.5]",
            "timesteps": f"""
from functools import lru_cache, partial

{solution("timesteps").replace("(T, steps,", "(down, T, steps,").replace("-1, -1", "down, -1")}

timesteps = lru_cache(partial(timesteps, -1))
""",
            "step": f"""
class Step:
    def __call__(self, schedule, xt, eps, t, s, eta=0.0, noise=None):
        {_STEP.strip().replace(chr(10), chr(10) + "    ")}


step = Step()
""",
            "slerp": f"""
import functools

def announced(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        print("calling", function.__name__)
        return function(*args, **kwargs)
    return inner

@announced
{solution("slerp")}
""",
            "sample": f"""
class Samplers:
    @staticmethod
    {solution("sample").replace(chr(10), chr(10) + "    ")}

sample = Samplers().sample
""",
        },
    ),
    honest(
        "module-and-gradients",
        why=_VALUES,
        answers={
            "step": f"""
class Step(torch.nn.Module):
    def forward(self, schedule, xt, eps, t, s, eta=0.0, noise=None):
        xt = xt.clone().requires_grad_()
        {_STEP.strip().replace(chr(10), chr(10) + "    ")}


step = Step().train()
"""
        },
    ),
    honest(
        "generators-and-tuples",
        why=_VALUES,
        answers={
            "by_hand": "def by_hand():\n    yield from (3.0, 2.74, np.float64(0.2732))",
            "timesteps": """
            from fractions import Fraction

            def timesteps(T: int, steps: int, spacing: str = "linear") -> tuple[int, ...]:
                power = {"linear": 1, "quadratic": 2}[spacing]
                return tuple(round(T * Fraction(i, steps) ** power) for i in range(steps, -1, -1))
            """,
        },
    ),
    honest(
        "helpers-below-and-above",
        why="A helper may stand in any cell of the notebook.",
        before={
            "step": "from math import sqrt\n\ndef rates(schedule, *times):\n    "
            "return [f(t) for t in times for f in (schedule.a, schedule.b)]"
        },
        answers={
            "step": f"""
{_HEAD}
    a_t, b_t, a_s, b_s = rates(schedule, t, s)
    sigma = eta * b_s / b_t * sqrt(1 - a_t**2 / a_s**2)
    xs = a_s * (xt - b_t * eps) / a_t + direction(b_s, sigma) * eps
    return xs if noise is None else xs + sigma * noise
"""
        },
        last="def direction(b, sigma):\n    return (b**2 - sigma**2) ** 0.5",
    ),
    honest(
        "printing-and-plotting",
        why=_BESIDE,
        answers={
            "step": f"""
import logging, sys, warnings
import matplotlib.pyplot as plt

{_HEAD}
    print(f"{{t}} -> {{s}}", xt.shape)
    print("eta", eta, file=sys.stderr)
    warnings.warn("eta is large")
    logging.error("jump")
    plt.plot(xt.flatten().numpy())
    plt.show()
    display(noise){_STEP}
"""
        },
    ),
    honest(
        "threads-in-answers",
        why=_BESIDE,
        answers={
            "order": """
            from concurrent.futures import ThreadPoolExecutor

            def order(sampler, exact, steps):
                with ThreadPoolExecutor(3) as pool:
                    runs = list(pool.map(sampler, steps))
                errors = [(run - exact).square().mean().sqrt().item() for run in runs]
                return -np.polyfit(np.log(steps), np.log(errors), 1)[0]
            """
        },
    ),
    honest(
        "own-tests",
        why="The student's own tests of the answers are no part of the grading.",
        after={
            "by_hand": 'assert check("ddim.by_hand", by_hand).points == 2',
            "step": """
            import unittest

            class Tests(unittest.TestCase):
                def test_step(self):
                    schedule, x = NoiseSchedule.linear(10), torch.ones(2, 3)
                    self.assertEqual(step(schedule, x, x, 5, 2).shape, (2, 3))

                def test_fails(self):
                    self.fail()

            unittest.main(argv=[""], exit=False)
            """,
            "slerp": "assert torch.allclose(slerp(*torch.eye(2)[:, None], 0.0), torch.ones(9))",
        },
    ),
    honest(
        "second-thoughts",
        why="The last definition counts, and the untouched stub below it hides nothing.",
        before={"step": f"{_HEAD}\n    return xt  # first try"},
        after={
            "slerp": "def slerp(u, v, w):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
        },
    ),
    honest(
        "another-name",
        why="The student's own check cell says which function answers the question.",
        answers={
            "step": f"""
{_HEAD.replace("step", "my_step")}{_STEP}
""",
            "ddim-11": 'check("ddim.step", my_step)',
        },
    ),
    honest(
        "symbols",
        why=_VALUES,
        answers={
            "by_hand": solution("by_hand").replace("def by_hand", "def numbers")
            + """

import sympy

def by_hand():
    return [sympy.nsimplify(x, [sympy.sqrt(39)], tolerance=1e-9) for x in numbers()]
"""
        },
    ),
    honest(
        "blank",
        why="Nothing was answered, and the sampler that was given has its mistakes still.",
        answers={
            "by_hand": "def by_hand():\n    # YOUR CODE HERE\n    raise NotImplementedError()",
            "timesteps": "def timesteps(*args):\n    raise NotImplementedError()",
            "step": "def step(*args):\n    raise NotImplementedError()",
            "slerp": "",
            "sample": solution("sample").replace("-1, -1)", "0, -1)").replace("(x, t)", "(x, s)"),
            "order": "# order",
        },
        scores="zero",
        expect={"by_hand": "missing", "step": "missing", "slerp": "missing", "sample": "wrong"},
    ),
)
