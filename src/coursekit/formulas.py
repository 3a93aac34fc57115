"""Formulas, typeset while the site is built: HTML to see and MathML for readers, by KaTeX.

``html`` typesets one formula, for a directive that writes HTML of its own; ``html_of_all`` typesets
many in one go. Both keep what they made in ``_build/formulas``, one file a formula. As a Sphinx
extension this module sets the formulas of all pages, and one that KaTeX does not understand ends
the build with its file and line.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.util.math import get_node_equation_number

from coursekit import web

SCRIPT = "formulas.mjs"

# The environments that number themselves. The numbers are Sphinx's, so they are set without.
_NUMBERED = re.compile(r"\\(begin|end)\{(equation|align|gather|alignat)\}")


class FormulaError(ValueError):
    """KaTeX does not understand a formula; the message says why."""


def html(root: Path, tex: str, display: bool = False) -> str:
    """The HTML of one formula, written as within dollars.

    Raises:
        FormulaError: KaTeX does not understand it.
    """
    return html_of_all(root, [(tex, display)])[0]


def html_of_all(root: Path, formulas: list[tuple[str, bool]]) -> list[str]:
    """The HTML of each formula, in order; each is a pair of TeX and whether it stands alone.

    Raises:
        FormulaError: for the first that KaTeX does not understand.
    """
    made = _typeset(root, formulas)
    for (tex, _display), one in zip(formulas, made, strict=True):
        if "error" in one:
            raise FormulaError(f"{one['error']} in {tex!r}")
    return [one["html"] for one in made]


def kept(root: Path) -> Path:
    """The folder of the formulas that are typeset already."""
    return root / "_build" / "formulas"


def _typeset(root: Path, formulas: list[tuple[str, bool]]) -> list[dict[str, str]]:
    """``{"html": …}`` or ``{"error": …}`` for each; only what was never set goes to Node."""
    places = [kept(root) / f"{_key(root, tex, display)}.html" for tex, display in formulas]
    made: dict[Path, dict[str, str]] = {}
    missing: dict[Path, dict[str, Any]] = {}
    for place, (tex, display) in zip(places, formulas, strict=True):
        if place.is_file():
            made[place] = {"html": place.read_text(encoding="utf-8")}
        else:
            missing[place] = {"tex": tex, "display": display}
    if missing:
        answer = json.loads(web.run_node(root, SCRIPT, json.dumps(list(missing.values()))))
        kept(root).mkdir(parents=True, exist_ok=True)
        for place, one in zip(missing, answer, strict=True):
            made[place] = one
            if "html" in one:
                half = place.with_suffix(".new")  # a build may be stopped at any time
                half.write_text(one["html"], encoding="utf-8")
                half.replace(place)
    return [made[place] for place in places]


def _key(root: Path, tex: str, display: bool) -> str:
    return hashlib.sha256(f"{_maker(root)}{display}{tex}".encode()).hexdigest()


@cache
def _maker(root: Path) -> str:
    """What makes the HTML, so that another KaTeX or other options typeset anew."""
    folder = web.folder(root)
    return "".join((folder / name).read_text() for name in (SCRIPT, "package-lock.json"))


def source(node: nodes.Element) -> tuple[str, bool]:
    """The TeX of a ``math`` or ``math_block`` node, and whether it stands alone."""
    text = node.astext()
    if not isinstance(node, nodes.math_block):
        return text, False
    if node.get("nowrap"):
        return _NUMBERED.sub(r"\\\1{\2*}", text), True
    # As Sphinx does: lines are aligned, and so are parts with an empty line between them.
    parts = [part for part in text.split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    if len(parts) < 2:
        return "".join(parts), True
    return r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}", True


def typeset_page(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Typeset all formulas of a page at once, before it is written.

    Raises ``ExtensionError`` with every formula of the page that KaTeX does not understand.
    """
    if app.builder.format != "html":
        return
    found = [*doctree.findall(nodes.math), *doctree.findall(nodes.math_block)]
    made = _typeset(Path(app.srcdir), [source(node) for node in found])
    faults = [
        f"{_place(app, node, docname)}: {one['error']}"
        for node, one in zip(found, made, strict=True)
        if "error" in one
    ]
    if faults:
        raise ExtensionError("\n".join(["formulas that cannot be typeset:", *faults]))


def _place(app: Sphinx, node: nodes.Element, docname: str) -> str:
    """File and line of the nearest node that knows them."""
    up: Any = node
    while up is not None and up.line is None:
        up = up.parent
    if up is None:
        return str(app.env.doc2path(docname))
    return f"{up.source or app.env.doc2path(docname)}:{up.line}"


def visit_math(self: Any, node: nodes.math) -> None:
    """Write a formula that stands in a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(html(Path(self.builder.srcdir), *source(node)) + "</span>")
    raise nodes.SkipNode


def visit_displaymath(self: Any, node: nodes.math_block) -> None:
    """Write a formula that stands alone, and its number; it scrolls when it is too wide."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    formula = html(Path(self.builder.srcdir), *source(node))
    self.body.append(f'<div class="gb-formula">{formula}</div></div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_html_math_renderer("katex", (visit_math, None), (visit_displaymath, None))
    app.connect("doctree-resolved", typeset_page, priority=900)  # when all nodes are in place
    return {"parallel_read_safe": True, "parallel_write_safe": True}
