"""Whose a file is, going by its name and its folder.

Canvas and Moodle write a number into names, nbgrader makes a folder a student, and people have
habits: copies, late files, the sheet's name before or after their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from coursekit.grading.incoming import formats
from coursekit.grading.incoming.files import File
from coursekit.grading.incoming.names import identity
from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.incoming.weights import is_weights
from coursekit.grading.incoming.weights import owner as weights_owner

_HEAD = 4096  # bytes by which a notebook is known

__all__ = [
    "DOWNLOADED",
    "MISTAKEN",
    "NOTEBOOK",
    "SHARED",
    "Owner",
    "doubtful",
    "is_notebook",
    "is_possible",
    "joined",
    "owners",
    "unowned",
]

# Browsers and editors add an ending to a file that they have not finished, or keep.
NOTEBOOK = re.compile(
    r"(?:\.ipynb)+(?:\.(?:txt|json|download|crdownload|part|bak|old))?[~_]?$", re.IGNORECASE
)
# What lies beside the submissions and is the teacher's: tables, texts, and what systems leave.
_TEXTS = re.compile(r"(?:\.(?:txt|md|rst|log)|^[^.]*)$", re.IGNORECASE)
_TABLES = re.compile(r"\.(?:csv|tsv|xlsx?|ods|ya?ml|toml|ini|sh|db|jsonl)$", re.IGNORECASE)
# What students hand in for a notebook.
MISTAKEN = re.compile(r"\.(pdf|html?|py|docx?|odt|zip|json|rtf|tar|gz|rar|7z)$", re.IGNORECASE)
DOWNLOADED = re.compile(r" ?\((\d{1,4})\)$|-copy(\d{0,4})$", re.IGNORECASE)
_COPY = re.compile(r"^(?:copy of|kopie von|copia de|copia di|copie de|cópia de|kopia)\s+", re.I)
# What people write behind their name when they hand in again.
_VERSION = re.compile(
    r"(?:[-_ .]+(?:checkpoint|v(?:ersion)?[-_ .]?\d+|final|new"
    r"|\d{4}-\d\d-\d\d|\d{8}|\d\d[-_:.h]?\d\d))+$",
    re.I,
)
SHARED = "one or two people"
"""How the doubt begins of names that may be one person's."""


@dataclass(frozen=True)
class Owner:
    """Whose a file is: equal for all files of one student, different between students."""

    name: str
    number: str = ""


def owners(files: Sequence[File], assignment: str) -> dict[Owner, list[File]]:
    """The files by owner, in the order of the files; tables and texts are nobody's.

    Args:
        assignment: the slug; in nbgrader's folders only its own are taken.
    """
    split = [file.name.split("/") for file in files]
    word = assignment.lower()
    nbgrader = {parts[0] for parts in split if len(parts) > 2 and parts[1].lower() == word}
    flat = {_stem(file.name, assignment) for file in files if "/" not in file.name}
    owned: dict[Owner, list[File]] = {}
    loose: list[File] = []
    for file, parts in zip(files, split, strict=True):
        who = identity(file.name)
        if who.moodle:
            owner = Owner(who.name or f"Participant {who.moodle}", who.moodle)
        elif who.canvas:
            owner = Owner(who.name, who.canvas)
        elif len(parts) > 1:
            another = parts[0] in nbgrader and parts[1].lower() != word
            if another and weights_owner(parts[-1], assignment) is None:
                continue  # another assignment of the same student
            owner = Owner(parts[0])
        elif is_weights(file.name):
            loose.append(file)
            continue
        elif is_possible(file):
            stem = _stem(file.name, assignment)
            early = re.sub(r"[-_ ]late$", "", stem, flags=re.IGNORECASE)
            owner = Owner(early if early in flat else stem)
        else:
            continue  # a table or a text of the teacher's, see ``unowned``
        owned.setdefault(owner, []).append(file)
    for file in loose:
        if found := _trainer(file.name, assignment, owned):
            owned.setdefault(found, []).append(file)
    return owned


