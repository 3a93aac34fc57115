"""Files that are no plain JSON: encodings, Python exports, and what else is sent."""

from __future__ import annotations

import re
from typing import Any

__all__ = [
    "AS_NOTEBOOK",
    "LIMIT",
    "aligned",
    "decode",
    "foreign",
    "is_notebook",
    "known",
    "python",
    "web_page",
]

LIMIT = 64 * 2**20  # bytes that are read of a file, packed or unpacked

AS_NOTEBOOK = (
    "In Colab choose File ▸ Download ▸ Download .ipynb, and hand in the file it gives you."
)
_LONGEST_EXPORT = 2**20  # letters of a Python file: nobody writes more
_MOST_BAD_BYTES = 100_000

# What files begin with, and what they are.
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM\xff", "a picture"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word document"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"bplist00", "a shortcut to a web page"),
    (b"[InternetShortcut]", "a shortcut to a web page"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\0\5\x16\7", "what a Mac keeps beside a file (its name began with ._)"),
    (b"\0\5\x16\0", "what a Mac keeps beside a file (its name began with ._)"),
    (b"PK\5\6", "an empty zip file"),
)


def known(data: bytes) -> str:
    """What a file with these first bytes is, in words; empty for text and for the unknown."""
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return what
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1") or data[8:12] == b"WEBP":
        return "a picture"
    if data[4:8] == b"ftyp":
        return "a film"
    return "a tar archive" if data[257:262] == b"ustar" else ""


# --- Encodings -----------------------------------------------------------------------------------


# The longer marks first: one of UTF-32 begins like one of UTF-16.
_MARKS = {
    b"\xff\xfe\0\0": "utf-32-le",
    b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}


def decode(data: bytes) -> tuple[str, str, bool]:
    """The text, the name of its encoding if it is a wide one, and whether letters were guessed."""
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    name = _MARKS[mark] if mark else _wide(data)
    data = data[len(mark) :]
    if name:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            text = ""
        if text and not _MISALIGNED.search(text):
            return text, name, False
        return aligned(data, name), name, True
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8"), "", False
    except UnicodeDecodeError:
        pass
    if len(data) - len(data.decode("utf-8", "ignore").encode()) > _MOST_BAD_BYTES:
        return data.decode("utf-8", "replace"), "", True
    # Byte by byte, because a UTF-8 file may have a few bytes that are none, or none that are.
    text = data.decode("utf-8", "surrogateescape")
    return _ESCAPED.sub(_western, text), "", True


# Six letters of ASCII, as they read in UTF-16 after a byte has been lost.
_MISALIGNED = re.compile(f"[{''.join(chr(code << 8) for code in range(0x20, 0x7F))}]{{6}}")
_ESCAPED = re.compile("[\udc80-\udcff]+")


def _western(match: re.Match[str]) -> str:
    return match[0].encode("utf-8", "surrogateescape").decode("latin-1")


def aligned(data: bytes, name: str) -> str:
    """A wide encoding read from each offset in turn: after a lost byte, another offset is right."""
    width = 4 if "32" in name else 2
    return "\n".join(data[i:].decode(name, "replace") for i in range(width))


def _wide(data: bytes) -> str:
    """The wide encoding that the zero bytes speak for in the first of 16 samples that can tell."""
    for k in range(16):
        start = k * len(data) // 16 // 4 * 4
        sample = data[start : start + 64]
        quarter = len(sample) // 4
        zeros = [sample[i::4].count(0) for i in range(4)]
        high = tuple(count > 0.8 * quarter for count in zeros)
        low = tuple(count < 0.2 * quarter for count in zeros)
        if not quarter:
            continue
        for name, wanted in (
            ("utf-16-le", (0, 1, 0, 1)),
            ("utf-16-be", (1, 0, 1, 0)),
            ("utf-32-le", (0, 1, 1, 1)),
            ("utf-32-le", (1, 0, 1, 1)),
            ("utf-32-be", (1, 1, 0, 1)),
            ("utf-32-be", (1, 1, 1, 0)),
        ):
            if all((high if zero else low)[i] for i, zero in enumerate(wanted)):
                return name
    return ""


# --- Python exports ------------------------------------------------------------------------------

_PERCENT = re.compile(r"^# ?%%(.*)$", re.MULTILINE)
_NUMBERED = re.compile(r"^# In ?\[[ \d*]*\]:[ \t]*$", re.MULTILINE)
_COLAB = re.compile(r"\A(?:#.*\n|\s)*+(\"\"\".*\s+Automatically generated by Colab)")
_JUPYTEXT = re.compile(r"\A# ---\n(?:(?!# ---\n)#.*\n)*+# ---\n")
_LIKE_PYTHON = re.compile(
    r"^(?:def \w+\(|class \w+|import \w+|from \w[\w.]* import )", re.MULTILINE
)
_DOCUMENT = re.compile(r'^"""(.*?)"""[ \t]*$', re.MULTILINE | re.DOTALL)
# Blank lines before a line that begins a statement of its own.
_PAUSE = re.compile(
    r"(?<!\s)\n\s*+(?<=\n)(?<=\n\n)(?=[^\s)\]}#])(?!(?:else|elif|except|finally)\b)"
)


