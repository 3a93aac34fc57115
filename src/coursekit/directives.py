"""The directives that render data when the site is built.

``{equation-ledger}``, ``{notebook-times}`` and ``{model-cards}``; each page says by its directive
what it shows, and each directive what it reads. Those of the landing page are in ``landing``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from coursekit import times
from coursekit.claims import Entry, ledger


def document_link(docname: str, title: str | None = None) -> nodes.Node:
    """A link to a page that Sphinx resolves (and complains about when the page does not exist)."""
    return addnodes.pending_xref(
        "",
        nodes.inline("", title or docname),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{docname}",
        refexplicit=title is not None,
        refwarn=True,
    )


def _table(head: list[str], rows: list[list[list[nodes.Node]]]) -> nodes.table:
    """A docutils table; each cell is a list of inline nodes."""
    group = nodes.tgroup(cols=len(head))
    group.extend(nodes.colspec(colwidth=1) for _ in head)

    def row(cells: list[list[nodes.Node]]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))

    group += nodes.thead("", row([[nodes.Text(text)] for text in head]))
    group += nodes.tbody("", *(row(cells) for cells in rows))
    return nodes.table("", group)


class EquationLedger(SphinxDirective):
    """``{equation-ledger}``: every claim of the book, how it is verified, and where."""

    def run(self) -> list[nodes.Node]:
        """One section a chapter, one row for each claim that ``coursekit.claims.ledger`` finds."""
        root = Path(self.env.srcdir)
        chapters: dict[str, list[Entry]] = {}
        for claim in ledger(root):
            chapters.setdefault(claim.path, []).append(claim)
        found: list[nodes.Node] = []
        for path, claims in chapters.items():
            for source in (path, path.removesuffix(".md") + ".ipynb"):
                self.env.note_dependency(str(root / source))
            slug = claims[0].slug
            section = nodes.section("", nodes.title("", claims[0].title), ids=[f"ledger-{slug}"])
            section += nodes.paragraph(
                "", "", nodes.Text("Chapter: "), document_link(f"book/{slug}"), nodes.Text(".")
            )
            head = ["Claim", "How it is verified", "What it says"]
            table = _table(head, [self._row(claim) for claim in claims])
            table["classes"].append("gb-ledger")
            section += table
            found.append(section)
        return found

    def _row(self, claim: Entry) -> list[list[nodes.Node]]:
        """Number and label with a link, the method and what the check printed, the claim."""
        # The ledger stands in book/, so the root of the site is one level up.
        name = f"({claim.number})" if claim.number else "headline"
        link = nodes.reference("", name, refuri=f"../{claim.url}", internal=True)
        # The printed line says the method too, and of the check that really ran.
        how = claim.printed.removeprefix(f"{claim.label} ") or claim.method
        says: list[nodes.Node] = [nodes.math("", claim.latex)]
        if claim.label.startswith("claim-"):  # a sentence, with formulas in it
            says, problems = self.parse_inline(claim.latex)
            says += problems
        return [[link, nodes.Text(" "), nodes.literal("", claim.label)], [nodes.Text(how)], says]


class NotebookTimes(SphinxDirective):
    """``{notebook-times}``: measured seconds and memory of each notebook beside its budget."""

    def run(self) -> list[nodes.Node]:
        """One row for each notebook in ``book/times.json``."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "book" / "times.json"))
        head, *body = times.table(root)
        return [_table(head, [[[nodes.Text(cell)] for cell in row] for row in body])]


class ModelCards(SphinxDirective):
    """``{model-cards}``: one section for each shipped model, from the JSON beside its weights."""

    def run(self) -> list[nodes.Node]:
        """A heading and a definition table for each card."""
        folder = Path(self.env.srcdir) / "src" / "genbook" / "weights"
        found: list[nodes.Node] = []
        for path in sorted(folder.glob("*.json")):
            self.env.note_dependency(str(path))
            card = json.loads(path.read_text(encoding="utf-8"))
            section = nodes.section("", nodes.title("", path.stem), ids=[f"card-{path.stem}"])
            rows: list[list[list[nodes.Node]]] = [
                [[nodes.Text(key.replace("_", " "))], [nodes.Text(_plain(value))]]
                for key, value in card.items()
            ]
            table = _table(["Property", "Value"], rows)
            table["classes"].append("gb-model-card")
            section += table
            found.append(section)
        return found


def _plain(value: Any) -> str:
    """A card's value in words: numbers short, intervals in brackets, mappings as pairs."""
    if isinstance(value, dict):
        if {"value", "low", "high"} <= value.keys():
            rest = {k: v for k, v in value.items() if k not in ("value", "low", "high")}
            span = f"{_plain(value['value'])} ({_plain(value['low'])} to {_plain(value['high'])})"
            return f"{span}, {_plain(rest)}" if rest else span
        return " · ".join(f"{key.replace('_', ' ')}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


DIRECTIVES: dict[str, type[SphinxDirective]] = {
    "equation-ledger": EquationLedger,
    "notebook-times": NotebookTimes,
    "model-cards": ModelCards,
}
