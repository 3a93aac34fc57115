"""The book's index: what every label, term and citation of every page stands for.

Numbers are those that Sphinx gives with ``numfig``, ``math_numfig`` and ``numfig_secnum_depth: 1``:
"chapter.n", counted in order of appearance through the pages of ``_toc.yml`` for each kind by
itself. A labelled equation, a figure or table with a caption, and a theorem-like block are counted;
pages outside the numbered parts share one counter without a chapter.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from docutils.nodes import make_id
from markdown_it.token import Token

from coursekit import bibliography, toc
from coursekit.project import Project
from coursekit.source import Cell, Directive, SourceError, blocks, directive, read_page

# Blocks of sphinx-proof that have a number; `prf:proof` has none.
THEOREMS = (
    *("theorem", "lemma", "proposition", "definition", "corollary"),
    *("remark", "example", "algorithm", "observation"),
)
# Directives whose body is no MyST, so that nothing in it can be a label.
LITERAL = ("code-block", "code", "code-cell", "literalinclude", "math", "eval-rst", "raw", "image")
# Sphinx's own texts, unless `_config.yml` has `numfig_format`.
FORMATS = {"figure": "Fig. %s", "table": "Table %s"}


@dataclass(frozen=True)
class Label:
    """What a label stands for.

    ``kind`` is "equation", "figure", "table", "section", "target" or one of ``THEOREMS``;
    ``number`` is such as "2.3", or empty; ``title`` is the MyST of the caption, heading or
    theorem's title; ``anchor`` is the fragment of its URL on the page ``docname`` ("book/ddim").
    """

    name: str
    kind: str
    docname: str
    anchor: str
    number: str
    title: str
    file: Path
    line: int


@dataclass
class Book:
    """The index; ``site`` and ``repository`` are URLs without a slash at the end."""

    root: Path
    site: str
    repository: str
    branch: str
    formats: dict[str, str] = field(default_factory=lambda: dict(FORMATS))
    titles: dict[str, str] = field(default_factory=dict)  # docname -> MyST of its title
    pages: dict[str, tuple[int, ...]] = field(default_factory=dict)  # docname -> (2,) or ()
    labels: dict[str, Label] = field(default_factory=dict)
    terms: dict[str, Label] = field(default_factory=dict)
    works: dict[str, bibliography.Work] = field(default_factory=dict)
    at: dict[tuple[Path, int, str], Label] = field(default_factory=dict)

    def url(self, docname: str, anchor: str = "") -> str:
        """The address of a page of the site, or of a place on it."""
        return f"{self.site}/{docname}.html" + (f"#{anchor}" if anchor else "")

    def raw(self, path: Path) -> str:
        """The address of a file's bytes in the repository, for pictures."""
        place = self.repository.removeprefix("https://github.com/")
        relative = path.resolve().relative_to(self.root).as_posix()
        return f"https://raw.githubusercontent.com/{place}/{self.branch}/{relative}"

    def source_url(self, path: Path) -> str:
        """Where the repository shows a file to a reader."""
        relative = path.resolve().relative_to(self.root).as_posix()
        return f"{self.repository}/blob/{self.branch}/{relative}"

    def docname(self, path: Path) -> str:
        """A page's name in ``_toc.yml``: its path below the root, without suffix."""
        return path.resolve().relative_to(self.root).with_suffix("").as_posix()

    def label(self, name: str, file: Path, line: int) -> Label:
        """The label that ``file:line`` refers to; raises ``SourceError`` if there is none."""
        found = self.labels.get(name) or self.labels.get(name.lower())
        return found or _missing("label", name, self.labels, file, line)

    def term(self, name: str, file: Path, line: int) -> Label:
        """The glossary's entry of ``name``; raises ``SourceError`` if there is none."""
        return self.terms.get(name.lower()) or _missing("term", name, self.terms, file, line)

    def work(self, key: str, file: Path, line: int) -> bibliography.Work:
        """The cited work; raises ``SourceError`` if the bibliography lacks ``key``."""
        return self.works.get(key) or _missing("bibliography key", key, self.works, file, line)

    def placed(self, kind: str, file: Path, line: int) -> str:
        """The number of the block of this kind that begins at ``file:line``, or an empty string."""
        label = self.at.get((file.resolve(), line, kind))
        return label.number if label else ""


def load(root: str | Path) -> Book:
    """Index the book whose ``_config.yml`` and ``_toc.yml`` lie in ``root``.

    Raises ``SourceError`` for invalid YAML, a page that does not exist, a label or term that is
    defined twice, or a faulty bibliography, and ``CourseError`` for a book without a repository.
    """
    root = Path(root).resolve()
    project = Project(root)
    config, repository = project.config(), project.repository_url()
    owner, _, name = urlparse(repository).path.strip("/").partition("/")
    site = config.get("html", {}).get("baseurl") or f"https://{owner}.github.io/{name}"
    branch = config["repository"].get("branch", "main")
    book = Book(root, site.rstrip("/"), repository, branch)
    book.formats |= config.get("sphinx", {}).get("config", {}).get("numfig_format", {})
    for file in config.get("bibtex_bibfiles", []):
        book.works |= bibliography.load(root / file)
    book.pages = toc.pages(root / "_toc.yml")
    counters: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for docname in book.pages:
        path = root / f"{docname}.md"
        if not path.is_file():
            line = toc.line_of(root / "_toc.yml", docname)
            raise SourceError(root / "_toc.yml", line, f"there is no page {docname}.md")
        _Indexer(book, docname, path, counters).run()
    return book


