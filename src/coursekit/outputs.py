"""Stored outputs: made independent of the run, carried over, and kept small."""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode
from PIL import Image, ImageChops, ImageStat

from coursekit import folding
from coursekit.setup_cell import is_setup

LIMIT_KB = 400
LIMIT_KB_PHOTOS = 1024

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"pHYs"}
_COLOURS, _FAITHFUL = 256, 2.0  # of a palette; root mean square error of a colour, of 255
_WIDGET = "application/vnd.jupyter.widget-view+json"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PROGRESS = re.compile(r"\d+%\||\d+it \[|\d+/\d+ \[")


class StandardErrorOutput(Exception):
    """A cell wrote to standard error something that is no progress bar.

    Attributes:
        text: what it wrote.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def normalise(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """``outputs`` of one cell as they are stored: the same for every run on one machine.

    Streams are merged, progress bars and live widgets dropped (they mean nothing on a page),
    addresses of objects and PNG metadata removed, plots given a palette. Normalising twice changes
    nothing.

    Raises:
        StandardErrorOutput: the cell wrote to standard error: warnings hold paths of this machine,
            and a reader should never meet one.
    """
    kept: list[NotebookNode] = []
    printed: NotebookNode | None = None
    for output in outputs:
        if output.output_type == "stream":
            text = _final_text(output.text)
            if output.name == "stderr":
                if text.strip() and not ("\r" in output.text or _PROGRESS.search(text)):
                    raise StandardErrorOutput(text)
            elif printed is not None:
                printed.text += text
            elif text:
                printed = nbformat.v4.new_output("stream", name="stdout", text=text)
                kept.append(printed)
        elif output.output_type in ("display_data", "execute_result"):
            normal = _normalise_data(output)
            if normal is not None:
                kept.append(normal)
        else:
            kept.append(output)
    return kept


def strip_png(data: bytes) -> bytes:
    """A PNG file without the chunks that name software, time or text.

    Returns:
        ``data`` unchanged where it is no PNG.
    """
    if not data.startswith(_PNG_MAGIC):
        return data
    return _PNG_MAGIC + b"".join(chunk for kind, chunk in _chunks(data) if kind in _PNG_KEPT)


def palette_png(data: bytes) -> bytes:
    """A PNG file with a palette, where that makes it smaller and nobody can see it.

    Plots have a few hundred colours, most of them the edges of letters: a palette makes their files
    two to three times smaller. Photographs have too many and stay as they are.

    Returns:
        ``data`` unchanged where it is no PNG, has a palette or transparent parts, or where the
        colours would change by more than 2 of 255 (root mean square).
    """
    if not data.startswith(_PNG_MAGIC):
        return data
    image = Image.open(io.BytesIO(data))
    opaque = image.mode == "RGB" or (
        image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255)
    )
    if not opaque:
        return data
    full = image.convert("RGB")
    few = full.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    error = ImageStat.Stat(ImageChops.difference(full, few.convert("RGB"))).rms
    if max(error) > _FAITHFUL:
        return data
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return min(data, file.getvalue(), key=len)


def carry(old: NotebookNode, new: NotebookNode) -> bool:
    """Give the code cells of ``new`` the outputs and counts of those of ``old``, in order.

    Returns:
        Whether the two have the same code; where not, ``new`` is left as it was.
    """
    pairs = list(zip(code_cells(old), code_cells(new), strict=False))
    if len(pairs) != len(code_cells(new)) or len(pairs) != len(code_cells(old)):
        return False
    # The set-up cell is generated, not executed for its outputs: it may change under them.
    if any(folding.code(a) != folding.code(b) for a, b in pairs if not is_setup(b)):
        return False
    for before, after in pairs:
        after.outputs = before.outputs
        after.execution_count = before.execution_count
    return True


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells of ``notebook``, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _normalise_data(output: NotebookNode) -> NotebookNode | None:
    data = dict(output.data)
    if data.pop(_WIDGET, None) is not None and set(data) <= {"text/plain"}:
        return None
    if "image/png" in data:
        png = palette_png(strip_png(base64.b64decode(data["image/png"])))
        data["image/png"] = base64.b64encode(png).decode("ascii")
    if "text/plain" in data:
        data["text/plain"] = _ADDRESS.sub("", data["text/plain"])
    normal = nbformat.from_dict({**output, "data": data})
    if normal.output_type == "display_data":
        normal.pop("execution_count", None)
    normal.pop("transient", None)
    return normal


def _final_text(text: str) -> str:
    """``text`` as a terminal ends up showing it: each line after its last carriage return."""
    return re.sub(r"^.*\r(?=[^\n])", "", text.replace("\r\n", "\n"), flags=re.MULTILINE)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_PNG_MAGIC)
    while position + 8 <= len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind = data[position + 4 : position + 8]
        yield kind, data[position : position + length + 12]
        position += length + 12
