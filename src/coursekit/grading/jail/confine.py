"""What a kernel gives up before it runs a line of a student's code.

``confine`` runs in the child of the zygote, directly after the fork, while there is one thread:
Landlock and capabilities belong to a thread, and only threads started later inherit them. The
system-call filter comes last (``close_sockets``), because the kernel's own sockets must exist
first; it is the only step that reaches threads that already run.

Protects from: surviving the zygote, reading the instructor's environment, privileges of root,
unbounded memory, files, time and core dumps. What the disk shows is left to ``landlock``, processes
and the network to ``seccomp``, the sums over a folder and over threads to the zygote's watchdog.
Does not protect from: slowing the machine down within these limits.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

from coursekit.grading.jail import landlock, seccomp

__all__ = ["Limits", "close_sockets", "confine", "die_with", "environment", "look_into"]

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Limits:
    """What one kernel may use; memory counts from what the imported libraries already take.

    ``file_mb`` bounds one file and ``disk_mb`` all of them; ``cpu_s`` is the time of all threads.
    """

    memory_mb: int = 1500
    cpu_s: int = 300
    disk_mb: int = 256
    file_mb: int = 64
    threads: int = 256
    open_files: int = 256

    @classmethod
    def read(cls, given: object) -> Limits:
        """Limits from JSON; what is left out keeps its default.

        Raises:
            ValueError: an unknown name, or a value that is no positive whole number.
        """
        if not isinstance(given, Mapping):
            raise ValueError(f"limits must be an object, not {type(given).__name__}")
        known = {field.name for field in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"unknown limit {name!r}; known are {', '.join(sorted(known))}")
            if type(value) is not int or value < 1:
                raise ValueError(f"limit {name} must be a whole number ≥ 1, not {value!r}")
        return cls(**{**asdict(cls()), **given})


def environment(home: Path) -> dict[str, str]:
    """The whole environment of zygote and kernels: nothing of the instructor's own is in it."""
    at = str(home)
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": at,
        "TMPDIR": at,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{at}/.matplotlib",
        "IPYTHONDIR": f"{at}/.ipython",
        "JUPYTER_PLATFORM_DIRS": "1",
        "TORCH_HOME": f"{at}/.torch",
        "TORCHINDUCTOR_CACHE_DIR": f"{at}/.inductor",
        "TORCHDYNAMO_DISABLE": "1",  # compiling needs a compiler, which is another process
        "JOBLIB_MULTIPROCESSING": "0",
        "LOKY_MAX_CPU_COUNT": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
    }


def die_with(parent: int) -> None:
    """Let the system kill this process when its parent ends. A fork clears the wish: call it after.

    Raises:
        RuntimeError: the parent is already gone.
    """
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise RuntimeError("the process that asked for this one has ended")


def look_into(allowed: bool) -> None:
    """Whether other processes of the same user may see this one's memory and open files.

    The zygote forbids it: a kernel could otherwise write into it where there is no Landlock. A
    kernel inherits that, and has to allow it again for the zygote to count its files.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, int(allowed))


def confine(
    folder: Path, limits: Limits, view: landlock.View | None, *, need_landlock: bool = True
) -> None:
    """Make the calling process, which must have one thread, the keeper of ``folder`` alone.

    Args:
        folder: the kernel's own; its ``home`` becomes HOME and working directory.
        limits: see ``Limits``.
        view: what may be read; None leaves privileges and files as they are (level "none").
        need_landlock: fail where Landlock is missing, rather than do without.

    Raises:
        OSError: a step failed. Nothing may run then.
    """
    home = folder / "home"
    look_into(True)
    os.environ.clear()
    os.environ.update(environment(home))
    os.chdir(home)
    os.umask(0o077)
    _no_terminal()
    _limit(limits)
    if view is None:
        return
    if threads() != 1:
        raise OSError(f"{threads()} threads run already: Landlock would not reach them")
    _drop_privileges()
    if need_landlock or landlock.abi() > 0:
        landlock.restrict(view, folder)


def close_sockets() -> None:
    """Install the system-call filter on every thread. Afterwards no new socket can be opened."""
    seccomp.install(os.getpid())


def threads() -> int:
    """How many threads the calling process has."""
    return len(os.listdir("/proc/self/task"))


def _no_terminal() -> None:
    # What C code prints goes nowhere, like everything else that is printed.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)


def _limit(limits: Limits) -> None:
    import resource

    mb = 1 << 20
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": limits.file_mb * mb,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_STACK": 8 * mb,
        "RLIMIT_MEMLOCK": 64 << 10,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NICE": 0,
        "RLIMIT_RTPRIO": 0,
        "RLIMIT_SIGPENDING": 1024,
    }
    if sys.platform == "linux":
        # Not RLIMIT_AS: torch reserves address space by the gigabyte without using it.
        wanted["RLIMIT_DATA"] = _data_size() + limits.memory_mb * mb
        Path("/proc/self/oom_score_adj").write_text("1000")
    for name, value in wanted.items():
        if hasattr(resource, name):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


def _data_size() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    raise OSError("/proc/self/status has no VmData")


def _drop_privileges() -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except PermissionError:  # no right to drop it, so none to use it either
            break
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc().capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capset")
    status = Path("/proc/self/status").read_text()
    for line in status.splitlines():
        if line.startswith(("CapEff:", "CapPrm:", "CapInh:", "CapAmb:")) and int(line[7:], 16):
            raise OSError(f"capabilities are left: {line}")


def _prctl(option: int, value: int) -> None:
    unused = ctypes.c_ulong(0)
    if _libc().prctl(option, ctypes.c_ulong(value), unused, unused, unused):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
