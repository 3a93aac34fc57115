"""Cells out of broken JSON: what is whole is found again, whatever is left of its surroundings.

Cell objects that can still be decoded are taken as they are. Between them, strings are looked for:
a value of the key ``source`` or ``input``, and any text of several lines whose key is lost. Nothing
depends on quotes being paired from the beginning of the file, because one lost quote would turn
the rest inside out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

__all__ = ["MOST_CELLS", "REPEATED", "WEIGHTS", "Repeated", "cells", "guess", "parse", "sides"]

WEIGHTS = re.compile(r"<!--\s{0,9}genbook-weights:[\w.]{1,80}:[A-Za-z0-9+/=]++\s{0,9}-->")
REPEATED = frozenset({"cells", "worksheets", "cell_type", "source", "input"})

_CELL = re.compile(r'\{\s*+"cell_type"\s*+:')
_STRING = re.compile(r'"[^"\\\n\r]*+(?:\\.[^"\\\n\r]*+)*+"')
_SHEET = re.compile(r'"[\w./-]{1,99}\.md"')
_COLON = re.compile(r"\s*+:\s*+\[?\s*+")
_COMMA = re.compile(r"\s*+,\s*+")
_RUBBISH = re.compile(r'[^"\[\]{}:]{0,400}+(?=")')  # between two strings of one list
_TYPE = re.compile(r'"cell_type"\s*+:\s*+"([^"\\\n]{0,20})"')
_NEXT = re.compile(r'"(?:cell_type|source|input)"|\}\s*+,?\s*+\{')
_FIELDS = {
    name: re.compile(rf'"{name}"\s*+:\s*+"([^"\\\n]{{1,200}})"')
    for name in ("id", "grade_id", "question")
}
# Keys of notebooks whose values are no sources; those of outputs by their type have a slash.
_OTHERS = frozenset(
    {
        "text",
        "name",
        "tags",
        "traceback",
        "ename",
        "evalue",
        "id",
        "grade_id",
        "question",
        "output_type",
        "cell_type",
        "display_name",
        "language",
        "version",
        "file_extension",
        "mimetype",
        "codemirror_mode",
        "pygments_lexer",
        "nbconvert_exporter",
        "html",
        "svg",
        "png",
        "latex",
        "stdout",
        "stderr",
        "collapsed",
        "metadata",
        "outputs",
        "cells",
        "kernelspec",
    }
)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')
_MARKDOWN = re.compile(r"#{1,6} |\*\*|[-*] |> |<|\$\$|[A-Z][a-z]+ [a-z]+ [a-z]+")
_STATEMENT = re.compile(r"(?:def|class|import|from|for|return|check)\b|@\w|\w+ = |\w+\(", re.M)

MOST_CELLS = 5_000
_MOST_LINES = 20_000  # of a cell
_MOST_STRINGS = 500_000
_MOST_PARTS = 2_000_000  # commas and brackets, by which the memory of a parsed text is bounded
_SCOPE = 20_000  # letters before a source in which its metadata are looked for


class Repeated(ValueError):
    """An object has a key twice that would hide a cell, as after two files ran into each other."""


def _load(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An ``object_pairs_hook`` that refuses to lose a source."""
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        if any(keys.count(key) > 1 for key in REPEATED & made.keys()):
            raise Repeated
    return made


# Numbers as floats: no integer of a notebook matters, and a float may have any number of digits.
_DECODER = json.JSONDecoder(object_pairs_hook=_load, parse_int=float)


def cells(text: str) -> list[dict[str, Any]]:
    """All cells that can be recovered, in their order, as objects of nbformat 4.

    Where versions in conflict are marked, the cells of the other side come first: the student's own
    side, which Git puts above, has the last word.
    """
    mine, theirs = sides(text)
    found = list(islice(_cells(mine), MOST_CELLS))
    if theirs != mine:
        have = {
            cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            for cell in found
        }
        others = [cell for cell in islice(_cells(theirs), MOST_CELLS) if _text(cell) not in have]
        found = others + found
    return found


def sides(text: str) -> tuple[str, str]:
    """Both versions of a file with Git's conflict markers; twice the same for one without."""
    if not re.search(r"^[ \t]*(?:<{7}|={7}|>{7})", text, re.MULTILINE):
        return text, text
    mine: list[str] = []
    theirs: list[str] = []
    side = "both"
    for line in text.splitlines(keepends=True):
        mark = line.lstrip()[:7]
        if mark in ("<" * 7, "|" * 7, "=" * 7, ">" * 7):
            opens = {"<": "mine", "|": "base", "=": "theirs", ">": "both"}
            # Half a conflict is no conflict: its marker is only rubbish.
            side = opens[mark[0]] if mark[0] == "<" or side != "both" else side
            continue
        if side in ("both", "mine"):
            mine.append(line)
        if side in ("both", "theirs"):
            theirs.append(line)
    if side != "both":  # an end is missing, and all that follows belongs to nobody
        mine = theirs = [
            line
            for line in text.splitlines(keepends=True)
            if line.lstrip()[:7] not in ("<" * 7, "=" * 7, ">" * 7)
        ]
    return "".join(mine), "".join(theirs)


