"""The index of labels: what it refuses, and that the real Jupyter Book numbers alike."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coursekit import references, source
from coursekit.lower import lower
from coursekit.source import SourceError

FIXTURE = Path(__file__).parent / "fixtures" / "lower"
REAL = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE, tmp_path / "book", dirs_exist_ok=True)
    return tmp_path / "book"


def test_numbers_follow_the_toc() -> None:
    book = references.load(FIXTURE)
    numbers = {name: label.number for name, label in book.labels.items()}
    assert numbers == {
        **{"eq-intro": "1", "eq-how": "2", "fig-how": "1"},  # outside of the chapters
        **{"eq-alpha-first": "1.1", "eq-alpha-second": "1.2", "eq-alpha-inner": "1.3"},
        **{"thm-alpha": "1.1", "lem-alpha": "1.1", "thm-alpha-two": "1.2", "tab-alpha": "1.1"},
        **{"fig-alpha-cell": "1.1", "fig-alpha-box": "1.2", "sec-alpha": ""},
        **{"eq-beta": "2.1", "eq-gamma": "3.1", "fig-gamma": "3.1", "fig-gamma-alias": "3.1"},
        **{"claim-gamma": "3.1", "claim-gamma-two": "3.2"},
    }
    assert book.pages["solutions/alpha"] == (1,)
    assert book.titles["book/alpha"] == "Alpha and $\\beta$"
    assert set(book.terms) == {
        *("forward process", "u-net", "score", "gradient of the log-density"),
    }


def test_numbers_change_with_the_order(root: Path) -> None:
    order = root / "_toc.yml"
    swapped = order.read_text("utf-8").replace("book/beta", "book/x").replace("gamma", "beta")
    order.write_text(swapped.replace("book/x", "book/gamma"), "utf-8")
    labels = references.load(root).labels
    assert (labels["eq-gamma"].number, labels["eq-beta"].number) == ("2.1", "3.1")


def test_words_and_addresses_come_from_the_configuration(root: Path) -> None:
    config = root / "_config.yml"
    text = config.read_text("utf-8").replace("  baseurl: https://owner.github.io/repo/", "  a: b")
    text = text.replace("    numfig: true", '    numfig_format: {figure: "Figure %s"}')
    config.write_text(text.replace("branch: main", "branch: dev"), "utf-8")
    book = references.load(root)
    assert book.formats == {"figure": "Figure %s", "table": "Table %s"}
    assert book.url("book/alpha", "x") == "https://owner.github.io/repo/book/alpha.html#x"
    assert book.raw(root / "book" / "dot.png").endswith("/owner/repo/dev/book/dot.png")


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        path = root / name
        text = path.read_text("utf-8") if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return apply


GAMMA = "$$\ng = g\n$$"
FAULTY = {
    "missing page": (
        edit("_toc.yml", "book/beta", "book/delta"),
        "_toc.yml",
        13,
        "no page book/de",
    ),
    "bad toc": (edit("_toc.yml", "parts:", "parts: ["), "_toc.yml", 4, "invalid YAML"),
    "toc of another form": (edit("_toc.yml", "root:", "rot:"), "_toc.yml", 1, "root"),
    "toc is a list": (
        edit("_toc.yml", "format: jb-book\nroot: book/intro\nparts:", ""),
        "_toc.yml",
        1,
        "",
    ),
    "bad configuration": (edit("_config.yml", "title: ", "title: : "), "_config.yml", 2, "YAML"),
    "label twice": (
        edit("book/gamma.md", GAMMA + " (eq-gamma)", GAMMA + " (eq-beta)"),
        "book/gamma.md",
        18,
        "'eq-beta' is already defined in",
    ),
    "label of another kind": (
        edit("book/gamma.md", ":label: claim-gamma\n", ":label: eq-gamma\n"),
        "book/gamma.md",
        22,
        "'eq-gamma' is already defined in",
    ),
    "target twice": (
        edit("book/gamma.md", "(fig-gamma-alias)=", "(sec-alpha)="),
        "book/gamma.md",
        11,
        "'sec-alpha' is already defined in",
    ),
    "term twice": (
        edit("book/glossary.md", "U-Net\n", "Score\n"),
        "book/glossary.md",
        10,
        "'score' is already defined in",
    ),
    "figure without a mapping": (
        edit(
            "book/alpha.md",
            'figure: {name: fig-alpha-cell, caption: "From a cell: $x$."}',
            "figure: x",
        ),
        "book/alpha.md",
        56,
        "must have name and caption",
    ),
    "unclosed fence on a page": (
        edit("book/how.md", "figure.\n```", "figure."),
        "book/how.md",
        7,
        "",
    ),
    "broken bibliography": (
        edit("book/references.bib", "  year      = {2020},\n  doi", "  doi"),
        "book/references.bib",
        1,
        "'ho2020denoising' has no year",
    ),
    "work twice": (
        edit("book/references.bib", "ho2022guidance", "ho2020denoising"),
        "book/references.bib",
        9,
        "repeated",
    ),
    "bibliography syntax": (
        edit("book/references.bib", "{Vincent, Pascal},", "{Vincent, Pascal"),
        "book/references.bib",
        None,
        "syntax error",
    ),
    "no bibliography": (
        lambda root: (root / "book" / "references.bib").unlink(),
        "book/references.bib",
        1,
        "does not exist",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faults_have_file_and_line(root: Path, name: str) -> None:
    damage, file, line, message = FAULTY[name]
    damage(root)
    with pytest.raises(SourceError) as caught:
        references.load(root)
    assert message in str(caught.value)
    where = f"{root / file}:" + (f"{line}: " if line else "")
    assert str(caught.value).startswith(where)


def test_extensions_are_those_of_the_site() -> None:
    for folder in (FIXTURE, REAL):
        config = source.read_mapping(folder / "_config.yml")
        assert set(config["parse"]["myst_enable_extensions"]) == set(source.EXTENSIONS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture as Jupyter Book renders it."""
    root = tmp_path_factory.mktemp("site") / "book"
    shutil.copytree(FIXTURE, root)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(root), "-n", "-W"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    built = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return root / "_build" / "html"


