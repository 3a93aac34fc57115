"""Links from the prose to the glossary, made while the site is built.

In each chapter the first use of a term in a paragraph is a link, unless the author made one with
``{term}``. So an author writes words, and a new term of the glossary is linked in chapters that
know nothing of it. Headings, captions, tables, code, outputs and what is a link are left alone,
and so are the terms of ``glossary_by_hand``: everyday words, which only ``{term}`` links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from coursekit.page import read

# Around a paragraph and around words in it.
_NO_PROSE = (nodes.table, nodes.figure, nodes.citation, nodes.footnote, nodes.definition_list)
_NO_WORDS = (nodes.reference, nodes.literal, nodes.math, nodes.raw, nodes.FixedTextElement)
_CLASSES = {"cell", "gb-card"}  # code with its output; the cards above and below a chapter


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link each term at its first use in a chapter's paragraphs."""
    if app.builder.format != "html" or not _is_chapter(app.env, docname):
        return
    terms = {name.lower(): (place, anchor) for name, place, anchor in _terms(app.env)}
    linked = {
        link.get("refuri", "").rpartition("#")[2] for link in doctree.findall(nodes.reference)
    }
    by_hand = app.config.glossary_by_hand
    open_terms = {
        name: goal for name, goal in terms.items() if goal[1] not in linked and name not in by_hand
    }
    for text in list(_prose(doctree)):
        if open_terms:
            _link(app, docname, text, open_terms)


def _link(app: Sphinx, docname: str, text: nodes.Text, open_terms: dict[str, Any]) -> None:
    """Replace a text by itself with links, and take what was linked out of ``open_terms``."""
    words = text.astext()
    parts: list[nodes.Node] = []
    done = 0
    for found in _pattern(open_terms).finditer(words):
        goal = open_terms.pop(" ".join(found[1].lower().split()), None)
        if goal is None:
            continue  # the second time in this text
        place, anchor = goal
        parts.append(nodes.Text(words[done : found.start()]))
        link = make_refnode(app.builder, docname, place, anchor, nodes.Text(found[0]))
        link["classes"].append("gb-term")
        parts.append(link)
        done = found.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(words[done:])])


def _pattern(terms: dict[str, Any]) -> re.Pattern[str]:
    """Whole words, in the singular or with an s."""
    names = [
        re.escape(name).replace(r"\ ", r"\s+") for name in sorted(terms, key=len, reverse=True)
    ]
    return re.compile(rf"(?<![\w-])({'|'.join(names)})s?(?![\w-])", re.IGNORECASE)


def _prose(doctree: nodes.document) -> Iterator[nodes.Text]:
    """The texts of all paragraphs, in order."""
    for paragraph in doctree.findall(nodes.paragraph):
        if not any(_is_apart(up) for up in _ancestors(paragraph)):
            for text in paragraph.findall(nodes.Text):
                if not any(isinstance(up, _NO_WORDS) for up in _ancestors(text)):
                    yield text


def _is_apart(node: nodes.Element) -> bool:
    return isinstance(node, _NO_PROSE) or not _CLASSES.isdisjoint(node.get("classes", []))


def _ancestors(node: nodes.Node) -> Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        yield node


def _terms(env: BuildEnvironment) -> Iterator[tuple[str, str, str]]:
    """Name, page and anchor of each entry of the glossary."""
    for name, _shown, kind, place, anchor, _priority in env.get_domain("std").get_objects():
        if kind == "term":
            yield name, place, anchor


def _is_chapter(env: BuildEnvironment, docname: str) -> bool:
    page = read(Path(env.doc2path(docname)), docname)
    return page is not None and page.kind == "chapter"


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """When the glossary changed, the chapters are made again too."""
    glossaries = {place for _name, place, _anchor in _terms(env)}
    if glossaries.isdisjoint(added | changed | removed):
        return []
    return [docname for docname in env.found_docs if _is_chapter(env, docname)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("glossary_by_hand", [], "env", [list])
    app.connect("doctree-resolved", link_terms)
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
