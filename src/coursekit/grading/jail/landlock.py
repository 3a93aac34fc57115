"""What of the file system a kernel may open: Landlock, the part of Linux that needs no privileges.

A ``View`` says what is shown and what is hidden; the longest path that contains a file decides.
Landlock itself only knows how to show whole subtrees, so ``View.rules`` goes around what is hidden.

Protects from: opening, creating, renaming and removing anything outside the view and the kernel's
own folder, whoever owns it; TCP (from ABI 4), signals and abstract sockets to other processes (from
ABI 6). Does not protect from: asking whether a path exists, how large it is and who owns it; the
names of hidden files next to shown ones; changing modes and times of the user's own files
(``seccomp`` does that); processes and memory.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

__all__ = ["View", "abi", "restrict"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_SYM = 1 << 7, 1 << 8, 1 << 9, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR
# No devices, sockets or pipes: whoever looks into the folder later must not hang on one.
_OWN = (_READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM) | (
    _REFER | _TRUNCATE
)
_OF_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE

_DEVICES = {"/dev/null": _READ_FILE | _WRITE_FILE, "/dev/urandom": _READ_FILE}
_ABOUT_MACHINE = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/filesystems",
    "/sys/devices/system/cpu",
)


@dataclass(frozen=True)
class View:
    """Files and folders that are shown, and those that are hidden within them, by absolute path."""

    shown: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()

    @cached_property
    def rules(self) -> tuple[tuple[Path, int], ...]:
        """Paths with the rights to grant below each, as they were when this was first asked for."""
        return tuple(self._rules())

    def _rules(self) -> Iterator[tuple[Path, int]]:
        marks = {path: True for path in self.shown} | {path: False for path in self.hidden}
        above = {parent for path in marks for parent in path.parents}
        yield from _visit(Path("/"), False, marks, above)


def _visit(
    path: Path, shown: bool, marks: dict[Path, bool], above: set[Path]
) -> Iterator[tuple[Path, int]]:
    shown = marks.get(path, shown)
    if path not in above:
        if shown:
            yield path, _READ
        return
    if shown:
        yield path, _READ_DIR
        try:
            children = {path / name for name in os.listdir(path)}
        except OSError:
            children = set()
    else:
        children = {mark for mark in (*marks, *above) if mark.parent == path and mark != path}
    for child in sorted(children):
        yield from _visit(child, shown, marks, above)


def abi() -> int:
    """The version of Landlock, 0 where there is none. Asking changes nothing."""
    if sys.platform != "linux":
        return 0
    version = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return max(version, 0)


def restrict(view: View, folder: Path) -> None:
    """Restrict the calling thread, and all that it starts, for good.

    Args:
        view: what can be read.
        folder: the kernel's own; sockets can be made in it and files in its ``home``.

    Raises:
        OSError: Landlock is missing or refuses. Nothing is restricted then.
    """
    version = abi()
    if not version:
        raise OSError("this system has no Landlock")
    files = (1 << {1: 13, 2: 14}.get(version, 15 if version < 5 else 16)) - 1
    network = 3 if version >= 4 else 0
    scope = 3 if version >= 6 else 0
    attributes = struct.pack("=QQQ", files, network, scope)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    for path, rights in view.rules:
        _add(ruleset, path, rights & files)
    for name, rights in _DEVICES.items():
        _add(ruleset, Path(name), rights & files)
    for name in (*_ABOUT_MACHINE, f"/proc/{os.getpid()}"):
        _add(ruleset, Path(name), _READ)
    _add(ruleset, folder, _MAKE_SOCK)
    if not _add(ruleset, folder / "home", _OWN & files):
        raise OSError(f"no folder {folder}/home")
    zero = ctypes.c_ulong(0)
    _libc().prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _add(ruleset: int, path: Path, rights: int) -> bool:
    """Grant rights below a path, unless it is a link or not there."""
    try:
        opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        mode = os.fstat(opened).st_mode
        if stat.S_ISLNK(mode):
            return False
        if not stat.S_ISDIR(mode):
            rights &= _OF_FILES
        if rights:
            _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
        return True
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    result = _libc().syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock, system call {number}: {os.strerror(error)}")
    return int(result)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
