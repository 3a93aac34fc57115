"""What the site adds to the pages the authors write.

* a card below the title of each chapter and exercise sheet, and one at a chapter's end that leads
  to its exercises;
* solutions folded on the pages of the exercise sheets;
* directives that render data at build time: ``{noise-scrubber}``, ``{chapter-map}``,
  ``{equation-ledger}``, ``{notebook-times}`` and ``{model-cards}``;
* MathJax and icons served by the site itself (``coursekit.site_assets``).

A page is a chapter or a sheet when its YAML header says ``genbook: {kind: chapter | sheet}``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from coursekit import accessible_html, site_assets, times
from coursekit.docstrings import plain_docstring
from coursekit.page import Page, colab_url, read

if TYPE_CHECKING:
    from coursekit.claims import Entry


def _document_link(docname: str, title: str | None = None) -> nodes.Node:
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


def _item(label: str, *children: nodes.Node) -> nodes.list_item:
    text = nodes.paragraph("", "", nodes.strong("", label), nodes.Text(" "), *children)
    return nodes.list_item("", text)


def _opening_card(app: Sphinx, page: Page) -> nodes.Node:
    """The card below the title: time to read and to run, prerequisites, *Open in Colab*."""
    facts = nodes.bullet_list(classes=["gb-facts"])
    facts += _item("Read", nodes.Text(f"{page.reading_minutes} min"))
    cost = times.read(Path(app.srcdir)).get(page.docname)
    if cost is not None:
        facts += _item("Run", nodes.Text(f"{math.ceil(cost['seconds'])} s on two CPU cores"))
    if page.kind == "sheet":
        facts += _item("Chapter", _document_link(f"book/{page.slug}"))
    elif page.prerequisites:
        needs: list[nodes.Node] = []
        for slug in page.prerequisites:
            needs += [nodes.Text(", ")] if needs else []
            needs.append(_document_link(f"book/{slug}"))
        facts += _item("Before", *needs)
    options = app.config.html_theme_options
    url = colab_url(options["repository_url"], options["repository_branch"], page.notebook)
    button = nodes.reference("", "Open in Colab", refuri=url, classes=["gb-button", "gb-colab"])
    return nodes.container(
        "", facts, nodes.paragraph("", "", button), classes=["gb-card", "gb-opening"]
    )


def _closing_card(page: Page) -> nodes.Node:
    """The card at a chapter's end that leads to its exercises."""
    link = _document_link(f"solutions/{page.slug}", "Go to the exercises")
    link["classes"].append("gb-button")
    return nodes.container(
        "",
        nodes.paragraph("", "", nodes.strong("", "Now you.")),
        nodes.paragraph(
            "",
            "The exercises of this chapter check your code as you write it, and name the mistake "
            "when there is one. Each solution is folded below its question.",
        ),
        nodes.paragraph("", "", link),
        classes=["gb-card", "gb-closing"],
    )


def add_cards(app: Sphinx, doctree: nodes.document) -> None:
    """Insert the cards of a chapter or sheet and fold a sheet's answers."""
    page = read(Path(app.env.doc2path(app.env.docname)), app.env.docname)
    if page is None:
        return
    title = next(iter(doctree.findall(nodes.title)))
    section = title.parent
    section.insert(section.index(title) + 1, _opening_card(app, page))
    if page.kind == "chapter" and f"solutions/{page.slug}" in app.env.found_docs:
        section += _closing_card(page)
    if page.kind == "sheet":
        for cell in doctree.findall(nodes.container):
            if "tag_answer" in cell["classes"]:
                cell["hide_mode"] = "input"
                cell["prompt_show"] = "Show the solution"
                cell["prompt_hide"] = "Hide the solution"


