"""What ``grade doctor`` looks at: parts of the sandbox, each tried in a process, and ipykernel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from coursekit.grading.jail import forked, landlock, sandbox, scratch, seccomp

__all__ = ["PROTECTS", "Finding", "report", "trial"]

_BOTH = (
    "A submission cannot read the solutions, the seed, other submissions or your files, write "
    "outside its own folder, use the network or start processes. Memory, disk, time: limited."
)
PROTECTS: dict[sandbox.Level, str] = {
    "bubblewrap": f"{_BOTH} Not stopped: a hole in the Linux kernel.",
    "landlock": f"{_BOTH} Not stopped: asking for names and sizes of files and for the processes "
    "there are; a hole in the Linux kernel.",
    "none": "A submission can do what you can do.",
}
"""What each level stops and what not, in short; the book's page for teachers has a table."""


@dataclass(frozen=True)
class Finding:
    """One thing that ``grade doctor`` looked at; ``detail`` says what was found or what to do."""

    name: str
    ok: bool
    detail: str


def report() -> list[Finding]:
    """Try each part of the sandbox in a process of its own. The last entry is the level."""
    if sys.platform != "linux":
        return [Finding("level", False, f"none: {sys.platform} has no sandbox, only Linux has")]
    trouble, unfit = sandbox.bubblewrap_trouble(), forked.unfit()
    findings = [
        Finding("bubblewrap", not trouble, trouble or "starts, with namespaces of its own"),
        _tried(
            "Landlock", f"ABI {landlock.abi()}", "it needs Linux 5.13 with Landlock among its LSMs"
        ),
        _tried("seccomp", "filters system calls", "in a container, allow the seccomp call"),
        _tried("limits", "memory is bounded", "the system ignores RLIMIT_DATA"),
        _sockets(),
        Finding("ipykernel", not unfit, unfit or version("ipykernel")),
    ]
    works = {finding.name: finding.ok for finding in findings}
    if unfit:
        level = Finding("level", False, "none: no kernel starts with this ipykernel")
    elif works["seccomp"] and works["bubblewrap"]:
        also = "" if works["Landlock"] else "; without Landlock, one kernel at a time in each"
        level = Finding("level", True, f"bubblewrap{also}")
    elif works["seccomp"] and works["Landlock"]:
        level = Finding("level", True, "landlock: Landlock, seccomp and limits")
    else:
        level = Finding("level", False, "none: grading needs --unsafe and submissions you trust")
    return [*findings, level]


def _tried(name: str, works: str, hint: str) -> Finding:
    code = f"from coursekit.grading.jail import doctor; doctor.trial({name!r})"
    with scratch.folder() as folder:
        (folder / "home").mkdir()
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": sandbox.own_code()},
        )
    if done.returncode == 0:
        return Finding(name, True, works)
    said = done.stderr.strip().rpartition("\n")[2]
    return Finding(name, False, f"{said}; {hint}")


def trial(name: str) -> None:
    """Use one part of the sandbox on this process, for good, and fail if it has no effect.

    Raises:
        OSError: it has none.
    """
    if name == "Landlock":
        landlock.restrict(landlock.View(), Path.cwd())
        _must_fail("Landlock lets files be read", lambda: open("/etc/passwd").close())
    elif name == "seccomp":
        seccomp.install(os.getpid())
        _must_fail("seccomp lets sockets be opened", lambda: socket.socket().close())
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))
        _must_fail("memory has no bound", lambda: bytearray(300 << 20))


def _must_fail(message: str, action: Callable[[], object]) -> None:
    try:
        action()
    except (OSError, MemoryError):
        return
    raise OSError(message)


def _sockets() -> Finding:
    folder = tempfile.gettempdir()
    fits = len(os.fsencode(folder)) + len("/gk-XXXXXXXX/k0000/s-5") <= sandbox.LONGEST_SOCKET
    detail = f"{folder} is short enough" if fits else f"{folder} is too long, set TMPDIR"
    return Finding("temporary folder", fits, detail)
