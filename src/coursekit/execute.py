"""Execution of one notebook in a fresh kernel and an empty folder, with its cost measured."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from coursekit.outputs import StandardErrorOutput, normalise
from coursekit.times import Cost

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CELL_LINE = re.compile(r"Cell In\[\d+\], line (\d+)|<ipython-input[^>]*> in .*:(\d+)")


class CellFailure(Exception):
    """A cell of the notebook did not run through.

    Attributes:
        index: position of the cell in the notebook.
        line: line of the failure in the cell's code, counted from 1.
        reason: the last lines of what went wrong.
    """

    def __init__(self, index: int, line: int, reason: str) -> None:
        super().__init__(reason)
        self.index, self.line, self.reason = index, line, reason


class Stopped(Exception):
    """The execution was stopped from outside."""


class Execution:
    """One run of a notebook; ``stop`` may be called from another thread."""

    def __init__(self, notebook: NotebookNode, timeout: float = 600.0) -> None:
        """
        Args:
            notebook: executed in place.
            timeout: seconds a cell may take.
        """
        self.notebook = notebook
        self.timeout = timeout
        self._stopped = threading.Event()
        self._client: NotebookClient | None = None

    def run(self, on_cell: Callable[[int, int], None] = lambda done, cells: None) -> Cost:
        """Execute every code cell and store its normalised outputs.

        The kernel starts in an empty temporary folder: a notebook may rely on no file beside it.

        Args:
            on_cell: called with the number of finished cells and of all cells.

        Raises:
            CellFailure: a cell raised, timed out, killed the kernel or wrote to standard error.
            Stopped: ``stop`` was called.
        """
        start = time.perf_counter()
        with (
            tempfile.TemporaryDirectory(prefix="genbook-") as folder,
            tempfile.TemporaryDirectory(prefix="genbook-ipython-") as settings,
        ):
            client = NotebookClient(
                self.notebook,
                timeout=self.timeout,
                store_widget_state=False,
                record_timing=False,
                resources={"metadata": {"path": folder}},
            )
            self._client = client
            peak = 0.0
            with client.setup_kernel(env=_environment(settings), stdout=DEVNULL, stderr=DEVNULL):
                process = psutil.Process(_kernel_pid(client))
                cells = self.notebook.cells
                for index, cell in enumerate(cells):
                    if self._stopped.is_set():
                        raise Stopped
                    self._run_cell(client, index, cell)
                    peak = max(peak, _peak_mb(process))
                    on_cell(index + 1, len(cells))
        return Cost(round(time.perf_counter() - start, 1), round(peak))

    def stop(self) -> None:
        """End the run: its kernel is killed and ``run`` raises :class:`Stopped`."""
        self._stopped.set()
        if self._client is not None and self._client.km is not None:
            pid = _kernel_pid(self._client)
            if pid and psutil.pid_exists(pid):
                psutil.Process(pid).kill()

    def _run_cell(self, client: NotebookClient, index: int, cell: NotebookNode) -> None:
        if cell.cell_type != "code":
            return
        cell.outputs = []
        try:
            client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
            cell.metadata.pop("execution", None)
            cell.outputs = normalise(cell.outputs)
        except StandardErrorOutput as error:
            reason = f"the cell wrote to standard error:\n{_tail(error.text, 4)}"
            raise CellFailure(index, 1, reason) from None
        except CellExecutionError as error:
            line, reason = _read_traceback(cell, error)
            raise CellFailure(index, line, reason) from None
        except CellTimeoutError:
            reason = f"the cell took longer than {self.timeout:.0f} seconds"
            raise CellFailure(index, 1, reason) from None
        except DeadKernelError:
            if self._stopped.is_set():
                raise Stopped from None
            reason = "the kernel died in this cell (out of memory?)"
            raise CellFailure(index, 1, reason) from None


def _environment(settings: str) -> dict[str, str]:
    """The environment of the kernel: ours, without what would change what a notebook shows."""
    dropped = {"COLAB_RELEASE_TAG", "MPLBACKEND", "PYTHONSTARTUP"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    # A private profile and history: what the person at this machine has set is not the book's.
    return {**kept, "IPYTHONDIR": settings}


def _kernel_pid(client: NotebookClient) -> int | None:
    provisioner = getattr(client.km, "provisioner", None)
    return getattr(provisioner, "pid", None)


def _peak_mb(process: psutil.Process) -> float:
    """Peak resident memory so far; where the system keeps no peak, the present value."""
    try:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    try:
        return process.memory_info().rss / 2**20
    except psutil.Error:
        return 0.0


def _read_traceback(cell: NotebookNode, error: CellExecutionError) -> tuple[int, str]:
    """Line of the cell that raised, and the exception's last lines."""
    text = _ANSI.sub("", "\n".join(getattr(error, "traceback", "").splitlines()))
    found = _CELL_LINE.search(text)
    line = int(next(filter(None, found.groups()))) if found else 1
    return line, _tail(f"{error.ename}: {error.evalue}", 6)


def _tail(text: str, lines: int) -> str:
    return "\n".join(_ANSI.sub("", text).strip().splitlines()[-lines:])
