"""The site's search: the prose of every section, with the place it stands at.

Sphinx's own search knows which words a page has, but not in which of its sections, and shows code
and formula source in its excerpts. Here each section is a document of its own, without code,
outputs and displayed formulas; so is each term of the glossary and each name of the API. MiniSearch
ranks them in the reader's browser (``book/_static/search.js``), on the search page only, which
loads the prose when there is something to search for.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.display import progress_message

from coursekit import web
from coursekit.page import read

# What is no prose: code and what it printed, displayed formulas, what other pages say.
_SILENT = (
    nodes.FixedTextElement,
    nodes.math_block,
    nodes.comment,
    nodes.Invisible,
    nodes.raw,
    nodes.image,
    nodes.system_message,
    addnodes.toctree,
    addnodes.desc_signature,
)
_SILENT_CLASSES = {"gb-card", "toctree-wrapper"}
_PLAIN = re.compile(r"[\w ]+")  # a formula that reads like a word: $T$, $10$


def text_of(node: nodes.Node) -> str:
    """The prose below a node, a formula between words as an ellipsis."""
    return " ".join("".join(_words(node)).split())


def _words(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Text):
        yield str(node)
    elif isinstance(node, nodes.math):
        yield node.astext() if _PLAIN.fullmatch(node.astext()) else "…"
    elif isinstance(node, nodes.Element) and not _silent(node):
        # Of a cell only what the author says of its figure.
        cell = "cell" in node.get("classes", ())
        for child in node.findall(nodes.caption) if cell else node.children:
            yield from _words(child)
        if not isinstance(node, nodes.Inline | nodes.TextElement) or isinstance(
            node, nodes.paragraph | nodes.title | nodes.term | nodes.caption
        ):
            yield " "


def _silent(node: nodes.Element) -> bool:
    return isinstance(node, _SILENT) or bool(_SILENT_CLASSES & set(node.get("classes", ())))


def _is_document(node: nodes.Node) -> bool:
    """Whether this is found by itself; the sections that sphinx-proof makes have no title."""
    if isinstance(node, nodes.section):
        return isinstance(node.next_node(), nodes.title)
    return isinstance(node, addnodes.desc | addnodes.glossary)


def sections(doctree: nodes.document, kind: str) -> Iterator[dict[str, str]]:
    """Each section, term and name below ``doctree``: its kind, title, anchor and text."""
    for node in doctree.findall(_is_document):
        if isinstance(node, addnodes.desc):
            yield from _named(node)
        elif isinstance(node, addnodes.glossary):
            for item in node.findall(nodes.definition_list_item):
                term = next(iter(item.findall(nodes.term)))
                text = " ".join(text_of(part) for part in item.findall(nodes.definition))
                yield _entry("term", text_of(term), term["ids"], text)
        else:
            section = cast(nodes.section, node)
            title = section[0]
            own = [child for child in section.children if not _is_document(child)]
            text = " ".join(filter(None, (text_of(part) for part in own if part is not title)))
            ids = [] if section.parent is doctree else section["ids"]
            yield _entry(kind, text_of(title), ids, text)


def _named(node: addnodes.desc) -> Iterator[dict[str, str]]:
    """A name of the API with its docstring; attributes in it have entries of their own."""
    signature = next(iter(node.findall(addnodes.desc_signature)))
    if signature["ids"]:
        content = next(iter(node.findall(addnodes.desc_content)))
        own = [child for child in content.children if not isinstance(child, addnodes.desc)]
        text = " ".join(text_of(part) for part in own)
        yield _entry("name", signature["ids"][0], signature["ids"], text)


def _entry(kind: str, title: str, ids: list[str], text: str) -> dict[str, str]:
    return {"kind": kind, "title": title, "anchor": ids[0] if ids else "", "text": text}


def collect(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Keep what a page says beside its doctree: a later build may write other pages only."""
    page = read(Path(app.env.doc2path(docname)), docname)
    kind = page.kind if page else "page"
    entry = {
        "page": text_of(app.env.titles[docname]),
        "sections": list(sections(doctree, kind)),
    }
    path = _kept(app, docname)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entry), encoding="utf-8")


def _kept(app: Sphinx, docname: str) -> Path:
    return Path(app.doctreedir) / "search" / f"{docname}.json"


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Join what all pages say to the one file that a search loads."""
    if exception is not None or app.builder.format != "html":
        return
    found: list[dict[str, Any]] = []
    with progress_message("joining the search index"):
        for docname in sorted(app.env.found_docs):
            if _kept(app, docname).is_file():
                page = json.loads(_kept(app, docname).read_text("utf-8"))
                for section in page["sections"]:
                    place = f"{docname}.html" + (
                        f"#{section['anchor']}" if section["anchor"] else ""
                    )
                    found.append(
                        {
                            "id": place,
                            "page": page["page"],
                            **{key: section[key] for key in ("kind", "title", "text")},
                        }
                    )
        static = Path(app.outdir) / "_static"
        # A script, not JSON: a page opened from the disk may not fetch.
        data = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        (static / "search-index.js").write_text(f"window.bookSections={data}\n", encoding="utf-8")
        package = web.install(Path(app.srcdir)) / "minisearch"
        shutil.copyfile(package / "dist" / "umd" / "index.js", static / "minisearch.js")


def replace_sphinx_search(app: Sphinx) -> None:
    """Leave Sphinx's index out; the page ``search`` is ``book/_templates/search.html``."""
    if app.builder.format == "html":
        app.builder.search = False  # type: ignore[attr-defined]
        app.config.html_additional_pages["search"] = "search.html"


def connect(app: Sphinx) -> None:
    """Register; called by ``coursekit.sphinx_ext.setup``."""
    app.connect("builder-inited", replace_sphinx_search)
    app.connect("doctree-resolved", collect, priority=800)  # before sections are folded
    app.connect("build-finished", write_index)
