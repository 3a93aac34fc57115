"""Proof cells stand behind the tick of what they verify.

A proof cell is a chapter's code cell that calls ``verify.*`` on a label. The text keeps it where it
is written; on the page it folds into ``details`` directly after the last equation or claim that it
verifies. The tick beside the number is the ``summary``. A cell that verifies several labels is
there once: the ticks of the others are links into it; a fragment opens the ``details`` around it.

How a claim was verified is read from what the cell *printed* when it was executed. A check that
printed nothing never ran, so the build refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxTranslator

from coursekit.calls import verify_calls
from coursekit.printed import lines, method_of


class details(nodes.General, nodes.Element):
    """The box that holds the proof cells; its first child is the ``summary``."""


class summary(nodes.General, nodes.TextElement):
    """The tick that opens the box."""


@dataclass(frozen=True)
class Proof:
    """A rendered proof cell, and the lines that it printed for each label it verifies."""

    cell: nodes.container
    printed: dict[str, list[str]]


def fold(doctree: nodes.document, docname: str) -> None:
    """Put a tick on every verified equation and claim of a chapter, its proof cells below it.

    Raises:
        SphinxError: a check that printed nothing, one of a label that is not on the page, or a
            figure in a proof cell, where nobody would see it.
    """
    claims = dict(_labelled(doctree))
    place = {label: number for number, label in enumerate(claims)}
    boxes: dict[str, list[Proof]] = {}
    places: dict[str, list[str]] = {}  # of each label, the boxes that hold a check of it
    said: dict[str, list[str]] = {}
    for proof in list(_proofs(doctree, docname)):
        for label in proof.printed:
            if label not in claims:
                raise SphinxError(f"{docname}: a check of '{label}', which is no label here")
        last = max(proof.printed, key=place.__getitem__)
        boxes.setdefault(last, []).append(proof)
        for label, printed in proof.printed.items():
            said.setdefault(label, []).extend(printed)
            if last not in places.setdefault(label, []):
                places[label].append(last)
    for label, printed in said.items():
        if label in boxes:
            others = [other for other in places[label] if other != label]
            tick: nodes.Element = _box(label, boxes[label], others, printed)
        else:
            link = nodes.reference("", "", *_mark(printed), refid=_anchor(places[label][0]))
            tick = nodes.paragraph("", "", link, classes=["gb-tick"])
        _attach(claims[label], tick)


def _labelled(doctree: nodes.document) -> Iterator[tuple[str, nodes.Element]]:
    """Equations and theorem-like blocks with their labels, in the order of the page."""
    for node in doctree.findall(nodes.Element):
        block = isinstance(node, nodes.math_block) or "realtype" in node
        if block and str(node.get("label") or "").startswith(("eq-", "claim-")):
            yield node["label"], node


def _proofs(doctree: nodes.document, docname: str) -> Iterator[Proof]:
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        text = {"cell_code_source": "", "cell_code_output": ""}
        for part in cell.findall(nodes.container):
            if part.get("nb_element") in text:
                text[part["nb_element"]] = "\n".join(
                    block.astext() for block in part.findall(nodes.literal_block)
                )
        labels = [label for label, _, _ in verify_calls(text["cell_code_source"]) if label]
        if not labels:
            continue
        if next(cell.findall(nodes.figure), None) is not None:
            raise SphinxError(
                f"{docname}: the cell that verifies '{labels[0]}' draws a figure, which would fold "
                "away with it: draw in a cell of its own"
            )
        output = list(lines(text["cell_code_output"]))
        printed = {label: [line for about, line in output if about == label] for label in labels}
        for label, found in printed.items():
            if not found:
                raise SphinxError(
                    f"{docname}: the check of '{label}' printed no line, so it never ran: "
                    "execute the chapter (coursekit notebooks)"
                )
        yield Proof(cell, printed)


def _box(label: str, proofs: list[Proof], others: list[str], printed: list[str]) -> details:
    """The ``details`` with the cells whose last label is ``label``."""
    body = nodes.container(classes=["gb-proof-body"], ids=[_anchor(label)])
    for proof in proofs:
        if len(proof.printed) > 1:
            body += _listed(list(proof.printed))
        proof.cell.parent.remove(proof.cell)
        proof.cell.attributes.pop("hide_mode", None)  # it is folded already
        body += proof.cell
    for other in others:
        link = nodes.reference("", "Another check", refid=_anchor(other))
        body += nodes.paragraph("", "", link, nodes.Text(" of this."))
    return details("", summary("", "", *_mark(printed), classes=["gb-tick"]), body)


def _mark(printed: list[str]) -> list[nodes.Node]:
    """✓ and how, with what a tap does for those who do not see the page."""
    methods = ", ".join(dict.fromkeys(method_of(line) for line in printed))
    return [
        nodes.inline("", "✓", classes=["gb-check"]),
        nodes.Text(" "),
        nodes.inline("", methods, classes=["gb-method"]),
        nodes.inline("", ": show the check", classes=["gb-unseen"]),
    ]


def _listed(labels: list[str]) -> nodes.paragraph:
    """ "Checks (4.3), (4.4).", each a reference."""
    line = nodes.paragraph("", "Checks ")
    for number, label in enumerate(labels):
        equation = label.startswith("eq-")
        line += [nodes.Text(", ")] if number else []
        line += addnodes.pending_xref(
            "",
            nodes.inline("", label),
            refdomain="math" if equation else "prf",
            reftype="eq" if equation else "ref",
            reftarget=label,
            refexplicit=False,
            refwarn=True,
        )
    line += nodes.Text(".")
    return line


def _attach(claim: nodes.Element, tick: nodes.Element) -> None:
    """Wrap the claim and its tick.

    Two containers: the tick is placed against the inner one, which is as tall as the equation
    because the opened box floats out of it; the outer one is as tall as both.
    """
    kind = "gb-equation" if isinstance(claim, nodes.math_block) else "gb-claim"
    outer = nodes.container(classes=["gb-proven", kind])
    claim.parent.replace(claim, outer)
    outer += nodes.container("", claim, tick, classes=["gb-line"])


def _anchor(label: str) -> str:
    return f"proof-{label}"


def _visit_details(self: Any, node: details) -> None:
    self.body.append(self.starttag(node, "details", CLASS="gb-proof"))


def _depart_details(self: Any, node: details) -> None:
    self.body.append("</details>\n")


def _visit_summary(self: Any, node: summary) -> None:
    self.body.append(self.starttag(node, "summary", ""))


def _depart_summary(self: Any, node: summary) -> None:
    self.body.append("</summary>\n")


def _pass(self: SphinxTranslator, node: nodes.Element) -> None:
    """Formats without folding show the cell after its equation."""


def connect(app: Sphinx) -> None:
    """Register the nodes; called by ``coursekit.sphinx_ext.setup``."""
    plain = (_pass, _pass)
    app.add_node(details, html=(_visit_details, _depart_details), latex=plain, text=plain)
    app.add_node(summary, html=(_visit_summary, _depart_summary), latex=plain, text=plain)