class _Indexer:
    """Walks one page in order of appearance and enters what it finds into the book."""

    def __init__(self, book: Book, docname: str, path: Path, counters: Counter) -> None:
        self.book, self.docname, self.path, self.counters = book, docname, path, counters
        self.targets: list[tuple[str, int]] = []

    def run(self) -> None:
        for cell in read_page(self.path).cells:
            if cell.kind == "markdown":
                self.walk(cell.text, cell.line)
                self.flush_targets("target", "", "")
            else:
                self.figure_of_cell(cell)

    def walk(self, text: str, line: int) -> None:
        tokens = blocks(text, self.path, line)
        for position, token in enumerate(tokens):
            if token.map is None or token.nesting < 0:
                continue
            here = line + token.map[0]
            if token.type == "myst_target":
                self.targets.append((token.content, here))
            elif token.type == "heading_open":
                self.heading(tokens[position + 1], here, top=token.tag == "h1")
            elif token.type == "math_block_label":
                self.enter(token.info, "equation", here)
            elif token.type in ("fence", "colon_fence"):
                block = directive(token, self.path, line)
                if block is not None:
                    self.directive(block)
            elif token.type not in ("inline", "myst_line_comment"):
                self.flush_targets("target", "", "")

    def heading(self, inline: Token, line: int, top: bool) -> None:
        if top:
            self.book.titles.setdefault(self.docname, inline.content)
        self.flush_targets("section", "", inline.content)

    def directive(self, block: Directive) -> None:
        kind = block.name.removeprefix("prf:")
        if block.name == "math":
            if "label" in block.options:
                self.enter(block.options["label"], "equation", block.line)
        elif block.name in ("figure", "explorable"):
            caption = block.body.strip().partition("\n\n")[0]
            self.numbered("figure", block.options.get("name", ""), caption, block.line)
        elif block.name in ("table", "list-table"):
            self.numbered("table", block.options.get("name", ""), block.argument, block.line)
        elif block.name.startswith("prf:") and kind in THEOREMS:
            number = "" if "nonumber" in block.options else self.next_number(kind)
            name = block.options.get("label", "")
            self.place(name, kind, number, block.argument, block.line, anchor=name)
        elif block.name == "glossary":
            self.glossary(block)
        self.flush_targets("target", "", "")
        if block.name not in (*LITERAL, "glossary"):
            self.walk(block.body, block.body_line)

    def figure_of_cell(self, cell: Cell) -> None:
        figure = (cell.metadata.get("mystnb") or {}).get("figure") or {}
        if not isinstance(figure, dict):
            raise SourceError(self.path, cell.line, "'mystnb: figure' must have name and caption")
        name, caption = str(figure.get("name", "")), str(figure.get("caption", ""))
        self.numbered("figure", name, caption, cell.line)

    def glossary(self, block: Directive) -> None:
        for number, text in enumerate(block.body.splitlines(), block.body_line):
            if text.strip() and not text[0].isspace():
                term = text.split(" : ")[0].strip()
                # Sphinx keeps the capitals of a term in its anchor.
                anchor = re.sub(r"^[0-9._-]+|-+$", "", re.sub(r"[^a-zA-Z0-9._]+", "-", term))
                label = self.made(term, "term", "", term, number, f"term-{anchor}")
                self.add(self.book.terms, term.lower(), label)

    def numbered(self, kind: str, name: str, caption: str, line: int) -> None:
        """A figure or table: Sphinx numbers those that have a caption."""
        number = self.next_number(kind) if caption else ""
        self.place(name.lower(), kind, number, caption, line, anchor=make_id(name))
        self.flush_targets(kind, number, caption)

    def enter(self, name: str, kind: str, line: int) -> None:
        number = self.next_number(kind)
        self.place(name, kind, number, "", line, anchor=make_id(f"equation-{name}"))
        self.flush_targets("target", "", "")

    def place(self, name: str, kind: str, number: str, title: str, line: int, anchor: str) -> None:
        label = self.made(name, kind, number, title, line, anchor)
        self.book.at[self.path.resolve(), line, kind] = label
        if name:
            self.add(self.book.labels, name, label)

    def flush_targets(self, kind: str, number: str, title: str) -> None:
        """The ``(name)=`` lines in front of a block are further names of that block."""
        for name, line in self.targets:
            label = self.made(name, kind, number, title, line, make_id(name))
            self.add(self.book.labels, name.lower(), label)
        self.targets = []

    def made(self, name: str, kind: str, number: str, title: str, line: int, anchor: str) -> Label:
        return Label(name, kind, self.docname, anchor, number, title, self.path, line)

    def next_number(self, kind: str) -> str:
        chapter = self.book.pages[self.docname]
        self.counters[kind, chapter] += 1
        return ".".join(map(str, (*chapter, self.counters[kind, chapter])))

    def add(self, index: dict[str, Label], name: str, label: Label) -> None:
        if name in index:
            first = index[name]
            message = f"'{label.name}' is already defined in {first.file}:{first.line}"
            raise SourceError(self.path, label.line, message)
        index[name] = label


def _missing(what: str, name: str, known: dict[str, Any], file: Path, line: int) -> Any:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise SourceError(file, line, f"unknown {what} '{name}'{hint}")
