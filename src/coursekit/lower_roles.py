"""Lowering inside a paragraph: roles, links and pictures; everything else stays as it is written.

Markdown's inline parser keeps no positions, so a small scanner walks the text and copies code
spans, math and HTML unread. ``lower_blocks`` compares what it found with the parser's own tokens.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

from coursekit.references import FORMATS, THEOREMS, Book, Label
from coursekit.source import SourceError

_ROLE = re.compile(r"\{([a-zA-Z0-9_\-+:]+)\}(`+)")
_TICKS = re.compile(r"`+")
_HTML = re.compile(r"<(?:[a-zA-Z][a-zA-Z0-9+.-]*:[^<>\s]*|/?[a-zA-Z][^<>]*)>")
_DESTINATION = re.compile(r"\]\(\s*([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)((?:\s+\"[^\"]*\")?\s*)\)")
_EXPLICIT = re.compile(r"(.+?)\s*<([^<>]*)>", re.DOTALL)


@dataclass
class Page:
    """The page that is being lowered, and the works it has cited so far."""

    book: Book
    path: Path
    docname: str
    cited: set[str] = field(default_factory=set)

    def fail(self, line: int, message: str) -> SourceError:
        """The error for a line of this page; the caller raises it."""
        return SourceError(self.path, line, message)

    def file(self, reference: str, line: int) -> Path:
        """The file that a path means: relative to the page, or to the root after a slash."""
        base = self.book.root if reference.startswith("/") else self.path.resolve().parent
        path = Path(os.path.normpath(base / reference.lstrip("/")))
        if not path.is_file() or not path.is_relative_to(self.book.root):
            raise self.fail(line, f"there is no file '{reference}' in the repository")
        return path


@dataclass
class Found:
    """How many roles and inline formulas the scanner met."""

    roles: int = 0
    formulas: int = 0


def lower(text: str, line: int, page: Page, found: Found | None = None) -> str:
    """Lower the inline markup of ``text``, whose first line is ``line`` of the page's file.

    Raises ``SourceError`` for an unknown role, a dangling reference, a link to a missing file, and
    a ``$`` without partner (a literal one is written with a backslash).
    """
    found = found if found is not None else Found()
    out: list[str] = []
    brackets: list[tuple[int, bool]] = []  # position in `out` of each open "[", and whether "!["
    position = 0
    while position < len(text):
        rest, here = text[position:], line + text.count("\n", 0, position)
        piece = text[position]
        if role := _ROLE.match(rest):
            # Like MyST: the content has at least one character, then the same ticks.
            end = text.find(role[2], position + role.end() + 1)
            if end < 0:
                raise page.fail(here, f"the role {{{role[1]}}} is not closed")
            content = " ".join(text[position + role.end() : end].split())
            out.append(lower_role(role[1], content, here, page))
            found.roles += 1
            position = end + len(role[2])
            continue
        if piece == "\\":
            piece = text[position : position + 2]
        elif ticks := _TICKS.match(rest):
            closing = re.search(rf"(?<!`){ticks[0]}(?!`)", rest[ticks.end() :])
            piece = rest[: ticks.end() + closing.end()] if closing else ticks[0]
        elif piece == "$":
            piece = _formula(rest, here, page)
            found.formulas += 1
        elif html := _HTML.match(rest):
            piece = html[0]
        elif piece == "[":
            brackets.append((len(out), out[-1:] == ["!"]))
        elif piece == "]" and brackets:
            opened, picture = brackets.pop()
            if destination := _DESTINATION.match(rest):
                url, title = _link(destination[1], here, page, picture)
                filler = lower(title, here, page) if opened == len(out) - 1 else ""
                piece = f"{filler}]({url}{destination[2]})"
                position += destination.end() - len(piece)
        out.append(piece)
        position += len(piece)
    return "".join(out)


def lower_role(name: str, content: str, line: int, page: Page) -> str:
    """One role in Markdown; raises ``SourceError`` naming a role that the book does not know."""
    role = ROLES.get(name)
    if role is None:
        raise page.fail(line, f"unknown role {{{name}}}; the book knows {', '.join(ROLES)}")
    return role(content, line, page)


def _equation(content: str, line: int, page: Page) -> str:
    label = page.book.label(content, page.path, line)
    if label.kind != "equation":
        raise page.fail(line, f"{{eq}} needs an equation; '{content}' is a {label.kind}")
    return _linked(f"({label.number})", label, page)


def _formula(rest: str, line: int, page: Page) -> str:
    if rest.startswith("$$"):
        raise page.fail(
            line, "'$$' inside a paragraph: displayed math begins and ends on own lines"
        )
    closing = re.match(r"\$(?:[^$\\]|\\.)+\$", rest, re.DOTALL)
    if closing is None:
        raise page.fail(line, "'$' without a partner; write '\\$' for the sign itself")
    return closing[0]


def _linked(text: str, label: Label, page: Page) -> str:
    """``text`` as a link to the site, unless the label is a numbered thing of the same notebook."""
    if label.docname == page.docname and label.number:
        return text
    return f"[{text}]({page.book.url(label.docname, label.anchor)})"


def _explicit(content: str) -> tuple[str, str]:
    """Title and target of "title <target>"; the title is empty where only a target is given."""
    match = _EXPLICIT.fullmatch(content)
    return (match[1], match[2]) if match else ("", content)


def _reference(content: str, line: int, page: Page) -> str:
    title, name = _explicit(content)
    label = page.book.label(name, page.path, line)
    if label.kind == "equation" or label.kind in THEOREMS:
        role = "eq" if label.kind == "equation" else "prf:ref"
        raise page.fail(line, f"'{name}' is a {label.kind}: refer to it with {{{role}}}")
    title = title or label.title
    if not title:
        raise page.fail(line, f"'{name}' has no title: write {{ref}}`title <{name}>`")
    url = page.book.url(label.docname, label.anchor)
    return f"[{lower(title, line, page)}]({url})"


def _numbered_reference(content: str, line: int, page: Page) -> str:
    title, name = _explicit(content)
    label = page.book.label(name, page.path, line)
    if label.kind not in FORMATS or not label.number:
        raise page.fail(line, f"{{numref}} needs a figure or table with a caption, not '{name}'")
    text = title or page.book.formats[label.kind]
    text = text.replace("{number}", label.number).replace("{name}", label.title)
    return _linked(lower(text.replace("%s", label.number), line, page), label, page)


def _theorem_reference(content: str, line: int, page: Page) -> str:
    title, name = _explicit(content)
    label = page.book.label(name, page.path, line)
    if label.kind not in THEOREMS:
        raise page.fail(line, f"{{prf:ref}} needs a theorem or its like; '{name}' is none")
    return _linked(title or f"{label.kind.title()} {label.number}".strip(), label, page)


def _document(content: str, line: int, page: Page) -> str:
    title, target = _explicit(content)
    base = "" if target.startswith("/") else os.path.dirname(page.docname)
    docname = os.path.normpath(os.path.join(base, target.lstrip("/")))
    if docname not in page.book.titles:
        raise page.fail(line, f"unknown page '{target}': _toc.yml has no {docname}")
    title = title or page.book.titles[docname]
    return f"[{lower(title, line, page)}]({page.book.url(docname)})"


def _citation(form: str) -> Callable[[str, int, Page], str]:
    """The role {cite:t}, "Ho et al. (2020)", or {cite:p}, "(Ho et al., 2020)"."""

    def role(content: str, line: int, page: Page) -> str:
        cited = []
        for key in re.split(r"\s*,\s*", content):
            work = page.book.work(key, page.path, line)
            page.cited.add(key)
            text = f"{work.names} ({work.year})" if form == "t" else f"{work.names}, {work.year}"
            cited.append(f"[{text}]({work.url})" if work.url else text)
        return ", ".join(cited) if form == "t" else f"({'; '.join(cited)})"

    return role


def _term(content: str, line: int, page: Page) -> str:
    title, name = _explicit(content)
    label = page.book.term(name, page.path, line)
    return f"[{title or name}]({page.book.url(label.docname, label.anchor)})"


def _python(call: str) -> Callable[[str, int, Page], str]:
    def role(content: str, line: int, page: Page) -> str:
        title, target = _explicit(content)
        name = target.rsplit(".", 1)[-1] if target.startswith("~") else target
        return f"`{title or name + call}`"

    return role


def _math(content: str, line: int, page: Page) -> str:
    return f"${content}$"


def _link(target: str, line: int, page: Page, picture: bool) -> tuple[str, str]:
    """The address that a Markdown link leads to in the notebook, and the title of its target."""
    if urlparse(target).scheme or target.startswith("//"):
        return target, ""
    if target.startswith("#"):
        label = page.book.label(target[1:], page.path, line)
        return page.book.url(label.docname, label.anchor), label.title
    name, _, anchor = target.partition("#")
    path = page.file(name, line)
    if picture:
        return page.book.raw(path), ""
    docname = page.book.docname(path)
    if path.suffix == ".md" and docname in page.book.titles:
        return page.book.url(docname, anchor), page.book.titles[docname]
    return page.book.source_url(path), path.name


ROLES: dict[str, Callable[[str, int, Page], str]] = {
    "eq": _equation,
    "ref": _reference,
    "numref": _numbered_reference,
    "doc": _document,
    "cite": _citation("p"),
    "cite:t": _citation("t"),
    "cite:p": _citation("p"),
    "term": _term,
    "prf:ref": _theorem_reference,
    "math": _math,
    "py:func": _python("()"),
    "py:meth": _python("()"),
    "py:class": _python(""),
    "py:mod": _python(""),
}
