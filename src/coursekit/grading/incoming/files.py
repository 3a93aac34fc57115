"""The files of a folder or zip of submissions, as they lie there; whose they are comes later.

Symbolic links are not followed. Hidden files, checkpoints and what a Mac adds to zips are not seen,
but for notebooks: somebody may have called one ``.ada.ipynb``. Where a person handed in nothing
that could be read, a file with a name alone stands for it, and says why.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coursekit.grading.incoming.plaintext import one_line
from coursekit.project import CourseError

__all__ = ["File", "unzipped", "walk"]

_MOST = 100_000
_LINK = "is a link, which is not followed"
# ``._x`` is what a Mac keeps beside x, and ``.~x`` is what Jupyter writes before it is x.
_HIDDEN = re.compile(r"\.(?![_~.]).*\.ipynb", re.IGNORECASE)


@dataclass(frozen=True)
class File:
    """A submitted file, on disk or inside a zip.

    Attributes:
        name: relative to the folder of submissions, with slashes; what results and overrides show.
            That of a folder ends with a slash.
        path: the file, or the zip that holds it.
        member: its entry in the zip.
        nothing: why it has no bytes of its own, in words that follow its name: an empty folder, a
            link, …
    """

    name: str
    path: Path
    member: str | None = None
    nothing: str = ""

    def read(self, limit: int) -> bytes:
        """At most the first ``limit`` bytes; nothing of what is no regular file (any more).

        Raises:
            OSError: it cannot be read.
        """
        if self.nothing:
            return b""
        if self.member is None:
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            handle = os.open(self.path, flags | getattr(os, "O_BINARY", 0))
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise OSError(f"{self.name} is no regular file")
                return file.read(limit)
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as entry:
                return entry.read(limit)
        except Exception as error:  # damaged, encrypted, odd: every part has errors of its own
            raise OSError(f"{self.name}: {error}") from None


def walk(root: Path, out: Path | None = None) -> list[File]:
    """What a folder holds, at any depth, but for the folder ``out`` of results.

    Raises:
        CourseError: there is too much for a class.
    """
    found: list[File] = []
    results = out.resolve() if out is not None else None
    for folder, folders, names in os.walk(root, followlinks=False):
        here = Path(folder)
        inner = sorted(name for name in folders if not _ignored(name))
        hidden = [name for name in (*folders, *names) if _ignored(name)]
        folders[:] = [name for name in inner if (here / name).resolve() != results]
        seen = [name for name in names if not _ignored(name) or _HIDDEN.fullmatch(name)]
        for name in seen:
            found.append(File(_named(root, here / name), here / name, nothing=_odd(here / name)))
        for name in folders:
            if (here / name).is_symlink():
                found.append(File(f"{_named(root, here / name)}/", here / name, nothing=_LINK))
        if not seen and not inner and here != root:
            found.append(File(f"{_named(root, here)}/", here, nothing=_empty(hidden)))
        if len(found) > _MOST:
            raise CourseError(f"{root.name} has more than {_MOST:,} files: is it the right one?")
    return found


def _named(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _odd(path: Path) -> str:
    """Why it is no file that could be read; empty for a regular file."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return "has just gone"
    if stat.S_ISLNK(mode):
        return _LINK
    return "" if stat.S_ISREG(mode) else "is no regular file"


def _empty(hidden: Iterable[str]) -> str:
    """What there is to say of a folder in which nothing is seen."""
    names = sorted(hidden)
    if not names:
        return "is an empty folder"
    shown = ", ".join(one_line(name, 60) for name in names[:3])
    return f"has only hidden files in it: {shown}" + (" and more" if len(names) > 3 else "")


def unzipped(path: Path) -> list[File]:
    """What a zip holds.

    Raises:
        CourseError: it cannot be read, or there is too much for a class.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CourseError(f"{path.name} cannot be read: {one_line(str(error))}") from None
    if len(entries) > _MOST:
        raise CourseError(f"{path.name} has more than {_MOST:,} files: is it the right one?")
    found: dict[str, File] = {}
    folders: dict[str, set[str]] = {}
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        parts = [p for p in re.split(r"[/\\]+", entry.filename) if p not in ("", ".", "..")]
        shown = list(_shown(parts))
        if not entry.is_dir() and parts and parts[:-1] == shown and _HIDDEN.fullmatch(parts[-1]):
            shown = parts
        name = "/".join(shown)
        if len(shown) < len(parts) or entry.is_dir():
            folders.setdefault(name, set()).update(parts[len(shown) : len(shown) + 1])
        elif shown:
            odd = _LINK if kind == stat.S_IFLNK else "is no regular file"
            nothing = "" if kind in (0, stat.S_IFREG) else odd
            found[name] = File(name, path, entry.filename, nothing)
    above = {parent for name in (*found, *folders) for parent in _parents(name)}
    for name in folders.keys() - above - set(found) - {""}:
        found[f"{name}/"] = File(f"{name}/", path, nothing=_empty(folders[name]))
    return list(found.values())


def _shown(parts: Iterable[str]) -> Iterator[str]:
    """The folders from outside to the first that is not seen."""
    for part in parts:
        if _ignored(part):
            return
        yield part


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.startswith("~$") or name in ("__MACOSX", "__pycache__")
