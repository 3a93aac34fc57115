"""The directives that render data when the site is built.

``{equation-ledger}``, ``{notebook-times}`` and ``{model-cards}``; each page says by its directive
what it shows, and each directive what it reads. Those of the landing page are in ``landing``.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from coursekit import times
from coursekit.claims import Entry, ledger
from coursekit.printed import method_of


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
        """The counts, a filter, and one section a chapter with what ``claims.ledger`` finds."""
        root = Path(self.env.srcdir)
        chapters: dict[str, list[Entry]] = {}
        for claim in ledger(root):
            if not claim.printed:
                raise self.error(
                    f"the check of '{claim.label}' printed no line in the stored notebook, so it "
                    "never ran: execute the chapter (coursekit notebooks)"
                )
            chapters.setdefault(claim.path, []).append(claim)
        found: list[nodes.Node] = [*self._head(list(chapters.values()))]
        for path, claims in chapters.items():
            for source in (path, path.removesuffix(".md") + ".ipynb"):
                self.env.note_dependency(str(root / source))
            slug = claims[0].slug
            section = nodes.section("", nodes.title("", claims[0].title), ids=[f"ledger-{slug}"])
            section["classes"].append("gb-ledger")
            section += nodes.paragraph("", "", document_link(f"book/{slug}", "Read the chapter"))
            section += [self._entry(claim) for claim in claims]
            found.append(section)
        return found

    def _head(self, chapters: list[list[Entry]]) -> list[nodes.Node]:
        """How many claims there are, by which method, and the menus of the filter."""
        methods = Counter(how for claims in chapters for claim in claims for how in _methods(claim))
        total = sum(map(len, chapters))
        twice = sum(len(_methods(claim)) > 1 for claims in chapters for claim in claims)
        rows = [(total, "claims, all checked"), *((n, m) for m, n in methods.most_common())]
        counts = nodes.bullet_list(classes=["gb-counts"])
        for number, what in rows + [(twice, "by two methods")] * bool(twice):
            line = [nodes.strong("", str(number)), nodes.Text(f" {what}")]
            counts += nodes.list_item("", nodes.paragraph("", "", *line))
        menus = [
            _menu("Chapter", {claims[0].slug: claims[0].title for claims in chapters}),
            _menu("Verified by", {method: method for method in methods}),
        ]
        said = f"{total} of {total} claims"
        form = f"""<form class="gb-filter" hidden>{"".join(menus)}<output>{said}</output></form>
<script defer src="../_static/ledger.js"></script>"""
        return [counts, nodes.raw("", form, format="html")]

    def _entry(self, claim: Entry) -> nodes.container:
        """The formula or sentence; below it the number that leads there, the method, the label."""
        says: nodes.Element = nodes.math_block("", claim.latex, nowrap=False, number=None)
        if claim.label.startswith("claim-"):  # a sentence, with formulas in it
            words, problems = self.parse_inline(claim.latex)
            says = nodes.paragraph("", "", *words, *problems)
        # The ledger stands in book/, so the root of the site is one level up.
        name = f"({claim.number})" if claim.number else "headline"
        where = nodes.reference("", name, refuri=f"../{claim.url}", internal=True)
        facts = nodes.paragraph("", "", where, nodes.Text(" "), classes=["gb-facts"])
        for line in dict.fromkeys(claim.printed):  # "✓ numeric, rtol 1e-08"
            facts += nodes.inline("", line.removeprefix(f"{claim.label} "), classes=["gb-how"])
            facts += nodes.Text(" ")
        facts += nodes.literal("", claim.label)
        kinds = [f"gb-by-{method}" for method in _methods(claim)]
        return nodes.container("", says, facts, classes=["gb-entry", f"gb-in-{claim.slug}", *kinds])


def _methods(claim: Entry) -> list[str]:
    return list(dict.fromkeys(method_of(line) for line in claim.printed))


def _menu(label: str, options: dict[str, str]) -> str:
    """A ``select`` whose first option is "all"."""
    listed = "".join(
        f'<option value="{key}">{html.escape(text)}</option>' for key, text in options.items()
    )
    return f'<label>{label} <select><option value="">all</option>{listed}</select></label> '


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
