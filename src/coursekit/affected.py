"""What a change can affect: chapters, and files of tests.

A chapter is affected when one of its own files changed, or when what its notebooks or its tests
reach by name did (:mod:`coursekit.dependencies`): their digests are taken in the tree of a commit
and in the tree as it lies here. Tests that look at the whole tree, or start other programs, are
affected by every change outside of ``tests/``; by one inside the rooms of a chapter only if they
name that chapter or go through all.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

from coursekit.dependencies.code import imports
from coursekit.digest import digest
from coursekit.hand_cell import code_of
from coursekit.project import CourseError, Project
from coursekit.source import SourceError, read

SHARED = re.compile(
    r"(.*/)?conftest\.py|pyproject\.toml|requirements\.txt|Makefile|\.ci/.*|tests/[a-z_]*(?<!test_)\.py"
)
"""Files on which every test depends."""
_PACKAGES = ("genbook", "coursekit")
_SEES_THE_TREE = re.compile(r"__file__|Project\.find|\bsubprocess\b|\bPopen\b|sys\.executable")
_GOES_THROUGH = r"\bslugs\(|\br?glob\(|\biterdir\("
_QUESTIONS = r"\bgenbook\.checks\b|\bimport checks\b"
_ROOMS = (
    r"(?:book|solutions|exercises)/(SLUG)\.\w+|tests/test_(SLUG)\.py"
    r"|src/genbook/(?:checks/)?(SLUG)(?:\.py|/.*)"
)


@dataclass(frozen=True)
class Affected:
    """What a change can affect.

    Attributes:
        slugs: chapters, in the order of the book.
        tests: files of tests, by name.
        reason: why that is everything; empty where it is not.
        spared: the chapters and the files of tests that the change cannot affect.
    """

    slugs: list[str]
    tests: list[str]
    reason: str = ""
    spared: list[str] = field(default_factory=list)


def affected(project: Project, base: str) -> Affected:
    """What the change from commit ``base`` to the working tree can affect.

    Raises:
        CourseError: there is no git repository here, or no such commit.
    """
    changed = changes(project.root, base)
    now = _Tree(project)
    shared = next((name for name in changed if _is_shared(name)), None)
    if shared is not None:
        return Affected(now.slugs, now.tests, f"{shared} is everybody's")
    with tempfile.TemporaryDirectory() as folder:
        _unpack(project.root, base, Path(folder))
        then = _Tree(Project(Path(folder)))
        packages = {p for p in _PACKAGES if any(n.startswith(f"src/{p}/") for n in changed)}
        tests = [t for t in now.tests if _test_differs(t, now, then, changed, packages)]
        slugs = [s for s in now.slugs if _chapter_differs(s, now, then, changed, packages, tests)]
    # A test of questions looks them up by their ids, and reading does not see which: those of any
    # chapter, or of its own if it is a chapter's test.
    if slugs:
        spared_chapters = {f"tests/test_{slug}.py" for slug in now.slugs if slug not in slugs}
        asking = [t for t in now.tests if t not in spared_chapters and now.mentions(t, _QUESTIONS)]
        tests = [t for t in now.tests if t in tests or t in asking]
    spared = [s for s in now.slugs if s not in slugs] + [t for t in now.tests if t not in tests]
    return Affected(slugs, tests, "", spared)


def changes(root: Path, base: str) -> list[str]:
    """Files that differ between commit ``base`` and the working tree, new ones too."""
    listed = _git(root, "diff", "--name-only", "-z", base, "--").decode()
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z").decode()
    return sorted({name for name in (listed + new).split("\0") if name})


def _is_shared(name: str) -> bool:
    return SHARED.fullmatch(name) is not None and not PurePosixPath(name).name.startswith("test_")


class _Tree:
    """The book's files at some time, and the digests of what is in them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self._codes: dict[tuple[str, bool], tuple[str, ...]] = {}

    @cached_property
    def slugs(self) -> list[str]:
        return self.project.slugs()

    @cached_property
    def tests(self) -> list[str]:
        found = sorted((self.root / "tests").rglob("test_*.py"))
        return [path.relative_to(self.root).as_posix() for path in found]

    def chapter(self, slug: str) -> list[str]:
        """The digests of a chapter's notebooks."""
        found = []
        for path in (self.project.chapter(slug), self.project.sheet(slug)):
            if path.is_file():
                try:
                    cells = [code for code, _ in code_of(read(path))]
                except SourceError:
                    return [path.read_text(encoding="utf-8")]
                found.append(self._digest(cells, "genbook", slug))
        return found

    def test(self, name: str, packages: Iterable[str]) -> list[str]:
        """The digests of what a file of tests reaches in ``packages``."""
        slug = PurePosixPath(name).stem.removeprefix("test_")
        return [self._digest(self.code(name), package, slug) for package in sorted(packages)]

    def code(self, name: str, fixtures: bool = True) -> tuple[str, ...]:
        """The code of a file of tests, and that of its folder's modules which it imports."""
        if (name, fixtures) not in self._codes:
            self._codes[name, fixtures] = self._code(name, fixtures)
        return self._codes[name, fixtures]

    def _code(self, name: str, fixtures: bool) -> tuple[str, ...]:
        seen: dict[Path, str] = {}
        self._read([self.root / name], seen)
        if fixtures:
            test = "\n".join(seen.values())
            for folder in (self.root / name).parents:
                path = folder / "conftest.py"
                if path.is_file() and path.is_relative_to(self.root):
                    seen[path] = _offered(path.read_text(encoding="utf-8"), test)
                    self._read(_beside(self.root, path, seen[path]), seen)
        return tuple(seen[path] for path in sorted(seen))

    def _read(self, queue: list[Path], seen: dict[Path, str]) -> None:
        """Put the texts of files, and of the modules of tests that they import, into ``seen``."""
        while queue:
            path = queue.pop()
            if path in seen or not path.is_file() or not path.is_relative_to(self.root):
                continue
            seen[path] = path.read_text(encoding="utf-8")
            queue += _beside(self.root, path, seen[path])

    def mentions(self, name: str, words: str | re.Pattern[str]) -> bool:
        return any(re.search(words, text) for text in self.code(name, fixtures=False))

    def _digest(self, code: Iterable[str], package: str, slug: str) -> str:
        cells = [(text, ()) for text in code]
        try:
            return digest(cells, self.root / "src" / package, slug)
        except SyntaxError as error:  # a tree that does not even parse differs from every other
            return f"{self.root}: {error}"


