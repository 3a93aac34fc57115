"""What the site adds to the pages the authors write.

* a card below the title of each chapter and exercise sheet, and one at a chapter's end that leads
  to its exercises;
* the pages of the exercise sheets, their solutions folded (``coursekit.sheet_page``), and folds for
  what is beside the main road (``coursekit.beside``);
* ticks on what is verified, with the proof cells folded behind them (``coursekit.proofs``);
* a search by sections (``coursekit.search``);
* directives that render data at build time (``coursekit.directives``, ``coursekit.landing``),
  explorables (``coursekit.explorables``), and a light form of scrubbers (``coursekit.scrubbers``);
* fonts and icons served by the site itself (``coursekit.site_assets``), and no page asks for more
  than it shows (``coursekit.page_head``).

A page is a chapter or a sheet when its YAML header says ``genbook: {kind: chapter | sheet}``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from coursekit import (
    accessible_html,
    beside,
    bibliography_style,
    explorables,
    figures,
    landing,
    page_head,
    proofs,
    scrubbers,
    search,
    sheet_page,
    shown_code,
    site_assets,
    sitemap,
    times,
)
from coursekit.directives import DIRECTIVES, document_link
from coursekit.docstrings import plain_docstring
from coursekit.page import Page, colab_url, read


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
        facts += _item("Chapter", document_link(f"book/{page.slug}"))
    elif page.prerequisites:
        needs: list[nodes.Node] = []
        for slug in page.prerequisites:
            needs += [nodes.Text(", ")] if needs else []
            needs.append(document_link(f"book/{slug}"))
        facts += _item("Before", *needs)
    options = app.config.html_theme_options
    url = colab_url(options["repository_url"], options["repository_branch"], page.notebook)
    button = nodes.reference("", "Open in Colab", refuri=url, classes=["gb-button", "gb-colab"])
    return nodes.container(
        "", facts, nodes.paragraph("", "", button), classes=["gb-card", "gb-opening"]
    )


def _closing_card(page: Page) -> nodes.Node:
    """The card at a chapter's end that leads to its exercises."""
    link = document_link(f"solutions/{page.slug}", "Go to the exercises")
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
    """Insert the cards; fold a chapter's proofs; show a sheet as its students begin it."""
    page = read(Path(app.env.doc2path(app.env.docname)), app.env.docname)
    if page is None:
        return
    title = next(iter(doctree.findall(nodes.title)))
    section = title.parent
    section.insert(section.index(title) + 1, _opening_card(app, page))
    if page.kind == "chapter" and f"solutions/{page.slug}" in app.env.found_docs:
        section += _closing_card(page)
    if page.kind == "chapter":
        proofs.fold(doctree, page.docname)
    else:
        sheet_page.present(doctree, Path(app.env.doc2path(page.docname)))


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


def add_icons(app: Sphinx) -> None:
    """Put the icons into the site before its pages refer to them."""
    if app.builder.format == "html":
        site_assets.write_icons(Path(app.outdir) / "_static")
        app.add_css_file("icons.css", priority=900)


def trim_assets(app: Sphinx, failed: Exception | None) -> None:
    """Cut fonts and style sheets down, when all formulas and the theme's files are there."""
    if app.builder.format == "html" and failed is None:
        static = Path(app.outdir) / "_static"
        site_assets.write_formula_fonts(Path(app.srcdir), static)
        site_assets.mend_theme(static)


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
        article_footer_items=["report.html"],
        pygments_light_style="a11y-high-contrast-light",
        pygments_dark_style="a11y-high-contrast-dark",
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; raise ``env_version`` when pages must be read anew."""
    app.connect("config-inited", set_theme_options)
    app.connect("builder-inited", add_icons)
    app.connect("build-finished", trim_assets)
    app.connect("doctree-read", add_cards)
    app.connect("env-get-updated", number_chapters_only, priority=900)  # after the numbering
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)  # before Napoleon
    accessible_html.connect(app)
    page_head.connect(app)
    app.connect("html-page-context", landing.lighten, priority=950)
    search.connect(app)
    sitemap.connect(app)
    bibliography_style.register()
    explorables.connect(app)
    scrubbers.connect(app)
    beside.connect(app)
    proofs.connect(app)
    figures.connect(app)
    shown_code.connect(app)
    for name, directive in (DIRECTIVES | landing.DIRECTIVES).items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 1}
