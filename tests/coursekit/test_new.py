"""``coursekit new`` makes five rooms that derive, check and pass as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy
import yaml

import genbook
from coursekit.new import rooms, toc_entry
from coursekit.project import Project


def test_the_rooms_and_the_entry_of_the_table_of_contents(book: Project, run: toy.Run) -> None:
    result = run(book, "new", "wavelets", "--title", "Wavelets: small waves")
    assert result.exit_code == 0, result.output
    for path in rooms(book, "wavelets").values():
        assert path.is_file()
        assert "$slug" not in path.read_text() and "$title" not in path.read_text()
        assert f"wrote {book.relative(path)}" in result.output
    assert toc_entry("wavelets") in result.output
    entry = yaml.safe_load(toc_entry("wavelets"))
    assert entry == [{"file": "book/wavelets", "sections": [{"file": "solutions/wavelets"}]}]


@pytest.mark.parametrize("slug", ["Wavelets", "2d", "a-b", "a b", "../x", "", "class", "é"])
def test_a_slug_that_is_no_module_name_is_refused(book: Project, run: toy.Run, slug: str) -> None:
    before = sorted(book.root.rglob("*"))
    result = run(book, "new", slug, "--title", "T")
    assert result.exit_code == 2
    assert "cannot be a slug" in result.stderr
    assert sorted(book.root.rglob("*")) == before


def test_an_existing_room_is_never_overwritten(book: Project, run: toy.Run) -> None:
    test = book.root / "tests" / "test_wavelets.py"
    test.parent.mkdir()
    test.write_text("mine")
    result = run(book, "new", "wavelets", "--title", "T")
    assert result.exit_code == 2
    assert "exists already: tests/test_wavelets.py" in result.stderr
    assert test.read_text() == "mine"
    assert not book.chapter("wavelets").exists()


@pytest.mark.slow
def test_a_new_chapter_derives_executes_checks_and_passes_its_tests(
    book: Project, run: toy.Run
) -> None:
    """In a copy of the package: what `coursekit new` writes needs no repair before work begins."""
    shutil.copytree(Path(genbook.__file__).parent, book.root / "src" / "genbook")
    assert run(book, "new", "wavelets", "--title", "Wavelets").exit_code == 0
    with (book.root / "_toc.yml").open("a") as stream:
        stream.write(toc_entry("wavelets") + "\n")
    environment = {**os.environ, "PYTHONPATH": str(book.root / "src")}
    for arguments in (
        ["coursekit.cli", "notebooks", "wavelets"],
        ["coursekit.cli", "notebooks", "wavelets", "--check"],
        ["pytest", "-q", "tests/test_wavelets.py"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=book.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
