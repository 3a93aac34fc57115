"""A notebook inside a gzip or zip file, which may be cut off, damaged, or a bomb."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from coursekit.grading.incoming.formats import AS_NOTEBOOK, LIMIT, is_notebook
from coursekit.grading.incoming.plaintext import one_line

__all__ = ["DEEPEST", "ZIP", "inside", "unpack"]

ZIP = b"PK\x03\x04"
"""The first bytes of a zip file."""

_MOST_MEMBERS = 10_000
DEEPEST = 3
"""A zip in a zip in a zip is unpacked; what is nested deeper is no accident."""
# What is looked for in a zip, the likelier first; of the rest, what begins like a notebook.
_ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json", "", ".py", ".zip")
_DOCUMENTS = (
    ("word/", "a Word document"),
    ("xl/", "a table"),
    ("ppt/", "a presentation"),
    ("content.xml", "a text document (OpenDocument)"),
    ("Index/Document.iwa", "a Pages document"),
)


def unpack(data: bytes) -> tuple[bytes, str, bool]:
    """What a gzip or zip file holds, a sentence about it, and whether that is a guess.

    Anything else comes back as it is. Where the sentence is all there is, the bytes are empty.
    """
    if data.startswith(b"\x1f\x8b"):
        plain, whole = _inflate(data, 0, len(data), zlib.MAX_WBITS | 16)
        sentence = "" if whole else "The file is a gzip archive that is damaged or too large."
        return plain, sentence, not whole
    if not data.startswith(ZIP):
        return data, "", False
    members = _members(data)
    names = [name for name, *_ in members]
    for part, what in _DOCUMENTS:
        if any(name.startswith(part) for name in names):
            return b"", f"This is {what}, not a notebook. {AS_NOTEBOOK}", False
    for ending in _ENDINGS:
        wanted = [member for member in members if member[0].lower().endswith(ending)][:20]
        contents = [_member(data, *member[1:]) for member in wanted]
        if not ending:
            known = [is_notebook(plain[:4096]) for plain, _ in contents]
            wanted = [member for member, yes in zip(wanted, known, strict=True) if yes]
            contents = [content for content, yes in zip(contents, known, strict=True) if yes]
        if contents:
            best = max(range(len(contents)), key=lambda i: len(contents[i][0]))
            plain, whole = contents[best]
            if not plain:
                sentence = "The zip file cannot be unpacked: it is damaged or has a password."
                return b"", f"{sentence} {AS_NOTEBOOK}", False
            sentence = "" if whole else "The zip file is damaged or too large."
            if len(contents) > 1:
                name = wanted[best][0].rpartition("/")[2][:60]
                sentence = f"The zip file holds {len(contents)} files; '{name}' was read."
            return plain, sentence, not whole or len(contents) > 1
    inner = ", ".join(f"'{one_line(name.rpartition('/')[2], 60)}'" for name in names[:3])
    there = f"; there is {inner}" + (" and more" if len(names) > 3 else "") if names else ""
    return b"", f"This is a zip file without a notebook in it{there}. {AS_NOTEBOOK}", False


def inside(data: bytes, depth: int = 1) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names of the files in a zip and in zips in it, and what reads each; nothing of what is none.

    What is damaged or has a password is read as empty, or as far as it goes.
    """
    if data.startswith(ZIP):
        for name, *where in _members(data):
            yield name, lambda where=where: _member(data, *where)[0]  # type: ignore[misc]
            if name.lower().endswith(".zip") and depth < DEEPEST:
                yield from inside(_member(data, *where)[0], depth + 1)


def _members(data: bytes) -> list[tuple[str, int, int, int]]:
    """Name, method (−1 with a password), start and end of what the local headers announce.

    The directory at the end of a zip file is not read: a cut file has none.
    """
    found: list[tuple[str, int, int, int]] = []
    at = 0
    while at >= 0 and len(data) - at >= 30 and len(found) < _MOST_MEMBERS:
        _, flags, method, _, _, _, packed, _, length, extra = struct.unpack_from(
            "<HHHHHIIIHH", data, at + 4
        )
        start = at + 30 + length + extra
        # A size of zero is announced where the writer did not know it yet.
        later = data.find(ZIP, start + packed)
        end = start + packed if packed else (later if later >= 0 else len(data))
        path = data[at + 30 : at + 30 + length].decode("utf-8", "replace")
        name = path.rpartition("/")[2]
        leftover = (
            "__MACOSX" in path or ".ipynb_checkpoints" in path or name.startswith(("._", ".~"))
        )
        if name and not leftover:
            found.append((path, -1 if flags & 1 else method, start, min(end, len(data))))
        at = later
    return found


def _member(data: bytes, method: int, start: int, end: int) -> tuple[bytes, bool]:
    if method == 0:
        return data[start:end], True
    return _inflate(data, start, end, -zlib.MAX_WBITS) if method == 8 else (b"", False)


def _inflate(data: bytes, start: int, end: int, bits: int) -> tuple[bytes, bool]:
    """At most LIMIT bytes of a deflated stream up to its first fault; whether that is all of it."""
    stream = zlib.decompressobj(bits)
    parts: list[bytes] = []
    size = 0
    view = memoryview(data)[start:end]
    try:
        for at in range(0, len(view), 2**16):
            block = bytes(view[at : at + 2**16])
            parts.append(stream.decompress(block, LIMIT - size + 1))
            size += len(parts[-1])
            if stream.eof or size > LIMIT:
                break
    except zlib.error:
        # A block that fails gives nothing at all: once more, byte by byte, for what comes before.
        again = zlib.decompressobj(bits)
        parts = [again.decompress(bytes(view[:at]), LIMIT)]
        for byte in block:
            try:
                parts.append(again.decompress(bytes((byte,)), LIMIT))
            except zlib.error:
                break
        return b"".join(parts)[:LIMIT], False
    return b"".join(parts)[:LIMIT], stream.eof and size <= LIMIT
