"""Pictures in answers: found, counted, and kept where a page can show them without harm.

A picture is pasted into a cell of text, where Jupyter attaches it and Colab writes it into the
source, or it is the output of a cell. Bytes decide what it is, not what a file says of it. Shown is
only what a browser draws without running, loading or unpacking anything large; of all else it is
said that it is there.
"""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass
from typing import Any

__all__ = ["URI", "Picture", "attached", "drawn", "taken_out"]

URI = re.compile(r"data:image/(?:png|jpeg|gif|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")
"""What a page may show, as it stands in a row."""

_WRITTEN = re.compile(r"data:(image/[\w.+-]{1,30})(?:;[\w.=-]{1,60})*;base64,([A-Za-z0-9+/=\s]++)")
_LARGEST = 3 * 2**20  # bytes of a picture that is shown
_MOST_PIXELS = 40_000_000
_MOST = 50  # pictures of a cell
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Picture:
    """``words`` say what it is; ``uri`` shows it, and is empty for what is not shown."""

    words: str
    uri: str = ""


def taken_out(source: str) -> tuple[str, tuple[Picture, ...]]:
    """A source without the pictures that are written into it, and these."""
    if "base64," not in source:
        return source, ()
    found = [_picture(match[1], match[2]) for match in _WRITTEN.finditer(source)]
    return _WRITTEN.sub("picture", source), tuple(found[:_MOST])


def attached(cell: dict[str, Any]) -> tuple[Picture, ...]:
    """The attachments of a cell."""
    files = cell.get("attachments")
    bundles = files.values() if isinstance(files, dict) else ()
    return tuple(part for bundle in bundles for part in _bundle(bundle))[:_MOST]


def drawn(cell: dict[str, Any]) -> tuple[Picture, ...]:
    """The pictures among the outputs of a cell."""
    outputs = cell.get("outputs")
    found: list[Picture] = []
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data", output) if isinstance(output, dict) else None
        found += _bundle(data)[:1]  # the others are the same picture in other forms
    return tuple(found[:_MOST])


def _bundle(bundle: Any) -> list[Picture]:
    """The pictures of a bundle of MIME types; nbformat 3 has their short names."""
    if not isinstance(bundle, dict):
        return []
    found = []
    for kind, value in bundle.items():
        kind = {"png": "image/png", "jpeg": "image/jpeg", "svg": "image/svg+xml"}.get(kind, kind)
        text = "".join(map(str, value)) if isinstance(value, list) else value
        if not (isinstance(kind, str) and isinstance(text, str) and kind.startswith("image/")):
            continue
        if kind == "image/svg+xml" and "<" in text:
            text = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
        found.append(_picture(kind, text))
    return found


def _picture(kind: str, encoded: str) -> Picture:
    letters = re.sub(r"\s+", "", encoded).rstrip("=")
    try:
        data = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError:
        return Picture("a picture that is damaged")
    size = f"{max(1, round(len(data) / 1000)):,} kB"
    mime, pixels = _looked_at(data, kind)
    if not mime:
        return Picture(f"a picture of a kind that is not shown here ({kind[6:]}, {size})")
    words = f"{'SVG' if mime == 'svg+xml' else mime.upper()}, {size}"
    if len(data) > _LARGEST or pixels > _MOST_PIXELS:
        return Picture(f"a picture that is too large to be shown here ({words})")
    shown = base64.b64encode(data).decode("ascii")
    return Picture(f"a picture ({words})", f"data:image/{mime};base64,{shown}")


def _looked_at(data: bytes, kind: str) -> tuple[str, int]:
    """What kind of picture these bytes are, and how many pixels they unpack to."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return "png", width * height
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return "gif", width * height
    if data.startswith(b"\xff\xd8\xff"):
        pixels = _pixels_of_jpeg(data)
        return ("jpeg", pixels) if pixels else ("", 0)
    # An image element runs no script of an SVG and loads nothing for it.
    if kind == "image/svg+xml" and b"<svg" in data[:2000]:
        return "svg+xml", 0
    return "", 0


def _pixels_of_jpeg(data: bytes) -> int:
    """Width times height, from the first frame; 0 if there is none."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _START_OF_FRAME:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return int(width * height)
        at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return 0
