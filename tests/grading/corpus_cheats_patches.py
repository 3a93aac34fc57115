"""Cheats that change what a checker in the student's process would rely on."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

cheat = partial(edited, category="cheat")

_ELSEWHERE = "The comparison is made in another process, so the wrong values stay wrong."
_OWN_TOOLS = "The values are taken out with the grader's own tools, and they are wrong."

ENTRIES = (
    cheat(
        "patched-allclose",
        why=_ELSEWHERE,
        first="""
        import numpy as np
        import torch

        def agree(*args, **kwargs):
            return True

        torch.allclose = torch.equal = torch.testing.assert_close = agree
        np.allclose = np.array_equal = np.array_equiv = np.testing.assert_allclose = agree
        """,
        wrong=("step", "slerp"),
    ),
    cheat(
        "rebound-builtins",
        why=_ELSEWHERE,
        first="""
        import builtins

        builtins.all = lambda items: True
        builtins.any = lambda items: False
        builtins.abs = lambda number: 0
        """,
        wrong=("slerp", "order"),
    ),
    cheat(
        "rebound-isinstance",
        why=_OWN_TOOLS,
        first="""
        import builtins

        original = builtins.isinstance
        builtins.isinstance = lambda item, kind: kind is Lie or original(item, kind)
        builtins.type = type("type", (type,), {"__call__": lambda cls, *a: float})

        class Lie:
            def __eq__(self, other):
                return True
        """,
        answers={"order": "def order(sampler, exact, steps):\n    return Lie()"},
    ),
    cheat(
        "patched-operators",
        why=_ELSEWHERE,
        first="""
        import torch

        torch.Tensor.__eq__ = lambda self, other: True
        torch.Tensor.__ne__ = lambda self, other: False
        torch.Tensor.__le__ = torch.Tensor.__bool__ = lambda self, *other: True
        torch.Tensor.isclose = torch.Tensor.allclose = torch.Tensor.equal = lambda *args: True
        """,
        wrong=("step", "sample"),
    ),
    cheat(
        "patched-reading",
        why=_OWN_TOOLS,
        first="""
        import numpy as np
        import torch

        class Agreeable(np.ndarray):
            def __array_ufunc__(self, *args, **kwargs):
                return True

        torch.Tensor.numpy = lambda self, **how: np.zeros(self.shape).view(Agreeable)
        torch.Tensor.tolist = lambda self: []
        torch.Tensor.cpu = torch.Tensor.to_dense = lambda self: self
        """,
        wrong=("slerp",),
    ),
    cheat(
        "patched-copies",
        why="Every question gets its arguments from the grader, whatever copies return here.",
        first="""
        import copy
        import torch

        copy.deepcopy = lambda value, memo=None: value
        torch.Tensor.clone = lambda self, **how: self
        torch.Tensor.detach = lambda self: self
        """,
        answers={
            "slerp": """
            def slerp(u, v, w):
                for tensor in (u, v):  # so that the right answer is zero as well
                    tensor.zero_()
                return u
            """
        },
    ),
    cheat(
        "patched-json",
        why="What the checks say does not go through the student's json.",
        first="""
        import json

        dumps = json.dumps

        def forged(value, *args, **kwargs):
            if isinstance(value, dict) and "outcomes" in value:
                value = {**value, "outcomes": [], "points": 3, "status": "right"}
            return dumps(value, *args, **kwargs)

        json.dumps = json.JSONEncoder.encode = forged
        """,
        wrong=("step",),
    ),
    cheat(
        "patched-pickle",
        why="The arguments are read with the grader's own tools, and the answer to them is wrong.",
        first="""
        import base64
        import pickle

        import cloudpickle

        nothing = [((), {})]
        pickle.loads = cloudpickle.loads = lambda data, **how: nothing
        base64.b64decode = base64.decodebytes = lambda data, **how: pickle.dumps(nothing)
        """,
        wrong=("timesteps", "sample"),
    ),
    cheat(
        "patched-encoding",
        why=_OWN_TOOLS,
        first="""
        import base64
        import numpy as np

        base64.b64encode = lambda data, *args: b""
        np.asarray = np.array = np.ascontiguousarray = lambda value, *args, **kwargs: value
        """,
        answers={"slerp": "def slerp(u, v, w):\n    return [[1.0]]"},
        # np.polyfit, by which the honest order is found, calls np.asarray where it is defined.
    ),
    cheat(
        "patched-signature",
        why="An answer that cannot be called with the arguments is no answer.",
        first="""
        import inspect

        class Fits:
            parameters = {}

            def bind(self, *args, **kwargs):
                return self

        inspect.signature = lambda function: Fits()
        """,
        answers={"step": "def step():\n    return 0"},
    ),
    cheat(
        "patched-randomness",
        why="The arguments are drawn in another process, so they are not zero.",
        first="""
        import random
        import torch

        torch.randn = torch.rand = lambda *shape, **how: torch.zeros(*shape)
        torch.manual_seed = random.seed = lambda seed=0: None
        torch.Generator.manual_seed = lambda self, seed: self
        """,
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                return torch.zeros(xt.shape)
            """
        },
    ),
)
