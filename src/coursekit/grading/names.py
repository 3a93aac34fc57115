"""Names of people made fit for a comparison, and for names of files on every system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from coursekit.grading.files import name_bytes

__all__ = ["plain_name", "safe_ids"]

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index)(\..*)?", re.IGNORECASE)


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
