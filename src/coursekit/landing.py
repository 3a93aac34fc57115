"""The directives of the landing page.

``{film}`` shows digits that a network makes from noise, ``{start-here}`` the two buttons,
``{book-numbers}`` what was counted while the site was built, ``{chapter-map}`` the whole course.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from coursekit import chapter_map, numbers
from coursekit.directives import document_link
from coursekit.page import colab_url

FIRST, LAG = 27, 2.4
"""The first picture: the step of the first column, and how many each is behind the one before.

Digits stand at its left end and noise at the right one, as on each slider of the book.
"""


_NOT_NEEDED = ("clipboard", "copybutton", "togglebutton", "design-tabs", "mystnb")


class Film(SphinxDirective):
    """``{film}``: noise becomes digits; without scripts one moment of it, a strip of all stages."""

    def run(self) -> list[nodes.Node]:
        """Sample with the shipped weights; ``_static/film.js`` moves what is drawn here."""
        from genbook.plots import noise_film as film  # torch, for one page alone

        self.env.note_dependency(__file__)
        self.env.note_dependency(str(film.__file__))

        data = base64.b64encode(film.sprite()).decode()
        last = film.FRAMES - 1
        columns = []
        for column in range(film.COLUMNS):
            frame = max(0, min(last, round(FIRST - LAG * column)))
            columns.append(f'<span style="--column:{column};--frame:{frame}"></span>')
        up = "../" * self.env.docname.count("/")
        return [
            nodes.raw(
                "",
                f'<figure class="gb-film" data-last="{last}" data-first="{FIRST}" data-lag="{LAG}" '
                f'style="--columns:{film.COLUMNS};--rows:{film.ROWS};--frames:{film.FRAMES};'
                f'--sprite:url(data:image/png;base64,{data})">\n'
                '<div role="img" aria-label="Three rows of the handwritten digits 0 to 9, finished '
                'at the left, still noise at the right">'
                f"{''.join(columns)}</div>\n"
                "<figcaption><span>Digits drawn from noise.</span> "
                '<button type="button" class="gb-button">Pause</button></figcaption>'
                f'\n</figure>\n<script type="module" src="{up}_static/film.js"></script>\n',
                format="html",
            )
        ]


class StartHere(SphinxDirective):
    """``{start-here} ddpm``: read this chapter, or open it in Colab."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Two links that look like buttons."""
        docname = f"book/{self.arguments[0]}"
        read = document_link(docname, "Start reading")
        read["classes"] += ["gb-button", "gb-primary"]
        options = self.config.html_theme_options
        url = colab_url(options["repository_url"], options["repository_branch"], f"{docname}.ipynb")
        colab = nodes.reference("", "Open in Colab", refuri=url, classes=["gb-button", "gb-colab"])
        return [nodes.paragraph("", "", read, nodes.Text(" "), colab, classes=["gb-start"])]


class BookNumbers(SphinxDirective):
    """``{book-numbers}``: what no other book can say of itself, counted from the repository."""

    def run(self) -> list[nodes.Node]:
        """A list of numbers, each with what it counts."""
        root = Path(self.env.srcdir)
        for path in numbers.sources(root):
            self.env.note_dependency(str(path))
        found = numbers.count(root)
        listed = nodes.bullet_list(classes=["gb-numbers"])
        for number, words in (
            (found.claims, document_link("book/ledger", "claims verified by code that ran")),
            (found.tests, nodes.Text("tests of that code")),
            (found.questions, nodes.Text("questions, each with its own checker")),
            (found.seconds, document_link("book/times", "seconds to run all of it on two cores")),
        ):
            text = nodes.paragraph("", "", nodes.strong("", f"{number:,}"), nodes.Text(" "), words)
            listed += nodes.list_item("", text)
        return [listed]


class ChapterMap(SphinxDirective):
    """``{chapter-map}``: the whole course from ``book/map.yml``; what exists is a link."""

    def run(self) -> list[nodes.Node]:
        """Lists, one a part, which the style sheet draws as stops on the lines between them."""
        root = Path(self.env.srcdir)
        for path in (root / "book" / "map.yml", chapter_map.__file__):
            self.env.note_dependency(str(path))
        stops = chapter_map.stops(root)
        drawn = nodes.container(classes=["gb-map"])
        drawn += nodes.raw("", chapter_map.drawing(stops), format="html")
        for column, part in enumerate(chapter_map.plan(root)):
            chapters = nodes.bullet_list()
            for stop in stops.values():
                if stop.column == column:
                    chapters += self._stop(stop, stops)
            label = nodes.paragraph("", "", nodes.strong("", part["part"]))
            drawn += nodes.container("", label, chapters, classes=["gb-part"])
        arrows = nodes.inline("", " Arrows lead from what to read first.", classes=["gb-wide"])
        legend = nodes.Text("Links: finished. Grey: planned.")
        drawn += nodes.paragraph("", "", legend, arrows, classes=["gb-legend"])
        return [drawn]

    def _stop(self, stop: chapter_map.Stop, stops: dict[str, chapter_map.Stop]) -> nodes.list_item:
        """A chapter with what to read before it, in words that the lines say to the eye."""
        docname = f"book/{stop.slug}"
        entry: nodes.Node = nodes.Text(stop.short)
        if docname in self.env.found_docs:
            self.env.note_dependency(str(self.env.doc2path(docname)))
            entry = document_link(docname, stop.short)
        words = " (finished)" if stop.written else " (planned)"
        if stop.needs:
            words += ", after " + " and ".join(stops[need].short for need in stop.needs)
        unseen = nodes.inline("", words, classes=["gb-unseen"])
        state = "gb-here" if stop.written else "gb-later"
        return nodes.list_item("", nodes.paragraph("", "", entry, unseen), classes=[state])


def lighten(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Leave out of the landing page what serves formulas, code, tabs and folds: it has none."""
    if pagename == app.config.root_doc:
        for kind in ("script_files", "css_files"):
            context[kind] = [
                file
                for file in context[kind]
                if not any(name in str(getattr(file, "filename", file)) for name in _NOT_NEEDED)
            ]


DIRECTIVES: dict[str, type[SphinxDirective]] = {
    "film": Film,
    "start-here": StartHere,
    "book-numbers": BookNumbers,
    "chapter-map": ChapterMap,
}
