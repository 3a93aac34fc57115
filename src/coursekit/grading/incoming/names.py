"""Names: of people and files, made fit for comparing, sorting and saving, and what is in them.

What is in them is whose a file is, as far as Canvas or Moodle wrote it there.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CANVAS", "Identity", "identity", "name_bytes", "plain_name", "safe_ids"]

CANVAS = re.compile(
    r"(?P<name>.+?)_(?:late_)?(?P<user>[0-9]{1,18})_(?P<file>[0-9]{1,18})_(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<user>[0-9]{1,18})_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.DOTALL
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Identity:
    """What a file's name tells of its owner: a name, and Canvas' or Moodle's number."""

    name: str = ""
    canvas: str = ""
    moodle: str = ""


def identity(file: str) -> Identity:
    """What the name of a submission, as rows have it, tells of its owner.

    Canvas and Moodle begin a name; what a student called a file comes after. So the outermost part
    of a path decides, and in it the first number.
    """
    outer, slash, _ = file.partition("/")
    moodle = _MOODLE.fullmatch(outer)
    canvas = None if slash else CANVAS.fullmatch(outer)
    if moodle and not (canvas and canvas.start("user") < moodle.start("user")):
        name = "" if moodle["name"] == "Participant" else moodle["name"]
        return Identity(name, moodle=moodle["user"])
    return Identity(canvas["name"], canvas=canvas["user"]) if canvas else Identity()


def name_bytes(name: str) -> bytes:
    """What names are sorted by: the same on every machine."""
    return name.encode("utf-8", "surrogatepass")


def plain_name(name: str) -> str:
    """A name as Canvas has it in file names: letters and digits, in small letters, no accents."""
    bare = unicodedata.normalize("NFKD", name).casefold()
    return "".join(char for char in bare if char.isalnum())


def safe_ids(names: Sequence[str]) -> dict[str, str]:
    """An id for every name: a possible file name on every system, and no two alike.

    Letters of any script, digits and ``. _ -`` stay; everything else becomes one ``_``. Of names
    that come to the same id, one that needed no change keeps it; the others get six digits of their
    own hash, so that an id depends as little as it can on who else is in the class.
    """
    wished: dict[str, list[str]] = {}
    for name in sorted(set(names), key=name_bytes):
        wished.setdefault(_safe(name).casefold(), []).append(name)
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for group in wished.values():
        keeper = next((name for name in group if _safe(name) == name), None)
        if keeper is None and len(group) == 1:
            keeper = group[0]
        if keeper is not None:
            ids[keeper] = _safe(keeper)
            taken.add(ids[keeper].casefold())
    for name in sorted(set(names) - set(ids), key=name_bytes):
        digest = hashlib.sha256(name_bytes(name)).hexdigest()
        length = 6
        while (new := f"{_safe(name)}-{digest[:length]}").casefold() in taken:
            length += 1
        ids[name] = new
        taken.add(new.casefold())
    return ids


def _safe(name: str) -> str:
    text = unicodedata.normalize("NFC", name[:1000])
    text = "".join(
        c if c.isalnum() or c in "._-" or unicodedata.combining(c) else "_" for c in text
    )
    text = re.sub(r"_{2,}", "_", text).lstrip("._-")
    text = text.encode("utf-8")[:120].decode("utf-8", "ignore").rstrip("._")
    if not text or not text[0].isalnum():
        text = "student" + text
    return f"{text}_" if _RESERVED.fullmatch(text) else text
