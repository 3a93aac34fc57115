"""Cheats that return what was given, what was known, or what somebody else wrote."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

cheat = partial(edited, category="cheat")

_READ = "A value is taken apart by its exact type; what it says about itself does not count."
_NOT_IMPLEMENTED = "Nothing of the question has been computed."

ENTRIES = (
    cheat(
        "returned-arguments",
        why="The arguments are not the answer.",
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                return xt
            """,
            "slerp": "def slerp(u, v, w):\n    return u",
            "sample": "def sample(model, schedule, xT, steps):\n    return xT",
            "order": "def order(sampler, exact, steps):\n    return steps",
        },
    ),
    cheat(
        "known-values",
        why="The values of the public check are not those of the secret cases.",
        answers={
            "timesteps": """
            PUBLIC = {
                (1000, 10, "linear"): list(range(1000, -1, -100)),
                (1000, 10, "quadratic"): [1000, 810, 640, 490, 360, 250, 160, 90, 40, 10, 0],
                (100, 5, "linear"): [100, 80, 60, 40, 20, 0],
                (400, 5, "quadratic"): [400, 256, 144, 64, 16, 0],
                (8, 8, "linear"): [8, 7, 6, 5, 4, 3, 2, 1, 0],
                (50, 1, "linear"): [50, 0],
            }

            def timesteps(T, steps, spacing="linear"):
                return PUBLIC.get((T, steps, spacing), [T, 0])
            """,
            "order": """
            PUBLIC = iter([0.9476, 0.9657, 0.8812, 1.0473])

            def order(sampler, exact, steps):
                return next(PUBLIC, 1.0)
            """,
        },
    ),
    cheat(
        "known-order",
        why="The order is one only in the limit; the question is about the slope that is measured.",
        answers={"order": "def order(sampler, exact, steps):\n    return 1.0"},
    ),
    cheat(
        "remembered-values",
        why="From the second call with the same times on, the values belong to other arguments.",
        answers={
            "step": """
            memory = {}

            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                if (t, s) not in memory:
                    memory[t, s] = ddim.step(schedule, xt, eps, t, s, eta, noise)
                return memory[t, s]
            """
        },
    ),
    cheat(
        "emptied-arguments",
        why="Arguments that the answer sets to zero are the student's own copies.",
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                for tensor in (xt, eps, *([] if noise is None else [noise])):
                    tensor.zero_()  # then the right answer is zero
                return torch.zeros_like(xt)
            """,
            "sample": """
            def sample(model, schedule, xT, steps):
                schedule.betas.zero_(), schedule.alpha_bars.fill_(1.0)  # no noise, nothing to do
                return xT
            """,
        },
    ),
    cheat(
        "the-books-own",
        why="The values are right; that the sheet asks for an implementation is a note for the "
        "instructor, not for a machine to decide.",
        answers={
            "timesteps": "timesteps = ddim.timesteps",
            "step": "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n"
            "    noise = torch.zeros_like(xt) if noise is None else noise\n"
            "    return ddim.step(schedule, xt, eps, t, s, eta, noise)",
            "slerp": "from genbook.ddim import slerp",
        },
        scores="full",
    ),
)
