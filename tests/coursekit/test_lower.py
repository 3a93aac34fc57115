"""Every directive and role of the book, once, with what a notebook must show for it."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import nbformat
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from coursekit import hand_cell, lower_blocks, references, source
from coursekit.lower import lower
from coursekit.lower_roles import Page
from coursekit.source import SourceError

FIXTURE = Path(__file__).parent / "fixtures" / "lower"
SITE = "https://owner.github.io/repo"
RAW = "https://raw.githubusercontent.com/owner/repo/main"
HEADER = """\
---
file_format: mystnb
kernelspec: {display_name: Python 3, language: python, name: python3}
genbook: {kind: chapter}
---
# Beta

+++
"""
FIRST = HEADER.count("\n") + 1  # the line on which the text of a test begins


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE, tmp_path / "book", dirs_exist_ok=True)
    return tmp_path / "book"


def write(root: Path, text: str) -> Path:
    path = root / "book" / "beta.md"
    path.write_text(HEADER + textwrap.dedent(text).strip("\n") + "\n", encoding="utf-8")
    return path


def notebook_of(path: Path, book: references.Book) -> list[nbformat.NotebookNode]:
    return [lowered.cell for lowered in lower(source.read(path), book)]


def cells_of(root: Path, text: str) -> list[nbformat.NotebookNode]:
    return notebook_of(write(root, text), references.load(root))


def lowered(root: Path, text: str) -> str:
    """The markdown of the one cell that ``text`` becomes."""
    return cells_of(root, text)[1].source


BLOCKS = {
    "labelled formula": ("$$\na = b\n$$ (eq-x)", "$$\na = b\n\\tag{2.1}\n$$"),
    "labelled formula on one line": ("$$ a = b $$ (eq-x)", "$$ a = b \\tag{2.1} $$"),
    "formula without label": ("$$\na_{1} *b* `c`\n$$", "$$\na_{1} *b* `c`\n$$"),
    "aligned formula": (
        "$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n$$ (eq-x)",
        "$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n\\tag{2.1}\n$$",
    ),
    "formula with rows of its own": (
        "$$\na &= b \\\\\nc &= d\n$$ (eq-x)",
        "$$\\begin{split}\na &= b \\\\\nc &= d\\end{split}\n\\tag{2.1}\n$$",
    ),
    "starred environment": (
        "\\begin{align*}\na &= b\n\\end{align*}",
        "$$\n\\begin{align*}\na &= b\n\\end{align*}\n$$",
    ),
    "math directive": (
        "```{math}\n:label: eq-x\n\na = b\n```",
        "$$\na = b\n\\tag{2.1}\n$$",
    ),
    "formula in a list": (
        "- item\n\n  $$\n  a\n  $$ (eq-x)\n- next",
        "- item\n\n  $$\n  a\n  \\tag{2.1}\n  $$\n- next",
    ),
    "formula in a quote": ("> $$\n> a\n> $$ (eq-x)", "> $$a \\tag{2.1}$$"),
    "note": ("```{note}\nText.\n```", "> **Note**\n>\n> Text."),
    "note on its opening line": (
        ":::{tip} Text\ngoes on.\n:::",
        "> **Tip**\n>\n> Text\n> goes on.",
    ),
    "important": (":::{important}\nX\n:::", "> **Important**\n>\n> X"),
    "warning": (":::{warning}\nX\n:::", "> **Warning**\n>\n> X"),
    "hint": (":::{hint}\nX\n:::", "> **Hint**\n>\n> X"),
    "caution": (":::{caution}\nX\n:::", "> **Caution**\n>\n> X"),
    "attention": (":::{attention}\nX\n:::", "> **Attention**\n>\n> X"),
    "danger": (":::{danger}\nX\n:::", "> **Danger**\n>\n> X"),
    "error": (":::{error}\nX\n:::", "> **Error**\n>\n> X"),
    "seealso": (":::{seealso}\nX\n:::", "> **See also**\n>\n> X"),
    "admonition": (
        ":::{admonition} Mind $x$\n:class: tip\n\n- one\n- two\n:::",
        "> **Mind $x$**\n>\n> - one\n> - two",
    ),
    "admonition with a formula": (
        ":::{note}\n$$\na\n  = b\n$$ (eq-x)\n:::",
        "> **Note**\n>\n> $$a   = b \\tag{2.1}$$",
    ),
    "dropdown": (
        ":::{dropdown} A `title`\n$$\na\n$$\n:::",
        "<details>\n<summary><b>A <code>title</code></b></summary>\n\n$$\na\n$$\n\n</details>",
    ),
    "admonition to unfold": (
        "```{admonition} Solution\n:class: dropdown\n\nText.\n```",
        "<details>\n<summary><b>Solution</b></summary>\n\nText.\n\n</details>",
    ),
    "nested": (
        "::::{note}\nA\n\n:::{warning}\nB\n:::\n\nC\n::::",
        "> **Note**\n>\n> A\n>\n> > **Warning**\n> >\n> > B\n>\n> C",
    ),
    "directive in a list": (
        "1. one\n\n   ```{note}\n   Text.\n   ```\n2. two",
        "1. one\n\n   > **Note**\n   >\n   > Text.\n2. two",
    ),
    "proof": (":::{prf:proof}\nBy {eq}`eq-intro`.\n:::", None),
    "proof that begins with a formula": (
        ":::{prf:proof}\n$$\na\n$$\n:::",
        "*Proof.*\n\n$$\na\n$$",
    ),
    "theorem without number": (
        ":::{prf:theorem} Big\n:nonumber:\n\nX\n:::",
        "> **Theorem (Big).**\n>\n> X",
    ),
    "image": ("```{image} dot.png\n:alt: A dot.\n```", f"![A dot.]({RAW}/book/dot.png)"),
    "image with a width": (
        "```{image} dot.png\n:alt: A <dot>.\n:width: 40px\n```",
        f'<img src="{RAW}/book/dot.png" alt="A &lt;dot&gt;." width="40">',
    ),
    "figure": (
        "```{figure} /book/dot.png\n:name: fig-x\n:alt: A dot.\n\nThe $x$.\n\nA legend.\n```",
        f"![A dot.]({RAW}/book/dot.png)\n\n**Fig. 2.1.** The $x$.\n\nA legend.",
    ),
    "explorable": (
        "```{explorable} bell\n:name: fig-x\n:alt: A bell.\n\nDrag the $x$.\n```",
        f"![A bell.]({SITE}/_static/explorables/bell.svg)\n\n**Fig. 2.1.** Drag the $x$. "
        f"[Handle this figure on the book's page.]({SITE}/book/beta.html#fig-x)",
    ),
    "figure without caption": (
        "```{figure} dot.png\n:alt: A dot.\n```",
        f"![A dot.]({RAW}/book/dot.png)",
    ),
    "whole file": (
        "```{literalinclude} ../src/short.txt\n```",
        "````\n```\n{eq}`x`\n````",
    ),
    "method": (
        "```{literalinclude} ../src/pkg.py\n:pyobject: Outer.method\n:language: python\n```",
        "```python\n@staticmethod\ndef method(x):\n    # a comment\n    return x + 1\n```",
    ),
    "lines of a function": (
        "```{literalinclude} ../src/pkg.py\n:pyobject: decorated\n:lines: 1,3-\n```",
        '```python\n@cache\n    """Has a decorator."""\n    return x\n```',
    ),
    "code-block": (
        "```{code-block} python\n:emphasize-lines: 1\n\nx = {1}\n```",
        "```python\nx = {1}\n```",
    ),
    "table directive": (
        "```{table} Of $x$\n:name: tab-x\n\n| a |\n|---|\n| {eq}`eq-intro` |\n```",
        "**Table 2.1.** Of $x$\n\n| a |\n|---|\n"
        f"| [(1)]({SITE}/book/intro.html#equation-eq-intro) |",
    ),
    "list-table": (
        "```{list-table}\n:header-rows: 1\n\n* - a\n  - b\n* - `1`\n  - $2$\n```",
        "| a | b |\n| --- | --- |\n| `1` | $2$ |",
    ),
    "list-table without header": (
        "```{list-table} T\n\n* - a\n* - b\n```",
        "**Table 2.1.** T\n\n|  |\n| --- |\n| a |\n| b |",
    ),
    "table": ("| a | b |\n|---|---|\n| 1 | {math}`x` |", "| a | b |\n|---|---|\n| 1 | $x$ |"),
    "definition list": (
        "Term $t$\n: First {math}`x`\n  goes on.\n\n: Second.\n\nOther\n: Third.",
        "- **Term $t$**\n\n  First $x$\n  goes on.\n\n  Second.\n\n- **Other**\n\n  Third.",
    ),
    "tasks": ("- [ ] do {math}`x`\n- [x] done", "- [ ] do $x$\n- [x] done"),
    "comment": ("A\n\n% a remark\n\nB", "A\n\nB"),
    "target": ("A\n\n(here)=\n## Head\n\nB {ref}`here`", None),
    "html": ("<div>\n{eq}`x`\n</div>", "<div>\n{eq}`x`\n</div>"),
    "plain fence": (
        "```md\n{eq}`x` $$ \n\n\n% x\n```\ntail",
        "```md\n{eq}`x` $$ \n\n\n% x\n```\ntail",
    ),
    "indented code": ("A\n\n    {eq}`x` $\n", "A\n\n    {eq}`x` $"),
    "code span": ("``{eq}`x` $`` and `$`", "``{eq}`x` $`` and `$`"),
    "code span with other ticks in it": ("`a``` $` b", "`a``` $` b"),
    "inline math": ("$`{eq}`$ and $a\\$b$ \\$5", "$`{eq}`$ and $a\\$b$ \\$5"),
    "rule and heading": (
        "## A {math}`x`\n\n---\n\n> quote {math}`y`",
        "## A $x$\n\n---\n\n> quote $y$",
    ),
}
BLOCKS["proof"] = (
    BLOCKS["proof"][0],
    f"*Proof.* By [(1)]({SITE}/book/intro.html#equation-eq-intro).",
)
BLOCKS["target"] = (
    BLOCKS["target"][0],
    f"A\n\n## Head\n\nB [Head]({SITE}/book/beta.html#here)",
)
for kind in references.THEOREMS:
    BLOCKS[f"prf:{kind}"] = (
        f":::{{prf:{kind}}} Of {{math}}`x`\n:label: p-x\n\nIt is {{prf:ref}}`p-x`.\n:::",
        f"> **{kind.title()} 2.1 (Of $x$).**\n>\n> It is {kind.title()} 2.1.",
    )


@pytest.mark.parametrize("name", BLOCKS)
def test_block(root: Path, name: str) -> None:
    (root / "src" / "short.txt").write_text("```\n{eq}`x`\n", encoding="utf-8")
    text, expected = BLOCKS[name]
    assert lowered(root, text) == expected


HO = "[Ho et al. (2020)](https://doi.org/10.0000/ddpm)"
ROLES = {
    "eq of this page": ("{eq}`eq-own`", "(2.1)"),
    "eq of another page": (
        "{eq}`eq-gamma`",
        f"[(3.1)]({SITE}/book/gamma.html#equation-eq-gamma)",
    ),
    "ref to a section": (
        "{ref}`sec-alpha`",
        f"[A section of `alpha`]({SITE}/book/alpha.html#sec-alpha)",
    ),
    "ref with a title": (
        "{ref}`there $x$ <sec-alpha>`",
        f"[there $x$]({SITE}/book/alpha.html#sec-alpha)",
    ),
    "ref to a figure": (
        "{ref}`fig-gamma`",
        f"[Gamma's picture.]({SITE}/book/gamma.html#fig-gamma)",
    ),
    "numref": ("{numref}`fig-gamma`", f"[Fig. 3.1]({SITE}/book/gamma.html#fig-gamma)"),
    "numref by another name": (
        "{numref}`fig-gamma-alias`",
        f"[Fig. 3.1]({SITE}/book/gamma.html#fig-gamma-alias)",
    ),
    "numref to a cell's figure": (
        "{numref}`fig-alpha-cell`",
        f"[Fig. 1.1]({SITE}/book/alpha.html#fig-alpha-cell)",
    ),
    "numref with a title": (
        "{numref}`picture %s <fig-gamma>`",
        f"[picture 3.1]({SITE}/book/gamma.html#fig-gamma)",
    ),
    "numref with braces": (
        "{numref}`{number} {name} <fig-gamma>`",
        f"[3.1 Gamma's picture.]({SITE}/book/gamma.html#fig-gamma)",
    ),
    "numref to a table": ("{numref}`tab-alpha`", f"[Table 1.1]({SITE}/book/alpha.html#tab-alpha)"),
    "doc": ("{doc}`alpha`", f"[Alpha and $\\beta$]({SITE}/book/alpha.html)"),
    "doc from the root": ("{doc}`it </book/how>`", f"[it]({SITE}/book/how.html)"),
    "cite:t": ("{cite:t}`ho2020denoising`", HO),
    "cite:p": (
        "{cite:p}`ho2020denoising, ho2022guidance`",
        "([Ho et al., 2020](https://doi.org/10.0000/ddpm);"
        " [Ho and Salimans, 2022](https://arxiv.org/abs/2207.12598))",
    ),
    "cite of one author without link": ("{cite}`vincent2011connection`", "(Vincent, 2011)"),
    "term": (
        "{term}`forward process`",
        f"[forward process]({SITE}/book/glossary.html#term-forward-process)",
    ),
    "term with a title": ("{term}`nets <u-net>`", f"[nets]({SITE}/book/glossary.html#term-U-Net)"),
    "prf:ref": ("{prf:ref}`claim-gamma`", f"[Observation 3.1]({SITE}/book/gamma.html#claim-gamma)"),
    "prf:ref with a title": (
        "{prf:ref}`it <lem-alpha>`",
        f"[it]({SITE}/book/alpha.html#lem-alpha)",
    ),
    "math": ("{math}`a_b`", "$a_b$"),
    "py:func": ("{py:func}`genbook.ddim.step`", "`genbook.ddim.step()`"),
    "py:meth, short": ("{py:meth}`~genbook.A.b`", "`b()`"),
    "py:class": ("{py:class}`x <genbook.A>`", "`x`"),
    "py:mod": ("{py:mod}`genbook.ddim`", "`genbook.ddim`"),
    "over two lines": (
        "{ref}`there\nyou <sec-alpha>`",
        f"[there you]({SITE}/book/alpha.html#sec-alpha)",
    ),
    "with two ticks": ("{math}``a`b``", "$a`b$"),
    "link to a page": ("[x *y*](alpha.md)", f"[x *y*]({SITE}/book/alpha.html)"),
    "link without text": ("[](alpha.md)", f"[Alpha and $\\beta$]({SITE}/book/alpha.html)"),
    "link to a label": (
        "[](#sec-alpha)",
        f"[A section of `alpha`]({SITE}/book/alpha.html#sec-alpha)",
    ),
    "link to a file": (
        "[x](../src/pkg.py)",
        "[x](https://github.com/owner/repo/blob/main/src/pkg.py)",
    ),
    "link outside": ('[x](https://a.b/c_(d) "t")', '[x](https://a.b/c_(d) "t")'),
    "picture": ("![alt](dot.png)", f"![alt]({RAW}/book/dot.png)"),
    "role in a link": ("[see {math}`x`](alpha.md)", f"[see $x$]({SITE}/book/alpha.html)"),
    "escaped": ("\\{eq}`eq-own`", "\\{eq}`eq-own`"),
    "autolink": ("<https://a.b/$>", "<https://a.b/$>"),
}


def test_an_unnumbered_theorem_is_linked_on_its_own_page(root: Path) -> None:
    text = ":::{prf:remark} X\n:label: rem-x\n:nonumber:\n\nA\n:::\n\nSee {prf:ref}`rem-x`."
    assert lowered(root, text).endswith(f"See [Remark]({SITE}/book/beta.html#rem-x).")


@pytest.mark.parametrize("name", ROLES)
def test_role(root: Path, name: str) -> None:
    text, expected = ROLES[name]
    assert lowered(root, f"$$ a $$ (eq-own)\n\nSee {text}.").endswith(f"\n\nSee {expected}.")


# What is refused: the text, the line of the fault counted from its first, a part of the message.
BELL = "```{explorable} bell\n:name: fig-a\n:alt: A bell.\n\nDrag it.\n```\n"
REFUSED = {
    "unknown directive": ("A\n\n```{tab-set}\nx\n```", 3, "unknown directive {tab-set}"),
    "unknown directive, nested": (
        ":::{note}\nA\n\n```{bibliography}\n```\n:::",
        4,
        "{bibliography}",
    ),
    "glossary": ("```{glossary}\nx\n  y\n```", 1, "unknown directive {glossary}"),
    "nested code-cell": ("> ```{code-cell}\n> x\n> ```", 1, "unknown directive {code-cell}"),
    "unknown role": ("A\nB {abbr}`x`", 2, "unknown role {abbr}"),
    "unknown role in a title": (":::{admonition} {abbr}`x`\nA\n:::", 1, "unknown role {abbr}"),
    "unknown role below options": (
        ":::{admonition} T\n:class: tip\n\nA\n{abbr}`x`\n:::",
        5,
        "unknown role {abbr}",
    ),
    "unknown role in a table": ("| a |\n|---|\n| {abbr}`x` |", 3, "unknown role {abbr}"),
    "unknown role in a definition": ("T\n: A\n\n  {abbr}`x`", 4, "unknown role {abbr}"),
    "unknown option": ("```{note}\n:color: red\n\nx\n```", 1, "unknown option ':color:'"),
    "unclosed role": ("{eq}`x", 1, "not closed"),
    "dangling eq": ("A {eq}`eq-gama`", 1, "unknown label 'eq-gama'; did you mean 'eq-gamma'?"),
    "dangling ref": ("A\n\n- {ref}`nowhere`", 3, "unknown label 'nowhere'"),
    "dangling cite": ("{cite:t}`ho2020`", 1, "unknown bibliography key 'ho2020'"),
    "dangling term": ("{term}`x`", 1, "unknown term 'x'"),
    "dangling doc": ("{doc}`delta`", 1, "_toc.yml has no book/delta"),
    "dangling link": ("[x](delta.md)", 1, "there is no file 'delta.md'"),
    "dangling label in a link": ("[x](#delta)", 1, "unknown label 'delta'"),
    "dangling file": ("```{literalinclude} x.py\n```", 1, "there is no file 'x.py'"),
    "file outside": ("```{literalinclude} ../../outside.py\n```", 1, "there is no file"),
    "eq to a section": ("{eq}`sec-alpha`", 1, "'sec-alpha' is a section"),
    "ref to an equation": ("{ref}`eq-gamma`", 1, "refer to it with {eq}"),
    "ref to a theorem": ("{ref}`lem-alpha`", 1, "refer to it with {prf:ref}"),
    "numref to a section": ("{numref}`sec-alpha`", 1, "needs a figure or table"),
    "prf:ref to a figure": ("{prf:ref}`fig-gamma`", 1, "needs a theorem"),
    "ref without title": ("(t)=\nText\n\n{ref}`t`", 4, "has no title"),
    "no such object": (
        "```{literalinclude} ../src/pkg.py\n:pyobject: Outer.x\n```",
        1,
        "'Outer.x'",
    ),
    "no such lines": ("```{literalinclude} ../src/pkg.py\n:lines: 3-99\n```", 1, "no lines '3-99'"),
    "picture without alt": ("```{figure} dot.png\nx\n```", 1, "no ':alt:' text"),
    "no such explorable": (
        "```{explorable} bel\n:name: fig-x\n:alt: A\n\nB\n```",
        1,
        "there is no explorable 'bel'",
    ),
    "explorable without caption": (
        "```{explorable} bell\n:name: fig-x\n:alt: A\n```",
        1,
        "has no caption",
    ),
    "explorable without a hand": (
        BELL.replace("bell", "cone"),
        1,
        "'cone' has no hand: src/genbook/hands/cone.py",
    ),
    "explorable in an admonition": (f":::{{note}}\n{BELL}:::", 1, "inside of no other block"),
    "explorable in a list": ("- " + BELL.strip().replace("\n", "\n  "), 1, "no other block"),
    "explorable without alt": ("```{explorable} bell\n:name: fig-x\n\nA\n```", 1, "no ':alt:'"),
    "admonition without title": ("```{admonition}\nx\n```", 1, "the title is missing"),
    "uneven list-table": ("```{list-table}\n* - a\n  - b\n* - c\n```", 1, "different numbers"),
    "bar in a list-table": ("```{list-table}\n* - $|a|$\n```", 2, "\\vert"),
    "two paragraphs in a list-table": ("```{list-table}\n* - a\n\n    b\n```", 4, "one paragraph"),
    "unpaired dollar": ("A\n\n5 $ more", 3, "'$' without a partner"),
    "unclosed formula": ("A\n\n$$\na\n", 3, "'$$' inside a paragraph"),
    "outer environment": ("$$\n\\begin{align}\na\n\\end{align}\n$$", 1, "write 'aligned'"),
    "environment that numbers itself": ("\\begin{align}\na\n\\end{align}", 1, "numbers itself"),
    "blank line in a formula": ("$$\na\n\nb\n$$", 1, "blank line"),
    "LaTeX comment in a quote": (":::{note}\n$$\na % b\nc\n$$\n:::", 2, "LaTeX comment"),
    "footnote": ("A[^1]\n\n[^1]: B", 1, "footnote"),
    "no HTML after all": ("A <b {eq}`eq-gamma`>", 1, "could not be told apart"),
    "colon fence without braces": (":::note\nA\n:::", 1, "names no directive"),
    "unclosed fence": ("A\n\n```{note}\nB", 3, "the fence ```{note} is not closed"),
    "unclosed colon fence": (":::{note}\nB", 1, "the fence :::{note} is not closed"),
    "swallowed fence": ("```{note}\nB\n\n```{tip}\nC\n```", 1, "is not closed before line"),
    "unclosed nested fence": ("::::{note}\n```{tip}\nC\n::::", 2, "not closed"),
    "options after text": (":::{note} A\n:class: x\n\nB\n:::", 1, "before the options"),
    "unknown cell option": ("```{code-cell}\n:colour: red\n\nx\n```", 4, "unknown option 'colour'"),
    "unknown tag": ("```{code-cell}\n:tags: [remove-cell]\n\nx\n```", 4, "remove-cell"),
    "bad question": ("```{code-cell}\n:question: x\n\nx\n```", 4, "a question is named"),
    "bad cell YAML": ("```{code-cell}\n---\ntags: [\n---\nx\n```", None, "YAML"),
    "duplicate label": ("$$ a $$ (eq-gamma)", None, "already defined in"),
    "duplicate label on one page": ("$$ a $$ (eq-x)\n\n$$ b $$ (eq-x)", 3, "already defined in"),
    "definition list in a list": ("- T\n  : A", 1, "definition list inside"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_file_and_line(root: Path, name: str) -> None:
    text, line, message = REFUSED[name]
    (root.parent / "outside.py").write_text("secret = 1\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        cells_of(root, text)
    assert message in str(caught.value)
    if line is not None:
        file = root / "book" / "beta.md"
        assert str(caught.value).startswith(f"{file}:{FIRST + line - 1}: ")


def test_cells_ids_and_metadata(root: Path) -> None:
    cells = cells_of(
        root,
        """
        Text {cite:t}`ho2022guidance` and {cite:p}`ho2020denoising`.

        ```{code-cell} ipython3
        :tags: [answer, hide-input]
        :question: beta.double

        def double(x):

            return 2 * x
        ```

        ```{code-cell} ipython3
        ---
        mystnb:
          figure: {name: fig-x, caption: "A $x$, {eq}`eq-gamma`: {cite:t}`vincent2011connection`"}
          image: {alt: "An alt"}
        ---
        plot()
        ```

        +++ {"question": "beta.why"}

        **Your answer**
        """,
    )
    assert [cell.id for cell in cells] == [
        *("beta-01", "beta-02", "beta-double", "beta-04", "beta-05", "beta-why", "beta-07"),
    ]
    assert cells[2].source == "def double(x):\n\n    return 2 * x"
    assert cells[2].metadata == {
        "tags": ["answer", "hide-input"],
        "genbook": {"question": "beta.double"},
    }
    assert cells[3].metadata == {}
    assert cells[4].source.startswith("**Fig. 2.1.** A $x$, [(3.1)](")
    assert cells[5].metadata == {"genbook": {"question": "beta.why"}}
    references_cell = cells[-1].source.splitlines()
    assert references_cell[0] == "## References"
    assert [line[2:8] for line in references_cell[2:]] == ["Ho, J.", "Ho, J.", "Vincen"]
    assert references_cell[-1] == (
        "- Vincent, P. (2011). *A Connection Between Score Matching and Denoising Autoencoders*. "
        "Neural Computation."
    )
    nbformat.validate(nbformat.v4.new_notebook(cells=cells))


def test_works_of_the_same_authors_and_year_stand_in_one_order(root: Path) -> None:
    """The keys are a set: without a rule their order changed from run to run."""
    titles = [f"Work {letter}" for letter in "GCAFBED"]
    with (root / "book" / "references.bib").open("a", encoding="utf-8") as bibliography:
        for title in titles:
            key = title.replace(" ", "").lower()
            bibliography.write(
                f"\n@article{{{key}, author = {{Lu, Cheng}}, title = {{{title}}},"
                " journal = {Journal}, year = {2022}}\n"
            )
    cites = " ".join(f"{{cite:t}}`{title.replace(' ', '').lower()}`" for title in titles)
    listed = cells_of(root, f"# Title\n\n{cites}")[-1].source.splitlines()[2:]
    assert [line[line.index("Work") :][:6] for line in listed] == sorted(titles)


def test_below_an_explorable_stands_the_cell_that_takes_it_in_hand(root: Path) -> None:
    other = BELL.replace("fig-a", "fig-b")
    text = f"Before.\n\n{BELL}\nBetween {{eq}}`eq-x`.\n\n{other}\n$$ a $$ (eq-x)\n"
    found = cells_of(root, text)[1:]
    assert [cell.cell_type for cell in found] == ["markdown", "code"] * 2 + ["markdown"]
    assert [cell.id for cell in found] == [f"beta-0{i}" for i in range(2, 7)]
    assert found[1].source.splitlines()[1:] == [
        "from genbook import hands",
        "",
        'hands.show("bell")',
    ]
    assert [hand_cell.is_hand(cell) for cell in found] == [False, True] * 2 + [False]
    assert found[0].source.endswith(f"({SITE}/book/beta.html#fig-a)")
    assert found[2].source.startswith("Between (2.1).") and "**Fig. 2.2.**" in found[2].source
    assert found[4].source == "$$ a \\tag{2.1} $$"


def test_an_explorable_at_the_end_leaves_no_empty_cell(root: Path) -> None:
    assert [cell.cell_type for cell in cells_of(root, BELL)[1:]] == ["markdown", "code"]


def test_the_code_of_a_notebook_has_its_hands_in_order(root: Path) -> None:
    cell = "```{code-cell}\n:tags: [hide-input]\n\nx = 1\n```\n"
    found = hand_cell.code_of(source.read(write(root, f"{cell}\nText.\n\n{BELL}\n{cell}")))
    assert found == [
        ("x = 1", ["hide-input"]),
        (hand_cell.code("bell"), []),
        ("x = 1", ["hide-input"]),
    ]


def test_a_question_has_one_cell(root: Path) -> None:
    cell = "```{code-cell}\n:question: beta.x\n\nx\n```\n"
    with pytest.raises(SourceError, match="two cells"):
        cells_of(root, cell + "\n" + cell)


def test_cards_of_chapter_and_sheet() -> None:
    book = references.load(FIXTURE)
    gamma = notebook_of(FIXTURE / "book" / "gamma.md", book)
    title, _, card, *_ = gamma[0].source.split("\n")
    assert title == "# Gamma"
    assert card == (
        f"[Read on the site]({SITE}/book/gamma.html) · 1 min to read · Read first: "
        f"[Alpha and $\\beta$]({SITE}/book/alpha.html), [Beta]({SITE}/book/beta.html)"
    )
    assert "colab" not in gamma[-1].source  # gamma has no exercises
    alpha = notebook_of(FIXTURE / "book" / "alpha.md", book)
    colab = "https://colab.research.google.com/github/owner/repo/blob/main/exercises/alpha.ipynb"
    assert f"({colab})" in alpha[-2].source
    sheet = notebook_of(FIXTURE / "solutions" / "alpha.md", book)
    assert sheet[0].source.split("\n")[2] == (
        f"[Read on the site]({SITE}/solutions/alpha.html) · 1 min to read · Chapter: "
        f"[Alpha and $\\beta$]({SITE}/book/alpha.html)"
    )
    assert not any("colab" in cell.source for cell in sheet)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Beta\n", "Beta\n", "begins with its title"),
        ("# Beta\n", "", "title"),
        ("chapter}", "chapter, prerequisites: [delta]}", "the prerequisite 'delta'"),
    ],
)
def test_faulty_beginning(root: Path, old: str, new: str, message: str) -> None:
    path = write(root, "```{code-cell}\nx\n```")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(SourceError, match=message):
        notebook_of(path, references.load(root))


def test_page_that_the_toc_lacks(root: Path) -> None:
    path = root / "book" / "delta.md"
    path.write_text(HEADER, "utf-8")
    with pytest.raises(SourceError, match=r"_toc\.yml does not list book/delta"):
        notebook_of(path, references.load(root))


def test_twice_the_same(root: Path) -> None:
    path = FIXTURE / "book" / "alpha.md"
    first, second = (notebook_of(path, references.load(FIXTURE)) for _ in range(2))
    assert first == second


def test_each_cell_keeps_the_one_it_was_written_as(root: Path) -> None:
    text = """
    {cite:t}`ho2020denoising`

    ```{code-cell}
    a
    ```

    ```{code-cell}
    ---
    mystnb: {figure: {name: fig-x, caption: A picture}}
    ---
    b
    ```

    +++ {"question": "beta.why"}

    Because.
    """
    path = write(root, text)
    lines = path.read_text("utf-8").splitlines()
    found = [
        (lowered.cell.source.split("\n")[0], lowered.written and lines[lowered.written.line - 1])
        for lowered in lower(source.read(path), references.load(root))
    ]
    assert found[0] == ("# Beta", "# Beta")
    assert [line for _, line in found[2:]] == ["a", "b", None, "Because.", None]
    assert found[4][0].startswith("**Fig. 2.1.**") and found[6][0] == "## References"


def test_authors_write_no_roles(root: Path) -> None:
    with pytest.raises(SourceError, match="unknown option 'role'"):
        cells_of(root, "```{code-cell}\n:role: check\n\nx\n```")


BOOK = references.load(FIXTURE)


def plain(text: str) -> str:
    page = Page(BOOK, FIXTURE / "book" / "beta.md", "book/beta")
    return lower_blocks.lower(text, 1, page)


latex = st.text("ab_^{}()[]<>|*`~#=+-.,:;'\" \n\\&", min_size=1, max_size=60)


@settings(deadline=None)
@given(latex)
@example("\\begin{cases} a \\\\ b \\end{cases}")
@example("{eq}`eq-gamma`")
@example("a\n  b\n    c")
def test_formulas_pass_byte_for_byte(body: str) -> None:
    assume(body.strip() and not any(not line.strip() for line in body.strip("\n").split("\n")))
    body = "\n" + body.strip("\n") + "\n"
    label = " (eq-gamma)"
    core = body.rstrip()
    trailing = body[len(core) :]
    wrapped = {f"$${core}", f"$$\\begin{{split}}{core}\\end{{split}}"}
    assert plain(f"$${body}$$") in {start + f"{trailing}$$" for start in wrapped}
    assert plain(f"$${body}$${label}") in {
        f"{start}\n\\tag{{3.1}}{trailing}$$" for start in wrapped
    }


@settings(deadline=None)
@given(st.text("ab`~:{}$%() \n\\*[]+-|>", max_size=60))
def test_code_passes_byte_for_byte(body: str) -> None:
    assume("```" not in body)
    text = f"before\n\n```text\n{body}\n```\nafter"
    assert plain(text) == text


FRAGMENTS = [
    *("text", " ", "\n", "\n\n", "  ", "> ", "- ", "1. ", "| a | b |\n|---|---|\n", ": ", "\\"),
    *("`", "``", "$", "$$", "$$\n", "{eq}`eq-gamma`", "{eq}`", "{nope}`x`", "[", "](", ")", "!["),
    *("```{note}\n", "```\n", ":::{tip}\n", ":::\n", "```{math}\n", ":label: eq-gamma\n", "% c\n"),
    *("(t)=\n", "# H\n", "+++\n", "<b>", "[^1]", "\\begin{align*}\n", "\\end{align*}\n", "---\n"),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
def test_any_text_is_lowered_or_refused_with_a_line(text: str) -> None:
    try:
        result = plain(text)
    except SourceError as error:
        assert 1 <= error.line <= text.count("\n") + 1
    else:
        assert "{note}" not in result or "```" in text
