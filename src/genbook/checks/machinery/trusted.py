"""What measures an answer runs with the functions that were there before a student's code.

Where a question has a ``use``, the answer and what measures it share a process, and there a student
may have written ``torch.equal = lambda a, b: True``. So a grader's kernel remembers the modules and
classes that measuring uses (``keep``) before any student's code runs. ``measuring`` puts them back,
and lets the student's own changes return when it ends. Inside it, ``theirs`` calls student's code,
which finds its changes and may make new ones, and ``ours`` makes a function for such code to call.

In a notebook nothing was kept and nothing happens: there is nobody to deceive but oneself.

This protects from patches. Whoever goes for the grader's own frames can still forge what is sent,
so ``use`` returns values that only a right answer makes right, and the verdict falls elsewhere.
"""

from __future__ import annotations

import builtins
import functools
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import torch

__all__ = ["keep", "measuring", "ours", "theirs"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_GONE = object()
_HEAP = 1 << 9  # types that Python code made: all others cannot be changed

Change = tuple[Any, str, Any]


class Originals:
    """The names of modules and classes as they are now."""

    def __init__(self, modules: Iterable[ModuleType], classes: Iterable[type] = ()) -> None:
        self.modules = {module.__name__: module for module in modules}
        owners: list[Any] = [vars(module) for module in self.modules.values()]
        self.kept = [self._names(owner) for owner in (*owners, *classes)]
        # Bound now: with these alone a process is mended whose builtins are not to be trusted.
        names = vars(builtins)
        self.builtins = (names.copy, names.update, dict(names))

    @staticmethod
    def _names(owner: Any) -> tuple[Any, Any, dict[str, Any], tuple[Any, ...]]:
        now = owner if isinstance(owner, dict) else vars(owner)
        return owner, now, dict(now), tuple(now.values())

    def also(self, names: dict[str, Any]) -> Originals:
        """These and the names of one more module."""
        more = Originals(())
        more.modules, more.builtins = self.modules, self.builtins
        more.kept = [*self.kept, self._names(names)]
        return more

    def restore(self) -> list[Change]:
        """Put all back; returns what was otherwise, for ``give_back``."""
        copy, update, saved = self.builtins
        before = copy()
        update(saved)
        changes: list[Change] = []
        for name, value in before.items():
            if name in saved and value is not saved[name]:
                changes.append((vars(builtins), name, value))
        for name, module in self.modules.items():
            if name in sys.modules and sys.modules[name] is not module:
                changes.append((sys.modules, name, sys.modules[name]))
                sys.modules[name] = module
        for owner, now, names, values in self.kept:
            if len(now) == len(values) and all(map(operator.is_, now.values(), values)):
                continue
            found = [(name, value) for name, value in now.items() if type(name) is str]
            for name, value in found:
                if name not in names:
                    if type(value) is not ModuleType:  # a part that was imported later
                        changes.append((owner, name, value))
                        _set(owner, name, _GONE)
                elif value is not names[name]:
                    changes.append((owner, name, value))
                    _set(owner, name, names[name])
            for name in names.keys() - now.keys():
                changes.append((owner, name, _GONE))
                _set(owner, name, names[name])
        return changes


def _set(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        if value is _GONE:
            owner.pop(name, None)
        else:
            owner[name] = value
    elif value is _GONE:
        type.__delattr__(owner, name)
    else:
        type.__setattr__(owner, name, value)


class _Guard:
    """The originals in force, and what they have replaced."""

    def __init__(self, originals: Originals) -> None:
        self.originals = originals
        self.changes: list[Change] = []

    def begin(self) -> None:
        # Python code that runs between any two lines, or below in place of any operation.
        self.hooks = sys.gettrace(), sys.getprofile()
        sys.settrace(None)
        sys.setprofile(None)
        self.changes = self.originals.restore()
        self.stack = ExitStack()
        self.stack.enter_context(torch._C.DisableTorchFunction())  # type: ignore[attr-defined]
        self.stack.enter_context(torch._C._DisableTorchDispatch())  # type: ignore[attr-defined]

    def end(self) -> None:
        self.stack.close()
        for owner, name, value in self.changes:
            _set(owner, name, value)
        trace, profile = self.hooks
        sys.setprofile(profile)
        sys.settrace(trace)


_kept: dict[bool, Originals] = {}
_guards: list[_Guard] = []


def keep(narrow: Iterable[str], wide: Iterable[str]) -> None:
    """Remember the modules of these names and their classes, before any student's code runs.

    Args:
        narrow: what reads and compares values; it is put back for every question.
        wide: what a ``use`` may call besides.
    """
    few = [sys.modules[name] for name in narrow]
    many = few + [sys.modules[name] for name in wide]
    classes: dict[type, None] = {}
    for module in many:
        for item in vars(module).values():
            if isinstance(item, type) and item.__flags__ & _HEAP and item.__module__ != "__main__":
                classes |= dict.fromkeys(k for k in item.__mro__ if k.__flags__ & _HEAP)
    _kept.update({False: Originals(few, [torch.Tensor]), True: Originals(many, classes)})


@contextmanager
def measuring(use: Callable[..., Any] | None = None) -> Iterator[None]:
    """Within it, what was kept is as it was kept: all that ``use`` may need, if there is one."""
    if not _kept:
        yield
        return
    originals = _kept[use is not None]
    if use is not None:
        originals = originals.also(use.__globals__)
    guard, guards = _Guard(originals), _guards
    guard.begin()
    guards.append(guard)
    try:
        yield
    finally:
        guards.remove(guard)
        guard.end()


def theirs(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call student's code inside ``measuring``; afterwards all that measures is as it was."""
    guards = _guards
    if not guards:
        return function(*args, **kwargs)
    guard = guards[-1]
    guard.end()
    try:
        return function(*args, **kwargs)
    finally:
        guard.begin()
        guards[:] = [guard]


def ours(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """A function that student's code is given and that measures."""
    guard = _guards[-1] if _guards else None
    if guard is None:
        return function

    @functools.wraps(function)
    def measured(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        guard.begin()
        try:
            return function(*args, **kwargs)
        finally:
            guard.end()

    return measured
