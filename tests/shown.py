"""Mutants of the code that a page shows: each must turn a check of the page or a unit test red.

    python tests/shown.py ddpm              every function shown in ddpm, and what outlives it all
    python tests/shown.py ddim slerp jump   only these

A mutant of the package's code takes the place of its function in the code object itself, so that
every module that has imported the function runs it. Each runs in a process of its own, forked when
everything is loaded: first the chapter's checks with the statements that they need, then the
chapter's quick unit tests; of both only those that call the function at all, which a function that
only raises finds out. Headlines (``verify.claim``) are left out, and checks that take longer than
`SLOW` seconds: those train or sample.

A mutant of a function that an open cell of the page defines takes the place of the definition. It
is noticed by a check, a headline too, or where a printed output that nbval compares changes.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import linecache
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import matplotlib
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mutation import Mutant, mutants_of_source

from coursekit.calls import METHODS
from coursekit.source import blocks, directive, read
from genbook._definitions import Definitions

ROOT = Path(__file__).parents[1]
SLOW = 5.0  # seconds of the processor for one check
LONGEST = 60  # seconds of the processor for one mutant; a mutant that does not end is noticed
QUICK = ["-q", "-m", "not slow and not long and not browser", "-p", "no:cacheprovider"]
# Shown in words and formulas only, but what the page's equations stand on.
BESIDE = {
    "ddpm": ["genbook.paths.conversions.factors", "genbook.bound._kl"],
    "ddim": ["genbook.schedules.timesteps", "genbook.ddim.step", "genbook.ddim.slerp"],
    "sde": ["genbook.sde.forward", "genbook.sde.langevin", "genbook.paths.base.Path.transition"],
    "ode": [
        "genbook.ode.methods.rk4_step",
        "genbook.ode.grids._even_in",
        "genbook.ode.preconditioning.preconditioning",
        "genbook.ode.likelihood._with_divergence",
        "genbook.ode.samplers.heun",
    ],
    "consistency": [
        "genbook.consistency.losses.mean_flow",
        "genbook.consistency.losses.lagrangian_map",
        "genbook.consistency.losses._both",
        "genbook.consistency.flow_map.boundary_scales",
        "genbook.consistency.steps.redraw",
    ],
}
# Mutants that mean the same: ``path: before → after``.
EQUIVALENT: list[str] = []
# Unit tests of a chapter's functions that lie in modules of their own.
TESTS = {
    "objects": ["test_objects.py", "test_training.py"],
    "gaussians": ["test_gaussians.py"],
    "geometry": ["test_geometry.py"],
    "ddpm": ["test_paths.py", "test_schedules.py", "test_sampling.py", "test_ddpm.py"],
    "ddim": ["test_ddim.py", "test_schedules.py"],
    "evaluation": ["test_evaluation.py"],
    "sde": ["test_sde.py"],
    "ode": ["test_ode.py"],
    "consistency": ["test_consistency.py"],
}


def shown(slug: str) -> list[str]:
    """The functions that a chapter shows, ``genbook.ddpm.q_sample``, those of shown classes too."""
    source = read(ROOT / "book" / f"{slug}.md")
    texts = [(cell.text, cell.line) for cell in source.cells if cell.kind == "markdown"]
    included = [path for text, line in texts for path in _included(text, source.path, line)]
    return [*(name for path in included for name in _functions(path)), *BESIDE.get(slug, [])]


def _included(text: str, path: Path, line: int) -> Iterator[str]:
    """What a text includes, and what the folds in it include."""
    for token in blocks(text, path, line):
        block = directive(token, path, line) if token.type in ("fence", "colon_fence") else None
        if block is None:
            continue
        if block.name == "literalinclude" and "pyobject" in block.options:
            module = re.sub(r"^.*src/|\.py$", "", block.argument).replace("/", ".")
            yield f"{module}.{block.options['pyobject']}"
        elif block.name == "dropdown":
            yield from _included(block.body, path, line)


def _functions(path: str) -> list[str]:
    """The function at a path, or the methods of the class there that compute something."""
    module, _, name = path.rpartition(".")
    held = getattr(importlib.import_module(module), name, None) if name[0].isupper() else None
    if not isinstance(held, type):
        return [path]
    return [f"{path}.{key}" for key, part in vars(held).items() if isinstance(part, FunctionType)]


def mutants_of(path: str) -> list[tuple[FunctionType, Mutant]]:
    """The function at a path with each of its mutants, as something of the same closure."""
    module, tree, function = found(path)
    tree.decorator_list = []
    mutants = mutants_of_source(ast.unparse(tree), tree.name, vars(module))
    alike = function.__code__.co_freevars
    return [(function, m) for m in mutants if m.answer.__code__.co_freevars == alike]


def checks_of(slug: str) -> list[tuple[str, Any]]:
    """Label and program of each check of a chapter that is no headline, with all that it needs."""
    return Page(slug).checks()


class Page:
    """The code of a chapter's page as one body of statements."""

    def __init__(self, slug: str) -> None:
        self.body: list[ast.stmt] = []
        self.printing: list[list[int]] = []
        """The statements of each cell whose printed output is compared."""
        self.open: list[int] = []
        """The functions that open cells define."""
        for cell in read(ROOT / "book" / f"{slug}.md").cells:
            if cell.kind != "code":
                continue
            statements, first = ast.parse(cell.text).body, len(self.body)
            numbers = list(range(first, first + len(statements)))
            self.body += statements
            tags = cell.metadata.get("tags", [])
            if "check-output" in tags:
                self.printing.append(numbers)
            if "hide-input" not in tags and "verify." not in cell.text:  # no proof cell
                self.open += [k for k in numbers if isinstance(self.body[k], ast.FunctionDef)]
        self.definitions = Definitions(self.body)

    def checks(self, changed: tuple[int, ast.stmt] | None = None) -> list[tuple[str, Any]]:
        """Label and program of each check; with ``changed``, of all that it can affect."""
        found = []
        for i, statement in enumerate(self.body):
            labels = _labels(statement, headlines=changed is not None)
            for label in labels[:1]:
                found += self._program(label, self.definitions.needed(i), changed)
        return found

    def outputs(self, changed: tuple[int, ast.stmt] | None = None) -> list[tuple[str, Any]]:
        """The same for the cells that print what is compared."""
        found = []
        for numbers in self.printing:
            needed = sorted({k for i in numbers for k in self.definitions.needed(i)})
            found += self._program(f"output {numbers[0]}", needed, changed)
        return found

    def _program(
        self, label: str, needed: list[int], changed: tuple[int, ast.stmt] | None
    ) -> list[tuple[str, Any]]:
        if changed is not None and changed[0] not in needed:
            return []
        body = [changed[1] if changed and k == changed[0] else self.body[k] for k in needed]
        name, code = f"<{label}>", ast.unparse(ast.Module(body, []))
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        return [(label, compile(code, name, "exec"))]


