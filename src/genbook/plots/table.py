"""Small tables: ours beside the paper's."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Table", "table"]


@dataclass(frozen=True)
class Table:
    """A table of words; ``_repr_html_`` is accessible markup, ``str`` the same in plain text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    caption: str

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        texts = [
            "  ".join(
                word.rjust(width) if right else word.ljust(width)
                for word, width, right in zip(line, widths, self.right, strict=True)
            ).rstrip()
            for line in lines
        ]
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([*([self.caption] if self.caption else []), texts[0], rule, *texts[1:]])

    def _repr_html_(self) -> str:
        def cell(tag: str, word: str, i: int) -> str:
            side = "right" if self.right[i] else "left"
            scope = {"thead": ' scope="col"', "th": ' scope="row"', "td": ""}[tag]
            # A corner without a word is no header: screen readers would announce an empty one.
            name = "td" if tag == "td" or not word else "th"
            scope = "" if name == "td" else scope
            style = f"text-align:{side};padding:.2em .7em;font-variant-numeric:tabular-nums"
            return f'<{name}{scope} style="{style}">{html.escape(word)}</{name}>'

        head = "".join(cell("thead", word, i) for i, word in enumerate(self.header))
        body = "\n".join(
            "<tr>"
            + "".join(cell("td" if i else "th", word, i) for i, word in enumerate(row))
            + "</tr>"
            for row in self.rows
        )
        title = html.escape(self.caption)
        caption = f'<caption style="caption-side:top">{title}</caption>\n' if title else ""
        # A wide table scrolls by itself on a phone, by keyboard too; such regions need own names.
        name = title or html.escape("Table: " + ", ".join(word for word in self.header if word))
        return (
            f'<div role="region" aria-label="{name}" tabindex="0" '
            'style="overflow-x:auto">'
            f"\n<table>\n{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
            "</table>\n</div>"
        )


def table(
    rows: Sequence[Sequence[Any]], header: Sequence[str], caption: str = "", digits: int = 3
) -> Table:
    """A table whose first column names the rows; columns of numbers are aligned to the right.

    Numbers are written with ``digits`` significant digits, intervals (``evaluation.Interval``) as
    "0.57 [0.53, 0.61]", None as "–", strings as they are.

    Raises:
        ValueError: a row is longer or shorter than the header.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"the row {list(row)} does not fit the header {list(header)}")
    words = tuple(tuple(_word(value, digits) for value in row) for row in rows)
    right = tuple(
        i > 0 and all(not isinstance(row[i], str) or row[i][:1] in "0123456789−-–" for row in rows)
        for i in range(len(header))
    )
    return Table(tuple(header), words, right, caption)


def _word(value: Any, digits: int) -> str:
    if value is None:
        return "–"
    if hasattr(value, "low") and hasattr(value, "high"):
        parts = (_word(float(end), digits) for end in (value.value, value.low, value.high))
        return "{} [{}, {}]".format(*parts)
    if isinstance(value, str | bool | int):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    text = f"{number:#.{digits}g}" if 1e-4 <= abs(number) < 1e6 else f"{number:.{digits}g}"
    return text.rstrip(".").replace("-", "−", 1) if text.startswith("-") else text.rstrip(".")