def python(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The cells of a Python export, and whether their borders are known; no cells: it is none."""
    whole = len(text) <= _LONGEST_EXPORT
    text = text[:_LONGEST_EXPORT].replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"^[ \t\f\v]++$", "", text, flags=re.MULTILINE)
    if text.lstrip().startswith(("{", "[", "<")):
        return [], False
    if _PERCENT.search(text):
        return _percent(_JUPYTEXT.sub("", text)), whole
    if _NUMBERED.search(text):
        return _numbered(text), whole
    if _COLAB.search(text[:5000]):
        return _documented(text), whole
    return (_documented(text), False) if _LIKE_PYTHON.search(text) else ([], False)


def _percent(text: str) -> list[dict[str, Any]]:
    """The form of Jupytext, VS Code and Spyder: ``# %%`` begins a cell."""
    parts = _PERCENT.split(text)
    cells = [_made("code", parts[0])]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if re.search(r"\[(?:markdown|md)\]", title):
            cells.append(_made("markdown", _DOCUMENT.sub(r"\1", _uncommented(body))))
        else:
            cells.append(_made("code", body))
    return [cell for cell in cells if cell["source"]]


def _numbered(text: str) -> list[dict[str, Any]]:
    """nbconvert's form: ``# In[3]:`` before code, and Markdown as comments after it."""
    cells = []
    for i, body in enumerate(_NUMBERED.split(text)):
        lines = body.rstrip().split("\n")
        first = len(lines)
        while first and (not lines[first - 1].strip() or lines[first - 1].startswith("#")):
            first -= 1
        if i:
            cells.append(_made("code", "\n".join(lines[:first])))
        for words in re.split(r"\n\n+", "\n".join(lines[first:])):
            if not words.startswith(("#!", "# coding")):
                cells.append(_made("markdown", _uncommented(words)))
    return [cell for cell in cells if cell["source"]]


def _documented(text: str) -> list[dict[str, Any]]:
    """Colab's form: Markdown as strings, and between them code without borders of cells.

    Code is cut at blank lines between statements, so that an error costs only its own part.
    """
    cells = []
    for i, part in enumerate(_DOCUMENT.split(text)):
        if i % 2:
            cells.append(_made("markdown", part))
            continue
        start = 0
        for pause in _PAUSE.finditer(part):
            piece = part[start : pause.start()]
            if piece.count('"""') % 2 == 0 and piece.count("'''") % 2 == 0:
                cells.append(_made("code", piece))
                start = pause.end()
        cells.append(_made("code", part[start:]))
    return [cell for cell in cells if cell["source"]]


def _made(kind: str, source: str) -> dict[str, Any]:
    return {"cell_type": kind, "source": source.strip("\n").rstrip()}


def _uncommented(text: str) -> str:
    return re.sub(r"^# ?", "", text, flags=re.MULTILINE)


# --- What it is instead --------------------------------------------------------------------------


def web_page(text: str) -> bool:
    """Whether a text is HTML."""
    return (
        re.match(r"\s*+(?:<!doctype html|<html|<head|<\?xml)", text[:2000], re.IGNORECASE)
        is not None
    )


_ASKS = re.compile(r"<title>[^<]{0,200}(?:sign|log)[ -]?(?:in|on)\b", re.IGNORECASE)


def is_notebook(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a notebook, whatever it is called."""
    text = decode(head)[0] if head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] == b"{" else ""
    return re.search(r'"(?:cells|nbformat|worksheets|cell_type)"\s*:', text) is not None


def foreign(text: str) -> str:
    """What a text that is no notebook is, in words."""
    head = text.lstrip("\ufeff \t\r\n\0")[:2000].lower()
    if not head:
        return "an empty file"
    if web_page(text):
        asked = _ASKS.search(text[:100_000])
        return "a web page (HTML)" + (" that asks you to sign in" if asked else "")
    if head.startswith("version https://git-lfs"):
        return "a pointer of Git LFS"
    if head.startswith(("http://", "https://")):
        return "a link"
    if re.search(r"^\s*(?:\w+ ?<- ?function|library\()", text[:100_000], re.MULTILINE):
        return "a program in R"
    if re.search(r"^(?:#{1,4} |```|\*\*)", text[:100_000], re.MULTILINE):
        return "text (Markdown)"
    printable = sum(letter.isprintable() or letter.isspace() for letter in head)
    return "text" if printable > 0.9 * len(head) else "a file of an unknown kind"