def _labels(statement: ast.stmt, headlines: bool = False) -> list[str]:
    """The labels that a statement checks, those of headlines (claims) only if asked for."""
    return [
        node.args[0].value
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in METHODS
        and (headlines or node.func.attr != "claim")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "verify"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]


def survivors_on_page(slug: str, only: tuple[str, ...] = ()) -> list[str]:
    """What outlives the page among the mutants of functions that its open cells define."""
    page, found = Page(slug), []
    for k in page.open:
        definition = page.body[k]
        if only and definition.name not in only:
            continue
        held = {label for label, _ in green(page.checks((k, definition)))}
        printed = {}
        for label, program in page.outputs((k, definition)):
            with contextlib.suppress(Exception), _processor_time(2 * SLOW):
                printed[label] = _run(program)
        alive, tried = [], 0
        for mutant in mutants_of_source(ast.unparse(definition), definition.name, {}):
            tried += 1
            (wrong,) = ast.parse(mutant.source).body
            checks = [entry for entry in page.checks((k, wrong)) if entry[0] in held]
            outputs = [entry for entry in page.outputs((k, wrong)) if entry[0] in printed]
            if not _in_child(partial(_noticed_by, checks, outputs, printed)):
                alive.append(f"{slug}, {definition.name}: {mutant.description}")
        words = f"{tried} mutants, {len(alive)} unnoticed"
        print(f"  {definition.name} on the page: {words}", flush=True)
        for line in alive:
            print(f"    {line}", flush=True)
        found += alive
    return found


def _noticed_by(
    checks: list[tuple[str, Any]], outputs: list[tuple[str, Any]], printed: dict[str, str]
) -> str:
    """The first check that is red, or the first cell that prints something else or raises."""
    if red := _first_red(checks, []):
        return red
    for label, program in outputs:
        try:
            if _run(program) != printed[label]:
                return label
        except BaseException:
            return label
    return ""