def _trainer(name: str, assignment: str, owned: Collection[Owner]) -> Owner | None:
    """Who handed in weights beside notebooks: whose name they carry, or else the only student.

    Weights of the sheet with the name of somebody who has no notebook are that student's row. All
    others are the teacher's.
    """
    named = weights_owner(name, assignment)
    given = _letters(named or name.removesuffix(PurePosixPath(name).suffix))
    own = {owner: _letters(owner.name) for owner in owned}
    same = [owner for owner, letters in own.items() if letters and letters == given]
    if named is None:
        same = [o for o, letters in own.items() if letters and given.startswith(letters)]
        same.sort(key=lambda owner: len(own[owner]), reverse=True)  # of anna and annabel, annabel
    if same:
        return same[0]
    if named:
        return Owner(named)
    return next(iter(owned)) if named == "" and len(owned) == 1 else None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def joined(owned: dict[Owner, list[File]]) -> dict[Owner, list[File]]:
    """A file without a number belongs to the one person with a number who has its name.

    So whose file came late by mail, beside a download from Canvas or Moodle, keeps id and marks.
    """
    numbered: dict[str, list[Owner]] = {}
    for owner in owned:
        if owner.number:
            numbered.setdefault(owner.name.casefold(), []).append(owner)
    found: dict[Owner, list[File]] = {}
    for owner, files in owned.items():
        same = [] if owner.number else numbered.get(owner.name.casefold(), [])
        found.setdefault(same[0] if len(same) == 1 else owner, []).extend(files)
    return found


def doubtful(every: Collection[Owner]) -> dict[Owner, str]:
    """Why a person should look at owners who may be one, or one of whom may be somebody else."""
    alike: dict[tuple[str, str], list[Owner]] = {}
    for owner in every:
        plain = unicodedata.normalize("NFKC", owner.name).casefold()
        alike.setdefault(("number", owner.number) if owner.number else ("", plain), []).append(
            owner
        )
    doubts: dict[Owner, str] = {}
    for (kind, number), group in alike.items():
        names = ", ".join(one_line(owner.name, 200) for owner in group)
        what = f"the number {number}" if kind else "a name that differs by its case or accents only"
        if len(group) > 1:
            doubts |= dict.fromkeys(group, f"{SHARED}: {names} have {what}")
    by_name = {owner.name.casefold(): owner for owner in every}
    for owner in every:
        first = by_name.get(_VERSION.sub("", owner.name).casefold(), owner)
        if first != owner and not owner.number:
            names = f"{one_line(first.name, 200)}, {one_line(owner.name, 200)}"
            why = f"{SHARED}: {names} have names that differ by a version or a date only"
            doubts = {first: why, owner: why} | doubts
    return doubts


def is_possible(file: File) -> bool:
    """Whether a file may be a submission, if only by mistake.

    A text may be a notebook that was renamed.
    """
    if is_weights(file.name) or _TABLES.search(file.name):
        return False
    named = NOTEBOOK.search(file.name) or not _TEXTS.search(file.name)
    return bool(named) or is_notebook(file)


def is_notebook(file: File) -> bool:
    """Whether a file begins like a notebook, whatever it is called."""
    try:
        return formats.is_notebook(file.read(_HEAD))
    except OSError:
        return False


def unowned(files: Sequence[File]) -> list[str]:
    """The names of files beside the submissions that may be somebody's, and have no row.

    A table is the teacher's. A text may be that, or a student's.
    """
    return [
        file.name
        for file in files
        if "/" not in file.name
        and not (identity(file.name).canvas or is_weights(file.name) or _TABLES.search(file.name))
        and not is_possible(file)
    ]


def _stem(name: str, assignment: str) -> str:
    """Who a file without any folder belongs to: its name without what tools and habits add."""
    name = name.lstrip(".") or name
    whole = NOTEBOOK.sub("", name)
    if whole == name:
        whole = re.sub(r"(?:\.(?:ipynb|tar))?\.[A-Za-z0-9]{1,6}$", "", name, flags=re.IGNORECASE)
    whole = whole or name
    stem = DOWNLOADED.sub("", _COPY.sub("", whole))
    word = re.escape(assignment)
    stem = re.sub(rf"^{word}(?:[-_ ]+|$)|[-_ ]+{word}$", "", stem, flags=re.IGNORECASE)
    # 'Copy of ddim (1)' names nobody: then every file is somebody's own.
    return stem or whole
