"""Files that are never half: a reader finds the old one or the new one, even after a power cut."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sync_folder", "write_file"]


def write_file(path: Path, data: bytes | str, mode: int | None = None) -> None:
    """Write a file so that a reader, a crash or a power cut leaves the old one or the new one.

    The new one grows beside it under a fixed name, which the next attempt overwrites: a killed run
    leaves no litter that a finished one would not have.

    Args:
        path: the file; its folder is made where it lacks.
        data: text is written as UTF-8, with newlines as they are.
        mode: the permissions; by default those of any other new file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_name(f".{path.name}.part")
    growing.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(growing, flags, 0o666 if mode is None else mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(growing, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a new or renamed entry of ``folder`` to the disk, where the system knows how."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
