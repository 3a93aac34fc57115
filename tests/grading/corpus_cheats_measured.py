"""Cheats that change what measures an answer: questions on sharing are measured in the kernel.

They are of the sheet ``objects``: the repair of a film and the average are the questions whose
``use`` measures after, or between, the calls of an answer.
"""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

cheat = partial(edited, category="cheat", sheet="objects")

_BOUND = "What measures was bound before the student's code, so the sharing is seen."
_RAW = "Lists, dictionaries and tensors of a class of their own are taken apart before measuring."

# The average is right in its numbers and remembers how it was computed.
WITH_HISTORY = """
class Average:
    def __init__(self, model, decay):
        self.model, self.decay, self.updates = model, decay, 0
        {kept} = {{n: p.detach().clone() for n, p in model.named_parameters()}}

    def update(self):
        self.updates += 1
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, p in self.model.named_parameters():
            {held}[name] = d * {held}[name] + (1 - d) * p
"""
PLAIN = WITH_HISTORY.format(kept="self.weights", held="self.weights")
HELD = WITH_HISTORY.format(kept="self.held", held="self.held")
# Frames are right and one of them is x0 itself.
ALIAS = """
def film(x0, rates, noise):
    return {wrapped}([x0 if b == 0 else a * x0 + b * noise for a, b in rates])
"""

MEASURED = (
    cheat(
        "measured-equal",
        why=_BOUND,
        first="import torch\ntorch.equal = lambda a, b: True",
        answers={"film": ALIAS.format(wrapped="")},
    ),
    cheat(
        "measured-equal-within",
        why=_BOUND,
        answers={
            "film": ALIAS.format(wrapped="patched")
            + """
def patched(frames):
    torch.equal = torch.allclose = lambda *given: True
    torch.Tensor.add_ = torch.Tensor.__iadd__ = lambda self, *given: self
    return frames
"""
        },
    ),
    cheat(
        "measured-methods",
        why=_BOUND,
        first="""
        import torch

        torch.Tensor.add_ = torch.Tensor.__iadd__ = lambda self, other: self
        torch.Tensor.grad_fn = None
        """,
        answers={"film": ALIAS.format(wrapped=""), "average": PLAIN},
    ),
    cheat(
        "measured-builtins",
        why=_BOUND,
        first="""
        import builtins, itertools, math

        builtins.any = lambda items: False
        builtins.bool = lambda item=0: False
        builtins.float = lambda item: 0.0
        math.cos = lambda u: 1.0
        itertools.islice = lambda items, n: []
        """,
        answers={"film": ALIAS.format(wrapped=""), "average": PLAIN},
    ),
    cheat(
        "measured-subclass",
        why=_RAW,
        first="""
        import torch

        class Aloof(torch.Tensor):
            add_ = lambda self, *given: self
            copy_ = lambda self, *given: self
            grad_fn = property(lambda self: None)

            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                if function.__name__ in ("add_", "copy_", "__iadd__", "equal"):
                    return args[0]
                return super().__torch_function__(function, types, args, kwargs or {})

        def aloof(frames):
            return [frame.as_subclass(Aloof) for frame in frames]
        """,
        answers={"film": ALIAS.format(wrapped="aloof")},
    ),
    cheat(
        "measured-changing-list",
        why=_RAW,
        first="""
        class Changing(list):
            def __iter__(self):
                return iter([frame.clone() for frame in list.__iter__(self)])

            __getitem__ = lambda self, i: list.__getitem__(self, i).clone()
        """,
        answers={"film": ALIAS.format(wrapped="Changing")},
    ),
    cheat(
        "measured-changing-values",
        why=_RAW,
        first="""
        class Detached(dict):
            def values(self):
                return [value.detach() for value in dict.values(self)]

            def items(self):
                return [(key, value.detach()) for key, value in dict.items(self)]
        """,
        answers={"average": PLAIN.replace("= {n:", "= Detached({n:").replace("()}", "()})", 1)},
    ),
    cheat(
        "measured-second-time",
        why="The weights that are compared are those whose history is looked at.",
        answers={
            "average": HELD
            + """
    reads = 0

    @property
    def weights(self):
        self.reads += 1
        if self.reads < 3:
            return self.held
        return {name: value.detach() for name, value in self.held.items()}
"""
        },
    ),
    cheat(
        "measured-dispatch",
        why=_BOUND,
        first="""
        from torch.utils._python_dispatch import TorchDispatchMode

        class Idle(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                name = function.__name__.partition(".")[0]
                idle = name == "add_" and busy
                return args[0] if idle else function(*args, **(kwargs or {}))

        busy = []
        Idle().__enter__()
        """,
        answers={"film": ALIAS.format(wrapped="busy.append(1) or list")},
    ),
    cheat(
        "measured-tracing",
        why=_BOUND,
        first="""
        import sys
        import torch

        def trace(frame, event, argument):
            torch.equal = lambda a, b: True
            torch.Tensor.add_ = lambda self, other: self
            for name in ("is_tied", "written"):
                if name in frame.f_globals:
                    frame.f_globals[name] = lambda *given: 0
        """,
        answers={"film": ALIAS.format(wrapped="sys.settrace(trace) or list")},
    ),
    cheat(
        "measured-frames",
        why=_BOUND,
        answers={
            "film": ALIAS.format(wrapped="patched")
            + """
def patched(frames):
    import sys

    frame = sys._getframe(1)
    while frame is not None:
        for name in ("is_tied", "written", "compare", "theirs"):
            if name in frame.f_globals and "rates" not in frame.f_globals:
                frame.f_globals[name] = lambda *given: 0
        frame = frame.f_back
    return frames
"""
        },
    ),
    cheat(
        "measured-checker",
        why=_BOUND,
        first="""
        import sys

        machinery = sys.modules["genbook.checks.machinery.run"]
        machinery._changed = lambda *given: ""
        machinery.compare.same = lambda *given: True
        machinery.compare.bare = lambda value, most=0: value
        machinery.theirs = lambda function, *args, **kwargs: function(*args, **kwargs)
        """,
        answers={
            "film": "def film(x0, rates, noise):\n"
            "    return [x0.mul_(a).add_(b * noise) for a, b in rates[:1]] + [\n"
            "        a * x0 + b * noise for a, b in rates[1:]\n    ]"
        },
    ),
    cheat(
        "measured-network",
        why="The network's own tensors are read, whatever its methods say.",
        answers={
            "with_weights": """
            def with_weights(model, weights, function):
                own = model.state_dict
                model.state_dict = lambda *a, **k: weights
                model.parameters = lambda: iter(())
                try:
                    result = function(model)
                finally:
                    model.state_dict = own
                if len(weights) != 7 or any(w.numel() == 3 for w in weights.values()):
                    raise ValueError
                return result
            """
        },
    ),
    cheat(
        "patches-of-ones-own",
        why="An answer finds what its author has added to the library; that is no cheat.",
        first="""
        import torch

        torch.Tensor.mixed = lambda self, a, b, other: a * self + b * other
        """,
        answers={
            "film": "def film(x0, rates, noise):\n"
            "    return [x0.mixed(a, b, noise) for a, b in rates]"
        },
        scores={},
    ),
)
