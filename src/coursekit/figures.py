"""Figures on the site: the variant that fits the theme and the screen, and a link that enlarges it.

A figure of ``genbook.plots`` becomes a link to its file around a ``picture`` for each theme; the
browser loads only the one that it shows. ``figures.js`` opens the link in the page. Pictures of
other kinds (PNG, photographs) get the link alone.
"""

from __future__ import annotations

import posixpath
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from coursekit.themes import variants

PHONE = "(max-width: 40rem)"
"""Screens that get the phone version of a figure."""


class Themed(nodes.General, nodes.Element):
    """A figure in several variants, each a child ``image`` that Sphinx copies into the site."""


def use_variants(app: Sphinx, doctree: nodes.document) -> None:
    """Put the variants in the place of each SVG figure."""
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / _in_source(app, image["uri"])
        if path.suffix != ".svg" or not path.is_file():
            continue
        from genbook.plots import DARK  # torch, for pages with figures alone

        found = variants(path.read_text(encoding="utf-8"), DARK)
        if not found:
            continue
        themed = Themed("", alt=image.get("alt", ""), ids=image["ids"], classes=image["classes"])
        for (theme, width), variant in found.items():
            file = path.with_name(f"{path.stem}-{theme}-{width}.svg")
            if not file.is_file() or file.read_text(encoding="utf-8") != variant.text:
                file.write_text(variant.text, encoding="utf-8")
            uri = posixpath.join(posixpath.dirname(image["uri"]), file.name)
            size = {"width": variant.width, "height": variant.height}
            themed += nodes.image("", uri=uri, theme=theme, screen=width, **size)
        image.replace_self(themed)


def _in_source(app: Sphinx, uri: str) -> str:
    """A picture's address from the folder of the sources; "/…" begins there, others at the page."""
    if uri.startswith("/"):
        return uri[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(app.env.docname), uri))


def _visit_themed(self: Any, node: Themed) -> None:
    """Links and pictures; the script chooses, where it runs, to stay in the page."""
    images = list(node.findall(nodes.image))
    for theme in ("light", "dark"):
        shown = {image["screen"]: image for image in images if image["theme"] == theme}
        wide = shown["wide"]
        address = _address(self, wide)
        narrow = ""
        if "narrow" in shown:
            small = shown["narrow"]
            narrow = (
                f'<source media="{PHONE}" srcset="{_address(self, small)}"'
                f' width="{small["width"]}" height="{small["height"]}">'
            )
        self.body.append(
            f'<a class="gb-picture only-{theme}" href="{address}"><picture>{narrow}'
            f'<img src="{address}" alt="{escape(node["alt"])}" loading="lazy" decoding="async" '
            f'width="{wide["width"]}" height="{wide["height"]}" class="only-{theme}">'
            "</picture></a>"
        )
    raise nodes.SkipNode


def _address(self: Any, image: nodes.Element) -> str:
    name = self.builder.images[image["uri"]]
    return escape(posixpath.join(self.builder.imgpath, name))


def connect(app: Sphinx) -> None:
    """Register with Sphinx; called by ``coursekit.sphinx_ext.setup``."""
    # Before Sphinx collects the pictures of a page.
    app.connect("doctree-read", use_variants, priority=400)
    app.add_node(Themed, html=(_visit_themed, None))