def guess(source: str) -> str:
    """The kind of a cell that does not say it: an answer taken for code does the least harm."""
    words = _MARKDOWN.match(source.lstrip())
    return "markdown" if words and not _STATEMENT.match(source.lstrip()) else "code"


def parse(text: str) -> Any:
    """The value at the beginning of a text and where it ends.

    Raises:
        ValueError: broken, too deep, or so large that it would need gigabytes.
    """
    if text.count(",") + text.count("[") + text.count("{") > _MOST_PARTS:
        raise ValueError("too many parts")
    try:
        return _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError("too deep") from None


def _cells(text: str) -> Iterator[dict[str, Any]]:
    done = 0
    starts = [match.start() for match in _CELL.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        piece = text[start:end]
        try:
            cell, length = parse(piece)
        except ValueError:
            continue
        # A cell in a cell: a bracket is lost, and both are recovered as fragments.
        nested = piece.count('"cell_type"', 0, length) > 1
        if nested or not isinstance(cell.get("source"), str | list):
            continue
        yield from _fragments(text, done, start)
        yield cell
        done = start + length
    yield from _fragments(text, done, len(text))


def _fragments(text: str, start: int, end: int) -> Iterator[dict[str, Any]]:
    """The cells in ``text[start:end]``, no object of which can be decoded."""
    at = last = start
    made: dict[str, Any] | None = None
    for _ in range(_MOST_STRINGS):
        quote = text.find('"', at, end)
        if quote < 0:
            break
        string = _STRING.match(text, quote, end) if text[quote - 1 : quote] != "\\" else None
        if string is None:
            at = quote + 1
            continue
        first, sure = quote, False
        colon = _COLON.match(text, string.end(), end)
        if colon:
            key = string[0][1:-1]
            first, sure = colon.end(), key in ("source", "input")
            sheet = _SHEET.match(text, first, end)  # of the notebook's own metadata
            if sheet or (not sure and (key in _OTHERS or "/" in key)):
                # The end of its value may be the beginning of another.
                after = _run(text, first, end, loose=False)[1]
                at = after - 1 if after > first else first
                continue
            string = _STRING.match(text, first, end)
            if string is None:
                at = first
                continue
        # What has no key and one line may as well be a tag.
        likely = "\\n" in string[0] or (colon and _STATEMENT.match(string[0], 1))
        if not sure and not likely:
            # This may have been the end of one string and the beginning of the next.
            at = string.end() - 1 if not colon else first
            continue
        items, after = _run(text, first, end, loose=True)
        at = after - 1
        source = _decoded(items)
        if source.strip():
            if made:
                yield made
            made = _cell(text, last, first, after, end, source)
        last = after
    if made:
        made["weights"] += WEIGHTS.findall(text, last, end)
        yield made


def _run(text: str, at: int, end: int, *, loose: bool) -> tuple[list[str], int]:
    """The strings of a list, or the one that stands alone, and where they end.

    ``loose`` passes over a lost comma and other rubbish where a line goes on in the next string.
    """
    items: list[str] = []
    after = at
    while (
        len(items) < _MOST_LINES
        and (string := _STRING.match(text, at, end))
        and not _COLON.match(text, string.end(), end)
    ):
        items.append(string[0])
        after = string.end()
        line = string[0].endswith('\\n"')
        gap = _COMMA.match(text, after, end) if line else None
        if gap is None and loose and line:
            gap = _RUBBISH.match(text, after, end)
        if gap is None:
            break
        at = gap.end()
    return items, after


def _decoded(items: list[str]) -> str:
    try:
        return "".join(json.loads(f"[{','.join(items)}]", strict=False))
    except ValueError:
        repaired = (_ESCAPE.sub(_escape, item) for item in items)
        return "".join(json.loads(f"[{','.join(repaired)}]", strict=False))


def _escape(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else "\\\\"


def _cell(text: str, last: int, first: int, after: int, end: int, source: str) -> dict[str, Any]:
    """A cell with what its surroundings still tell of it."""
    before = text[max(last, first - _SCOPE) : first]
    kinds = list(_TYPE.finditer(before))
    scope = before[kinds[-1].start() :] if kinds else before
    if '"metadata"' not in scope:  # Colab writes metadata after the source
        behind = text[after : min(after + 2000, end)]
        border = _NEXT.search(behind)
        scope += behind[: border.start()] if border else behind
    fields = {
        name: (match[1] if (match := pattern.search(scope)) else "")
        for name, pattern in _FIELDS.items()
    }
    kind = kinds[-1][1] if kinds else ""
    return {
        "cell_type": kind if kind in ("code", "markdown", "raw") else guess(source),
        "source": source,
        "id": fields["id"],
        "metadata": {
            "nbgrader": {"grade_id": fields["grade_id"]},
            "genbook": {"question": fields["question"]},
        },
        "weights": WEIGHTS.findall(text, last, first),
    }


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(map(str, source))
