"""From the bytes of a file that a student handed in to its cells, whatever the bytes are.

``read`` never raises and is bounded in time and memory. A file that is no notebook gives a sentence
that says what it is; one that is damaged gives the cells that can be recovered (``salvage``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from coursekit.grading.incoming import archives, formats, pictures, salvage

__all__ = ["NOTHING", "Cell", "Submission", "read"]

_LONGEST = 2**20  # letters of a cell
_MOST_WEIGHTS = 6 * 2**20  # letters of all weights of a file
_MOST_PROBLEMS = 12

_KEY = re.compile(r'(?<!\\)"(?:cells|cell_type|source|worksheets|input)"\s{0,99}:')
_PYTHON = re.compile(r"i?python|xpython|sage|conda|pypy", re.IGNORECASE)
_DEFINITION = re.compile(r"^(?:def|class|import|from|async def) ", re.MULTILINE)
_SURROGATE = re.compile("[\ud800-\udfff\0]")


@dataclass(frozen=True)
class Cell:
    """A cell of a submission.

    Attributes:
        kind: ``"code"`` or ``"markdown"``.
        source: its text, with ``\\n`` at the ends of lines, and always encodable.
        id: the notebook's id of the cell, or empty.
        grade_id: nbgrader's, or empty.
        question: ``metadata.genbook.question``, or empty.
        weights: the HTML comments ``<!-- genbook-weights:ID:BASE64 -->`` of its outputs.
        pictures: in its text, attached to it, or among its outputs.
    """

    kind: str
    source: str
    id: str = ""
    grade_id: str = ""
    question: str = ""
    weights: tuple[str, ...] = ()
    pictures: tuple[pictures.Picture, ...] = ()


@dataclass(frozen=True)
class Submission:
    """What a file holds.

    Attributes:
        cells: in the order of the file.
        problems: sentences for the student and the instructor.
        salvaged: something was lost or guessed, and a person should look.
        readable: False for what is no notebook at all.
    """

    cells: tuple[Cell, ...]
    problems: tuple[str, ...] = ()
    salvaged: bool = False
    readable: bool = True


NOTHING = f"There is no notebook here. {formats.AS_NOTEBOOK}"
"""What is said where a person has a folder or a link, and no file."""


def read(data: bytes) -> Submission:
    """The submission in a file. Never raises."""
    try:
        return _read(data)
    except (Exception, RecursionError, MemoryError) as error:
        sentence = f"The file could not be read ({type(error).__name__})."
        return _unreadable(f"{sentence} {formats.AS_NOTEBOOK}")


def _read(data: bytes) -> Submission:
    problems: list[str] = []
    salvaged = False
    if len(data) > formats.LIMIT:
        most = f"{formats.LIMIT / 2**20:.0f} MB"
        problems.append(
            f"The file has more than {most}, and what is beyond was not read. Clear the "
            "outputs (Edit ▸ Clear all outputs), and hand it in again."
        )
        data, salvaged = data[: formats.LIMIT], True
    for _ in range(archives.DEEPEST):
        data, sentence, guessed = archives.unpack(data)
        problems += [sentence] if sentence else []
        salvaged |= guessed
        if sentence and not data:
            return _unreadable(*problems)
    if data.startswith(archives.ZIP):
        return _unreadable(f"This is a zip file in a zip file, too deep. {formats.AS_NOTEBOOK}")
    if not data.strip(b" \t\r\n\0"):
        return _unreadable(f"The file is empty. {formats.AS_NOTEBOOK}")
    if what := formats.known(data):
        return _unreadable(f"This is {what}, not a notebook. {formats.AS_NOTEBOOK}")
    text, wide, guessed = formats.decode(data)
    if wide:
        problems.append(f"The file is stored as {wide[:6].upper()}; notebooks are UTF-8.")
    if guessed:
        problems.append("Some letters are not UTF-8, and were guessed.")
        salvaged = True
    cells, language, sentences, whole = _cells(text)
    if not whole and wide and not guessed:
        cells, language, sentences, whole = _cells(formats.aligned(data, wide))
    if not cells and sentences and not whole:
        return _unreadable(*sentences)
    salvaged |= not whole
    problems += sentences
    made, sentences = _made(cells)
    problems += sentences
    salvaged |= bool(sentences)
    readable = True
    if language and not _PYTHON.match(language):
        problems.append(
            f"The notebook is set to {language}; the exercises are in Python. In Colab, choose "
            "Runtime ▸ Change runtime type ▸ Python 3, and run it again."
        )
        readable = any(_DEFINITION.search(cell.source) for cell in made if cell.kind == "code")
    return Submission(tuple(made), tuple(problems[:_MOST_PROBLEMS]), salvaged, readable)


def _cells(text: str) -> tuple[list[Any], str, list[str], bool]:
    """The raw cells, the language, sentences, and whether nothing had to be guessed.

    No cells, a sentence and a guess: this is no notebook.
    """
    exported, sure = formats.python(text) if '"cell_type"' not in text else ([], False)
    if exported:
        sentence = "This is a Python file, not a notebook; its answers were read all the same. "
        return exported, "", [sentence + formats.AS_NOTEBOOK], sure
    document = _document(text)
    if document is not None:
        found = _of_document(document)
        if found and text.count('"cell_type"') <= len(found):
            return found, _language(document), [], True
    html = formats.web_page(text)
    if '"cell_type"' in text or (not html and (_KEY.search(text) or '\\n"' in text)):
        recovered = salvage.cells(text)
        if recovered:
            sentence = (
                f"The file is damaged. {len(recovered)} cells could be recovered; compare "
                "them with yours, and hand the notebook in again if something is missing."
            )
            return recovered, _language_of_text(text), [sentence], False
    if isinstance(document, dict) and document.get("cells") == []:
        return [], "", [f"This notebook has no cells in it. {formats.AS_NOTEBOOK}"], False
    if document is not None:
        return [], "", [f"This is JSON, and no notebook. {formats.AS_NOTEBOOK}"], False
    if _KEY.search(text):
        return [], "", [f"The file is damaged: no cell is left in it. {formats.AS_NOTEBOOK}"], False
    what = formats.foreign(text)
    return [], "", [f"This is {what}, not a notebook. {formats.AS_NOTEBOOK}"], False


def _document(text: str) -> Any:
    """The parsed file, or None if it is broken, too deep or too large to be parsed at once."""
    text = text.strip("\ufeff \t\r\n")
    try:
        document, end = salvage.parse(text)
    except ValueError:
        return None
    if end < len(text):
        return None
    content = document.get("content") if isinstance(document, dict) else None
    return content if isinstance(content, dict) and "cells" in content else document


def _of_document(document: Any) -> list[Any] | None:
    """The cells of nbformat 4, or of nbformat 3's worksheets; None if they are not all there."""
    if not isinstance(document, dict):
        return None
    cells = document.get("cells")
    sheets = document.get("worksheets")
    if cells is None and isinstance(sheets, list):
        cells = []
        for sheet in sheets:
            part = _dict(sheet).get("cells")
            if not isinstance(part, list):
                return None
            cells += part
    if not isinstance(cells, list):
        return None
    # A cell without a source is one whose key is damaged: the text may still hold it.
    if any(isinstance(cell, dict) and not {"source", "input"} & cell.keys() for cell in cells):
        return None
    return cells


