"""What makes a finished notebook stale, and what does not: edits in a copy of the real package."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coursekit.dependencies import Reach, reach
from coursekit.digest import digest
from coursekit.project import Project
from coursekit.source import Source, read

PROJECT = Project.find(Path(__file__))
SOURCES = [
    read(path)
    for slug in PROJECT.slugs()
    for path in (PROJECT.chapter(slug), PROJECT.sheet(slug))
    if path.is_file()
]


def key(source: Source) -> str:
    return f"{source.path.parent.name}/{source.slug}"


def cells(source: Source) -> list[tuple[str, list[str]]]:
    code = [cell for cell in source.cells if cell.kind == "code"]
    return [(cell.text, cell.metadata.get("tags", [])) for cell in code]


def digests(package: Path) -> dict[str, str]:
    return {key(source): digest(cells(source), package, source.slug) for source in SOURCES}


class Copy:
    """A copy of the package in which a test may edit; `stale` says what an edit did."""

    def __init__(self, folder: Path) -> None:
        self.package = folder
        self.before = digests(folder)
        self._kept: dict[Path, bytes | None] = {}

    def path(self, name: str) -> Path:
        return self.package / name

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.path(name)
        old = path.read_text(encoding="utf-8")
        self.write(name, change(old))
        assert path.read_text(encoding="utf-8") != old, "the edit must change something"

    def write(self, name: str, text: str) -> None:
        path = self.path(name)
        self._kept.setdefault(path, path.read_bytes() if path.is_file() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def stale(self) -> set[str]:
        after = digests(self.package)
        return {name for name, value in after.items() if value != self.before[name]}

    def restore(self) -> None:
        for path, old in self._kept.items():
            path.write_bytes(old) if old is not None else path.unlink()
        self._kept.clear()


@pytest.fixture(scope="module")
def shared_copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("src") / "genbook"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT.root / "src" / "genbook", folder, ignore=ignored)
    return Copy(folder)


@pytest.fixture
def copy(shared_copy: Copy) -> Iterator[Copy]:
    yield shared_copy
    shared_copy.restore()


def defining(copy: Copy, name: str, below: str = "") -> str:
    """The file below ``below`` whose top level defines ``name``, wherever the house has put it."""
    found = []
    for path in sorted((copy.package / below).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [node]
            bound = [getattr(target, "target", target) for target in targets]
            if name in [getattr(b, "id", getattr(b, "name", "")) for b in bound]:
                found.append(path.relative_to(copy.package).as_posix())
    assert len(found) == 1, f"{name} is defined in {found}"
    return found[0]


def in_body(name: str, line: str = "unused = 0") -> Callable[[str], str]:
    """Put ``line`` first into the function ``name`` (``Class.method`` for a method)."""

    def change(text: str) -> str:
        body = ast.parse(text).body
        for part in name.split("."):
            (node,) = (n for n in body if getattr(n, "name", None) == part)
            body = node.body  # type: ignore[attr-defined]
        last = body[-1]
        lines = text.splitlines()
        lines.insert(last.lineno - 1, " " * last.col_offset + line)
        return "\n".join(lines) + "\n"

    return change


def with_entry(name: str, entry: str, before: str = "") -> Callable[[str], str]:
    """Put ``entry`` first into the dict literal ``name``, and ``before`` before it."""

    def change(text: str) -> str:
        for node in ast.parse(text).body:
            target = getattr(node, "target", None) or getattr(node, "targets", [None])[0]
            if getattr(target, "id", "") == name:
                assert isinstance(node.value, ast.Dict), f"{name} is no dict literal"
                lines = text.splitlines(keepends=True)
                start = node.value.lineno - 1
                column = len(lines[start].encode()[: node.value.col_offset].decode()) + 1
                lines[start] = f"{lines[start][:column]}{entry}, {lines[start][column:]}"
                return "".join([*lines[: node.lineno - 1], before, *lines[node.lineno - 1 :]])
        raise AssertionError(f"no {name}")

    return change


def append(text: str) -> Callable[[str], str]:
    return lambda old: f"{old}\n\n{text}"


def reached(copy: Copy, source: Source) -> Reach:
    return reach([code for code, _ in cells(source)], copy.package, source.slug)


# Nobody is stale


def test_the_copy_has_the_digests_of_the_tree(copy: Copy) -> None:
    assert copy.before == digests(PROJECT.root / "src" / "genbook")
    assert len(copy.before) >= 12
    assert copy.stale() == set()


def test_a_new_network_stales_nobody(copy: Copy) -> None:
    copy.write("nn/extra.py", "from torch import nn\n\n\nclass Extra(nn.Module):\n    width = 3\n")
    copy.edit("nn/__init__.py", append("from genbook.nn.extra import Extra\n"))
    copy.edit("nn/__init__.py", lambda t: t.replace('"UNet"', '"Extra", "UNet"'))
    networks = defining(copy, "NETWORKS")
    copy.edit(networks, with_entry("NETWORKS", '"Extra": Extra'))
    copy.edit(
        networks, lambda t: t.replace("NETWORKS", "from genbook.nn import Extra\nNETWORKS", 1)
    )
    assert copy.stale() == set()


def test_new_weights_stale_nobody(copy: Copy) -> None:
    copy.write("weights/extra-net.safetensors", "0123")
    copy.write("weights/extra-net.json", '{"network": {"class": "UNet"}}')
    assert copy.stale() == set()


def test_a_new_data_set_stales_nobody(copy: Copy) -> None:
    copy.write("data/extra.py", "SIZE = 3\n\n\ndef load():\n    return SIZE\n")
    copy.edit("data/__init__.py", append("from genbook.data import extra\n"))
    copy.edit("data/__init__.py", lambda t: t.replace('"digits"', '"digits", "extra"'))
    new = "def extra(n, generator=None):\n    return moons(n, generator) + 1\n\n\n"
    copy.edit("data/toy2d.py", with_entry("_SAMPLERS", '"extra": extra', before=new))
    assert copy.stale() == set()


def test_a_new_recipe_stales_nobody(copy: Copy) -> None:
    home = defining(copy, "RECIPES")
    base = defining(copy, "Recipe")
    module = ".".join(Path("genbook", base).with_suffix("").parts).removesuffix(".__init__")
    copy.write(
        str(Path(base).parent / "extra_recipe.py"),
        f"from dataclasses import dataclass\nfrom {module} import Recipe\n\n\n"
        "@dataclass(frozen=True)\nclass Extra(Recipe):\n    width: int = 3\n",
    )
    copy.edit(home, append("RECIPES['extra'] = None\n"))
    assert copy.stale() == set()


def test_helpers_that_nobody_uses_stale_nobody(copy: Copy) -> None:
    """In every module at once, but for those that count whole: questions, and what runs strings."""
    chapters = {source.slug for source in SOURCES}
    whole = {name for source in SOURCES for name in reached(copy, source).objects}
    assert len(whole) < 5
    edited = 0
    for path in sorted(copy.package.rglob("*.py")):
        name = path.relative_to(copy.package)
        module = ".".join(("genbook", *name.with_suffix("").parts))
        if name.parts[0] == "checks" and chapters & set(name.with_suffix("").parts):
            continue
        if module.removesuffix(".__init__") in whole:
            continue
        helper = (
            "import string as _unused_module\n_UNUSED = {'a': 1}\n_SEEN = len(_UNUSED)\n\n\n"
            "def _unused_helper(x=_SEEN):\n    return _UNUSED\n\n\n"
            "class _UnusedClass:\n    x = _unused_helper()\n"
        )
        copy.edit(name.as_posix(), append(helper))
        edited += 1
    assert edited > 40
    assert copy.stale() == set()


def test_comments_docstrings_and_layout_stale_nobody(copy: Copy) -> None:
    for path in sorted(copy.package.rglob("*.py")):
        copy.edit(path.relative_to(copy.package).as_posix(), _rewritten)
    assert copy.stale() == set()


def _rewritten(text: str) -> str:
    """The same code laid out anew, without its comments, with other docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if ast.get_docstring(node) is not None:
                node.body[0].value = ast.Constant("Other words.")  # type: ignore[attr-defined]
            elif not isinstance(node, ast.Module):
                node.body.insert(0, ast.Expr(ast.Constant("Words.")))
    return f"# A comment.\n{ast.unparse(ast.fix_missing_locations(tree))}\n"


