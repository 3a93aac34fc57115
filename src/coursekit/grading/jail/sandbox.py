"""Start the zygote at the strongest level that works here, and say why a stronger one does not.

Three levels:

* ``bubblewrap``: the zygote lives in namespaces of its own (files, processes, network, IPC), with a
  read-only view of the interpreter and the book's package. Each kernel in it is confined as below.
* ``landlock``: no namespaces. Each kernel is confined by Landlock, a seccomp filter, limits and the
  loss of every privilege (see ``confine``).
* ``none``: limits and a clean environment only, for submissions that are trusted.

Both of the first two protect from: reading questions, solutions, other submissions, results and the
instructor's home; writing anything but the kernel's own throw-away home; the network; new
processes, and processes that stay behind; harming other processes; memory, disk, threads and time
without bound. Bubblewrap adds a second wall: what a gap in one would show is not there in the
other, and not even names and sizes of files outside can be asked for. Neither protects from a hole
in Linux itself: for that, grade in a virtual machine. Where Linux has no Landlock, bubblewrap alone
does not hide one kernel's folder from the others of the same zygote: let such a zygote serve one
kernel at a time.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import select
import shutil
import site
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal

from coursekit.grading.jail import confine, forked, landlock, scratch, seccomp
from coursekit.project import CourseError

__all__ = [
    "LEVELS",
    "LONGEST_SOCKET",
    "Level",
    "Zygote",
    "begin",
    "bubblewrap_trouble",
    "detect",
    "own_code",
    "start",
    "trouble",
    "view",
]

Level = Literal["bubblewrap", "landlock", "none"]
LEVELS: tuple[Level, ...] = ("bubblewrap", "landlock", "none")

_START_S = 180
_LOG = "zygote.log"
LONGEST_SOCKET = 100  # bytes of a socket's path that every system takes, less a little
_OF_ETC = (
    "fonts",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "timezone",
)


class Zygote:
    """A zygote's process: ``path`` is its socket, ``level`` how it confines its kernels."""

    def __init__(self, path: Path, level: Level, process: subprocess.Popen[bytes]) -> None:
        self.path = path
        self.level = level
        self.process = process
        self.ready = False

    def wait(self) -> None:
        """Wait until it accepts connections.

        Raises:
            CourseError: it did not start; the message ends with what it said.
        """
        if self.ready:
            return
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], _START_S)[0]:
            raise CourseError(f"the sandbox's first process was not ready after {_START_S} s")
        if not self.process.stdout.readline():
            said = self.path.with_name(_LOG).read_text(errors="replace").strip() or "nothing"
            raise CourseError(f"the sandbox ({self.level}) did not start; it said: {said[-1500:]}")
        self.ready = True

    def answers(self) -> bool:
        """Whether it takes connections. Its socket is closed before a client hears of its end."""
        with socket.socket(socket.AF_UNIX) as link:
            return link.connect_ex(str(self.path)) == 0

    def stop(self) -> None:
        """End it and all its kernels; may be called twice."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if self.process.stdout.closed:
            return
        with contextlib.suppress(OSError):  # it has ended by itself
            # Closing the pipe would do, if no forked worker held a copy of it.
            self.process.stdin.write(b"stop\n")
            self.process.stdin.close()
        try:
            self.process.wait(5 if self.ready else 0)  # as long as it imports, it hears nothing
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    level: Level, folder: Path, hidden: Iterable[Path] = (), imports: Iterable[str] = ()
) -> Zygote:
    """``begin``, and wait until it accepts connections."""
    zygote = begin(level, folder, hidden, imports)
    try:
        zygote.wait()
    except BaseException:
        zygote.stop()
        raise
    return zygote


def begin(
    level: Level, folder: Path, hidden: Iterable[Path] = (), imports: Iterable[str] = ()
) -> Zygote:
    """Start a zygote. Before anybody connects, ``wait`` for it.

    Call it from the main thread: on Linux the zygote dies with the *thread* that started it.

    Args:
        level: one that works here, see ``detect``.
        folder: private to the grader and with a short path; the zygote's socket is ``z`` in it, and
            the folders of all its kernels must lie in it.
        hidden: further files and folders that no kernel may read, wherever they lie: the course,
            the submissions, the results.
        imports: modules that all kernels have from the start, besides the usual ones.

    Raises:
        CourseError: it cannot be started here.
    """
    if not hasattr(os, "fork"):
        raise CourseError("grading needs a system that can fork; on Windows use WSL")
    if why := forked.unfit():
        raise CourseError(why)
    folder = folder.resolve()
    if len(os.fsencode(folder)) + len("/k0000/s-5") > LONGEST_SOCKET:
        raise CourseError(f"the path {folder} is too long for sockets: use a folder of /tmp")
    home = folder / "zygote"
    home.mkdir(mode=0o700, exist_ok=True)
    shown = view(hidden)
    settings = {
        "socket": str(folder / "z"),
        "level": level,
        "parent": os.getpid(),
        "shown": [str(path) for path in shown.shown],
        "hidden": [str(path) for path in shown.hidden],
        "imports": list(imports),
    }
    command = [sys.executable, "-P", "-m", "coursekit.grading.jail.zygote"]
    if level == "bubblewrap":
        command = [*_bubblewrap(shown, folder), *command]
    _copy_font_list(home)
    with open(folder / _LOG, "wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**confine.environment(home), "PYTHONPATH": own_code()},
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for the grader, which then stops its zygote
            # bwrap asks for this itself, and too late where the grader is killed meanwhile.
            preexec_fn=functools.partial(confine.die_with, os.getpid()),
        )
    zygote = Zygote(folder / "z", level, process)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:  # it has ended; ``wait`` says why
        pass
    except BaseException:
        zygote.stop()
        raise
    return zygote


def view(hidden: Iterable[Path] = ()) -> landlock.View:
    """What kernels can read: the interpreter, its libraries, ``genbook`` without the questions."""
    book, checks = _package("genbook"), _package("genbook.checks")
    packages = [sys.prefix, sys.base_prefix, *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        packages.append(site.getusersitepackages())
    shown = {Path(path).resolve() for path in packages} | {book, Path("/usr")}
    shown |= {checks / "__init__.py", checks / "machinery"}
    shown |= {Path("/etc") / name for name in _OF_ETC}
    shown |= {path for path in map(Path, ("/lib", "/lib64", "/lib32")) if not path.is_symlink()}
    secret = {checks, _package("coursekit")}
    secret |= {path.resolve() for path in hidden}
    # Folders that would show everything say nothing about what is wanted.
    shown -= {Path("/"), Path("/tmp"), Path.home(), *secret}
    return landlock.View(tuple(sorted(shown)), tuple(sorted(secret)))


def _package(name: str) -> Path:
    """The folder of a package, which is not imported for that."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).resolve()


