"""Programs of a few lines as Python itself runs them: what is bound to what before each line.

The figure ``names`` is drawn from this. Nothing in it is thought out: ``sys.settrace`` stops before
each line, and who leads where is read off the objects by their identity.
"""

from __future__ import annotations

import copy
import sys
from functools import cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor

PROGRAMS = {
    "lists": """\
a = [1, 2]
b = a
b.append(3)
a = a + [4]
b += [5]
c = b.copy()
b[0] = 9
""",
    "numbers": """\
n = 1
m = n
n = n + 1
m += 5
s = (1, 2)
t = s
s += (3,)
""",
    "calls": """\
def count(n):
    n = n + 1

def grow(items):
    items.append(3)
    items = items + [4]

n, a = 1, [1, 2]
count(n)
grow(a)
""",
    "copies": """\
rows = [[1, 2], [3]]
flat = rows.copy()
flat[0].append(9)
flat[1] = [0]
deep = copy.deepcopy(rows)
deep[0][0] = 7
""",
    "tensors": """\
x = torch.tensor([1, 2, 3, 4])
y = x
v = x[2:]
z = x.clone()
y += 10
x = x * 2
v.zero_()
""",
}


class Trace:
    """The states of one program: before each line, at the end of each call, and at its end."""

    def __init__(self, program: str) -> None:
        self.lines = program.splitlines()
        self.states: list[dict[str, Any]] = []
        self.objects: list[Any] = []  # all that there ever were, kept: no identity is given twice
        self.inner: list[bool] = []  # whether an object was first met inside of a list
        self.storages: list[int] = []
        names: dict[str, Any] = {"torch": torch, "copy": copy}
        known = {*names, "__builtins__"}
        code = compile(program, "<program>", "exec")

        def visible(frame: FrameType) -> dict[str, Any]:
            """The names of the program itself, then those of a call."""
            plain = {
                name: value
                for name, value in names.items()
                if name not in known and not callable(value)
            }
            if frame.f_code is code:
                return plain
            within = f" in {frame.f_code.co_name}"
            return plain | {name + within: value for name, value in frame.f_locals.items()}

        def local(frame: FrameType, event: str, _: Any) -> Any:
            line = frame.f_lineno - 1
            defines = event == "line" and self.lines[line].startswith("def ")
            if not defines and (
                event == "line" or (event == "return" and frame.f_code is not code)
            ):
                self.record(visible(frame), line, event)
            return local

        def enter(frame: FrameType, event: str, _: Any) -> Any:
            return local if frame.f_code.co_filename == "<program>" else None

        before = sys.gettrace()
        sys.settrace(enter)
        try:
            exec(code, names)
        finally:
            sys.settrace(before)
        names = {name: value for name, value in names.items() if name not in known}
        self.record({n: v for n, v in names.items() if not callable(v)}, None, "end")

    def place(self, value: Any, inner: bool = False) -> int:
        """The number of an object, by identity."""
        for i, other in enumerate(self.objects):
            if other is value:
                return i
        self.objects.append(value)
        self.inner.append(inner)
        return len(self.objects) - 1

    def record(self, names: dict[str, Any], line: int | None, event: str) -> None:
        """Add the present state, and what has happened since the last one."""
        bound = {name: self.place(value) for name, value in names.items()}
        alive = dict.fromkeys(bound.values())
        for i in list(alive):
            if isinstance(self.objects[i], list):
                held = [x for x in self.objects[i] if isinstance(x, list)]
                alive.update(dict.fromkeys(self.place(x, inner=True) for x in held))
        state: dict[str, Any] = {
            "line": line,
            "event": event,
            "names": bound,
            "objects": [self.describe(i, i in alive) for i in range(len(self.objects))],
        }
        state["words"] = self.words(self.states[-1], state) if self.states else []
        self.states.append(state)

    def describe(self, i: int, alive: bool) -> dict[str, Any]:
        """One object: what it holds, and what of that lies elsewhere."""
        value = self.objects[i]
        found: dict[str, Any] = {
            "kind": type(value).__name__,
            "alive": alive,
            "inner": self.inner[i],
        }
        if isinstance(value, Tensor):
            key = value.untyped_storage().data_ptr()
            if key not in self.storages:
                self.storages.append(key)
            whole = torch.tensor([], dtype=value.dtype).set_(value.untyped_storage())
            return found | {
                "storage": self.storages.index(key),
                "cells": whole.tolist(),
                "sees": [value.storage_offset(), value.numel()],
            }
        if isinstance(value, list) and any(isinstance(x, list) for x in value):
            return found | {"held": [self.place(x, inner=True) for x in value]}
        return found | {"text": repr(value)}

    def words(self, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        """What a line has done: which names it tied, which objects it changed."""
        said = []
        old, new = before["names"], after["names"]
        kind = [each["kind"] for each in after["objects"]]
        for name, i in new.items():
            if old.get(name) == i:
                continue
            others = [other for other, j in old.items() if j == i]
            said.append(f"{name} is tied to {self.object_in_words(after, i, others)}.")
        for i, (one, two) in enumerate(zip(before["objects"], after["objects"], strict=False)):
            changed = {key for key in ("text", "held", "cells") if one.get(key) != two.get(key)}
            seen_by = [name for name, j in new.items() if i == j or i in self.held(j)]
            if changed == {"cells"}:
                below = [
                    n for n, j in new.items() if after["objects"][j]["storage"] == two["storage"]
                ]
                said.append(f"The numbers under {_and(below)} change.")
            elif changed and two["alive"]:
                of = f"inside {_and(seen_by)}" if two["inner"] else f"of {_and(seen_by)}"
                said.append(f"The {kind[i]} {of} changes.")
        gone = [name for name in old if name not in new]
        if gone:
            said.append(f"The call is over: {_and(gone)} is gone.")
        lost = [
            each["kind"]
            for each, was in zip(after["objects"], before["objects"], strict=False)
            if was["alive"] and not each["alive"]
        ]
        said += [f"No name leads to one {each} any more." for each in lost]
        return list(dict.fromkeys(said))

    def object_in_words(self, state: dict[str, Any], i: int, names: list[str]) -> str:
        """An object that a name was tied to; ``names`` are those that led to it before."""
        it = state["objects"][i]
        if names:
            return f"the {it['kind']} of {_and(names)}"
        if it["kind"] == "int":
            return f"another int, {it['text']}"
        owners = [
            name
            for name, j in state["names"].items()
            if j != i and "storage" in it and state["objects"][j].get("storage") == it["storage"]
        ]
        return f"a new {it['kind']}" + (f" on the numbers of {_and(owners)}" if owners else "")

    def held(self, i: int) -> list[int]:
        value = self.objects[i]
        return (
            [self.place(x) for x in value if isinstance(x, list)] if isinstance(value, list) else []
        )


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


@cache
def programs() -> dict[str, dict[str, Any]]:
    """Each program's "lines", and its "states" before each of them and at the end."""
    traced = {name: Trace(program) for name, program in PROGRAMS.items()}
    return {name: {"lines": it.lines, "states": it.states} for name, it in traced.items()}