# Exactly its users are stale

BOOK = {name for name in map(key, SOURCES) if name.startswith("book/")}
SHEETS = {name for name in map(key, SOURCES) if name.startswith("solutions/")}


def using(*words: str) -> set[str]:
    """The notebooks whose own code has one of ``words``."""
    return {key(s) for s in SOURCES if any(w in code for code, _ in cells(s) for w in words)}


JOINED = {"solutions/own_digits"}
DRAWN = JOINED | {"solutions/own_sampler"}


def test_users_are_found_through_faces_and_calls(copy: Copy) -> None:
    """Each line: a definition, and the notebooks that come to it by calls that a reader can follow.

    Chapters that load the digits' network run its code; those that judge digits run the judge's.
    """
    drawn = using('"digits-ddpm"', "UNet(")
    judged = using(".accuracy(", ".features(", ".predict(", '"digits-classifier"')
    assert {"book/ddim", "book/ddpm"} <= drawn & judged and "book/geometry" not in drawn | judged
    table = {
        "UNet.forward": drawn,
        "ResidualBlock.forward": drawn,
        "Classifier.forward": judged,
        "weights.fit": drawn | judged,
        "mmd_test": using("mmd_test("),
        "winding_number": {"book/geometry", "solutions/geometry"},
        "segments_intersect": {"book/geometry", "solutions/geometry"},
        # The sheet of Part I trains, and its checks know a way with an average.
        "EMA.update": using("EMA", "training.train(") | {"solutions/objects", *JOINED},
        "plots.table": using("plots.table("),
        "plots.use": BOOK | DRAWN,
        "verify.claim": using("verify.claim("),
        "check_label": BOOK,
        "checks.check": SHEETS,
        "bits_per_dimension": using("bits_per_dimension(", "import bound"),
    }
    wrong = {}
    for name, users in table.items():
        below, _, tail = name.rpartition(".") if name[0].islower() else ("", "", name)
        folder = below if copy.path(below).is_dir() else ""
        file = f"{below}.py" if below and not folder else defining(copy, tail.split(".")[0], folder)
        copy.edit(file, in_body(tail))
        if (stale := copy.stale()) != users:
            wrong[name] = {"missing": users - stale, "too many": stale - users}
        copy.restore()
    assert wrong == {}


