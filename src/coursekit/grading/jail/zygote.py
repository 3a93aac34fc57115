"""The process that has imported everything and forks a kernel for whoever connects.

Started by ``sandbox.begin`` as ``python -m coursekit.grading.jail.zygote``, with its settings as
one JSON line on standard input. The other end of that pipe belongs to the grader: when the grader
ends, in whatever way, the pipe closes, and the zygote ends with all its kernels.

One connection to its socket is one kernel. The client sends one line of JSON:

    {"folder": "/tmp/gk-x/k17", "connection": {…}, "limits": {…}, "confine": true}

and reads ``{"pid": n}`` once the kernel's sockets exist, then, when the kernel has ended,
``{"exit": code, "signal": n, "reason": "" | "memory" | "threads" | "disk" | "killed"}``. A kernel
that could not be started gives only ``{"error": "…"}``. The client ends a kernel with ``{"kill":
true}`` or by closing the connection. Inside bubblewrap the pid is that of another PID namespace.

Protects from: kernels without an owner, over their limits, or half confined (an error in
``confine`` ends the child before it reads any code). Trusts its clients: only the grader can reach
the socket, because its folder is private and a kernel can open no socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit.grading.jail import confine, forked, landlock, watch
from coursekit.grading.jail.confine import Limits

__all__ = ["Zygote", "main"]

_INTERVAL = 0.1
_LONGEST_LINE = 1 << 16


@dataclass
class _Kernel:
    """One connection, and the process that belongs to it once it has asked for one."""

    client: socket.socket
    received: bytes = b""
    pid: int = 0
    folder: Path = Path()
    limits: Limits = field(default_factory=Limits)
    baseline: int = 0
    # The child's end closes when its sockets exist; what it wrote before is why they do not.
    setup: int = -1
    trouble: bytes = b""
    reason: str = ""
    unseen: int = 0  # looks in a row that could not count its files


class Zygote:
    """The loop of one thread over the socket, the clients and the ends of children."""

    def __init__(self, path: Path, level: str, view: landlock.View) -> None:
        self.level = level
        self.view = view
        self.kernels: list[_Kernel] = []
        self.pid = os.getpid()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.listener.setblocking(False)
        # The end of a child writes to this pipe, which wakes the loop.
        self.ended, wake = os.pipe()
        os.set_blocking(self.ended, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until standard input closes, then end all kernels."""
        look = time.monotonic()
        try:
            while True:
                clients = {kernel.client.fileno(): kernel for kernel in self.kernels}
                setups = {kernel.setup: kernel for kernel in self.kernels if kernel.setup >= 0}
                poll = select.poll()
                for descriptor in (0, self.ended, self.listener.fileno(), *clients, *setups):
                    poll.register(descriptor, select.POLLIN)
                for descriptor, _ in poll.poll(_INTERVAL * 1000 if self.kernels else None):
                    if descriptor == 0:
                        return  # the word to stop, or the end of whoever could say it
                    elif descriptor == self.ended:
                        os.read(self.ended, 4096)
                    elif descriptor == self.listener.fileno():
                        self._accept()
                    elif descriptor in setups:
                        self._progress(setups[descriptor])
                    elif descriptor in clients and clients[descriptor] in self.kernels:
                        self._read(clients[descriptor])
                self._reap()
                began = time.monotonic()
                if began >= look:
                    self._watch()
                    # Many files take long to count: leave most of the time to the kernels.
                    took = time.monotonic() - began
                    look = began + max(_INTERVAL, 4 * took)
        finally:
            for kernel in self.kernels:
                self._kill(kernel, "killed")
            for kernel in self.kernels:
                if kernel.pid:
                    os.waitpid(kernel.pid, 0)

    def _accept(self) -> None:
        try:
            client, _ = self.listener.accept()
        except OSError:  # the client has gone, or there are no descriptors left
            return
        client.setblocking(False)
        self.kernels.append(_Kernel(client))

    def _read(self, kernel: _Kernel) -> None:
        try:
            data = kernel.client.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        kernel.received += data
        if not data or len(kernel.received) > _LONGEST_LINE:
            self._drop(kernel)
            return
        while b"\n" in kernel.received:
            line, _, kernel.received = kernel.received.partition(b"\n")
            try:
                self._obey(kernel, json.loads(line))
            except (ValueError, TypeError, KeyError, OSError, RecursionError) as error:
                self._say(kernel, {"error": f"{type(error).__name__}: {error}"})
                self._drop(kernel)
                return

    def _obey(self, kernel: _Kernel, order: Any) -> None:
        if not isinstance(order, dict):
            raise ValueError(f"an order is an object, not {type(order).__name__}")
        if order.get("kill") is True:
            self._kill(kernel, "killed")
        elif kernel.pid:
            raise ValueError("this connection has its kernel already")
        else:
            kernel.folder = Path(order["folder"])
            if not (kernel.folder.is_absolute() and (kernel.folder / "home").is_dir()):
                raise ValueError(f"no folder {kernel.folder}/home")
            kernel.limits = Limits.read(order.get("limits", {}))
            connection = order["connection"]
            if connection["transport"] != "ipc":
                raise ValueError("the transport must be ipc")
            confined = order.get("confine", True) is not False
            self._fork(kernel, connection, confined)

    def _fork(self, kernel: _Kernel, connection: dict[str, Any], confined: bool) -> None:
        if confined and self.level == "none":
            raise ValueError("this zygote cannot confine; ask with confine: false")
        kernel.baseline = watch.memory(self.pid)
        kernel.setup, setup = os.pipe()
        os.set_blocking(kernel.setup, False)
        pid = os.fork()
        if pid:
            os.close(setup)
            kernel.pid = pid
            return
        try:
            os.dup2(setup, forked.SETUP)  # of what the zygote has open, a kernel keeps this alone
            os.closerange(forked.SETUP + 1, os.sysconf("SC_OPEN_MAX"))
            view = self.view if confined else None
            forked.become(kernel.folder, kernel.limits, view, connection, self.pid, self.level)
        except BaseException:
            with contextlib.suppress(OSError):  # closed: the set-up was over
                os.write(forked.SETUP, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(1)

    def _progress(self, kernel: _Kernel) -> None:
        """The child has written what went wrong, or has closed its end."""
        try:
            data = os.read(kernel.setup, 4096)
        except BlockingIOError:
            return
        kernel.trouble += data
        if data:
            return
        os.close(kernel.setup)
        kernel.setup = -1
        if not kernel.trouble and _runs(kernel.pid):
            self._say(kernel, {"pid": kernel.pid})

    def _reap(self) -> None:
        for kernel in [kernel for kernel in self.kernels if kernel.pid]:
            pid, status = os.waitpid(kernel.pid, os.WNOHANG)
            if not pid:
                continue
            if kernel.setup >= 0:
                kernel.trouble += _rest(kernel.setup)
            kernel.pid = 0
            if kernel.trouble:
                text = kernel.trouble.decode(errors="replace")
                print(text, file=sys.stderr, flush=True)
                self._say(kernel, {"error": text.strip().rpartition("\n")[2]})
            else:
                code = os.waitstatus_to_exitcode(status)
                self._say(
                    kernel,
                    {
                        "exit": code if code >= 0 else None,
                        "signal": -code if code < 0 else None,
                        "reason": kernel.reason,
                    },
                )
            self._drop(kernel)

    def _watch(self) -> None:
        for kernel in self.kernels:
            if not kernel.pid or kernel.reason:
                continue
            try:
                reason = watch.over(kernel.pid, kernel.folder, kernel.limits, kernel.baseline)
                kernel.unseen = 0
            except OSError:
                kernel.unseen += 1
                reason = "disk" if kernel.unseen > 2 else ""
            if reason:
                self._kill(kernel, reason)

    def _kill(self, kernel: _Kernel, reason: str) -> None:
        if kernel.pid:
            kernel.reason = kernel.reason or reason
            os.kill(kernel.pid, signal.SIGKILL)

    def _drop(self, kernel: _Kernel) -> None:
        """Forget a connection, and end its kernel."""
        if kernel.pid:
            self._kill(kernel, "killed")
            os.waitpid(kernel.pid, 0)
        if kernel.setup >= 0:
            os.close(kernel.setup)
        kernel.client.close()
        self.kernels.remove(kernel)

    def _say(self, kernel: _Kernel, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it has gone, or never reads: its loss
            kernel.client.send(json.dumps(message).encode() + b"\n")


def _runs(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _rest(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""


def main() -> None:
    """Read the settings, import, say so with one line, and serve."""
    settings = json.loads(_line())
    parent = settings["parent"] if settings["level"] != "bubblewrap" else os.getppid()
    confine.die_with(parent)
    confine.look_into(False)
    view = landlock.View(
        tuple(Path(path) for path in settings["shown"]),
        tuple(Path(path) for path in settings["hidden"]),
    )
    forked.load(settings["imports"])
    _ = view.rules  # found out once, for all kernels
    zygote = Zygote(Path(settings["socket"]), settings["level"], view)
    print(json.dumps({"ready": True}), flush=True)
    zygote.run()


def _line() -> bytes:
    """The first line of standard input, unbuffered: what follows it is watched by ``poll``."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("coursekit.grading.jail.zygote is started by coursekit grade")
        line += byte
    return line


if __name__ == "__main__":
    main()
