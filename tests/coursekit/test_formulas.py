"""Formulas typeset when the site is built, and terms linked: on a small Sphinx project."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import docutils_namespace

from coursekit import formulas, web

ROOT = Path(__file__).parents[2]

CONF = """
extensions = ["myst_parser", "coursekit.formulas", "coursekit.glossary"]
myst_enable_extensions = ["amsmath", "dollarmath"]
html_math_renderer = "katex"
html_theme = "basic"
exclude_patterns = ["web"]
numfig = math_numfig = True
glossary_by_hand = ["score"]
"""
GLOSSARY = """# Glossary

```{glossary}
posterior
  What is left.

noise schedule
  Numbers.

score
  A slope.
```
"""
HEADER = "---\ngenbook: {kind: chapter}\n---\n"
INDEX = "# Index\n\n```{toctree}\n:numbered: 1\nbook/page\nbook/glossary\n```\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "book").mkdir()
    (tmp_path / "web").symlink_to(web.folder(ROOT))
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text(INDEX)
    (tmp_path / "book" / "glossary.md").write_text(GLOSSARY)
    return tmp_path


def build(root: Path, text: str) -> BeautifulSoup:
    """The page `book/page` of the project, and no warning."""
    (root / "book" / "page.md").write_text(text)
    warnings = io.StringIO()
    with docutils_namespace():
        Sphinx(
            root, root, root / "_build/html", root / "_build/doctrees", "html",
            status=None, warning=warnings, freshenv=True, confoverrides={"nitpicky": True},
        ).build()  # fmt: skip
    assert warnings.getvalue() == ""
    html = (root / "_build/html/book/page.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser")


def tex(node: Tag) -> str:
    return node.find("annotation").get_text()


def test_formulas_are_html_and_mathml(root: Path) -> None:
    page = build(root, "# Page\n\nSee $x_t$ and {eq}`eq-a`.\n\n$$\na &= b \\\\ &= c\n$$ (eq-a)\n")
    inline, display = page.find("span", class_="math"), page.find("div", class_="math")
    for node in (inline, display):
        assert node.find("math") and node.find(class_="katex-html")["aria-hidden"] == "true"
    assert tex(inline) == "x_t"
    assert r"\begin{split}" in tex(display)
    assert display["id"] == "equation-eq-a"
    assert display.find(class_="eqno").get_text().startswith("(1.1)")
    assert page.find("a", href="#equation-eq-a").get_text() == "(1.1)"
    assert not [s for s in page.find_all("script", src=True) if "mathjax" in s["src"].lower()]


def test_environments_and_tags(root: Path) -> None:
    text = (
        "# Page\n\n\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\n\n"
        "\\begin{gather*}\na \\\\ b\n\\end{gather*}\n\n$$\ne = f \\tag{A}\n$$\n\n"
        "```{math}\n:label: eq-b\n\ng = h\n\ni = j\n```\n"
    )
    align, gather, tagged, parts = build(root, text).find_all("div", class_="math")
    assert r"\begin{align*}" in tex(align) and align.find(class_="eqno")
    assert r"\begin{gather*}" in tex(gather) and not gather.find(class_="eqno")
    assert tagged.find(class_="katex-tag").get_text() == "(A)"
    assert r"\begin{aligned}" in tex(parts)


@pytest.mark.parametrize("fault", [r"\alhpa", r"\frac{1}", "a & b", r"\href{https://a.org}{x}"])
def test_a_formula_that_cannot_be_typeset_ends_the_build(root: Path, fault: str) -> None:
    with pytest.raises(ExtensionError, match=r"book/page.md:5: "):
        build(root, f"# Page\n\nFine: $x$.\n\nNot fine: ${fault}$.\n")


def test_one_formula_for_html_of_our_own() -> None:
    assert "<math" in formulas.html(ROOT, "x^2") and "katex-display" not in formulas.html(ROOT, "x")
    assert "katex-display" in formulas.html(ROOT, "x^2", display=True)
    with pytest.raises(formulas.FormulaError, match="alhpa"):
        formulas.html(ROOT, r"\alhpa")


def test_what_is_typeset_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = formulas.html(root, "x + y")
    monkeypatch.setattr(web, "run_node", lambda *_: pytest.fail("typeset again"))
    assert formulas.html(root, "x + y") == first


def terms(page: BeautifulSoup) -> list[str]:
    return [link.get_text() for link in page.find_all("a", class_="gb-term")]


def test_the_first_use_of_a_term_is_linked(root: Path) -> None:
    text = (
        "# The posterior\n\nThe `posterior`, *Posteriors* and the posterior; "
        "[noise schedule](https://a.org), noise schedules, noise-schedule. A score.\n\n"
        "| posterior |\n|---|\n| noise schedule |\n"
    )
    page = build(root, HEADER + text)
    assert terms(page) == ["Posteriors", "noise schedules"]
    assert page.find("a", class_="gb-term")["href"] == "glossary.html#term-posterior"


def test_the_authors_own_link_is_the_only_one(root: Path) -> None:
    page = build(root, HEADER + "# Page\n\nA posterior. A {term}`posterior`, a {term}`score`.\n")
    assert terms(page) == []


def test_only_chapters_are_linked(root: Path) -> None:
    assert terms(build(root, "# Page\n\nA posterior.\n")) == []
