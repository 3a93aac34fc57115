"""The sitemap lists every page, also after a build that wrote only some of them.

sphinx-sitemap lists the pages that a build writes. Before it writes its file, its list is replaced.
"""

from __future__ import annotations

from sphinx.application import Sphinx


def list_all_pages(app: Sphinx, exception: Exception | None) -> None:
    """Put all pages of the book in the place of those that were written."""
    links = getattr(app, "sitemap_links", None)
    if links is None or exception is not None:
        return
    while not links.empty():
        links.get()
    for docname in sorted(app.env.found_docs):
        links.put((f"{docname}.html", None))


def connect(app: Sphinx) -> None:
    """Register; called by ``coursekit.sphinx_ext.setup``."""
    app.connect("build-finished", list_all_pages, priority=400)  # sphinx-sitemap: 500
