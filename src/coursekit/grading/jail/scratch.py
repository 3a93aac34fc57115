"""Locks and folders that end with their process, however it ends.

A process that is killed tidies nothing up. So whoever needs a temporary folder holds a lock on it:
the system releases that with the last of the owner's processes, and the next run removes every
folder whose lock is free. The folder of results has such a lock too, against two runs at once.
"""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nothing is graded
    fcntl = None  # type: ignore[assignment]

__all__ = ["Busy", "folder", "lock", "remove", "sweep"]

_PREFIX = "gk-run-"
_LONGEST = 50  # bytes of the path of the system's folder; sockets have room for a hundred
_PATIENCE = 3.0  # seconds in which the processes of a killed run surely end


class Busy(Exception):
    """Another process has the lock."""


@contextmanager
def lock(path: Path, shared: bool = False) -> Iterator[None]:
    """Hold the lock on a file, which is made where it lacks, and stays.

    Args:
        shared: with others that share it, but with nobody who wants it alone.

    Raises:
        Busy: somebody else has it.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        # For writing: over NFS only such a file can be locked for oneself.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            # A file that was replaced meanwhile has the lock of nobody who comes later.
            if _locked(handle, shared) and _is(handle, path):
                yield
                return
        finally:
            os.close(handle)
        if time.monotonic() > until:
            raise Busy(str(path))
        time.sleep(0.05)


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder for this process alone, removed at the end: here, or by ``sweep``.

    Its path is short, because sockets lie in it.
    """
    sweep()
    while True:
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_place()))
        try:
            handle = _opened(made)
        except OSError:
            continue  # somebody swept it away before it had its lock
        if handle is None or (_locked(handle, wait=True) and _is(handle, made)):
            break
        os.close(handle)
    try:
        yield made
    finally:
        remove(made)
        if handle is not None:
            os.close(handle)


def remove(folder: Path) -> None:
    """Remove a folder in which a student's code has worked, if it is there.

    ``shutil.rmtree`` gives up on trees that are deeper than Python's stack or than a path may be
    long. Here each folder is moved up before it is emptied, and so every path stays short.
    """
    waiting = [folder] if folder.is_dir() else []
    emptied = []
    while waiting:
        inner = waiting.pop()
        emptied.append(inner)
        os.chmod(inner, 0o700)
        for entry in list(os.scandir(inner)):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                waiting.append(folder / uuid.uuid4().hex)
                os.rename(entry.path, waiting[-1])
            else:
                os.unlink(entry.path)
    for inner in reversed(emptied):
        inner.rmdir()


def sweep() -> None:
    """Remove the folders that killed processes of this user have left."""
    for path in _place().glob(f"{_PREFIX}*"):
        try:
            handle = _opened(path)
        except OSError:  # another user's, or just gone
            continue
        if handle is None:
            return
        if os.fstat(handle).st_uid == os.geteuid() and _locked(handle):
            # Of a run that was killed this moment, a kernel may still be dying in there.
            with suppress(OSError):
                remove(path)
        os.close(handle)


def _place() -> Path:
    place = Path(tempfile.gettempdir()).resolve()
    fits = os.name != "posix" or len(os.fsencode(place)) <= _LONGEST
    return place if fits else Path("/tmp")


def _opened(path: Path) -> int | None:
    """A handle of a folder; None on a system whose folders cannot be locked."""
    if fcntl is None:
        return None
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _locked(handle: int, shared: bool = False, wait: bool = False) -> bool:
    if fcntl is None:
        return True
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(handle: int, path: Path) -> bool:
    """Whether ``path`` still is what was opened."""
    try:
        there = path.stat()
    except OSError:
        return False
    return os.path.samestat(os.fstat(handle), there)