def words(markup: str) -> str:
    """The text of some HTML, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sphinx_gives_the_same_numbers_and_anchors(site: Path) -> None:
    book = references.load(FIXTURE)
    pages = {name: (site / f"{name}.html").read_text("utf-8") for name in book.pages}
    for label in (*book.labels.values(), *book.terms.values()):
        page = pages[label.docname]
        assert f'id="{label.anchor}"' in page, label
        after = page[page.index(f'id="{label.anchor}"') :]
        if label.kind == "equation":
            shown = re.search(r'<span class="eqno">\(([\d.]+)\)', after)
        elif label.number:
            shown = re.search(r'<span class="caption-number">\D*([\d.]+) </span>', after)
        else:
            continue
        assert shown, label
        assert shown[1] == label.number, label


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sphinx_gives_the_same_texts_of_references_and_includes(site: Path) -> None:
    book = references.load(FIXTURE)
    for slug in ("alpha", "gamma"):
        page = (site / "book" / f"{slug}.html").read_text("utf-8")
        lowered = lower(source.read(FIXTURE / "book" / f"{slug}.md"), book)
        cells = [item.cell for item in lowered]
        notebook = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        article = page[page.index("<article") : page.index("</article>")]
        shown = re.findall(r'<a class="reference internal" href="[^"]+">(.*?)</a>', article)
        shown += re.findall(r'<span class="caption-number">(.*?) </span>', article)
        assert len(shown) > 5
        for text in shown:
            expected = words(text)
            assert expected.replace("Ho, Jain and Abbeel, 2020", "Ho et al. (2020)") in words(
                notebook.replace("`", "")
            ), text
        for code in re.findall(
            r'<div class="highlight-python[^>]*>.*?<pre>(.*?)</pre>', page, re.S
        ):
            text = html.unescape(re.sub(r"<[^>]+>", "", code)).strip("\n")
            assert f"```python\n{text}\n```" in notebook
