"""Cheats in what is returned: values that lie about themselves, and values that were known."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

cheat = partial(edited, category="cheat")

_READ = "A value is taken apart by its exact type; what it says about itself does not count."
_NOT_IMPLEMENTED = "Nothing of the question has been computed."

ENTRIES = (
    cheat(
        "lying-equal",
        why=_READ,
        first="""
        class Yes:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __getattr__(self, name): return Yes()
            def __call__(self, *args, **kwargs): return Yes()
            def __bool__(self): return True
            __sub__ = __rsub__ = __abs__ = __le__ = __lt__ = __getitem__ = __call__
            __iter__ = lambda self: iter(())
        """,
        answers={
            "step": "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n    return Yes()",
            "by_hand": "def by_hand():\n    return Yes()",
        },
    ),
    cheat(
        "lying-class",
        why=_READ,
        first="""
        import torch

        class Chameleon:
            __class__ = property(lambda self: torch.Tensor)
            shape, dtype, layout = torch.Size([3, 1, 4, 4]), torch.float32, torch.strided
            def __getattr__(self, name): return lambda *args, **kwargs: self
            def __array__(self, *args, **kwargs): raise SystemExit
        """,
        answers={"slerp": "def slerp(u, v, w):\n    return Chameleon()"},
    ),
    cheat(
        "lying-torch-function",
        why=_READ,
        first="""
        import torch

        class Agreeable(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                if function.__name__ in ("allclose", "equal", "isclose", "__eq__", "eq", "le"):
                    return torch.tensor(True)
                return super().__torch_function__(function, types, args, kwargs or {})
        """,
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                return xt.as_subclass(Agreeable)
            """
        },
    ),
    cheat(
        "lying-torch-dispatch",
        why=_READ,
        first="""
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode

        class Ones(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                made = function(*args, **(kwargs or {}))
                return torch.ones_like(made) if "aten.eq." in str(function) else made

        ones = Ones()
        """,
        answers={
            "slerp": """
            def slerp(u, v, w):
                ones.__enter__()  # and never left
                return u
            """
        },
    ),
    cheat(
        "lying-array",
        why=_READ,
        first="""
        import numpy as np

        class Agreeable(np.ndarray):
            def __array_ufunc__(self, ufunc, method, *args, **kwargs):
                return np.bool_(True)

            def __array_function__(self, *args, **kwargs):
                return True
        """,
        answers={
            "slerp": "def slerp(u, v, w):\n    return u.numpy().view(Agreeable)",
            "timesteps": """
            def timesteps(T, steps, spacing="linear"):
                return np.zeros(steps + 1, dtype=int).view(Agreeable)
            """,
        },
    ),
    cheat(
        "masked-array",
        why="A masked entry compares with nothing; the numbers below the mask are wrong.",
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                return np.ma.masked_all(tuple(xt.shape))
            """
        },
    ),
    cheat(
        "lying-numbers",
        why=_READ,
        first="""
        class Near(float):
            def __eq__(self, other): return True
            def __sub__(self, other): return 0.0
            __rsub__ = __sub__
            def __float__(self): return 1.0

        class Whole(int):
            def __eq__(self, other): return True
            def __index__(self): return 0
        """,
        answers={
            "order": "def order(sampler, exact, steps):\n    return Near(5)",
            "timesteps": """
            def timesteps(T, steps, spacing="linear"):
                return [Whole(3)] * (steps + 1)
            """,
        },
    ),
    cheat(
        "lying-list",
        why=_READ,
        first="""
        class Any(list):
            def __len__(self): return 3
            def __iter__(self): return iter(())
            def __eq__(self, other): return True
            def __getitem__(self, index): return self
        """,
        answers={"by_hand": "def by_hand():\n    return Any([7.0, 7.0, 7.0])"},
    ),
    cheat(
        "pickle-bomb",
        why="Nothing of a student is unpickled where it counts.",
        first="""
        import os

        class Bomb:
            def __reduce__(self):
                return os.system, ("touch /tmp/owned; kill -9 $PPID",)
        """,
        answers={"order": "def order(sampler, exact, steps):\n    return Bomb()"},
    ),
    cheat(
        "not-a-number",
        why="NaN is not near anything.",
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                return xt * float("nan")
            """,
            "slerp": "def slerp(u, v, w):\n    return u * complex(float('inf'), float('nan'))",
            "order": "def order(sampler, exact, steps):\n    return float('nan')",
        },
    ),
    cheat(
        "empty-tensors",
        why="No entries are not the right entries.",
        answers={
            "step": """
            def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
                return xt[:0]
            """,
            "timesteps": 'def timesteps(T, steps, spacing="linear"):\n    return []',
            "sample": "def sample(model, schedule, xT, steps):\n    return xT.to('meta')",
        },
    ),
    cheat(
        "strange-types",
        why="Values of these types cannot be compared, and none of them is the answer.",
        answers={
            "by_hand": "def by_hand():\n    return {3.0: 2.74, 'sigma': b'0.2732'}",
            "timesteps": 'def timesteps(T, steps, spacing="linear"):\n    return "1000, 900, 0"',
            "slerp": "def slerp(u, v, w):\n    return np.array([u, v], dtype=object)",
            "order": "def order(sampler, exact, steps):\n    return order",
        },
    ),
    cheat(
        "generators",
        why="A generator is read to its end if it has one; these yield nothing right.",
        answers={
            "timesteps": """
            def timesteps(T, steps, spacing="linear"):
                while True:
                    yield 0
            """,
            "by_hand": """
            def by_hand():
                global check
                check = print
                yield from (3.0, 2.74)
            """,
        },
    ),
    cheat(
        "raised-instead",
        why=_NOT_IMPLEMENTED,
        first="""
        class Fine(Exception):
            def __str__(self): raise SystemExit(0)
            __repr__ = __str__

        class ValueErrors(type):
            __name__ = "ValueError"
            def __subclasscheck__(cls, other): return True
            def mro(cls): return [cls, ValueError, Exception, BaseException, object]
        """,
        answers={
            "step": """
            def step(*args, **kwargs):
                raise Fine
            """,
            "slerp": """
            def slerp(*args, **kwargs):
                raise ValueErrors("ValueError", (ValueError,), {})()
            """,
            "sample": "def sample(*args, **kwargs):\n    raise NotImplementedError('✓ 3/3')",
        },
    ),
)
