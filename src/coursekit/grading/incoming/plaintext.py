"""Text that strangers wrote, made fit to be shown: in a terminal, a table, XML or a page."""

from __future__ import annotations

import re

__all__ = ["one_line", "visible"]

# Colours and cursor movements of terminals: CSI sequences, operating system commands, the rest.
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]"
    r"|\x9b[0-?]*[@-~]"
)
# What XML 1.0 forbids, and what reorders, hides or overwrites the text around it: C0 and C1
# controls but tab and newline, bidirectional controls, invisible operators and tags, surrogates
# (in Python always lone ones), non-characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f"
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff\ud800-\udfff"
    + "".join(f"{chr(end)}{chr(end + 1)}" for end in range(0x1FFFE, 0x110000, 0x10000))
    + "]"
)


def visible(text: str, limit: int | None = None) -> str:
    """``text`` without terminal colours, and with every control character shown by its number.

    Newlines and tabs stay, carriage returns become newlines. The result is encodable as UTF-8 and
    valid in XML; doing it twice changes nothing.

    Args:
        limit: show no more than this many characters of ``text``, and say how many there were.
    """
    left_out = 0 if limit is None else max(0, len(text) - limit)
    text = _ANSI.sub("", text[:limit]).replace("\r\n", "\n").replace("\r", "\n")
    shown = _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
    return f"{shown}… ({left_out:,} characters left out)" if left_out else shown


def one_line(text: str, limit: int | None = None) -> str:
    """``visible`` in a single line, with single spaces."""
    return " ".join(visible(text, limit).split())