def _beside(root: Path, path: Path, text: str) -> list[Path]:
    """Where the modules of tests may lie that the code of a file imports."""
    places = [(path.parent / f"{m}.py", root / "tests" / f"{m}.py") for m in _imported(text)]
    return [place for pair in places for place in pair]


def _offered(conftest: str, test: str) -> str:
    """What a ``conftest.py`` gives to a test: what the test names, what that needs, and the rest.

    A fixture or helper whose name is nowhere in the test, and that is neither a hook nor used
    automatically, is nothing to it; nor is what only such fixtures import.
    """
    try:
        body = ast.parse(conftest).body
    except SyntaxError:
        return conftest
    words = set(re.findall(r"\w+", test))
    kept: dict[int, str] = {}
    before = -1
    while len(kept) != before:
        before = len(kept)
        for i, node in enumerate(body):
            if i not in kept and _is_offered(node, words):
                kept[i] = ast.unparse(node)
                words.update(re.findall(r"\w+", kept[i]))
    return "\n".join(kept[i] for i in sorted(kept))


def _is_offered(node: ast.stmt, words: set[str]) -> bool:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        always = node.name.startswith("pytest_") or any(
            "autouse" in ast.unparse(decorator) for decorator in node.decorator_list
        )
        return always or node.name in words
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        return bool(names & words) or "*" in names
    return True


def _test_differs(
    name: str, now: _Tree, then: _Tree, changed: list[str], packages: set[str]
) -> bool:
    folder = f"{PurePosixPath(name).parent}/"
    if name in changed or any(_is_read_by(c, name, now) for c in changed if _is_data(c)):
        return True
    if now.mentions(name, _SEES_THE_TREE):
        seen = [c for c in changed if not c.startswith("tests/")]
        rooms = [_chapter_of(c, now.slugs) for c in seen]
        if None in rooms or (
            rooms and now.mentions(name, "|".join([_GOES_THROUGH, *map(str, rooms)]))
        ):
            return True
    if now.code(name) != then.code(name):
        return True
    for package in sorted(packages):
        inside = [c for c in changed if c.startswith(f"src/{package}/")]
        if package == "coursekit" and any(map(_is_data, inside)) and folder != "tests/":
            return True  # templates and scripts, which no name leads to
    return now.test(name, packages) != then.test(name, packages)


def _is_read_by(data: str, name: str, tree: _Tree) -> bool:
    """Whether a file below ``tests/`` that is no code may be read by a file of tests.

    It is by the tests of its folder; where that has none, by those that name the folder.
    """
    top, *below = data.split("/")
    if top != "tests" or not below:
        return False
    room = f"tests/{below[0]}/"
    if len(below) > 1 and any(test.startswith(room) for test in tree.tests):
        return name.startswith(room)
    return tree.mentions(name, rf"\b{re.escape(below[0])}\b")


def _chapter_differs(
    slug: str,
    now: _Tree,
    then: _Tree,
    changed: list[str],
    packages: set[str],
    tests: list[str],
) -> bool:
    if slug in {_chapter_of(c, now.slugs) for c in changed} or f"tests/test_{slug}.py" in tests:
        return True
    return "genbook" in packages and now.chapter(slug) != then.chapter(slug)


def _chapter_of(name: str, slugs: list[str]) -> str | None:
    """The chapter in one of whose rooms the file ``name`` lies."""
    found = re.fullmatch(_ROOMS.replace("SLUG", "|".join(slugs) or "(?!)"), name)
    return next(filter(None, found.groups())) if found else None


@lru_cache(maxsize=1024)
def _imported(text: str) -> frozenset[str]:
    """The last words of the modules that ``text`` imports."""
    nodes = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom))
    return frozenset(m.module.split(".")[-1] for n in nodes for _, _, m in imports(n))


def _is_data(name: str) -> bool:
    return not name.endswith(".py")


def _unpack(root: Path, commit: str, folder: Path) -> None:
    archive = _git(root, "archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _git(root: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise CourseError(f"git does not start: {error}") from error
    if done.returncode:
        raise CourseError(f"git {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout
