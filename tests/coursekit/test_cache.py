"""Jupyter Book finds the stored outputs in its cache and executes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import toy
from jupyter_cache import get_cache

from coursekit import cache, folding, references
from coursekit.derive import derive, render
from coursekit.hand_cell import is_hand
from coursekit.outputs import code_cells
from coursekit.project import Project
from coursekit.setup_cell import is_setup
from coursekit.source import EXTENSIONS

JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")


def records(project: Project) -> list:
    return get_cache(str(project.root / cache.FOLDER)).list_cache_records()


def test_current_outputs_are_cached_and_nothing_is_missing(done: Project, run: toy.Run) -> None:
    result = run(done, "cache")
    assert result.exit_code == 0 and result.stderr == ""
    assert len(records(done)) == 2
    assert cache.fill(done) == []  # again, over what is there
    assert len(records(done)) == 2


def test_the_cell_that_takes_an_explorable_in_hand_is_not_on_the_page(done: Project) -> None:
    """The notebook has it, executed like the others; the cache holds what the text has."""
    for path in (done.root / "web/explorables/bell.jsx", done.root / "src/genbook/hands/bell.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    explorable = "```{explorable} bell\n:name: fig-toy-bell\n:alt: A bell.\n\nDrag it.\n```"
    toy.edit(done.chapter("toy"), "Words before.", explorable)
    (chapter,) = (d for d in derive(done, references.load(done.root), "toy") if d.room == "book")
    cells = code_cells(chapter.notebook)
    for count, cell in enumerate(cells, 1):
        cell.execution_count = count
    done.notebook("book", "toy").write_text(render(chapter))
    assert cache.fill(done) == []
    (record,) = (r for r in records(done) if Path(r.uri).parent.name == "book")
    cached = get_cache(str(done.root / cache.FOLDER)).get_cache_bundle(record.pk).nb
    kept = [cell for cell in cells if not (is_hand(cell) or is_setup(cell))]
    assert [cell.source for cell in code_cells(cached)] == list(map(folding.code, kept))
    assert len(kept) == len(cells) - 2
    # Another explorable is other code to run.
    toy.edit(done.chapter("toy"), "{explorable} bell", "{explorable} cone")
    assert cache.fill(done) == ["book/toy.md"]


def test_the_site_reads_text_with_the_same_extensions(book: Project) -> None:
    """Where a block begins depends on them: another set would give other code cells."""
    real = Project.find(Path(__file__))
    assert set(real.config()["parse"]["myst_enable_extensions"]) == set(EXTENSIONS)
    assert set(book.config()["parse"]["myst_enable_extensions"]) == set(EXTENSIONS)


@pytest.mark.parametrize(
    "change",
    [
        lambda done: toy.edit(done.chapter("toy"), "2 * 3, 6", "3 * 2, 6"),
        lambda done: done.notebook("book", "toy").unlink(),
        lambda done: toy.edit(done.notebook("book", "toy"), '"digest": "', '"digest": "0'),
    ],
)
def test_what_is_not_current_is_named_and_leaves_the_cache(
    done: Project, run: toy.Run, change
) -> None:
    cache.fill(done)
    change(done)
    result = run(done, "cache")
    assert result.exit_code == 0
    assert "book/toy.md has no current outputs" in result.stderr
    uris = [Path(record.uri).parent.name for record in records(done)]
    left = ["solutions"] if "2 * 3" in done.chapter("toy").read_text() else ["book", "solutions"]
    assert sorted(uris) == left


@pytest.mark.slow
def test_a_build_from_the_cache_executes_nothing(
    book: Project, run: toy.Run, tmp_path: Path
) -> None:
    """A cell leaves a mark when it runs: a build without the cache leaves it, one with does not."""
    mark = tmp_path / "executed"
    toy.edit(
        book.chapter("toy"),
        "plt.plot([0, 1, 4])",
        f"import pathlib\n\npathlib.Path({str(mark)!r}).touch()\nprint('the stored' + ' line')",
    )
    assert run(book, "notebooks").exit_code == 0
    assert mark.exists()
    mark.unlink()

    assert run(book, "cache").exit_code == 0
    html = build(book)
    assert "the stored line" in html and "eq-toy-double ✓ symbolic" in html
    assert not mark.exists()

    stored = nbformat.read(book.notebook("book", "toy"), as_version=4)
    assert "the stored line" in str(stored.cells)
    subprocess.run([JUPYTER_BOOK, "clean", "--all", "."], cwd=book.root)
    build(book)
    assert mark.exists(), "without the cache the same build executes: the mark is a real test"


def build(book: Project) -> str:
    """Render the site and return the chapter's page."""
    command = [JUPYTER_BOOK, "build", ".", "-W", "--keep-going"]
    done = subprocess.run(command, cwd=book.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return (book.root / "_build" / "html" / "book" / "toy.html").read_text(encoding="utf-8")
