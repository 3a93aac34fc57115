"""The notebook kernel of a student's code: ipykernel's, without the parts that grading cannot use.

It differs from ipykernel's own in six ways. It binds its five sockets and opens no other (no TCP
pipe for subprocesses, no debugger). It keeps no history and writes no connection file. What is
printed or plotted is thrown away at once, because nobody sees it. Whatever would start a program
(``!cmd``, ``%%bash``, ``%pip``) says that it was not run. ``google.colab`` can be imported and does
nothing. ``check`` of ``genbook.checks`` returns quietly, because the verdict is made elsewhere.

Protects from nothing: this is convenience for honest notebooks. A student's code can undo all of
it, and the filters of ``confine`` hold all the same.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.machinery
import os
import sys
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar

import ipykernel.compiler
import ipykernel.debugger
import ipykernel.heartbeat
import ipykernel.iostream
import ipykernel.ipkernel
import ipykernel.kernelapp
import matplotlib_inline.backend_inline
from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.history import HistoryManager
from IPython.utils.text import SList
from traitlets import Type
from traitlets.config import Config

from coursekit.grading.jail import values

__all__ = ["NOT_RUN", "make"]

NOT_RUN = "not run during grading"
_PROGRAMS = ("bash", "sh", "script", "perl", "ruby", "python", "python2", "python3", "pypy")
_INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")


def make(connection: dict[str, Any]) -> IPKernelApp:
    """A kernel with its sockets bound; ``start`` lets it serve until it is told to stop."""
    ipykernel.kernelapp.IOPubThread = _IOPubThread  # type: ignore[misc]
    ipykernel.kernelapp.Heartbeat = _Heartbeat  # type: ignore[misc]
    for module in (ipykernel.debugger, ipykernel.ipkernel):
        module._is_debugpy_available = False  # type: ignore[attr-defined]
    ipykernel.compiler.get_file_name = _file_name  # type: ignore[assignment]
    config = Config()
    config.IPKernelApp.outstream_class = f"{__name__}.{_Silent.__name__}"
    config.IPKernelApp.capture_fd_output = False  # descriptors 1 and 2 lead nowhere
    config.HistoryManager.enabled = False
    config.HistoryAccessor.enabled = False
    config.InlineBackend.figure_formats = set()  # figures are made, and not drawn
    config.IPythonKernel._execute_sleep = 0.0  # a moment for output to arrive, in each cell
    app = _App.instance(connection=connection, config=config, log_level=50)
    app.initialize([])
    if not isinstance(app.heartbeat, _Heartbeat) or not app.heartbeat.bound.wait(10):
        raise OSError("the heartbeat's socket could not be bound")
    app.kernel.debugpy_stream = None
    sys.path.insert(0, "")  # what %%writefile wrote into the home can be imported
    _quieten(app.shell)
    return app


def _file_name(code: str) -> str:
    """What a cell is called in tracebacks. ipykernel's own hash is a loop of Python's over every
    letter, and a check carries its cases as text."""
    digest = hashlib.blake2b(code.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return os.path.join(ipykernel.compiler.get_tmp_directory(), f"{digest}.py")


class _Silent(OutStream):
    """Standard output and error. ``flush`` of ipykernel's wakes another thread, twice a cell."""

    def write(self, string: str) -> int:
        if not isinstance(string, str):
            raise TypeError(f"write() argument must be str, not {type(string).__name__}")
        return len(string)

    def flush(self) -> None:
        """There is nothing to send."""

    def fileno(self) -> int:
        """A descriptor that leads nowhere, for those who silence what C code prints."""
        return 2 if self.name == "stderr" else 1


class _IOPubThread(ipykernel.iostream.IOPubThread):
    """Without the TCP socket over which forked children would send their output: none can fork."""

    def _setup_pipe_in(self) -> None:
        self._pipe_flag = False