def own_code() -> str:
    """PYTHONPATH for a zygote that runs the code that runs here, from source trees too."""
    places = [_package(name).parent for name in ("genbook", "coursekit")]
    usual = {Path(path) for path in (*site.getsitepackages(), site.getusersitepackages())}
    return os.pathsep.join(dict.fromkeys(str(path) for path in places if path not in usual))


def _copy_font_list(home: Path) -> None:
    """Give the zygote matplotlib's list of fonts, which takes seconds to make.

    Where it lies is in matplotlib's manual; to ask matplotlib itself takes longer than all else
    before the zygote begins.
    """
    target = home / ".matplotlib"
    target.mkdir(exist_ok=True)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "matplotlib")
    for known in Path(os.environ.get("MPLCONFIGDIR") or caches).glob("fontlist-*.json"):
        shutil.copyfile(known, target / known.name)


def _bubblewrap(shown: landlock.View, folder: Path) -> list[str]:
    """The command line up to the program: a view as read-only mounts, ``folder`` to write in."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--proc", "/proc", "--dir", "/dev", "--tmpfs", "/tmp"]
    for path in map(Path, ("/lib", "/lib64", "/lib32", "/bin", "/sbin")):
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
    masks = []
    # The zygote itself needs coursekit; Landlock hides it from the kernels, and it holds no secret.
    code = _package("coursekit")
    marks = {path: True for path in shown.shown} | {path: False for path in shown.hidden}
    marks[code] = True
    for path in sorted(marks, key=lambda path: len(path.parts)):
        outer = next((marks[parent] for parent in path.parents if parent in marks), False)
        if marks[path] == outer or not path.exists():
            continue
        if marks[path]:
            command += ["--ro-bind", str(path), str(path)]
        elif path.is_dir():
            command += ["--tmpfs", str(path)]
            masks.append(str(path))
        else:
            command += ["--ro-bind", os.devnull, str(path)]
    for name in {sys.prefix, sys.base_prefix}:
        if Path(name).resolve() != Path(name):
            command += ["--ro-bind", str(Path(name).resolve()), name]
    for device in ("null", "random", "urandom"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    command += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    command += ["--bind", str(folder), str(folder)]
    for mask in (*masks, "/tmp", "/"):
        command += ["--remount-ro", mask]
    return [*command, "--chdir", str(folder), "--"]


def trouble(level: Level) -> str:
    """Why a level does not work here; the empty string if it does."""
    if level == "none":
        return ""
    if not seccomp.supported():
        return "seccomp does not filter system calls"
    if level == "bubblewrap":
        return bubblewrap_trouble()
    return "" if landlock.abi() > 0 else "it needs Linux 5.13 with Landlock among its LSMs"


def detect() -> Level:
    """The strongest level that works here; "none" where neither of the others does."""
    working: tuple[Level, ...] = ("bubblewrap", "landlock")
    return next((level for level in working if not trouble(level)), "none")


def bubblewrap_trouble() -> str:
    """Why bubblewrap does not work, with what to do; the empty string if it does."""
    if not shutil.which("bwrap"):
        return "not installed: install the package bubblewrap"
    with scratch.folder() as folder:
        command = [*_bubblewrap(view(), folder.resolve()), sys.executable, "-I", "-c", "1"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, text=True)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}"
    return said + (_why_no_namespaces() if "namespace" in said or "permitted" in said else "")


def _why_no_namespaces() -> str:
    settings = {
        "/proc/sys/user/max_user_namespaces": "0",
        "/proc/sys/kernel/unprivileged_userns_clone": "0",
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
    }
    for name, value in settings.items():
        try:
            if Path(name).read_text().strip() == value:
                key = name.removeprefix("/proc/sys/").replace("/", ".")
                return f"; user namespaces are switched off here ({key} = {value})"
        except OSError:
            continue
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return "; this is a container: its own filter forbids namespaces unless told otherwise"
    return ""
