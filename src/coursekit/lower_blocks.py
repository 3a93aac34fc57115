"""Lowering of blocks: a cell's MyST becomes the plain Markdown that Colab shows.

The text is rewritten in place. MyST's parser says which lines hold a directive, a formula, a
paragraph; those lines are replaced and all others stay byte for byte.
"""

from __future__ import annotations

import re
import textwrap

from markdown_it.token import Token

from coursekit import lower_directives, lower_roles
from coursekit.lower_roles import Page
from coursekit.source import blocks, directive

# Blocks that plain Markdown has too and that need no rewriting; inside them, the walk goes on.
_PLAIN = {
    *("blockquote_open", "bullet_list_open", "ordered_list_open", "list_item_open", "inline"),
    *("code_block", "hr", "html_block", "thead_open", "tbody_open", "tr_open", "th_open"),
    *("td_open", "dt_open", "dd_open", "front_matter"),
}
# Environments that LaTeX allows at the top level only; within $$ a notebook's MathJax refuses them.
_OUTER = re.compile(r"\\begin\{((?:equation|align|alignat|flalign|gather|multline|eqnarray)\*?)\}")


def lower(text: str, line: int, page: Page, quoted: bool = False) -> str:
    """Lower the blocks of ``text``, whose first line is ``line`` of the page's file.

    ``quoted`` says that the result goes into a block quote. Raises ``SourceError`` naming file and
    line for markup that the book does not know.
    """
    tokens = blocks(text, page.path, line)
    lines = text.splitlines()
    out: list[str] = []
    done = 0
    for position, token in enumerate(tokens):
        if token.map is None or token.nesting < 0 or token.map[0] < done or token.type in _PLAIN:
            continue
        first, end = token.map
        if token.type == "amsmath":
            end = first + token.content.count("\n") + 1  # the parser's end is one line short
        while end > len(lines) or (end > first + 1 and not lines[end - 1].strip()):
            end -= 1  # a block's lines may include the blank ones below it
        if token.type == "fence" and not token.info.startswith("{"):
            out += lines[done:end]
            done = end
            continue
        prefix = _prefix(token, lines[first])
        lowered = _block(tokens, position, lines[first:end], line + first, page, quoted, prefix)
        out += lines[done:first]
        out += _prefixed(lowered, prefix)
        done = end
        if not lowered and not "".join(out[-1:]).strip():
            while done < len(lines) and not lines[done].strip():
                done += 1
    return "\n".join(out + lines[done:]).strip("\n")


def _block(
    tokens: list[Token],
    position: int,
    lines: list[str],
    line: int,
    page: Page,
    quoted: bool,
    prefix: str,
) -> str:
    """The lowered form of the block ``tokens[position]``, written on ``lines``."""
    token = tokens[position]
    quoted = quoted or ">" in prefix
    if token.type in ("myst_target", "myst_line_comment"):
        return ""
    if token.type in ("paragraph_open", "heading_open", "table_open"):
        return _paragraph(tokens[position:], "\n".join(lines), line, page)
    if token.type in ("math_block", "math_block_label"):
        # The parser takes a quote's marks off the formula's lines, but not a list's indentation.
        indentation = "" if ">" in prefix else "\n" + " " * len(prefix)
        body = token.content.replace(indentation, "\n") if indentation else token.content
        return formula(body, token.info, line, page, quoted)
    if token.type == "amsmath":
        return _environment(token.content, line, page, quoted)
    if token.type == "dl_open":
        return _definitions(tokens[position:], lines, line, page, quoted)
    if token.type in ("fence", "colon_fence"):
        block = directive(token, page.path, line - _first(token))
        if block is not None:
            return lower_directives.lower(block, page, quoted, lower, formula)
        raise page.fail(line, f"':::{token.info}' names no directive: write ':::{{name}}'")
    raise page.fail(line, f"the book does not use this markup ({token.type.removesuffix('_open')})")


