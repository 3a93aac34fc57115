"""Mutants of an answer: each small wrong version that a checker's cases must tell from it.

mutmut and cosmic-ray mutate files and run a test suite for each mutant in a new process. Here a
mutant is one function or class and the "suite" is `judge`: rewriting the syntax tree and calling
the result takes milliseconds, and the descriptions stay valid when lines move.

Left alone are the default values (the exercise gives the signature), decorators, annotations and
the messages of errors.
"""

from __future__ import annotations

import ast
import copy
import inspect
import math
import re
import signal
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from genbook.checks.machinery.registry import Case, Question
from genbook.checks.machinery.run import Outcome, judge, outcomes

SECONDS = 1  # of the processor, so that a busy machine stops nothing that ends

_BINARY: dict[type, list[type]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.Mult],
    ast.Pow: [ast.Mult],
}
_COMPARE: dict[type, list[type]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
# Functions of one argument that a student may forget, as functions and as methods.
_FORGOTTEN = {"sqrt", "rsqrt", "exp", "log", "square", "abs", "round", "cumprod", "flip", "clamp"}
_SYMMETRIC = {"max", "min", "maximum", "minimum", "zip"}
_COUNT = re.compile(r" \(\d+\)$")  # the same line in another place
# The names that are mistaken for each other in this book.
_CONFUSED = {
    "alphas": ["alpha_bars", "betas"],
    "alpha_bars": ["alphas"],
    "betas": ["alphas"],
    "a": ["b"],
    "b": ["a"],
    "var": ["std"],
    "std": ["var"],
    "sum": ["mean"],
    "mean": ["sum"],
}


@dataclass(frozen=True)
class Mutant:
    """A wrong version of an answer; the description is what changed, `before → after`."""

    description: str
    answer: Any
    source: str = ""


def mutants(reference: Callable[..., Any]) -> list[Mutant]:
    """All mutants of a function or class of a module that was written with `def` or `class`."""
    source = textwrap.dedent(inspect.getsource(reference))
    names = dict(vars(inspect.getmodule(reference)))
    if isinstance(reference, FunctionType):
        names.update(inspect.getclosurevars(reference).nonlocals)
    return mutants_of_source(source, reference.__name__, names)


def mutants_of_source(source: str, name: str, names: dict[str, Any]) -> list[Mutant]:
    """All mutants of what `source` defines as `name`, without those that do not compile.

    Every function and class of the source is changed, so helpers beside the answer count.

    Args:
        source: definitions, as in the cell of an answer.
        name: what the answer is called.
        names: what is defined already where the source runs.
    """
    tree = _tree(source, name)
    found: dict[str, Mutant] = {}
    seen: dict[str, int] = {}
    nodes = list(_nodes(tree))
    for i, node in enumerate(nodes):
        for change in _changes(node):
            twin = copy.deepcopy(tree)
            target = list(_nodes(twin))[i]
            before = _described(tree, node)
            changed = change(target)
            _put(twin, target, changed)
            program = ast.unparse(ast.fix_missing_locations(twin))
            if program in found or program == ast.unparse(tree):
                continue
            text = (
                f"{before} → {_described(twin, changed if isinstance(changed, ast.AST) else None)}"
            )
            answer = _compile(program, name, names)
            if answer is not None:
                # The same line may stand in two places, and be tried in one of them only.
                seen[text] = seen.get(text, 0) + 1
                text = text if seen[text] == 1 else f"{text} ({seen[text]})"
                found[program] = Mutant(text, answer, program)
    return list(found.values())


def survivors(
    question: Question, seeds: tuple[int, ...] = (0, 1), of: list[Mutant] | None = None
) -> list[str]:
    """The descriptions of the mutants that get points with some seed.

    By default those of the question's reference.
    """
    assert question.reference is not None
    known = {}
    for seed in seeds:
        cases = question.cases(seed)
        known[seed] = cases, outcomes(question, question.reference, cases)
    quiet = replace(question, misconceptions=())  # whether it is named does not matter here
    alive = []
    for mutant in mutants(question.reference) if of is None else of:
        started = time.process_time()
        for seed in seeds:
            if _survives(quiet, mutant, *known[seed]):
                alive.append(mutant.description)
                break
            if time.process_time() - started > SECONDS:  # endless with this seed: no need for more
                break
    return alive


def covered(description: str, listed: Iterable[str]) -> list[str]:
    """Those of the ``listed`` changes ``old → new`` that a mutant's description is an instance of.

    A description has whole lines on both sides of its arrow: one place of the old text must turn
    the first into the second.
    """
    before, _, after = (part.strip() for part in _COUNT.sub("", description).partition("→"))
    found = []
    for change in listed:
        old, _, new = (part.strip() for part in change.partition("→"))
        places = [match.start() for match in re.finditer(re.escape(old), before)]
        if change == description or any(
            before[:i] + new + before[i + len(old) :] == after for i in places
        ):
            found.append(change)
    return found


def _survives(
    question: Question, mutant: Mutant, cases: list[Case], expected: list[Outcome]
) -> bool:
    with _time_limit():
        for case, right in zip(cases, expected, strict=True):
            done = outcomes(question, mutant.answer, [case])
            if judge(question, [case], done, [right]).points == 0:
                return False
        return True
    return False


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of the bodies of functions and classes, without what is inside of `raise`."""
    definition = isinstance(tree, ast.FunctionDef | ast.ClassDef)
    parts = tree.body if definition else ast.iter_child_nodes(tree)
    if isinstance(tree, ast.AnnAssign):
        parts = [tree.value] if tree.value else []
    for node in parts:
        yield node
        if not isinstance(node, ast.Raise):
            yield from _nodes(node)


def _changes(node: ast.AST) -> Iterator[Callable[[Any], ast.AST | None]]:
    """Ways of changing a node: each takes its twin and gives a replacement, or None to remove."""
    if isinstance(node, ast.BinOp):
        for operator in _BINARY.get(type(node.op), []):
            yield lambda n, op=operator: ast.BinOp(n.left, op(), n.right)
        if isinstance(node.op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
            yield lambda n: ast.BinOp(n.right, n.op, n.left)
    elif isinstance(node, ast.UnaryOp):
        yield lambda n: n.operand
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield lambda n: ast.BoolOp(other(), n.values)
    elif isinstance(node, ast.Compare):
        for operator in _COMPARE.get(type(node.ops[0]), []):
            yield lambda n, op=operator: ast.Compare(n.left, [op(), *n.ops[1:]], n.comparators)
    elif isinstance(node, ast.IfExp):
        yield lambda n: ast.IfExp(n.test, n.orelse, n.body)
    elif isinstance(node, ast.Constant):
        yield from (lambda n, v=value: ast.Constant(v) for value in _other_values(node.value))
    elif isinstance(node, ast.Attribute):
        for name in _CONFUSED.get(node.attr, []):
            yield lambda n, name=name: ast.Attribute(n.value, name, n.ctx)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name):
        for step in (ast.Add, ast.Sub):
            yield lambda n, op=step: ast.Subscript(
                n.value, ast.BinOp(n.slice, op(), ast.Constant(1)), n.ctx
            )
    elif isinstance(node, ast.SetComp):  # each thing counted as often as it comes
        yield lambda n: ast.ListComp(n.elt, n.generators)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield lambda n: ast.comprehension(n.target, n.iter, n.ifs[1:], n.is_async)
    elif isinstance(node, ast.Call):
        yield from _changes_of_call(node)
    elif isinstance(node, ast.If):
        yield lambda n: ast.If(ast.UnaryOp(ast.Not(), n.test), n.body, n.orelse)
        yield lambda n: None
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.For | ast.Raise):
        yield lambda n: None
    if isinstance(node, ast.AugAssign):
        for operator in _BINARY.get(type(node.op), []):
            yield lambda n, op=operator: ast.AugAssign(n.target, op(), n.value)


def _changes_of_call(node: ast.Call) -> Iterator[Callable[[Any], ast.AST]]:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    for i in range(len(node.args) - 1 if name not in _SYMMETRIC else 0):
        yield lambda n, i=i: ast.Call(
            n.func, [*n.args[:i], n.args[i + 1], n.args[i], *n.args[i + 2 :]], n.keywords
        )
    for i in range(len(node.keywords)):
        yield lambda n, i=i: ast.Call(n.func, n.args, [*n.keywords[:i], *n.keywords[i + 1 :]])
    if name in _FORGOTTEN:
        if node.args and not (isinstance(node.func, ast.Attribute) and name in ("cumprod", "flip")):
            yield lambda n: n.args[0]
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            yield lambda n: n.func.value


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("torch", "math", "np", "numpy")


def _other_values(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value + 1.0, 2 * value] if value else [1.0]
    return []


def _tree(source: str, name: str) -> ast.Module:
    """The definitions of the source, without docstrings."""
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.ClassDef)
    if not any(isinstance(node, kinds) and node.name == name for node in tree.body):
        raise TypeError(f"write {name} with def or class: it is to be mutated")
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _put(tree: ast.AST, old: ast.AST, new: ast.AST | None) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(item is old for item in value):
                at = next(i for i, item in enumerate(value) if item is old)
                value[at : at + 1] = [new] if new else ([] if len(value) > 1 else [ast.Pass()])


def _described(tree: ast.AST, node: ast.AST | None) -> str:
    """The simple statement around a node, or the head of a compound one, on one line."""
    if node is None:
        return "(removed)"
    around = node
    for parent in ast.walk(tree):
        if isinstance(parent, ast.stmt) and any(child is node for child in ast.walk(parent)):
            around = parent  # walk goes from the outside in, so the innermost comes last
    return ast.unparse(around).splitlines()[0]


def _compile(program: str, name: str, names: dict[str, Any]) -> Any:
    """What the program defines as `name`; None where it cannot even be defined."""
    names = dict(names)
    try:
        exec(compile(program, "<mutant>", "exec"), names)
    except Exception:
        return None
    return names.get(name)


@contextmanager
def _time_limit() -> Iterator[None]:
    """A mutant may loop for ever; to the checker the error raised here is the answer's."""

    def stop(*_: Any) -> None:
        raise TimeoutError("too slow")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, math.ldexp(1.0, -3))
    try:
        yield
    except TimeoutError:  # between two cases
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
