"""What a kernel uses, as the zygote sees it: memory, threads and files.

The limits that the system keeps by itself (``confine.Limits``) are per file and per mapping. Here
are the sums: resident anonymous and shared memory, threads, and everything that takes room on the
disk, including files that were deleted while they are open or mapped.

Protects from: what grows for longer than the interval between two looks. Does not protect from: a
short burst above the limit, which is over before anybody looks.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from coursekit.grading.jail.confine import Limits

__all__ = ["memory", "over"]

_MOST_FILES = 5000
_MB = 1 << 20


def memory(pid: int) -> int:
    """Resident bytes that belong to no file; shared with the zygote or not."""
    return _status(pid)[0]


def over(pid: int, folder: Path, limits: Limits, baseline: int) -> str:
    """The name of the limit that a kernel has passed, or the empty string.

    Args:
        baseline: the memory it had when it was forked.

    Raises:
        OSError: its files cannot be counted. That is usual for a process that is just ending; one
            that stays so has made paths too long to follow.
    """
    used, threads = _status(pid)
    if used - baseline > limits.memory_mb * _MB:
        return "memory"
    if threads > limits.threads:
        return "threads"
    size, count = _files(folder)
    if count > _MOST_FILES or size + _deleted(pid) > limits.disk_mb * _MB:
        return "disk"
    return ""


def _status(pid: int) -> tuple[int, int]:
    if sys.platform != "linux":
        import psutil

        try:
            process = psutil.Process(pid)
            return process.memory_info().rss, process.num_threads()
        except psutil.Error:
            return 0, 0
    used = threads = 0
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith(("RssAnon:", "RssShmem:")):
                    used += int(line.split()[1]) << 10
                elif line.startswith("Threads:"):
                    threads = int(line.split()[1])
    except OSError:  # it has just ended
        pass
    return used, threads


def _files(folder: Path) -> tuple[int, int]:
    """Bytes on disk below a folder, and the number of files; links are not followed."""
    total = count = 0
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                if count > _MOST_FILES:
                    return total, count
                try:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                except FileNotFoundError:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return total, count


def _deleted(pid: int) -> int:
    """Bytes of files without a name that the process still holds, open or mapped."""
    if sys.platform != "linux":
        return 0
    held: dict[tuple[int, int], int] = {}
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found = os.stat(f"/proc/{pid}/fd/{entry}")
        except FileNotFoundError:
            continue
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
            held[found.st_dev, found.st_ino] = found.st_blocks * 512
    with open(f"/proc/{pid}/maps", "rb") as maps:
        for line in maps:
            if line.endswith(b"(deleted)\n"):
                span, _, _, device, inode, *_ = line.split()
                low, high = (int(end, 16) for end in span.split(b"-"))
                major, minor = (int(part, 16) for part in device.split(b":"))
                key = os.makedev(major, minor), int(inode)
                held[key] = max(held.get(key, 0), high - low)
    return sum(held.values())