def green(programs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The checks that hold and are quick, as they are without any mutant."""
    kept = []
    for label, program in programs:
        begun = time.process_time()
        try:
            with _processor_time(2 * SLOW):
                _run(program)
        except Exception as error:
            print(f"  left out: {label}, {type(error).__name__} {error}"[:150])
            continue
        if time.process_time() - begun <= SLOW:
            kept.append((label, program))
        else:
            print(f"  left out: {label}, slow")
    return kept


def noticed(
    function: FunctionType, mutant: Mutant, programs: list[tuple[str, Any]], tests: list[str]
) -> str | None:
    """What notices a mutant: a label, or the unit tests; ``None`` if nothing does."""

    def changed() -> str:
        function.__code__ = mutant.answer.__code__
        return _first_red(programs, tests)

    return _in_child(changed)


class _Failures:
    """What fails in a run of the tests, a whole file if it cannot be imported."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and report.nodeid not in self.found:
            self.found.append(report.nodeid)

    pytest_collectreport = pytest_runtest_logreport


def reached(
    path: str, programs: list[tuple[str, Any]], tests: list[str]
) -> tuple[list[tuple[str, Any]], list[str]]:
    """Of the checks and the tests those that call the function: it raises, and they fail.

    It raises what no ``except Exception`` swallows. All, if that takes too long.
    """
    module, tree, function = found(path)
    tree.decorator_list = []
    tree.body.insert(0, ast.parse("raise GeneratorExit").body[0])
    names = dict(vars(module))
    exec(ast.unparse(tree), names)
    raising = names[tree.name].__code__
    if raising.co_freevars != function.__code__.co_freevars:
        return programs, tests

    def failing() -> str:
        function.__code__ = raising
        labels = [label for label, program in programs if _first_red([(label, program)], [])]
        failures = _Failures()
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([*QUICK, *tests], plugins=[failures])
        return json.dumps([labels, failures.found])

    answer = _in_child(failing, 20 * LONGEST)
    if answer in (None, "not ended"):
        return programs, tests
    labels, ids = json.loads(answer)
    called = [entry for entry in programs if entry[0] in labels]
    return called, [str(ROOT / name) for name in ids]


def _in_child(work: Callable[[], str], longest: int = LONGEST) -> str | None:
    """What ``work`` answers in a process of its own, which may not run for ever."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (longest, longest + 5))
        answer = "not ended"
        with contextlib.suppress(BaseException):
            answer = work()
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:  # before the wait: a long answer fills the pipe
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "not ended"
    return answer or None


def survivors(slug: str, only: tuple[str, ...] = (), seconds: float = float("inf")) -> list[str]:
    """What is changed in the mutants that nothing notices, after ``seconds`` no more are tried."""
    matplotlib.use("Agg")
    os.chdir(ROOT / "book")
    begun, found = time.monotonic(), []
    all_programs = green(checks_of(slug))
    all_tests = [str(ROOT / "tests" / name) for name in TESTS[slug]]
    for path in shown(slug):
        name = path.rpartition(".")[2]
        if only and name not in only:
            continue
        by_page = by_tests = left = 0
        alive = []
        if time.monotonic() - begun < seconds:
            programs, tests = reached(path, all_programs, all_tests)
        for function, mutant in mutants_of(path):
            if time.monotonic() - begun > seconds:
                left += 1
                continue
            by = noticed(function, mutant, programs, tests)
            by_page += by not in (None, "unit tests")
            by_tests += by == "unit tests"
            if by is None:
                alive.append(f"{path}: {mutant.description}")
        words = f"{by_page} by the page, {by_tests} by tests, {len(alive)} by nothing, {left} left"
        print(f"  {path}: noticed {words}", flush=True)
        for line in alive:
            print(f"    {line}", flush=True)
        found += alive
    return found


def _first_red(programs: list[tuple[str, Any]], tests: list[str]) -> str:
    for label, program in programs:
        try:
            _run(program)
        except BaseException:
            return label
    if not tests:
        return ""
    with contextlib.redirect_stdout(io.StringIO()):
        red = pytest.main(["-x", *QUICK, *tests])
    return "unit tests" if red else ""


def _run(program: Any) -> str:
    """What the program prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(program, {"__name__": "__main__"})
    return printed.getvalue()


@contextlib.contextmanager
def _processor_time(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def found(path: str) -> tuple[Any, ast.FunctionDef, FunctionType]:
    """Module, definition and function object of ``genbook.module.Class.method``."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(".".join(parts[:cut]))
            break
    holder: Any = module
    tree: Any = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    for part in parts[cut:]:
        tree = next(node for node in tree.body if getattr(node, "name", "") == part)
        holder = vars(holder)[part]
    while not isinstance(holder, FunctionType):
        for attribute in ("__func__", "__wrapped__", "fget"):
            holder = getattr(holder, attribute, holder)
    return module, tree, holder


if __name__ == "__main__":
    for chapter in [sys.argv[1]] if len(sys.argv) > 1 else list(TESTS):
        print(chapter, flush=True)
        survivors(chapter, tuple(sys.argv[2:]))
        survivors_on_page(chapter, tuple(sys.argv[2:]))
