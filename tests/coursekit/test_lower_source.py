"""Reading text notebooks: cells, line numbers, and the same code cells as MyST-NB reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from myst_nb.core.read import read_myst_markdown_notebook

from coursekit.source import Cell, SourceError, read, read_page

HEADER = """\
---
file_format: mystnb
kernelspec: {display_name: Python 3, language: python, name: python3}
genbook:
  kind: chapter
  prerequisites: [ddpm]
---
"""
BODY = """
# Title

text

+++

more

+++ {"question": "ddim.why"}

```{code-cell} ipython3
:tags: [answer]
:question: ddim.step

x = 1

y = "```"
```
~~~{code-cell} ipython3
---
mystnb:
  figure: {name: fig-x, caption: "A: b"}
tags: [hide-input]
---
z
~~~

> ```{note} no cell
> ```

tail
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ddim.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_cells_with_lines_and_metadata(tmp_path: Path) -> None:
    source = read(write(tmp_path, HEADER + BODY))
    assert (source.slug, source.kind, source.prerequisites) == ("ddim", "chapter", ["ddpm"])
    figure = {"name": "fig-x", "caption": "A: b"}
    assert source.cells == [
        Cell("markdown", "# Title\n\ntext", 9, {}),
        Cell("markdown", "more", 15, {}),
        Cell("code", 'x = 1\n\ny = "```"', 23, {"tags": ["answer"], "question": "ddim.step"}),
        Cell("code", "z", 33, {"mystnb": {"figure": figure}, "tags": ["hide-input"]}),
        Cell("markdown", "> ```{note} no cell\n> ```\n\ntail", 36, {}),
    ]
    lines = (HEADER + BODY).splitlines()
    for cell in source.cells:
        assert lines[cell.line - 1] == cell.text.split("\n")[0]


def test_metadata_of_a_markdown_cell(tmp_path: Path) -> None:
    source = read(write(tmp_path, HEADER + '\n# T\n\n+++ {"question": "a.b"}\n\nx\n\n+++\n\ny\n'))
    assert [cell.metadata for cell in source.cells] == [{}, {"question": "a.b"}, {}]


def test_a_page_needs_no_header(tmp_path: Path) -> None:
    page = read_page(write(tmp_path, "# T\n"))
    assert (page.kind, page.cells) == ("page", [Cell("markdown", "# T", 1, {})])


pieces = st.lists(
    st.sampled_from(
        [
            *("text\n", "\n", "# H\n\n", "+++\n", "- a\n\n  b\n", "  \n", "```python\n+++\n```\n"),
            *("```{code-cell}\nx\n\n y\n```\n", "~~~{code-cell}\n```\n~~~\n"),
            "```{code-cell} ipython3\n:tags: [a]\n\nx\n\n```\n",
            "```{code-cell}\n---\ntags: [b]\n---\n\n\nz\n```\n",
        ]
    ),
    max_size=12,
).map("".join)


@settings(deadline=None)
@given(pieces)
def test_the_same_cells_as_myst_nb(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    text = HEADER + body
    path = tmp_path_factory.getbasetemp() / "same.md"
    path.write_text(text, encoding="utf-8")
    expected = read_myst_markdown_notebook(text).cells
    cells = read(path).cells
    # Blank lines around a markdown cell mean nothing; code must agree to the byte for the cache.
    assert [
        (c.kind, c.text if c.kind == "code" else c.text.strip(), c.metadata) for c in cells
    ] == [
        (c.cell_type, c.source if c.cell_type == "code" else c.source.strip(), c.metadata)
        for c in expected
        if c.source.strip() or c.cell_type == "code"
    ]


FAULTY = {
    "no header": ("# Title\n", 1, "begins with a YAML header"),
    "header without end": ("---\nfile_format: mystnb\n\n# T\n", 1, "YAML header"),
    "bad YAML": ("---\na: b\nc: [\n---\n", 3, "invalid YAML"),
    "bad YAML inside a line": (
        "---\nfile_format: mystnb\nkernelspec: a: b\n---\n",
        3,
        "invalid YAML: mapping values are not allowed here",
    ),
    "header is a list": ("---\n- a\n---\n", 2, "expected 'key: value' lines"),
    "no format": (HEADER.replace("file_format: mystnb\n", ""), 1, "file_format: mystnb"),
    "no kernel": (HEADER.replace("kernelspec", "kernel"), 1, "names no kernel"),
    "kernel without name": (HEADER.replace(", name: python3", ""), 1, "names no kernel"),
    "no kind": (HEADER.replace("kind", "kid"), 1, "genbook: {kind: …}"),
    "unknown kind": (HEADER.replace("chapter", "poem"), 1, "genbook: {kind: …}"),
    "prerequisites": (HEADER.replace("[ddpm]", "ddpm"), 1, "must be a list of slugs"),
    "unclosed cell": (HEADER + "\n```{code-cell}\nx\n", 9, "```{code-cell} is not closed"),
    "cell that swallows the next": (
        HEADER + "\n```{code-cell}\nx\n\n```{code-cell}\ny\n```\n",
        9,
        "is not closed before line 12",
    ),
    "bad cell YAML": (HEADER + "\n```{code-cell}\n---\ntags: [\n---\n```\n", 9, "bad YAML"),
    "cell options are no mapping": (HEADER + "\n```{code-cell}\n---\n- a\n---\n```\n", 9, "dict"),
    "bad JSON behind +++": (HEADER + "\n+++ {a\n", 9, "invalid YAML"),
    "text behind +++": (HEADER + "\n+++ a\n", 9, "expected 'key: value' lines"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faults_have_file_and_line(tmp_path: Path, name: str) -> None:
    text, line, message = FAULTY[name]
    path = write(tmp_path, text)
    with pytest.raises(SourceError) as caught:
        read(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"x\.md:1: cannot be read"):
        read(tmp_path / "x.md")
    (tmp_path / "y.md").write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match=r"y\.md:1: cannot be read"):
        read(tmp_path / "y.md")