def number_chapters_only(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Take the numbers from the headings within a page: "1.2. Step 1" counts the same thing twice.

    Chapters keep theirs, which their equations and figures begin with; sheets have none.
    """
    for docname in env.found_docs:
        page = read(Path(env.doc2path(docname)), docname)
        if page is None:
            continue
        keep = 1 if page.kind == "chapter" else 0  # the length of a chapter's number
        numbers = env.toc_secnumbers.get(docname, {})
        for anchor, number in numbers.items():
            numbers[anchor] = number if len(number) == keep else ()
        if not keep:
            env.titles[docname].attributes.pop("secnumber", None)
        for reference in env.tocs[docname].findall(nodes.reference):
            if len(reference.get("secnumber", ())) > keep:
                reference.attributes.pop("secnumber")
    return []


class NoiseScrubber(SphinxDirective):
    """``{noise-scrubber}``: a slider over digits made from noise while the site is built."""

    def run(self) -> list[nodes.Node]:
        """Sample with the shipped weights and show the states in ``plots.scrubber``."""
        from genbook.plots.noise_scrubber import noise_to_digits  # torch, for one page alone

        return [nodes.raw("", noise_to_digits()._repr_html_(), format="html")]


class ChapterMap(SphinxDirective):
    """``{chapter-map}``: the whole course from ``book/map.yml``; what exists is a link."""

    def run(self) -> list[nodes.Node]:
        """A list of parts, each with its chapters."""
        path = Path(self.env.srcdir) / "book" / "map.yml"
        self.env.note_dependency(str(path))
        parts = yaml.safe_load(path.read_text(encoding="utf-8"))
        grid = nodes.container(classes=["gb-map"])
        for part in parts:
            chapters = nodes.bullet_list()
            for slug, title in part["chapters"].items():
                docname = f"book/{slug}"
                exists = docname in self.env.found_docs
                entry = _document_link(docname, title) if exists else nodes.Text(title)
                chapters += nodes.list_item(
                    "",
                    nodes.paragraph("", "", entry),
                    classes=["gb-here" if exists else "gb-later"],
                )
            name = nodes.paragraph("", "", nodes.strong("", part["part"]))
            grid += nodes.container("", name, chapters, classes=["gb-part"])
        return [grid]


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
        from coursekit.claims import ledger

        root = Path(self.env.srcdir)
        chapters: dict[str, list[Entry]] = {}
        for claim in ledger(root):
            chapters.setdefault(claim.path, []).append(claim)
        found: list[nodes.Node] = []
        for path, claims in chapters.items():
            for source in (path, path.removesuffix(".md") + ".ipynb"):
                self.env.note_dependency(str(root / source))
            slug = claims[0].slug
            section = nodes.section(
                "", nodes.title("", _title(root / path)), ids=[f"ledger-{slug}"]
            )
            section += nodes.paragraph(
                "", "", nodes.Text("Chapter: "), _document_link(f"book/{slug}"), nodes.Text(".")
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


def _title(path: Path) -> str:
    """The title of a page: its first heading."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(line[2:].strip() for line in lines if line.startswith("# "))


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


def add_assets(app: Sphinx) -> None:
    """Put MathJax and the icons into the site before its pages refer to them."""
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        site_assets.copy_mathjax(static)
        site_assets.write_icons(static)
        app.add_css_file("icons.css", priority=900)


def set_theme_options(app: Sphinx, config: Any) -> None:
    """Switch off the theme's buttons that the cards replace or that do nothing on a phone."""
    # Without a mode the theme's script complains on every page.
    config.html_context["default_mode"] = "auto"
    config.html_theme_options.update(
        use_download_button=False,
        use_fullscreen_button=False,
        search_bar_text="Search the book",
        # The sidebar holds the search field; a second one above it would only take room.
        navbar_persistent=[],
        pygments_light_style="a11y-high-contrast-light",
        pygments_dark_style="a11y-high-contrast-dark",
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", set_theme_options)
    app.connect("builder-inited", add_assets)
    app.connect("doctree-read", add_cards)
    app.connect("env-get-updated", number_chapters_only, priority=900)  # after the numbering
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)  # before Napoleon
    accessible_html.connect(app)
    app.add_directive("noise-scrubber", NoiseScrubber)
    app.add_directive("chapter-map", ChapterMap)
    app.add_directive("equation-ledger", EquationLedger)
    app.add_directive("notebook-times", NotebookTimes)
    app.add_directive("model-cards", ModelCards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