class _Heartbeat(ipykernel.heartbeat.Heartbeat):
    """Says when its socket exists: it binds in a thread, and must before sockets are forbidden."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bound = threading.Event()

    def _bind_socket(self) -> None:
        super()._bind_socket()
        self.bound.set()


class _Shell(ZMQInteractiveShell):
    """A shell that starts no programs."""

    def init_history(self) -> None:
        self.history_manager = HistoryManager(shell=self, parent=self, enabled=False)
        self.configurables.append(self.history_manager)

    def system(self, cmd: str) -> None:
        print(NOT_RUN)
        self.user_ns["_exit_code"] = 0

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        return SList([NOT_RUN]) if split else NOT_RUN


def _channel_threads(owner: Any) -> list[threading.Thread]:
    """The threads that own a channel each."""
    return [owner.control_thread, owner.shell_channel_thread]


class _Kernel(IPythonKernel):
    """A kernel that says when it is done, and nothing before."""

    shell_class = Type(_Shell)

    def start(self) -> None:
        """Prepare the channels, and only then start their threads.

        ipykernel does it the other way round: for a moment two threads use one socket of ZeroMQ,
        which its manual forbids.
        """
        super().start()
        for thread in _channel_threads(self):
            thread.start()

    def _publish_status(self, status: str, *args: Any, **kwargs: Any) -> None:
        if status != "busy":
            super()._publish_status(status, *args, **kwargs)

    def _publish_execute_input(self, *args: Any, **kwargs: Any) -> None:
        """The client knows what it has sent."""


class _App(IPKernelApp):
    """An application that is told its connection instead of reading a file."""

    kernel_class = Type(_Kernel)

    def __init__(self, connection: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._given = connection

    def init_connection_file(self) -> None:
        self.load_connection_info(self._given)  # type: ignore[arg-type]

    def write_connection_file(self, **kwargs: Any) -> None:
        """Nobody reads one: the client made the connection."""

    def load_config_file(self, *args: Any, **kwargs: Any) -> None:
        """A kernel's home is empty, and the machine's settings are not for grading."""

    def _configure_logging(self) -> None:
        """Nobody reads the log."""

    def parse_command_line(self, argv: Any = None) -> None:
        """There is none, and building the parser for it takes longer than a check."""

    def init_kernel(self) -> None:
        """The kernel lists the files of all modules, for the debugger that we have not. To look at
        a module is to write to it (its count of references), and what a fork writes to is copied.
        """
        ipykernel.ipkernel.sys = _NoModules("sys")  # type: ignore[assignment]
        threads = _channel_threads(self)
        for thread in threads:
            thread.start = lambda: None  # type: ignore[method-assign]
        try:
            super().init_kernel()
        finally:
            ipykernel.ipkernel.sys = sys
            for thread in threads:
                del thread.start

    def init_crash_handler(self) -> None:
        pass

    def init_pdb(self) -> None:
        pass


class _NoModules(ModuleType):
    """``sys``, as if nothing had been imported."""

    modules: ClassVar[dict[str, ModuleType]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def _quieten(shell: Any) -> None:
    """Let the notebook's usual surroundings do no harm."""

    def not_run(line: str, cell: str | None = None) -> None:
        print(NOT_RUN)

    for name in (*_PROGRAMS, *_INSTALLERS):
        shell.register_magic_function(not_run, "line_cell", name)
    sys.meta_path.append(_Colab())
    _quiet_checks()
    _no_worker_processes()
    # The inline backend was imported before there was a shell to draw for.
    matplotlib_inline.backend_inline._enable_matplotlib_integration()
    # %autoreload would look for the sources of the grader, which cannot be read.
    for name in [name for name in sys.modules if name.partition(".")[0] == "coursekit"]:
        del sys.modules[name]
    # What a check calls, under a name of its own.
    side = ModuleType("grader_side")
    side.emit = values.emit  # type: ignore[attr-defined]
    sys.modules["grader_side"] = side


def _quiet_checks() -> None:
    import genbook.checks
    import genbook.checks.machinery.run

    def check(question_id: str, answer: Any, seed: int = 0) -> None:
        """The grader tries the answer itself, later."""

    genbook.checks.check = check  # type: ignore[assignment]
    genbook.checks.machinery.run.check = check  # type: ignore[assignment]


def _no_worker_processes() -> None:
    """A DataLoader's workers are processes; without them it yields the same batches."""
    from torch.utils.data import DataLoader

    original = DataLoader.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("num_workers"):
            kwargs["num_workers"] = 0
            for name in ("prefetch_factor", "persistent_workers", "multiprocessing_context"):
                kwargs.pop(name, None)
        original(self, *args, **kwargs)

    DataLoader.__init__ = __init__  # type: ignore[method-assign]


class _Nothing:
    """Can be called, and has every attribute; ``files.upload()`` gives no files."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return {} if self._name == "upload" else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name)


class _Quiet(_Nothing, ModuleType):
    """A module made of nothing."""

    def __init__(self, name: str) -> None:
        ModuleType.__init__(self, name)
        self._name = name


class _Colab(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``google.colab`` and everything below it, after all real modules."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name == "google" or (name + ".").startswith("google.colab."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Quiet(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
