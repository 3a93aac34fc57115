"""Reading the book's MyST text notebooks, with the line number of everything.

A text notebook is Markdown with a YAML header; its code cells are ``{code-cell}`` fences and
``+++`` separates two markdown cells. The parser is MyST's own with the extensions of the site, so
the notebook and the site cannot disagree on where a block begins.

>>> source = read("book/ddim.md")
>>> source.kind, source.slug, source.prerequisites
('chapter', 'ddim', ['ddpm'])
>>> source.cells[1].kind, source.cells[1].line, source.cells[1].metadata
('code', 31, {'tags': ['hide-input']})
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from docutils.parsers.rst import Directive as DocutilsDirective
from docutils.parsers.rst.directives.misc import TestDirective
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser

# The MyST extensions of the book; `_config.yml` enables the same ones for the site.
EXTENSIONS = ("amsmath", "colon_fence", "deflist", "dollarmath", "tasklist")
# What a text notebook may be, and the folder in which it then lies.
ROOMS = {"chapter": "book", "sheet": "solutions", "assignment": "solutions"}
# Directives without argument: text on their opening line is the beginning of the body.
BODY_ONLY = (
    *("note", "tip", "important", "warning", "hint", "caution", "attention", "danger", "error"),
    *("seealso", "prf:proof", "math"),
)


class SourceError(Exception):
    """A mistake in a hand-written file: prints as ``file:line: message``."""

    def __init__(self, file: str | Path, line: int, message: str):
        super().__init__(f"{file}:{line}: {message}")
        self.file = Path(file)
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Cell:
    """One cell as written.

    ``text`` is a markdown cell's unlowered MyST, or a code cell's code exactly as Jupyter Book
    reads it. ``line`` is the 1-based line on which ``text`` begins. ``metadata`` holds a code
    cell's options (``:tags: [answer]`` or a YAML block) or the JSON behind a markdown cell's
    ``+++``. ``role`` ("answer", "check" or "manual") is its part in the question of a sheet whose
    id is ``question``; both are empty until ``coursekit.exercises.prepare`` finds them.
    """

    kind: Literal["markdown", "code"]
    text: str
    line: int
    metadata: dict[str, Any] = field(default_factory=dict)
    role: str = ""
    question: str = ""


@dataclass(frozen=True)
class Source:
    """A text notebook: its path, its header, its cells in order, and the text that they are."""

    path: Path
    header: dict[str, Any]
    cells: list[Cell]
    text: str

    @property
    def slug(self) -> str:
        """The chapter that the file belongs to: its name without folder and suffix."""
        return self.path.stem

    @property
    def kind(self) -> str:
        """``"chapter"``, ``"sheet"`` or ``"assignment"``, a sheet of no single chapter; ``"page"``
        for a file that is no notebook.
        """
        return self.header.get("genbook", {}).get("kind", "page")

    @property
    def prerequisites(self) -> list[str]:
        """The slugs of the chapters to read first."""
        return self.header.get("genbook", {}).get("prerequisites", [])


@dataclass(frozen=True)
class Directive:
    """A fence such as ```` ```{figure} dog.png ````: name, rest of its line, options, body.

    ``line`` is the line of the opening fence and ``body_line`` that of the body's first line.
    """

    name: str
    argument: str
    options: dict[str, str]
    body: str
    line: int
    body_line: int


def read(path: str | Path) -> Source:
    """Read a chapter or an exercise sheet.

    Raises ``SourceError`` (with file and line) if the file cannot be read, has no header or an
    invalid one, names no kernel or no known ``kind``, or holds an unclosed fence or a bad cell.
    """
    source = read_page(path)
    path = Path(path)
    if not source.header:
        raise SourceError(path, 1, "a notebook begins with a YAML header between two lines '---'")
    if source.header.get("file_format") != "mystnb":
        raise SourceError(path, 1, "the header lacks 'file_format: mystnb'")
    kernel = source.header.get("kernelspec")
    if not isinstance(kernel, dict) or not kernel.get("name"):
        raise SourceError(path, 1, "the header names no kernel: it lacks 'kernelspec: {name: …}'")
    book = source.header.get("genbook")
    if not isinstance(book, dict) or book.get("kind") not in ROOMS:
        known = " or ".join(ROOMS)
        raise SourceError(path, 1, f"the header lacks 'genbook: {{kind: …}}', which is {known}")
    before = book.get("prerequisites", [])
    if not isinstance(before, list) or not all(isinstance(slug, str) for slug in before):
        raise SourceError(path, 1, f"'prerequisites' must be a list of slugs, not {before!r}")
    return source


def read_page(path: str | Path) -> Source:
    """Read any page of the book: as ``read``, but the page may have any header or none."""
    path = Path(path)
    text = _text(path)
    header, below = front_matter(text, path)
    tokens = blocks(text, path)
    lines = text.splitlines()
    start = below
    cells: list[Cell] = []
    metadata: dict[str, Any] = {}

    def flush(end: int) -> None:
        first = start
        while first < end and not lines[first].strip():
            first += 1
        markdown = "\n".join(lines[first:end]).rstrip()
        if markdown:
            cells.append(Cell("markdown", markdown, first + 1, metadata))

    for token in tokens:
        if token.level or token.nesting or token.map is None:
            continue
        if token.type == "fence" and re.match(r"\{code-cell\}", token.info):
            flush(token.map[0])
            start, metadata = token.map[1], {}
            cells.append(_code_cell(token, path))
        elif token.type == "myst_block_break":
            flush(token.map[0])
            start = token.map[1]
            metadata = mapping(token.content, path, token.map[0] + 1)
    flush(len(lines))
    return Source(path, header, cells, "\n".join(lines[below:]))


def is_notebook(path: Path) -> bool:
    """Whether a page has a notebook's header, complete or not; ``read`` says what it lacks.

    Plain pages (the front page, the notation table) have none. Raises ``SourceError`` for a header
    that cannot be read.
    """
    header, _ = front_matter(_text(path), path)
    return not header.keys().isdisjoint(("file_format", "kernelspec", "genbook"))


def front_matter(text: str, path: Path) -> tuple[dict[str, Any], int]:
    """The YAML header of a page and the number of lines that it takes; ``({}, 0)`` for none.

    Raises ``SourceError`` if the header has no end or is no mapping.
    """
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---":
        return {}, 0
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if end is None:
        raise SourceError(path, 1, "the YAML header has no end: a second line '---'")
    return mapping("\n".join(lines[1:end]), path, 2), end + 1


def mapping(text: str, path: Path, line: int = 1) -> dict[str, Any]:
    """YAML of ``key: value`` lines, whose first line is ``line`` of the file ``path``.

    Raises ``SourceError`` if it is anything else; nothing at all is an empty mapping.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path, line) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SourceError(path, line, f"expected 'key: value' lines, not {_shortened(text)!r}")
    return value


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML file as ``mapping``; raises ``SourceError`` as well if it cannot be read."""
    return mapping(_text(path), path)


def blocks(text: str, path: Path, line: int = 1) -> list[Token]:
    """The block tokens of ``text``, whose first line is ``line`` of the file ``path``.

    Raises ``SourceError`` for a fence without end: Markdown closes it at the end of the text, which
    swallows whatever follows.
    """
    tokens = _parser().parse(text + "\n")
    lines = text.split("\n")
    for token in tokens:
        if token.type in ("fence", "colon_fence"):
            _refuse_unclosed(token, lines, path, line)
    return tokens


def directive(token: Token, path: Path, line: int = 1) -> Directive | None:
    """The directive that a fence token holds; ``None`` for a fence with plain code.

    ``line`` is the number of the first line of the text that was given to ``blocks``.
    """
    match = re.match(r"\{([^}]+)\}\s*(.*)", token.info.strip())
    if match is None:
        return None
    opening = line + _span(token)[0]
    parsed = parse_directive_text(TestDirective, match[2], token.content)
    for warning in parsed.warnings:
        raise SourceError(path, opening, f"{{{match[1]}}}: {warning.msg}")
    options = {name: value or "" for name, value in parsed.options.items()}
    argument = parsed.arguments[0] if parsed.arguments else ""
    body, body_line = "\n".join(parsed.body), opening + 1 + parsed.body_offset
    if argument and match[1] in BODY_ONLY:
        if options:
            raise SourceError(path, opening, f"{{{match[1]}}}: text stands before the options")
        argument, body, body_line = "", f"{argument}\n{body}".rstrip(), opening
    return Directive(match[1], argument, options, body, opening, body_line)


class _CellDirective(DocutilsDirective):
    """What MyST-NB lets a code cell be: one argument, any options, a body."""

    option_spec = {"options": str}  # noqa: RUF012  (docutils' own signature)
    optional_arguments = 1
    has_content = True


def _code_cell(token: Token, path: Path) -> Cell:
    opening = _span(token)[0] + 1
    try:
        parsed = parse_directive_text(_CellDirective, "", token.content, validate_options=False)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path, opening + 1) from None
    for warning in parsed.warnings:
        raise SourceError(path, opening, f"{{code-cell}}: {warning.msg}")
    code = "\n".join(parsed.body)
    return Cell("code", code, opening + 1 + parsed.body_offset, parsed.options)


def _refuse_unclosed(token: Token, lines: list[str], path: Path, line: int) -> None:
    first, end = _span(token)
    mark = re.escape(token.markup[0])
    shortest = len(token.markup)
    if end - first < 2 or not re.fullmatch(rf"[\s>]*{mark}{{{shortest},}}\s*", lines[end - 1]):
        raise SourceError(path, line + first, f"the fence {token.markup}{token.info} is not closed")
    for number, text in enumerate(lines[first + 1 : end - 1], line + first + 1):
        if re.match(rf"[\s>]*{mark}{{{shortest},}}\{{", text):
            message = f"the fence {token.markup}{token.info} is not closed before line {number}"
            raise SourceError(path, line + first, message)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(path, 1, f"cannot be read: {error}") from None


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _yaml_error(error: yaml.YAMLError, path: Path, line: int) -> SourceError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return SourceError(path, line + (mark.line if mark else 0), f"invalid YAML: {problem}")


def _span(token: Token) -> tuple[int, int]:
    assert token.map is not None  # every block token has its lines
    return token.map[0], token.map[1]


@cache
def _parser() -> MarkdownIt:
    return create_md_parser(MdParserConfig(enable_extensions=set(EXTENSIONS)), RendererHTML)