def test_constants_defaults_and_bases_count_for_their_users(copy: Copy) -> None:
    copy.edit("data/toy2d.py", lambda t: t.replace("_CHECKER = math.sqrt(3)", "_CHECKER = 1.7"))
    assert copy.stale() == set()  # the checkerboard's, which no notebook draws
    copy.restore()
    copy.edit("data/toy2d.py", lambda t: t.replace("radius: float = 1.4", "radius: float = 1.5"))
    assert copy.stale() == using("toy2d.eight_gaussians")
    copy.restore()
    copy.edit("nn/unet.py", lambda t: t.replace("class UNet(", "class UNet(nn.Identity, "))
    assert copy.stale() == using('"digits-ddpm"', "UNet(")
    copy.restore()
    copy.edit("schedules.py", in_body("NoiseSchedule.linear"))
    assert using("NoiseSchedule.", "weights.schedule(") <= (stale := copy.stale())
    assert not {"book/geometry", "solutions/geometry"} & stale


def test_shipped_weights_count_by_name(copy: Copy) -> None:
    for name, users in {
        "digits-ddpm": using('"digits-ddpm"'),
        "digits-classifier": using(
            '"digits-classifier"', ".accuracy(", ".features(", ".predict(", "frechet("
        )
        - SHEETS
        | DRAWN,  # whose digits the classifier judges
    }.items():
        card = f"weights/{name}.json"
        copy.edit(card, lambda t: t.replace('"seconds"', '"Seconds"'))
        assert copy.stale() == users
        copy.restore()


def test_a_question_counts_for_its_sheet(copy: Copy) -> None:
    for sheet in sorted(SHEETS):
        slug = sheet.partition("/")[2]
        folder = copy.path(f"checks/{slug}")
        file = f"checks/{slug}.py"
        if folder.is_dir():
            inside = sorted(p.name for p in folder.glob("[!_]*.py")) or ["__init__.py"]
            file = f"checks/{slug}/{inside[0]}"
        copy.edit(file, append("_EXTRA = 1\n"))
        assert copy.stale() == {sheet}
        copy.restore()


def test_a_face_that_points_elsewhere_counts(copy: Copy) -> None:
    """Both classes are reached before and after; only what the name leads to has changed."""
    copy.edit("nn/__init__.py", append("from genbook.nn.blocks import ResidualBlock as UNet\n"))
    assert using("UNet(") <= copy.stale()


# What runs is reached


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["book/geometry", "solutions/ddim", "solutions/ddpm"])
def test_every_function_that_a_notebook_runs_is_reached(name: str, tmp_path: Path) -> None:
    """The notebook's cells in a process of their own, with every call of a function watched."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("watching.py")),
        str(PROJECT.root),
        name,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    count, _, missing = done.stdout.strip().splitlines()[-1].partition(" ")
    assert int(count) > 50
    assert missing == ""


def test_all_twelve_are_reached_in_seconds() -> None:
    """The digests are taken at every `make check` and at every build of the site."""
    import time

    begin = time.process_time()
    for source in SOURCES:
        reach([code for code, _ in cells(source)], PROJECT.root / "src" / "genbook", source.slug)
    assert (time.process_time() - begin) / len(SOURCES) < 1
