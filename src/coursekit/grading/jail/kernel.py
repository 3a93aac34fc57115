"""nbval's kernel, replaced by one from the zygote that may misbehave in any way.

nbval waits for messages one channel at a time and for as long as they come. Here every wait has a
deadline, both channels are read at once (so that a flood on one cannot hide the other), and the
death of the kernel is noticed when it happens.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
from nbformat import NotebookNode
from nbval.kernel import RunningKernel

from coursekit.grading.jail import messages
from coursekit.grading.jail.scratch import remove

__all__ = ["HarnessError", "KernelDied", "Limits", "SandboxedKernel"]

_START = 30.0  # seconds until a kernel must be there; a fork takes a tenth of one
_FLOOD_BYTES, _FLOOD_MESSAGES = 256 * 2**20, 100_000
_KEPT = 50  # messages a cell; a check sends one


class HarnessError(Exception):
    """Something failed that is no fault of the submission."""


class KernelDied(Exception):
    """The kernel ended; the message is the reason: "memory", "signal 11", "exit code 0", …"""


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of wall time, megabytes, counts."""

    cell_s: float = 30.0
    question_s: float = 30.0
    notebook_s: float = 300.0
    memory_mb: int = 2000
    disk_mb: int = 256
    file_mb: int = 64
    threads: int = 256
    open_files: int = 256

    def of_kernel(self) -> dict[str, int]:
        """The part that the zygote enforces."""
        known = asdict(self)
        found = {name: known[name] for name in ("memory_mb", "disk_mb", "file_mb", "threads")}
        return {**found, "open_files": self.open_files, "cpu_s": int(self.notebook_s) + 60}