def formula(body: str, label: str, line: int, page: Page, quoted: bool) -> str:
    """A displayed formula: ``body`` untouched between ``$$``, with ``\\tag{2.3}`` if labelled.

    Within a block quote it is put on one line, since notebooks read the ``>`` of a continuation
    line as part of the formula.
    """
    if outer := _OUTER.search(body):
        inner = {"align": "aligned", "gather": "gathered"}.get(outer[1].rstrip("*"), "aligned")
        raise page.fail(line, f"'{outer[1]}' does not work within $$; write '{inner}'")
    if not body.strip() or re.search(r"\n[ \t]*\n", body.strip()):
        raise page.fail(line, "a displayed formula is empty or has a blank line")
    if quoted:
        if re.search(r"(?<!\\)%", body):
            raise page.fail(line, "a LaTeX comment in a formula inside an admonition")
        body = " ".join(body.split("\n")).strip()
    trailing = body[len(body.rstrip()) :]
    core = body.rstrip()
    if _has_rows(core):
        # As Sphinx does, so that the site and the notebook break the same lines.
        core = f"\\begin{{split}}{core}\\end{{split}}"
    if label:
        number = page.book.label(label, page.path, line).number
        core += ("\n" if "\n" in core else " ") + f"\\tag{{{number}}}"
    return f"$${core}{trailing}$$"


def _has_rows(body: str) -> bool:
    """Whether there is a line break or an ampersand outside of every environment."""
    depth = 0
    for mark in re.finditer(r"\\begin\b|\\end\b|\\\\|(?<!\\)&", body):
        depth += {"\\begin": 1, "\\end": -1}.get(mark[0], 0)
        if depth == 0 and mark[0] != "\\end":
            return True
    return False


def _environment(body: str, line: int, page: Page, quoted: bool) -> str:
    """A bare ``\\begin{align*}``; one without star would get a number that nothing can refer to."""
    name = re.match(r"\\begin\{([a-z]+)(\*?)\}", body)
    if name is None or not name[2]:
        raise page.fail(
            line,
            "an environment that numbers itself; write $$ … $$ (label) around "
            "'aligned', or give it a star",
        )
    return f"$$\n{body.strip()}\n$$" if not quoted else f"$${' '.join(body.split())}$$"


def _paragraph(tokens: list[Token], text: str, line: int, page: Page) -> str:
    found = lower_roles.Found()
    lowered = lower_roles.lower(text, line, page, found)
    seen = lower_roles.Found()
    closing = tokens[0].type.replace("_open", "_close")
    for token in tokens[: next(i for i, token in enumerate(tokens) if token.type == closing)]:
        for child in token.children or []:
            if child.type.startswith("footnote"):
                raise page.fail(line, "a footnote: Colab does not show them; write the sentence")
            seen.roles += child.type == "myst_role"
            seen.formulas += child.type == "math_inline"
    if found != seen:
        raise page.fail(line, "roles or formulas that could not be told apart; write it plainer")
    return lowered


def _definitions(tokens: list[Token], lines: list[str], line: int, page: Page, quoted: bool) -> str:
    """A definition list, which plain Markdown lacks, as a list with the terms in bold."""
    start, depth = _first(tokens[0]), tokens[0].level
    if depth:
        raise page.fail(line, "a definition list inside another block")
    out: list[str] = []
    for position, token in enumerate(tokens):
        if token.type == "dl_close" and token.level == depth:
            break
        if token.level != depth + 1 or token.map is None:
            continue
        here = token.map[0] - start
        if token.type == "dt_open":
            term = lower_roles.lower(tokens[position + 1].content, line + here, page)
            out.append(f"- **{term}**")
        elif token.type == "dd_open":
            if not re.match(r"\s*[:~]", lines[here]):
                here += 1  # the parser counts a term's line to a definition right below it
            body = "\n".join(lines[here : token.map[1] - start])
            body = textwrap.dedent(re.sub(r"^(\s*)[:~]", r"\1 ", body, count=1))
            text = lower(body, line + here, page, quoted)
            out.append(textwrap.indent(text, "  "))
    return "\n\n".join(out)


def _prefix(token: Token, line: str) -> str:
    """What stands in front of a block on its first line: a list's marker, a quote's ``>``."""
    if token.type in ("paragraph_open", "heading_open", "table_open", "dl_open"):
        return ""  # rewritten together with what stands in front
    mark = {"myst_target": "(", "myst_line_comment": "%", "amsmath": "\\"}.get(token.type)
    return line[: line.index(mark or token.markup)]


def _prefixed(text: str, prefix: str) -> list[str]:
    rest = re.sub(r"[^>\s]", " ", prefix)
    lines = text.splitlines()
    return [
        ((rest if number else prefix) + line).rstrip() if prefix else line
        for number, line in enumerate(lines)
    ]


def _first(token: Token) -> int:
    assert token.map is not None
    return token.map[0]
