"""Notebooks damaged at random, and which of their answers are still whole.

An answer is *intact* if the text by which the file stores its source is in the damaged file byte
for byte, from the first quote to the last: of a list of lines, with all that is between them. So a
lost comma in the list, or a changed letter, makes it a damaged one; whatever happens around it,
its key included, does not.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SHEETS = sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb"))

STYLES: dict[str, dict[str, Any]] = {  # how tools write a notebook
    "jupyter": {"indent": 1, "sort_keys": True, "ensure_ascii": False},
    "colab": {"indent": 2, "ensure_ascii": True},
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "spaced": {"sort_keys": True},
}
_ORDER = {  # Colab's order of keys, ids in the metadata
    key: i
    for i, key in enumerate(["cell_type", "source", "metadata", "execution_count", "outputs"])
}


def solved(slug: str) -> dict[str, Any]:
    """The exercises of a chapter with the answers of its solutions, and their outputs."""
    exercises = json.loads((ROOT / "exercises" / f"{slug}.ipynb").read_text())
    solutions = json.loads((ROOT / "solutions" / f"{slug}.ipynb").read_text())
    done = {cell["id"]: cell for cell in solutions["cells"]}
    for cell in exercises["cells"]:
        cell["source"] = done[cell["id"]]["source"]
        if "outputs" in cell:
            cell["outputs"] = done[cell["id"]].get("outputs", [])
    return exercises


def answers(notebook: dict[str, Any]) -> dict[str, str | list[str]]:
    """From the question to the source of its answer, as it is stored."""
    return {
        cell["metadata"]["genbook"]["question"]: cell["source"]
        for cell in notebook["cells"]
        if cell["metadata"].get("genbook", {}).get("question")
    }


def text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def written(notebook: dict[str, Any], style: str, *, joined: bool) -> tuple[str, dict[str, str]]:
    """A notebook as a tool writes it, and from each answer to its stored text.

    ``joined``: sources as one string each, not as lists of lines.
    """
    made = json.loads(json.dumps(notebook))
    for cell in made["cells"]:
        if joined:
            cell["source"] = text(cell["source"])
    if style == "colab":
        for i, cell in enumerate(made["cells"]):
            cell["metadata"]["id"] = cell.pop("id", f"cell{i}")
        made["cells"] = [
            dict(sorted(cell.items(), key=lambda item: _ORDER[item[0]])) for cell in made["cells"]
        ]
    whole = json.dumps(made, **STYLES[style])
    stored = {}
    indent = STYLES[style].get("indent", 0)
    for source in answers(made).values():
        value = json.dumps(source, **STYLES[style])
        if isinstance(source, list):
            value = value.replace("\n", "\n" + " " * 3 * indent)
            value = value[value.index('"') : value.rindex('"') + 1]
        assert value in whole
        stored[text(source)] = value
    return whole, stored


# --- Damages: from a text to a damaged one -------------------------------------------------------


def _block(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data))
    length = int(2 ** rng.uniform(0, 13))
    return start, min(start + length, len(data))


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _behead(data: bytes, rng: random.Random) -> bytes:
    return data[rng.randrange(len(data)) :]


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 5, 20, 100))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _scramble(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 5, 20))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _delete(data: bytes, rng: random.Random) -> bytes:
    start, end = _block(data, rng)
    return data[:start] + data[end:]


def _duplicate(data: bytes, rng: random.Random) -> bytes:
    start, end = _block(data, rng)
    at = rng.choice((end, rng.randrange(len(data))))
    return data[:at] + data[start:end] + data[at:]


def _zero(data: bytes, rng: random.Random) -> bytes:
    start, end = _block(data, rng)
    if rng.random() < 0.3:  # what a disk does
        start, end = start // 512 * 512, min(-(-end // 512) * 512, len(data))
    return data[:start] + bytes(end - start) + data[end:]


def _move(data: bytes, rng: random.Random) -> bytes:
    start, end = _block(data, rng)
    rest = data[:start] + data[end:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def _garbage(data: bytes, rng: random.Random) -> bytes:
    size = rng.choice((1, 3, 30, 1000))
    letters = rng.choice((b'"', b'"\\{}[],:\n', b"\xe9\xff\0", bytes(range(256)), b"abc def\n"))
    rubbish = bytes(rng.choice(letters) for _ in range(size))
    at = rng.randrange(len(data) + 1)
    return data[:at] + rubbish + data[at:]


def _drop(character: bytes) -> Callable[[bytes, random.Random], bytes]:
    def drop(data: bytes, rng: random.Random) -> bytes:
        """Some of a character, mostly few of them."""
        share = rng.choice((0.001, 0.01, 0.1))
        parts = data.split(character)
        kept = [character if rng.random() > share else b"" for _ in parts[1:]]
        return parts[0] + b"".join(k + p for k, p in zip(kept, parts[1:], strict=True))

    return drop


def _lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    for _ in range(rng.choice((1, 1, 3, 10))):
        start = rng.randrange(len(lines) + 1)
        del lines[start : start + rng.choice((1, 1, 2, 8))]
    return b"".join(lines)


def _cut_lines_short(data: bytes, rng: random.Random) -> bytes:
    width = rng.choice((80, 100, 200))
    return b"\n".join(line[:width] for line in data.split(b"\n"))


def _wrap_lines(data: bytes, rng: random.Random) -> bytes:
    """As a mail program does."""
    width = rng.choice((200, 500, 998))
    pieces = [data[i : i + width] for i in range(0, len(data), width)]
    return b"\n".join(pieces)


def _conflict(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    start = rng.randrange(len(lines))
    end = min(start + rng.choice((1, 3, 20)), len(lines))
    theirs = [line.replace(b"e", b"E") for line in lines[start:end]]
    block = [b"<<<<<<< HEAD", *lines[start:end], b"=======", *theirs, b">>>>>>> origin/main"]
    if rng.random() < 0.3:
        del block[rng.choice((0, -1))]
    return b"\n".join(lines[:start] + block + lines[end:])


def _metadata(data: bytes, rng: random.Random) -> bytes:
    key = rng.choice((b'"metadata"', b'"nbgrader"', b'"id"', b'"cell_type"', b'"outputs"'))
    new = rng.choice((b"null", b'"', key[:-1], b'"metadata": null, "x"', b"{", key.upper(), b""))
    some = rng.random() < 0.5
    return data.replace(key, new) if some else data.replace(key, new, rng.randrange(1, 9))


def _keys(data: bytes, rng: random.Random) -> bytes:
    """The worst: keys of sources and cells."""
    key = rng.choice((b'"source"', b'"cells"', b'"cell_type"', b'"source": [', b'"source":['))
    new = rng.choice((b'"sourc\xe8"', b"source", b'"', b"", b'"x": {', b"'source'"))
    return data.replace(key, new) if rng.random() < 0.3 else data.replace(key, new, 2)


def _braces(data: bytes, rng: random.Random) -> bytes:
    return _drop(rng.choice((b"{", b"}", b"[", b"]", b":")))(data, rng)


def _tail(data: bytes, rng: random.Random) -> bytes:
    return data + rng.choice((b"}", b"]}", b"\0" * 4096, b"\n\n--\nSent from my phone", data))


def _trailing_commas(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"}", b",}", rng.randrange(1, 20)).replace(b"]", b", ]", rng.randrange(5))


def _numbers(data: bytes, rng: random.Random) -> bytes:
    new = rng.choice((b"NaN", b"Infinity", b"1e999", b"9" * 5000, b"0x10", b"undefined"))
    return data.replace(b"null", new, rng.randrange(1, 9))


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "truncate": _truncate,
    "behead": _behead,
    "flip": _flip,
    "scramble": _scramble,
    "delete": _delete,
    "duplicate": _duplicate,
    "zero": _zero,
    "move": _move,
    "garbage": _garbage,
    "quotes": _drop(b'"'),
    "commas": _drop(b","),
    "backslashes": _drop(b"\\"),
    "braces": _braces,
    "lines": _lines,
    "cut_lines_short": _cut_lines_short,
    "wrap_lines": _wrap_lines,
    "conflict": _conflict,
    "metadata": _metadata,
    "keys": _keys,
    "tail": _tail,
    "trailing_commas": _trailing_commas,
    "numbers": _numbers,
}
CODECS = ("utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-be", "utf-16-le", "utf-32")


def damage(rng: random.Random) -> tuple[bytes, set[str], str, str]:
    """A random notebook, damaged in one to three ways.

    Returns:
        the damaged file, its intact answers, the whole text, and a name for what happened.
    """
    slug, style = rng.choice(SHEETS), rng.choice(list(STYLES))
    whole, stored = written(SOLVED[slug], style, joined=rng.random() < 0.4)
    codec = "utf-8" if rng.random() < 0.7 else rng.choice(CODECS)
    line = "\n" if rng.random() < 0.8 else rng.choice(("\r\n", "\r"))
    data = whole.replace("\n", line).encode(codec, "replace")
    story = [slug, style, codec]
    if rng.random() < 0.1:  # two files run into each other
        other, more = written(SOLVED[rng.choice(SHEETS)], style, joined=rng.random() < 0.4)
        second = other.replace("\n", line).encode(codec, "replace")
        data = data[: rng.randrange(len(data))] + second[rng.randrange(len(second)) :]
        stored = {**stored, **more} if not stored.keys() & more.keys() else stored
        story.append("splice")
    for name in rng.choices(list(DAMAGES), k=rng.choice((1, 1, 1, 2, 3))):
        data = DAMAGES[name](data, rng) or data
        story.append(name)
    bare = codec.replace("-sig", "") if codec not in ("utf-16", "utf-32") else codec + "-le"
    pieces = {source: value.replace("\n", line) for source, value in stored.items()}
    left = {
        source
        for source, value in pieces.items()
        if value.encode(bare, "replace").decode(bare) == value and value.encode(bare) in data
    }
    return data, left, whole, "+".join(story)


SOLVED = {slug: solved(slug) for slug in SHEETS}
