"""The grader's folders: imports point one way between them, and the map names what there is."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import coursekit.grading

HOUSE = Path(coursekit.grading.__file__).parent
# What each room may know of. Who stands in none, the run itself, may know all.
KNOWS: dict[str, set[str]] = {
    "incoming": set(),
    "jail": set(),
    "verdict": {"incoming", "jail"},
    "outgoing": {"incoming", "jail", "verdict"},
}
_NAMED = re.compile(r"\bcoursekit\.grading(?:\.(\w+))?")


def modules(house: Path) -> dict[str, Path]:
    """The modules of the grader by their names in it, as ``jail.kernel``."""
    names = {path: path.relative_to(house).with_suffix("").parts for path in house.rglob("*.py")}
    return {".".join(parts): path for path, parts in names.items()}


def imported(tree: ast.Module, package: list[str]) -> Iterator[str]:
    """Full names of all that a module imports, anywhere in it, or names in a string of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{item.name}" for item in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (found[0] for found in _NAMED.finditer(node.value))


def crossings(house: Path) -> list[str]:
    """Each import that a room should not have: of a later room, or of the run."""
    found = []
    for name, path in modules(house).items():
        room = name.partition(".")[0]
        if room not in KNOWS:
            continue
        package = ["coursekit", "grading", *name.split(".")[:-1]]
        for target in imported(ast.parse(path.read_text(encoding="utf-8")), package):
            at = _NAMED.match(target)
            if at and at[1] and at[1] != "__init__" and at[1] not in {room, *KNOWS[room]}:
                found.append(f"{name} imports {target}")
    return found


def test_imports_between_the_folders_point_one_way() -> None:
    assert crossings(HOUSE) == []
    rooms = {path.name for path in HOUSE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms == set(KNOWS)


@pytest.mark.parametrize(
    ("place", "line", "says"),
    [
        ("incoming/ingest.py", "from coursekit.grading.verdict import results", "verdict.results"),
        ("incoming/names.py", "from coursekit.grading.jail.kernel import Limits", "kernel.Limits"),
        ("jail/values.py", "import coursekit.grading.incoming.files", "incoming.files"),
        (
            "jail/zygotes.py",
            "if TYPE_CHECKING:\n    from coursekit.grading import worker",
            "worker",
        ),
        ("jail/kernel.py", "def f():\n    from coursekit.grading.run import grade", "run.grade"),
        ("jail/forked.py", "LATE = 'coursekit.grading.verdict.engine'", "verdict"),
        ("verdict/results.py", "from ..outgoing import store", "outgoing.store"),
        ("verdict/engine.py", "from .. import pool", "pool"),
        ("outgoing/__init__.py", "from coursekit.grading import session", "session"),
    ],
)
def test_an_import_that_runs_back_is_found(
    tmp_path: Path, place: str, line: str, says: str
) -> None:
    house = shutil.copytree(HOUSE, tmp_path / "grading")
    with (house / place).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    (found,) = crossings(house)
    name = place.removesuffix(".py").replace("/", ".")
    assert found.startswith(f"{name} imports coursekit.grading.") and says in found


def test_the_run_and_the_rooms_have_no_circle() -> None:
    known = modules(HOUSE)
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        package = ["coursekit", "grading", *name.split(".")[:-1]]
        targets = imported(ast.parse(path.read_text(encoding="utf-8")), package)
        inside = [t.removeprefix("coursekit.grading.").split(".") for t in targets]
        ways = {".".join(parts[:n]) for parts in inside for n in (1, 2)}
        edges[name] = (ways & set(known)) - {name}
    while ground := {name for name, below in edges.items() if not below}:
        edges = {name: below - ground for name, below in edges.items() if name not in ground}
    assert not edges


def test_the_grader_knows_no_command_line_above_its_own() -> None:
    """``coursekit.cli`` takes in ``coursekit.grading.cli``; what both need is in ``console``."""
    for name, path in modules(HOUSE).items():
        targets = set(imported(ast.parse(path.read_text(encoding="utf-8")), []))
        assert not {target for target in targets if target.startswith("coursekit.cli")}, name


def test_the_map_names_every_module_once() -> None:
    """``grading/__init__`` leads from a submission to its grade, past all there is."""
    lines = (coursekit.grading.__doc__ or "").splitlines()
    entries = [match for line in lines if (match := re.match(r"    (\w+/?)  +\S", line))]
    room, found = "", []
    for entry in entries:
        if entry[1].endswith("/"):
            room = "" if entry[1] == "grading/" else entry[1].replace("/", ".")
        else:
            found.append(f"{room}{entry[1]}")
    assert sorted(found) == sorted(n for n in modules(HOUSE) if not n.endswith("__init__"))
    rooms = [entry[1].rstrip("/") for entry in entries if entry[1].endswith("/")]
    assert rooms == ["grading", *KNOWS]


def test_every_folder_says_what_it_is_for() -> None:
    for room in KNOWS:
        tree = ast.parse((HOUSE / room / "__init__.py").read_text(encoding="utf-8"))
        assert len(ast.get_docstring(tree) or "") > 80
        assert len(tree.body) == 1, "a room hands nothing on: import from its modules"
