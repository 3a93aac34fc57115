"""Lowering: from a MyST text notebook to the cells of a plain notebook that Colab shows well.

Markdown cells lose what only Jupyter Book understands: numbers, references and citations become
text and links, admonitions become quotes (see ``lower_blocks``, ``lower_roles``,
``lower_directives``). Code cells stay as they are, folded where they verify a claim. Below the
picture of an explorable stands a cell that takes it in hand (``hand_cell``). A line below the title
says where the page is and how long it takes, the last cells hold the way to the exercises and the
works cited.

A code cell's metadata are its ``tags`` and, where the source says ``:question: ddim.step``,
``genbook: {question: ddim.step}``; a markdown cell after ``+++ {"question": "ddim.why"}`` or with
an answer that a human marks likewise.
Cell ids are ``<slug>-07`` by position; an answer cell's is its question's (``ddim-step``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from coursekit import folding, hand_cell, lower_blocks, lower_directives, lower_roles, reading
from coursekit.calls import verify_calls
from coursekit.lower_roles import Page
from coursekit.page import colab_url
from coursekit.references import Book
from coursekit.source import Cell, Source

TAGS = {"hide-input", "hide-output", "check-output", "answer", "raises-exception"}
_OPTIONS = {"tags", "question", "mystnb"}


@dataclass(frozen=True)
class Lowered:
    """A cell of the notebook with the cell that was written; ``None`` where nobody wrote it."""

    cell: NotebookNode
    written: Cell | None = None


def lower(source: Source, book: Book) -> list[Lowered]:
    """The cells of a plain notebook (nbformat 4.5) that Colab shows as the site shows the page.

    Raises ``SourceError`` with file, line and name for unknown markup, options or tags, for
    dangling references, and for a page that ``_toc.yml`` does not list.
    """
    page = Page(book, source.path, book.docname(source.path))
    if page.docname not in book.pages:
        raise page.fail(1, f"_toc.yml does not list {page.docname}")
    cells: list[Lowered] = []
    asked: set[str] = set()
    for number, cell in enumerate(source.cells):
        question = _question(cell)
        if question in asked:
            raise page.fail(cell.line, f"the question '{question}' has two cells")
        if question is not None:
            asked.add(question)
        if cell.kind == "code":
            cells += _code(cell, page)
            continue
        for part, hand in _parts(cell, page):
            text = lower_blocks.lower(part.text, part.line, page)
            if number == 0 and part.line == cell.line:
                text = _with_card(text, source, page)
            if text:
                cells.append(Lowered(new_markdown_cell(text, metadata=_metadata(part, page)), part))
            if hand:
                above = part.text[: part.text.rindex("{explorable}")].count("\n")
                figure = replace(part, line=part.line + above)
                cells.append(Lowered(hand_cell.hand_cell(hand), figure))
    if not source.cells or source.cells[0].kind == "code":
        raise page.fail(source.cells[0].line if source.cells else 1, "the title '# …' is missing")
    if source.kind == "chapter" and f"solutions/{source.slug}" in book.pages:
        cells.append(Lowered(new_markdown_cell(_closing(source, book))))
    if page.cited:
        cited = [book.works[key] for key in page.cited]  # by title where author and year agree
        works = sorted(cited, key=lambda work: (work.authors, work.year, work.reference))
        listed = "\n".join(f"- {work.reference}" for work in works)
        cells.append(Lowered(new_markdown_cell(f"## References\n\n{listed}")))
    return _identified(cells, source)


def _parts(cell: Cell, page: Page) -> list[tuple[Cell, str]]:
    """A markdown cell, cut below each explorable, and of which one each part has its end."""
    lines, start, parts = cell.text.split("\n"), 0, []
    for name, end in hand_cell.explorables_of(cell, page.path):
        text = "\n".join(lines[start:end])
        parts.append((replace(cell, text=text, line=cell.line + start), name))
        start = end
    rest = "\n".join(lines[start:])
    metadata = {} if parts else cell.metadata
    return [*parts, (replace(cell, text=rest, line=cell.line + start, metadata=metadata), "")]


def _code(cell: Cell, page: Page) -> list[Lowered]:
    """The code cell and, if its picture is a numbered figure, the caption below it."""
    unknown = sorted(set(cell.metadata) - _OPTIONS)
    if unknown:
        raise page.fail(cell.line, f"unknown option '{unknown[0]}' of a code cell")
    tags = cell.metadata.get("tags", [])
    if not isinstance(tags, list) or set(tags) - TAGS:
        raise page.fail(cell.line, f"tags {tags!r}: known are {', '.join(sorted(TAGS))}")
    cells = [Lowered(new_code_cell(cell.text, metadata=_metadata(cell, page)), cell)]
    figure = (cell.metadata.get("mystnb") or {}).get("figure") or {}
    if checked := _checked(cell, page):
        if figure:
            raise page.fail(
                cell.line,
                f"the cell that verifies {checked} draws a figure, which would fold away with it: "
                "draw in a cell of its own",
            )
        folding.fold(cells[0].cell, f"Check of {checked}")
    number = page.book.placed("figure", page.path, cell.line)
    if number:
        text = lower_blocks.lower(str(figure["caption"]), cell.line, page)
        caption = lower_directives.caption("figure", number, text, page)
        cells.append(Lowered(new_markdown_cell(caption)))
    return cells


def _checked(cell: Cell, page: Page) -> str:
    """What a proof cell verifies, for its title: "(4.3), (4.4)"; of another cell, nothing."""
    found = dict.fromkeys(label for label, _, _ in verify_calls(cell.text))
    labels = [page.book.labels[name] for name in found if name in page.book.labels]
    return ", ".join(
        f"({label.number})" if label.kind == "equation" else f"{label.kind.title()} {label.number}"
        for label in labels
        if label.docname == page.docname
    )


def _question(cell: Cell) -> str | None:
    """The question that a cell answers; its check only tests it."""
    if cell.role == "manual":
        return cell.question
    return cell.metadata.get("question") if cell.role != "check" else None


def _metadata(cell: Cell, page: Page) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if cell.metadata.get("tags"):
        metadata["tags"] = list(cell.metadata["tags"])
    question = _question(cell)
    if question is not None:
        if not re.fullmatch(r"\w+\.\w+", str(question)):
            raise page.fail(cell.line, f"a question is named '<slug>.<name>', not {question!r}")
        metadata["genbook"] = {"question": question}
    return metadata


def _with_card(text: str, source: Source, page: Page) -> str:
    """``text`` with one line below its title: the site's page, time to read, what to read first."""
    title, _, rest = text.partition("\n")
    if not re.match(r"# \S", title):
        raise page.fail(source.cells[0].line, "a notebook begins with its title, '# …'")
    facts = [f"[Read on the site]({page.book.url(page.docname)})"]
    facts.append(f"{reading.minutes(source.path)} min to read")
    before = [source.slug] if source.kind == "sheet" else source.prerequisites
    links = []
    for slug in before:
        docname = f"book/{slug}"
        if docname not in page.book.titles:
            raise page.fail(1, f"the prerequisite '{slug}' is no page of _toc.yml")
        name = lower_roles.lower(page.book.titles[docname], 1, page)
        links.append(f"[{name}]({page.book.url(docname)})")
    if links:
        facts.append(("Chapter: " if source.kind == "sheet" else "Read first: ") + ", ".join(links))
    card = " · ".join(facts)
    return "\n\n".join(filter(None, (title, card, rest.strip("\n"))))


def _closing(source: Source, book: Book) -> str:
    notebook = colab_url(book.repository, book.branch, f"exercises/{source.slug}.ipynb")
    return f"**Exercises.** [Open this chapter's exercises in Colab]({notebook})."


def _identified(cells: list[Lowered], source: Source) -> list[Lowered]:
    """Give each cell its id, at most 64 characters, the same for the same source."""
    for number, lowered in enumerate(cells, 1):
        question = lowered.cell.metadata.get("genbook", {}).get("question", "")
        lowered.cell["id"] = question.replace(".", "-")[:64] or f"{source.slug[:60]}-{number:02}"
    return cells