def _language(document: dict[str, Any]) -> str:
    """The language that the notebook names first, as a word."""
    metadata = _dict(document.get("metadata"))
    info, kernel = _dict(metadata.get("language_info")), _dict(metadata.get("kernelspec"))
    for value in (info.get("name"), kernel.get("language"), kernel.get("name")):
        if isinstance(value, str) and value.strip():
            return _word(value)
    return ""


def _language_of_text(text: str) -> str:
    match = re.search(r'"language"\s{0,99}:\s{0,99}"([^"\\\n]{1,40})"', text)
    return _word(match[1]) if match else ""


def _word(language: str) -> str:
    printable = "".join(letter for letter in language.strip()[:40] if letter.isprintable())
    return "R" if printable.lower() in ("r", "ir") else printable


def _made(raw: Iterable[Any]) -> tuple[list[Cell], list[str]]:
    """Cells of the raw ones, and sentences about those that were left out."""
    made: list[Cell] = []
    problems: list[str] = []
    strange = 0
    left = _MOST_WEIGHTS
    for number, cell in enumerate(raw, 1):
        if number > salvage.MOST_CELLS:
            problems.append(f"Only the first {salvage.MOST_CELLS} cells were read.")
            break
        if not isinstance(cell, dict):
            strange += 1
            continue
        source, written = pictures.taken_out(_joined(cell.get("source", cell.get("input"))))
        if len(source) > _LONGEST:
            size = len(source) / 1e6
            problems.append(f"Cell {number} has {size:.1f} million letters and was left out.")
            continue
        weights = []
        for comment in _weights(cell):
            if len(comment) > left:
                problems.append(f"The weights in cell {number} are too large and were left out.")
                continue
            left -= len(comment)
            weights.append(comment)
        metadata = _dict(cell.get("metadata"))
        made.append(
            Cell(
                kind=_kind(cell, source),
                source=source,
                id=_label(cell.get("id")) or _label(metadata.get("id")),
                grade_id=_label(_dict(metadata.get("nbgrader")).get("grade_id")),
                question=_label(_dict(metadata.get("genbook")).get("question")),
                weights=tuple(weights),
                pictures=(*written, *pictures.attached(cell), *pictures.drawn(cell)),
            )
        )
    if strange:
        problems.append(f"{strange} entries of the file are no cells and were left out.")
    return made, problems


def _joined(value: Any) -> str:
    """A source as one string that can be encoded, with one kind of line end."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", value)


def _kind(cell: dict[str, Any], source: str) -> str:
    kind = cell.get("cell_type")
    kind = kind.strip().lower() if isinstance(kind, str) else ""
    if kind == "code":
        return "code"
    if kind in ("markdown", "raw", "heading", "html"):
        return "markdown"
    return (
        "code" if {"outputs", "input", "execution_count"} & cell.keys() else salvage.guess(source)
    )


def _weights(cell: dict[str, Any]) -> list[str]:
    found: list[str] = []
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        data = _dict(_dict(output).get("data"))
        page = data.get("text/html", _dict(output).get("html"))
        if isinstance(page, list):
            page = "".join(part for part in page if isinstance(part, str))
        if isinstance(page, str) and "genbook-weights" in page:
            found += salvage.WEIGHTS.findall(page)
    recovered = cell.get("weights")
    parts = recovered if isinstance(recovered, list) else []
    return found + [
        part for part in parts if isinstance(part, str) and salvage.WEIGHTS.fullmatch(part)
    ]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _label(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 200:
        return ""
    return _SURROGATE.sub("\ufffd", value)


def _unreadable(*problems: str) -> Submission:
    return Submission((), problems, readable=False)
