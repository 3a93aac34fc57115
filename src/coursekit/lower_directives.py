"""Lowering of directives: one short function for each, and the options it understands."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from coursekit import explorables, lower_roles
from coursekit.lower_roles import Page
from coursekit.references import THEOREMS
from coursekit.source import Directive, SourceError, blocks

Blocks = Callable[[str, int, Page, bool], str]
Formula = Callable[[str, str, int, Page, bool], str]

ADMONITIONS = {
    **{name: name.capitalize() for name in ("note", "tip", "important", "warning", "hint")},
    **{name: name.capitalize() for name in ("caution", "attention", "danger", "error")},
    "seealso": "See also",
}
# Options without meaning in a notebook: how the site lays a block out.
_LAYOUT = {"class", "align", "width", "widths", "figclass", "figwidth"}
_CODE = {"language", "linenos", "lineno-start", "lineno-match", "emphasize-lines", "class"}


@dataclass(frozen=True)
class _Task:
    """A directive to lower, with everything that lowering it may need."""

    block: Directive
    page: Page
    quoted: bool
    blocks: Blocks
    formula: Formula

    def body(self, quoted: bool = False) -> str:
        return self.blocks(self.block.body, self.block.body_line, self.page, quoted or self.quoted)

    def inline(self, text: str) -> str:
        return lower_roles.lower(text, self.block.line, self.page)

    def fail(self, message: str) -> SourceError:
        return self.page.fail(self.block.line, f"{{{self.block.name}}}: {message}")


def lower(block: Directive, page: Page, quoted: bool, nested: Blocks, formula: Formula) -> str:
    """One directive in plain Markdown.

    ``nested`` lowers its body and ``formula`` its formula (both of ``lower_blocks``). Raises
    ``SourceError`` naming a directive or an option that the book does not know.
    """
    if block.name not in _DIRECTIVES:
        raise page.fail(
            block.line,
            f"unknown directive {{{block.name}}}; notebooks know {', '.join(sorted(_DIRECTIVES))}",
        )
    function, options = _DIRECTIVES[block.name]
    task = _Task(block, page, quoted, nested, formula)
    unknown = sorted(set(block.options) - options)
    if unknown:
        raise task.fail(f"unknown option ':{unknown[0]}:'; known are {', '.join(sorted(options))}")
    return function(task)


def quote(text: str) -> str:
    """``text`` as a block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def fenced(code: str, language: str) -> str:
    """A fenced code block whose fence is longer than any in the code."""
    longest = max((len(ticks) for ticks in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def _admonition(task: _Task) -> str:
    title = ADMONITIONS.get(task.block.name) or task.inline(task.block.argument)
    if not title:
        raise task.fail("the title is missing")
    if "dropdown" in task.block.options.get("class", "").split():
        return _details(title, task.body())
    return quote(f"**{title}**\n\n{task.body(quoted=True)}")


def _dropdown(task: _Task) -> str:
    return _details(task.inline(task.block.argument) or "Details", task.body())


def _details(title: str, body: str) -> str:
    """A block to unfold; its title is HTML, so code and emphasis in it are written as tags."""
    html = re.sub(r"`([^`]+)`", lambda code: f"<code>{escape(code[1])}</code>", title)
    return f"<details>\n<summary><b>{html}</b></summary>\n\n{body}\n\n</details>"


def _theorem(task: _Task) -> str:
    kind = task.block.name.removeprefix("prf:")
    number = task.page.book.placed(kind, task.page.path, task.block.line)
    title = task.inline(task.block.argument)
    heading = " ".join(filter(None, (kind.title(), number, f"({title})" if title else "")))
    return quote(f"**{heading}.**\n\n{task.body(quoted=True)}")


def _proof(task: _Task) -> str:
    body = task.body()
    # A formula or a list needs its own lines; a sentence follows on the same line.
    joint = " " if re.match(r"[^\W_]|\$[^$]", body) and not re.match(r"\d+\.", body) else "\n\n"
    return f"*Proof.*{joint}{body}"


def _math(task: _Task) -> str:
    label = task.block.options.get("label", "")
    text = f"\n{task.block.body}\n"
    return task.formula(text, label, task.block.line, task.page, task.quoted)


def _picture(task: _Task) -> str:
    alt = task.block.options.get("alt", "")
    if not alt:
        raise task.fail("the picture has no ':alt:' text")
    source = task.block.argument
    if not re.match(r"https?://", source):
        source = task.page.book.raw(task.page.file(source, task.block.line))
    width = task.block.options.get("width", "")
    if width:
        return (
            f'<img src="{escape(source)}" alt="{escape(alt)}" width="{width.removesuffix("px")}">'
        )
    return f"![{alt}]({source})"


def _figure(task: _Task) -> str:
    number = task.page.book.placed("figure", task.page.path, task.block.line)
    picture = _picture(task)
    return (
        f"{picture}\n\n{caption('figure', number, task.body(), task.page)}" if number else picture
    )


def _explorable(task: _Task) -> str:
    """The picture that the site has of it, and the way to where it can be handled."""
    alt, name = task.block.options.get("alt", ""), task.block.options.get("name", "")
    if not alt or not name:
        raise task.fail("the explorable has no ':alt:' or no ':name:'")
    book, page = task.page.book, task.page
    number = book.placed("figure", page.path, task.block.line)
    if not number:
        raise task.fail("the explorable has no caption")
    if task.block.argument not in explorables.names(book.root):
        raise task.fail(f"there is no explorable '{task.block.argument}'")
    hand = explorables.hand(book.root, task.block.argument)
    if not hand.is_file():
        raise task.fail(f"'{task.block.argument}' has no hand: {hand.relative_to(book.root)}")
    label = book.label(name, page.path, task.block.line)
    there = book.url(label.docname, label.anchor)
    picture = f"![{alt}]({explorables.picture_url(book.site, task.block.argument)})"
    words = caption("figure", number, task.body(), page)
    return f"{picture}\n\n{words} [Handle this figure on the book's page.]({there})"


def caption(kind: str, number: str, text: str, page: Page) -> str:
    """ "**Figure 2.1.** text" with the words that the site uses for this kind."""
    return f"**{page.book.formats[kind].replace('%s', number)}.** {text}"


def _table(task: _Task) -> str:
    return _titled_table(task, task.body())


def _titled_table(task: _Task, table: str) -> str:
    number = task.page.book.placed("table", task.page.path, task.block.line)
    if not number:
        return table
    return f"{caption('table', number, task.inline(task.block.argument), task.page)}\n\n{table}"


def _list_table(task: _Task) -> str:
    """A list of lists as a Markdown table; each cell is one paragraph."""
    rows: list[list[str]] = []
    for token in blocks(task.block.body, task.page.path, task.block.body_line):
        line = task.block.body_line + (token.map[0] if token.map else 0)
        if token.type == "list_item_open" and token.level == 1:
            rows.append([])
        elif token.type == "list_item_open" and token.level == 3:
            rows[-1].append("")
        elif token.type == "inline":
            if token.level != 5 or rows[-1][-1]:
                raise task.page.fail(line, "{list-table}: a cell is one paragraph")
            rows[-1][-1] = lower_roles.lower(token.content, line, task.page).replace("\n", " ")
            if "|" in rows[-1][-1]:
                raise task.page.fail(line, "{list-table}: write \\vert or \\mid for '|' in a cell")
    if not rows or len({len(row) for row in rows}) != 1:
        raise task.fail("the rows have different numbers of cells")
    head = rows.pop(0) if task.block.options.get("header-rows", "0") != "0" else [""] * len(rows[0])
    written = [head, ["---"] * len(head), *rows]
    return _titled_table(task, "\n".join("| " + " | ".join(row) + " |" for row in written))


def _code_block(task: _Task) -> str:
    return fenced(task.block.body, task.block.argument)


def _literal_include(task: _Task) -> str:
    path = task.page.file(task.block.argument, task.block.line)
    lines = path.read_text("utf-8").splitlines()
    if "pyobject" in task.block.options:
        lines = _python_object(task, path, lines)
    if "lines" in task.block.options:
        lines = _chosen(task, lines)
    language = task.block.options.get("language", "python" if path.suffix == ".py" else "")
    return fenced(textwrap.dedent("\n".join(lines)).strip("\n"), language)


def _python_object(task: _Task, path: Path, lines: list[str]) -> list[str]:
    """The lines of a function, class or method ("Class.method"), with its decorators."""
    name = task.block.options["pyobject"]
    try:
        node: ast.AST = ast.parse("\n".join(lines))
    except SyntaxError as error:
        raise SourceError(path, error.lineno or 1, f"invalid Python: {error.msg}") from None
    for part in name.split("."):
        named = [
            child
            for child in getattr(node, "body", [])
            if isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            and child.name == part
        ]
        if not named:
            raise task.fail(f"{task.block.argument} has no object '{name}'")
        node = named[-1]
    assert isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return lines[first - 1 : node.end_lineno]


def _chosen(task: _Task, lines: list[str]) -> list[str]:
    """The lines that ":lines: 1-3,5,7-" names, counted from 1."""
    chosen: list[str] = []
    for part in task.block.options["lines"].split(","):
        match = re.fullmatch(r"\s*(\d+)(?:(-)(\d*))?\s*", part)
        first = int(match[1]) if match else 0
        last = first if match and not match[2] else int((match and match[3]) or len(lines))
        if not 1 <= first <= last <= len(lines):
            raise task.fail(f"no lines '{part.strip()}' in {len(lines)} lines")
        chosen += lines[first - 1 : last]
    return chosen


_DIRECTIVES: dict[str, tuple[Callable[[_Task], str], set[str]]] = {
    **{name: (_admonition, {"class"}) for name in (*ADMONITIONS, "admonition")},
    **{f"prf:{name}": (_theorem, {"label", "class", "nonumber"}) for name in THEOREMS},
    "prf:proof": (_proof, {"class"}),
    "dropdown": (_dropdown, {"open", "color", "icon", "animate", "class"}),
    "math": (_math, {"label", "class"}),
    "image": (_picture, {"alt"} | _LAYOUT),
    "figure": (_figure, {"alt", "name"} | _LAYOUT),
    "explorable": (_explorable, {"alt", "name"}),
    "table": (_table, {"name"} | _LAYOUT),
    "list-table": (_list_table, {"name", "header-rows"} | _LAYOUT),
    "code-block": (_code_block, _CODE - {"language"}),
    "literalinclude": (_literal_include, {"pyobject", "lines", "dedent"} | _CODE),
}
