"""CPU seconds that CI spends, chapter by chapter: a plugin of pytest, and a command around others.

At the end of a session the seconds of each chapter are printed: its own file of tests, the tests of
all chapters that name it in their parameters, its notebooks under nbval. What belongs to no chapter
is "shared". Children count when they have ended; under xdist the workers are added up.
``--chapters=ddim,ddpm`` runs these chapters and what is shared (see ``coursekit affected``).

    python -m coursekit.spent site make book

runs a command that is no test and keeps its seconds too. ``--seconds-of=tests`` keeps those of a
session and adds the cost of the whole CI for the finished book, from the latest of all parts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from coursekit.project import CourseError, Project, write_atomically

CHAPTERS, CORES = 21, 2
"""Of the finished book; of the machine that runs CI."""
SHARED = "shared"
_FILE = Path("_build") / "cpu_seconds.json"
_GROWING = {"site", "derivation"}
_ON_ALL_CORES = {"tests", "nbval"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chapters", help="Run the tests of these chapters (a,b) and shared ones.")
    parser.addoption("--seconds-of", help="Keep the CPU seconds as this part of CI, and sum it up.")


def pytest_configure(config: pytest.Config) -> None:
    try:
        project = Project.find(config.rootpath)
    except CourseError:  # a test of pytest itself, in a folder of its own
        return
    config.pluginmanager.register(Spending(config, project), "coursekit-spent")


class Spending:
    """Adds up the seconds of one session, in each worker and in the process that asks them."""

    def __init__(self, config: pytest.Config, project: Project) -> None:
        self.config = config
        self.project = project
        self.slugs = project.slugs()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = self.config.getoption("--chapters")
        if wanted is None:
            return
        kept = {None, *wanted.split(",")}
        left_out = [item for item in items if slug_of(item.nodeid, self.slugs) not in kept]
        items[:] = [item for item in items if slug_of(item.nodeid, self.slugs) in kept]
        self.config.hook.pytest_deselected(items=left_out)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        before = cpu_seconds()
        result = yield
        self.seconds[slug_of(item.nodeid, self.slugs) or SHARED] += cpu_seconds() - before
        return result

    @pytest.hookimpl(tryfirst=True)  # before xdist sends the worker's output
    def pytest_sessionfinish(self) -> None:
        worker = hasattr(self.config, "workerinput")
        if worker or not self.config.getoption("numprocesses", None):
            # What no test spent: imports, collection.
            self.seconds[SHARED] += cpu_seconds() - sum(self.seconds.values())
        if worker:
            self.config.workeroutput["cpu_seconds"] = dict(self.seconds)  # type: ignore[attr-defined]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for name, value in getattr(node, "workeroutput", {}).get("cpu_seconds", {}).items():
            self.seconds[name] += value

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        lines = table(self.seconds)
        if part := self.config.getoption("--seconds-of"):
            lines += ["", *extrapolation(keep(self.project.root, part, self.seconds), self.slugs)]
        terminalreporter.section("CPU seconds")
        for line in lines:
            terminalreporter.write_line(line)


def slug_of(nodeid: str, slugs: Iterable[str]) -> str | None:
    """The chapter that a test belongs to: by its file, its first parameter, or a question's id."""
    path, _, rest = nodeid.partition("::")
    words = [PurePosixPath(path).stem.removeprefix("test_")]
    parameters = rest.partition("[")[2]
    words += [*re.split(r"\W+", parameters)[:1], *re.findall(r"\b(\w+)\.", parameters)]
    return next((word for word in words if word in slugs), None)


def cpu_seconds() -> float:
    """Seconds that this process has computed, and its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def table(seconds: Mapping[str, float]) -> list[str]:
    """A line for each chapter, the dearest first, then what is shared, then all."""
    chapters = sorted((name for name in seconds if name != SHARED), key=lambda n: -seconds[n])
    rows = [(name, seconds[name]) for name in chapters]
    rows += [(SHARED, seconds.get(SHARED, 0.0)), ("all", sum(seconds.values()))]
    return [f"{name:<24}{value:>8.1f}" for name, value in rows]


def keep(root: Path, part: str, seconds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Store the seconds of a part of CI below ``_build``; returns those of all parts."""
    path = root / _FILE
    parts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    parts[part] = {name: round(value, 1) for name, value in sorted(seconds.items())}
    write_atomically(path, json.dumps(parts, indent=1, sort_keys=True) + "\n")
    return dict(parts)


def extrapolation(parts: Mapping[str, Mapping[str, float]], slugs: Sequence[str]) -> list[str]:
    """What CI costs now, and what it will cost when all chapters are there, in words.

    A part of tests grows by what its chapters took; ``site`` and ``derivation`` grow in proportion
    to the number of chapters; any other does not grow. Tests run on all cores, the rest on one.
    """
    count = max(len(slugs), 1)
    fixed, growing = {}, {}
    for part, seconds in parts.items():
        total, shared = sum(seconds.values()), seconds.get(SHARED, 0.0)
        fixed[part] = 0.0 if part in _GROWING else shared
        growing[part] = (total - fixed[part]) / count
    listed = ", ".join(f"{part} {sum(seconds.values()):.0f}" for part, seconds in parts.items())
    lines = [f"CI for {count} chapters: {listed} CPU seconds"]
    for chapters in (count, CHAPTERS):
        cost = {part: fixed[part] + chapters * growing[part] for part in parts}
        wall = sum(c / (CORES if part in _ON_ALL_CORES else 1) for part, c in cost.items())
        lines.append(
            f"for {chapters:>2} chapters: shared {sum(fixed.values()):.0f} + {chapters} × "
            f"{sum(growing.values()):.0f} = {sum(cost.values()):.0f} CPU seconds, "
            f"{wall / 60:.0f} minutes on {CORES} cores"
        )
    return lines


def main(part: str, *command: str) -> int:
    """Run ``command`` and keep its seconds as ``part``; returns its exit code."""
    before = cpu_seconds()
    code = subprocess.run(command, check=False).returncode
    keep(Project.find().root, part, {SHARED: cpu_seconds() - before})
    return code


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
