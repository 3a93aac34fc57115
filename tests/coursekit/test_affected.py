"""`coursekit affected`: what a change can affect, in a small book under version control."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import toy

from coursekit.affected import affected, changes
from coursekit.project import CourseError, Project

FILES = {
    "_toc.yml": "format: jb-book\nroot: book/intro\n",
    "README.md": "A book.\n",
    "pyproject.toml": "",
    "conftest.py": "",
    "src/genbook/__init__.py": "",
    "src/genbook/one.py": "from genbook.base import deep\n\n\ndef step(x):\n    return deep(x)\n",
    "src/genbook/two.py": "def step(x):\n    return x\n",
    "src/genbook/base.py": "def deep(x):\n    return x\n\n\ndef lone(x):\n    return x\n",
    "src/genbook/checks/__init__.py": "def questions(slug):\n    return []\n",
    "src/genbook/checks/one.py": "QUESTIONS = []\n",
    "src/coursekit/__init__.py": "",
    "src/coursekit/tool.py": "def run():\n    return 1\n\n\ndef other():\n    return 2\n",
    "src/coursekit/templates/page.md": "words\n",
    "tests/conftest.py": "",
    "tests/test_one.py": "from genbook import one\n\n\ndef test():\n    one.step(1)\n",
    "tests/test_two.py": "from genbook.two import step\n\n\ndef test():\n    step(1)\n",
    "tests/test_base.py": "from genbook import base\n\n\ndef test():\n    base.deep(1)\n",
    "tests/test_checks.py": "from genbook import checks\n\nALL = checks.questions('one')\n",
    "tests/test_layout.py": "from pathlib import Path\n\nROOT = Path(__file__).parents[1]\n"
    "CHAPTERS = sorted(ROOT.glob('book/*.md'))\n",
    "tests/test_reads_two.py": "from pathlib import Path\n\n"
    "TWO = Path(__file__).parents[1] / 'book' / 'two.md'\nPLATE = 'plates'\n",
    "tests/plates/b.svg": "<svg/>\n",
    "tests/tools/test_tool.py": "from helping import run\n",
    "tests/tools/helping.py": "from coursekit.tool import run\n",
    "tests/tools/pictures/a.svg": "<svg/>\n",
}


def chapter(code: str) -> str:
    header = toy.HEADER.replace("KIND", "chapter")
    return f"{header}\n# Title\n\n```{{code-cell}} ipython3\n{code}\n```\n"


@pytest.fixture
def book(tmp_path: Path) -> Project:
    files = {
        **FILES,
        "book/one.md": chapter("from genbook import one\none.step(1)"),
        "book/two.md": chapter("from genbook import two\ntwo.step(1)"),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return Project(tmp_path)


def change(book: Project, name: str, old: str, new: str) -> None:
    path = book.root / name
    text = path.read_text() if path.is_file() else ""
    assert old in text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new, 1) if old else text + new)


CHANGES = {
    "nothing": ("README.md", "", "", "", ""),
    "the text of a chapter": ("book/one.md", "Title", "Other", "one", "checks layout"),
    "code under one chapter": ("src/genbook/base.py", "x\n\n\ndef", "x + 1\n\n\ndef", "one", "ALL"),
    "code that nobody uses": ("src/genbook/base.py", "lone(x)", "lone(x, y)", "", "layout reads"),
    "a comment in the code": ("src/genbook/base.py", "", "# Why.\n", "", "layout reads"),
    "a chapter's module": ("src/genbook/two.py", "return x", "return 2 * x", "two", "TWO"),
    "a chapter's checks": ("src/genbook/checks/one.py", "", "A = 1\n", "one", "checks layout"),
    "a chapter's tests": ("tests/test_two.py", "", "# Why.\n", "two", "checks two"),
    "a new chapter's sheet": ("solutions/new.md", "", "# New\n", "new", "checks layout"),
    "a page": ("README.md", "", "More.\n", "", "layout reads"),
    "a tool": ("src/coursekit/tool.py", "return 1", "return 3", "", "layout reads tool"),
    "another tool": ("src/coursekit/tool.py", "return 2", "return 3", "", "layout reads"),
    "a template": ("src/coursekit/templates/page.md", "", "More.\n", "", "layout reads tool"),
    "what a test imports": ("tests/tools/helping.py", "", "# Why.\n", "", "tool"),
    "a picture for those that name it": ("tests/plates/b.svg", "", " ", "", "reads"),
    "a test's picture": ("tests/tools/pictures/a.svg", "", " ", "", "tool"),
}
TESTS = {
    "ALL": "base checks layout one reads_two",
    "TWO": "checks layout reads_two two",
    "reads": "reads_two",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_affects_what_reaches_it(book: Project, name: str) -> None:
    path, old, new, slugs, tests = CHANGES[name]
    change(book, path, old, new)
    found = affected(book, "HEAD")
    expected = {word for part in tests.split() for word in TESTS.get(part, part).split()}
    assert found.slugs == slugs.split()
    assert {Path(test).stem.removeprefix("test_") for test in found.tests} == expected
    assert not found.reason
    everything = set(book.slugs()) | {
        p.relative_to(book.root).as_posix() for p in (book.root / "tests").rglob("test_*.py")
    }
    assert {*found.slugs, *found.tests} | set(found.spared) == everything
    assert not {*found.slugs, *found.tests} & set(found.spared)


@pytest.mark.parametrize(
    "name", ["conftest.py", "tests/conftest.py", "pyproject.toml", "tests/oracle.py", "Makefile"]
)
def test_what_all_share_affects_everything(book: Project, name: str) -> None:
    change(book, name, "", "# Why.\n")
    found = affected(book, "HEAD")
    assert found.slugs == ["one", "two"]
    assert len(found.tests) == 7
    assert found.reason.startswith(name)
    assert found.spared == []


def test_a_module_that_does_not_parse_is_a_change(book: Project) -> None:
    change(book, "src/genbook/base.py", "def deep", "dif deep")
    assert affected(book, "HEAD").slugs == ["one"]


def test_files_that_are_new_moved_or_gone_are_changes(book: Project) -> None:
    (book.root / "book" / "ünique page.md").write_text("new")
    (book.root / "README.md").rename(book.root / "READ.md")
    assert changes(book.root, "HEAD") == ["READ.md", "README.md", "book/ünique page.md"]


def test_an_unknown_commit_is_told(book: Project) -> None:
    with pytest.raises(CourseError, match=r"git diff.*elsewhere"):
        affected(book, "elsewhere")


def test_the_command_prints_chapters_tests_and_what_it_leaves_out(
    book: Project, run: toy.Run
) -> None:
    change(book, "src/genbook/two.py", "return x", "return 2 * x")
    done = run(book, "affected", "HEAD")
    assert done.exit_code == 0
    assert done.stdout.split() == ["two"]
    assert "left out: one, tests/test_base.py, tests/test_one.py" in done.stderr
    lines = run(book, "affected", "HEAD", "--tests").stdout.split()
    assert lines[-1] == "--chapters=two"
    assert "tests/test_two.py" in lines and "tests/test_one.py" not in lines
    change(book, "conftest.py", "", "# Why.\n")
    assert run(book, "affected", "HEAD", "--tests").stdout.split() == ["tests"]
    assert run(book, "affected", "nowhere").exit_code == 2


def test_a_test_is_affected_by_the_fixtures_that_it_names(book: Project) -> None:
    """And by those that are used automatically; what another fixture imports is nothing to it."""
    (book.root / "tests" / "conftest.py").write_text(
        "import pytest\nfrom genbook.two import step\nfrom genbook import base\n\n\n"
        "def helper():\n    return step(1)\n\n\n"
        "@pytest.fixture\ndef stepped():\n    return helper()\n\n\n"
        "@pytest.fixture(autouse=True)\ndef always():\n    base.deep(1)\n"
    )
    for name, argument in (("plain", ""), ("named", "stepped")):
        path = book.root / "tests" / f"test_{name}.py"
        path.write_text(f"def test_of_{name}({argument}):\n    pass\n")
    author = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "add", "."], cwd=book.root, check=True)
    subprocess.run(["git", *author, "commit", "-qm", "more"], cwd=book.root, check=True)
    change(book, "src/genbook/two.py", "return x", "return x + 3")
    tests = affected(book, "HEAD").tests
    assert "tests/test_named.py" in tests and "tests/test_plain.py" not in tests
    change(book, "src/genbook/base.py", "return x", "return x + 3")
    assert {"tests/test_named.py", "tests/test_plain.py"} <= set(affected(book, "HEAD").tests)
