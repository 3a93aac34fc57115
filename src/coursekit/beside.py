"""What is beside the main road of a chapter, folded.

A section whose heading begins with "Beside the road" is what a reader can leave out: a second
derivation, a catalogue of variants. On the site all below its heading is folded; a link into it
opens it. In the notebook it is a section like any other.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

HEADING = "Beside the road"


class fold(nodes.General, nodes.Element):
    """A ``details`` element; its attribute ``summary`` is the line that opens it."""


def _visit(translator: nodes.NodeVisitor, node: fold) -> None:
    translator.body.append(translator.starttag(node, "details", CLASS="gb-fold"))
    translator.body.append(f"<summary>{translator.encode(node['summary'])}</summary>\n")


def _depart(translator: nodes.NodeVisitor, node: fold) -> None:
    translator.body.append("</details>\n")


def fold_sections(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fold what stands below the headings; the headings stay, and with them the contents."""
    if app.builder.format != "html":
        return
    for section in list(doctree.findall(nodes.section)):
        title = section.next_node(nodes.title)
        if title is None or not title.astext().startswith(HEADING):
            continue
        start = section.index(title) + 1
        folded = fold("", *section.children[start:], summary="Open this part")
        section.children[start:] = [folded]
        folded.parent = section


def connect(app: Sphinx) -> None:
    """Register the node and the transform."""
    app.add_node(fold, html=(_visit, _depart))
    # After references are resolved and numbered: nothing that counts sections sees a difference.
    app.connect("doctree-resolved", fold_sections, priority=900)
