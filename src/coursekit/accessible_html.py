"""Mends what the theme's HTML lacks for assistive technology.

axe finds each of these on a page of the unchanged theme (see tests/site/test_accessibility.py).
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from docutils import nodes
from docutils.writers._html_base import HTMLTranslator
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx

Visit = Callable[[Any, nodes.Node], None]

# Deprecated or misplaced roles that docutils gives to bibliography entries.
_BAD_ROLES = (' role="doc-biblioentry"', ' role="list"')


def _without_bad_roles(
    visit: Visit,
) -> Visit:
    def visit_plain(self: Any, node: nodes.Node) -> None:
        start = len(self.body)
        visit(self, node)
        for position in range(start, len(self.body)):
            for role in _BAD_ROLES:
                self.body[position] = self.body[position].replace(role, "")

    return visit_plain


def _visit_folded(self: Any, node: nodes.Element) -> None:
    """A folded cell, named by its visible words; myst-nb gives all of them the same label."""
    classes = " ".join(["admonition", "hide", *node["classes"]])
    self.body.append(f'<details class="{classes}">\n<summary>\n')
    for state, prompt in (("collapsed", "prompt_show"), ("expanded", "prompt_hide")):
        self.body.append(f'<p class="{state} admonition-title">{escape(node[prompt])}</p>\n')
    self.body.append("</summary>\n")


def _depart_folded(self: Any, node: nodes.Element) -> None:
    self.body.append("</details>\n")


def mend_context(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Name the fold-out arrows of the table of contents."""
    make_toctree = context.get("generate_toctree_html")
    if make_toctree is not None:

        def named(*args: Any, **kwargs: Any) -> str:
            html = str(make_toctree(*args, **kwargs))
            return html.replace("<summary>", '<summary aria-label="Pages of this chapter">')

        context["generate_toctree_html"] = named


def connect(app: Sphinx) -> None:
    """Register the mends; called by ``coursekit.sphinx_ext.setup``."""
    # After the theme (priority 500), whose functions are wrapped.
    app.connect("html-page-context", mend_context, priority=900)
    app.add_node(HideCodeCellNode, override=True, html=(_visit_folded, _depart_folded))
    app.add_node(
        nodes.citation,
        override=True,
        html=(_without_bad_roles(HTMLTranslator.visit_citation), HTMLTranslator.depart_citation),
    )