class SandboxedKernel(RunningKernel):
    """A kernel forked by the zygote; it lives as long as its connection to the zygote.

    Args:
        zygote: path of the zygote's socket.
        folder: of this kernel; made here, removed by ``stop``.
        limits: see ``Limits``.
        confine: False only with ``--unsafe``.

    Raises:
        HarnessError: the kernel does not come up.
    """

    def __init__(self, zygote: Path, folder: Path, limits: Limits, confine: bool = True) -> None:
        self.folder = folder
        self.deadline = time.monotonic() + _START
        self.collecting = False  # whether what the cell displays is wanted
        self.end: str | None = None  # why the kernel ended
        self.orphaned = False  # whether the zygote ended before it
        self._shell: deque[dict[str, Any]] = deque()
        self._iopub: deque[dict[str, Any]] = deque()
        self._bytes = self._messages = 0
        self._rest = b""
        (folder / "home").mkdir(parents=True, mode=0o700)
        connection = {
            "transport": "ipc",
            "ip": str(folder / "s"),
            **{f"{name}_port": i for i, name in enumerate(messages.CHANNELS, 1)},
            "key": secrets.token_hex(16),
            "signature_scheme": "hmac-sha256",
        }
        request = {
            "folder": str(folder),
            "connection": connection,
            "limits": limits.of_kernel(),
            "confine": confine,
        }
        self._link = socket.socket(socket.AF_UNIX)
        try:
            self._link.settimeout(_START)
            self._link.connect(str(zygote))
            self._link.sendall(json.dumps(request).encode() + b"\n")
            self._link.setblocking(False)
        except OSError as error:
            raise HarnessError(f"the zygote does not answer: {error}") from error
        self.kc = messages.client(connection)
        self.kc.start_channels(stdin=False, hb=False)
        self._poller = zmq.Poller()
        for channel in (self.kc.shell_channel, self.kc.iopub_channel):
            self._poller.register(channel.socket, zmq.POLLIN)
        self._poller.register(self._link, zmq.POLLIN)
        try:
            self._ensure_iopub_up()
        except (KernelDied, RuntimeError, Empty) as error:
            self.stop()
            raise HarnessError(f"the kernel did not start: {error}") from error

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """As nbval's; begins the count of what the cell sends."""
        self._bytes = self._messages = 0
        self._shell.clear()
        self._iopub.clear()
        return super().execute_cell_input(cell_input, allow_stdin=False)

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message of a channel that is of interest.

        Raises:
            Empty: none within ``timeout`` seconds, or the cell's deadline has passed.
            KernelDied: the kernel ended.
        """
        queue = {"shell": self._shell, "iopub": self._iopub}[stream]
        until = self.deadline
        if timeout is not None:
            until = min(until, time.monotonic() + timeout)
        while not queue:
            left = until - time.monotonic()
            if left <= 0:
                raise Empty
            ready = dict(self._poller.poll(int(1000 * left) + 1))
            self._receive(self.kc.shell_channel, self._shell)
            self._receive(self.kc.iopub_channel, self._iopub)
            if self._link.fileno() in ready:
                self._listen()
            if self.end is not None and not queue:
                if self.orphaned:
                    raise HarnessError(self.end)  # nothing that the submission did
                raise KernelDied(self.end)
        return queue.popleft()

    def _receive(self, channel: Any, queue: deque[dict[str, Any]]) -> None:
        """Move what has arrived on a channel to its queue, unless nobody will want it."""
        for _ in range(1000):
            try:
                parts = channel.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            self._bytes += sum(map(len, parts))
            self._messages += 1
            if self._bytes > _FLOOD_BYTES or self._messages > _FLOOD_MESSAGES:
                self._kill("output")
                return
            message = messages.read(self.kc.session, parts, self.collecting)
            if message is not None and len(queue) < _KEPT:
                queue.append(message)

    def _listen(self) -> None:
        """Read what the zygote says of this kernel.

        Raises:
            HarnessError: the zygote has ended.
        """
        try:
            data = self._link.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.orphaned = self.end is None
            self.end = self.end or "the zygote ended"
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "exit" in told or "signal" in told:
                signal, code = told.get("signal"), told.get("exit")
                how = f"signal {signal}" if signal else f"exit code {code}"
                self.end = self.end or told.get("reason") or how
            elif "error" in told:
                self.end = str(told["error"])

    def _kill(self, reason: str) -> None:
        """End the kernel for a reason of our own."""
        self.end = reason
        try:
            self._link.setblocking(True)
            self._link.settimeout(1)
            self._link.sendall(b'{"kill": true}\n')
        except OSError:
            pass  # it has ended already
        self._link.setblocking(False)

    def run(self, source: str, seconds: float) -> list[NotebookNode]:
        """Execute code outside nbval's cells; returns what a check displayed (see ``collecting``).

        Raises:
            KernelDied: it took the kernel with it, or could not be interrupted.
        """
        self.deadline = time.monotonic() + seconds + 4
        message_id, late = self.execute_cell_input(source), False
        outputs: list[NotebookNode] = []
        try:
            self.await_reply(message_id, timeout=seconds)
        except Empty:
            self.interrupt()
            late = True
        try:
            while True:
                message = self.get_message("iopub", timeout=2)
                if message["parent_header"].get("msg_id") != message_id:
                    continue
                if message["msg_type"] == "status":
                    break
                if message["msg_type"] == "display_data":
                    data = message["content"]["data"]
                    outputs.append(NotebookNode(output_type="display_data", data=data))
        except Empty:
            late, outputs = True, []
        if late and not self.answers():
            self.stop()
            raise KernelDied("not to be interrupted")
        return outputs

    def answers(self) -> bool:
        """Whether the kernel still replies on both channels, as it should after an interrupt.

        Raises:
            KernelDied: it has ended.
        """
        self.deadline = time.monotonic() + 2
        try:
            message_id = self.kc.kernel_info()
            self.await_reply(message_id, timeout=2)
            self.await_idle(message_id, 2)
        except Empty:
            return False
        return True

    def interrupt(self) -> None:
        """By message: a signal would have to cross the sandbox's border."""
        request = self.kc.session.msg("interrupt_request", {})
        self.kc.control_channel.send(request)

    def is_alive(self) -> bool:
        """Whether the kernel has been heard to end."""
        if self.end is None:
            self._listen()
        return self.end is None

    def restart(self) -> None:
        """Not by nbval: the engine makes a new kernel in a new folder."""
        raise NotImplementedError

    def stop(self) -> None:
        """Kill the kernel, wait until the zygote has closed the connection, remove the folder."""
        if self._link.fileno() < 0:
            return
        self._kill(self.end or "stopped")
        until = time.monotonic() + 5
        with contextlib.suppress(OSError):
            while time.monotonic() < until:
                ready, _, _ = zmq.select([self._link], [], [], 0.1)
                if ready and not self._link.recv(65536):
                    break
        self._poller.unregister(self._link)
        self._link.close()
        self.kc.stop_channels()
        remove(self.folder)
