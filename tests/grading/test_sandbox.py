"""The sandbox holds against code that tries to get out, and honest code does not notice it.

Every attack runs in a real kernel of a real zygote, at each level that works here.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.blocking import BlockingKernelClient
from packaging.requirements import Requirement

import genbook.checks
from coursekit.grading.jail import doctor, forked, landlock, sandbox, scratch, seccomp
from coursekit.grading.jail.confine import Limits
from coursekit.grading.jail.zygotes import can_begin
from coursekit.project import CourseError

ROOT = Path(__file__).parents[2]
CHECKS = Path(genbook.checks.__path__[0])

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the sandbox"),
]

# What every kernel gets first. An attack that is refused raises one of the errors.
PRELUDE = """
import ctypes, errno, fcntl, os, socket, sys

def print(*words):
    # What is printed is thrown away; what is displayed is not.
    display({"text/plain": " ".join(map(str, words)) + "\\n"}, raw=True)

libc = ctypes.CDLL(None, use_errno=True)

def call(*arguments):
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result

def attempt(action):
    try:
        print("WORKED", action())
    except (OSError, ImportError, MemoryError, RuntimeError, ValueError) as error:
        error = getattr(error, "reason", error)  # an URLError's
        print("refused", type(error).__name__, getattr(error, "errno", None))
"""


class Kernel:
    """A client of the zygote with a kernel of its own."""

    def __init__(
        self, zygote: sandbox.Zygote, *, limits: dict[str, int] | None = None, confine: bool = True
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="k", dir=zygote.path.parent))
        (self.folder / "home").mkdir()
        self.information = {
            "transport": "ipc",
            "ip": str(self.folder / "s"),
            "key": uuid.uuid4().hex,
            "signature_scheme": "hmac-sha256",
            **{f"{name}_port": i for i, name in enumerate(PORTS, start=1)},
        }
        order = {
            "folder": str(self.folder),
            "connection": self.information,
            "limits": limits or {},
            "confine": confine,
        }
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(zygote.path))
        self.socket.sendall(json.dumps(order).encode() + b"\n")
        self.lines = self.socket.makefile()
        self.first = self.answer()
        self.client: BlockingKernelClient | None = None

    def answer(self) -> dict[str, Any]:
        self.socket.settimeout(60)
        line = self.lines.readline()
        return json.loads(line) if line else {}

    def run(self, code: str, timeout: float = 60) -> str:
        """All text that the code prints or displays, and the traceback if it raises."""
        if self.client is None:
            self.client = BlockingKernelClient()
            self.client.load_connection_info(self.information)
            self.client.start_channels()
            self.run(PRELUDE)
        said: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            said.append(content.get("text", ""))
            said.extend(content.get("data", {}).values())
            if "ename" in content:
                said.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(
            textwrap.dedent(code), timeout=timeout, output_hook=hook, allow_stdin=False
        )
        return "".join(str(part) for part in said)

    def send(self, code: str) -> None:
        """Start code that is not expected to come back."""
        self.run("pass")
        assert self.client is not None
        self.client.execute(textwrap.dedent(code))

    def close(self) -> None:
        if self.client is not None:
            self.client.stop_channels()
        self.lines.close()
        self.socket.close()


PORTS = ("shell", "iopub", "stdin", "control", "hb")


def levels() -> list[sandbox.Level]:
    best = sandbox.detect()
    if best == "bubblewrap" and landlock.abi():
        return ["bubblewrap", "landlock"]
    return [best] if best != "none" else []


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gk-", dir="/tmp"))
    yield made
    scratch.remove(made)


@pytest.fixture(scope="module", params=levels())
def zygote(request: pytest.FixtureRequest) -> Iterator[sandbox.Zygote]:
    with folder() as run, folder() as results:
        (results / "seed").write_text("the secret")
        with sandbox.start(request.param, run, hidden=[ROOT, results]) as started:
            started.results = results  # type: ignore[attr-defined]
            yield started


@pytest.fixture(scope="module")
def kernel(zygote: sandbox.Zygote) -> Iterator[Kernel]:
    """A kernel that attacks share: each is refused, so each leaves it as it was."""
    with contextlib.closing(Kernel(zygote)) as made:
        yield made


ATTACKS = {
    "fork": "attempt(os.fork)",
    "vfork": "attempt(lambda: call(58))",
    "clone": "attempt(lambda: call(56, 17, 0, 0, 0, 0))",
    "clone_vm": "attempt(lambda: call(56, 0x100 | 17, 0, 0, 0, 0))",
    "clone3": """
        import struct
        process = struct.pack('11Q', 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
        attempt(lambda: call(435, process, len(process)))""",
    "spawn": "attempt(lambda: os.posix_spawn(sys.executable, [sys.executable, '-c', '1'], {}))",
    "subprocess": "import subprocess\nattempt(lambda: subprocess.run([sys.executable, '-c', '1']))",
    "exec": "attempt(lambda: os.execv(sys.executable, [sys.executable, '-c', '1']))",
    "execveat": "attempt(lambda: call(322, 0, 0, 0, 0, 0))",
    "tcp": "attempt(socket.socket)",
    "udp": "attempt(lambda: socket.socket(type=socket.SOCK_DGRAM))",
    "unix": "attempt(lambda: socket.socket(socket.AF_UNIX))",
    "netlink": "attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))",
    "datagrams": "attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))",
    "download": "import urllib.request\nattempt(lambda: urllib.request.urlopen('http://127.0.0.1'))",
    "connect": """
        one, two = socket.socketpair()
        attempt(lambda: socket.socket(fileno=os.dup(one.fileno())).connect(ZYGOTE))""",
    "bind": """
        one, two = socket.socketpair()
        attempt(lambda: socket.socket(fileno=os.dup(one.fileno())).bind('own'))""",
    "pass_files": """
        one, two = socket.socketpair()
        attempt(lambda: socket.send_fds(one, [b'x'], [0]))""",
    "signal_parent": "attempt(lambda: os.kill(os.getppid(), 0))",
    "signal_all": "attempt(lambda: os.kill(-1, 0))",
    "signal_first": "attempt(lambda: os.kill(1, 0))",
    "tkill": "attempt(lambda: call(200, os.getppid(), 0))",
    "tgkill": "attempt(lambda: call(234, os.getppid(), os.getppid(), 0))",
    "pidfd": "attempt(lambda: os.pidfd_open(os.getppid()))",
    "setown": """
        one, two = socket.socketpair()
        attempt(lambda: fcntl.fcntl(one, fcntl.F_SETOWN, os.getppid()))""",
    "setown_ex": "attempt(lambda: fcntl.fcntl(0, 15, bytes(8)))",
    "fiosetown": """
        one, two = socket.socketpair()
        attempt(lambda: fcntl.ioctl(one, 0x8901, bytes(4)))""",
    "lease": "attempt(lambda: fcntl.fcntl(os.open(os.__file__, 0), fcntl.F_SETLEASE, 0))",
    "ptrace": "attempt(lambda: call(101, 16, os.getppid(), 0, 0))",
    "read_memory": "attempt(lambda: call(310, os.getppid(), 0, 0, 0, 0, 0))",
    "proc_memory": "attempt(lambda: open(f'/proc/{os.getppid()}/mem'))",
    "proc_environ": "attempt(lambda: open(f'/proc/{os.getppid()}/environ').read())",
    "proc_files": "attempt(lambda: os.listdir(f'/proc/{os.getppid()}/fd'))",
    "proc_first": "attempt(lambda: open('/proc/1/cmdline').read())",
    "proc_list": "attempt(lambda: os.listdir('/proc'))",
    "priority": "attempt(lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19))",
    "affinity": "attempt(lambda: os.sched_setaffinity(os.getppid(), {0}))",
    "limits_of_others": """
        import resource
        attempt(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)))""",
    "more_memory": """
        import resource
        attempt(lambda: resource.setrlimit(resource.RLIMIT_DATA, (-1, -1)))""",
    "outlive": "attempt(lambda: libc.prctl(1, 0) and call(157, 1, 0))",
    "undumpable": "attempt(lambda: call(157, 4, 0, 0, 0, 0))",
    "shared_memory": "import mmap\nattempt(lambda: mmap.mmap(-1, 1 << 20))",
    "zero_device": "attempt(lambda: open('/dev/zero', 'rb'))",
    "dev_shm": "attempt(lambda: open('/dev/shm/x', 'w'))",
    "memfd": "attempt(lambda: os.memfd_create('x'))",
    "system_v": "attempt(lambda: call(29, 0, 4096, 0o1600))",
    "message_queue": "attempt(lambda: call(68, 0, 0o1600))",
    "pipe_size": "attempt(lambda: fcntl.fcntl(os.pipe()[0], 1031, 1 << 20))",
    "memory": "attempt(lambda: len(bytearray(3 << 30)))",
    "memory_torch": "import torch\nattempt(lambda: torch.zeros(1 << 30).sum())",
    "big_file": "attempt(lambda: open('big', 'wb').write(bytes(70 << 20)))\nos.remove('big')",
    "files": """
        kept = []
        attempt(lambda: [kept.append(open(os.devnull)) for i in range(1000)])
        kept.clear()""",
    "question": "attempt(lambda: open(CHECKS + '/ddim/step.py').read())",
    "question_import": """
        import importlib
        attempt(lambda: importlib.import_module('genbook.checks.ddim.step'))""",
    "question_bytecode": """
        import importlib.util
        attempt(lambda: open(importlib.util.cache_from_source(CHECKS + '/ddim/step.py'), 'rb'))""",
    "question_by_id": "import genbook.checks as c\nattempt(lambda: c.question('ddim.step'))",
    "question_link": """
        os.symlink(CHECKS + '/ddim/step.py', 'link')
        attempt(lambda: open('link').read())
        os.remove('link')""",
    "question_hard_link": "attempt(lambda: os.link(CHECKS + '/ddim/step.py', 'hard'))",
    "question_by_root": """
        attempt(lambda: open('/proc/self/root' + CHECKS + '/ddim/step.py').read())""",
    "solution": "attempt(lambda: open(ROOT + '/solutions/ddim.md').read())",
    "grader": "attempt(lambda: open(ROOT + '/src/coursekit/grading/jail/sandbox.py').read())",
    "results": "attempt(lambda: open(RESULTS + '/seed').read())",
    "results_new": "attempt(lambda: open(RESULTS + '/grades.csv', 'w'))",
    "other_kernel": "attempt(lambda: os.listdir(OTHER))",
    "other_kernel_write": "attempt(lambda: open(OTHER + '/home/x', 'w'))",
    "zygote_log": "attempt(lambda: open(os.path.dirname(ZYGOTE) + '/zygote.log').read())",
    "home": "attempt(lambda: os.listdir(HOME))",
    "shadow": "attempt(lambda: open('/etc/shadow').read())",
    "site_packages": "import torch\nattempt(lambda: open(torch.__file__, 'a'))",
    "site_packages_new": """
        import torch
        attempt(lambda: open(os.path.dirname(torch.__path__[0]) + '/evil.pth', 'w'))""",
    "temporary": "attempt(lambda: open('/tmp/x', 'w'))",
    "truncate": "attempt(lambda: os.truncate(CHECKS + '/machinery/registry.py', 0))",
    "remove": "attempt(lambda: os.remove(CHECKS + '/machinery/registry.py'))",
    "rename": "attempt(lambda: os.rename(CHECKS + '/machinery/registry.py', 'registry.py'))",
    "own_sockets": "attempt(lambda: os.remove('../s-1'))",
    "fifo": "attempt(lambda: os.mkfifo('fifo'))",
    "device": "attempt(lambda: os.mknod('device', 0o60600, 0xfe00))",
    "attributes": "attempt(lambda: os.setxattr('.', 'user.x', b'1'))",
    "setuid": "attempt(lambda: os.setuid(os.getuid()))",
    "namespace": "attempt(lambda: call(272, 0x10000000))",
    "mount": "attempt(lambda: call(165, 0, 0, 0, 0, 0))",
    "chroot": "attempt(lambda: os.chroot('.'))",
    "io_uring": "attempt(lambda: call(425, 1, ctypes.byref(ctypes.create_string_buffer(200))))",
    "bpf": "attempt(lambda: call(321, 0, 0, 0))",
    "perf": "attempt(lambda: call(298, 0, 0, -1, -1, 0))",
    "userfaultfd": "attempt(lambda: call(323, 1))",
    "keys": "attempt(lambda: call(250, 0, -3, 1))",
    "inotify": "attempt(lambda: call(294, 0))",
    "newer_calls": "attempt(lambda: call(462, 0, 4096, 0))",
    "iopub_thread": """
        from concurrent.futures import Future
        def there(action):
            future = Future()
            def run():
                try:
                    future.set_result(action())
                except BaseException as error:
                    future.set_exception(error)
            get_ipython().kernel.iopub_thread.schedule(run)
            return future.result(10)
        for action in (os.fork, socket.socket, lambda: os.kill(os.getppid(), 0),
                       lambda: open(CHECKS + '/ddim/step.py').read(), lambda: os.listdir(OTHER)):
            attempt(lambda: there(action))""",
    "every_thread": """
        import asyncio
        loop = get_ipython().kernel.control_thread.io_loop.asyncio_loop
        async def there(action):
            return action()
        for action in (os.fork, socket.socket, lambda: open(CHECKS + '/ddim/step.py').read()):
            attempt(lambda: asyncio.run_coroutine_threadsafe(there(action), loop).result(10))""",
}


REFUSALS = (
    *(
        errno.EPERM,
        errno.EACCES,
        errno.ENOSYS,
        errno.ENOTTY,
        errno.EXDEV,
        errno.ENOENT,
        errno.EROFS,
    ),
    *(errno.ENOMEM, errno.EMFILE, errno.EFBIG, None),
)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(zygote: sandbox.Zygote, kernel: Kernel, name: str) -> None:
    assert os.uname().machine == "x86_64" or "call(" not in ATTACKS[name] or pytest.skip("numbers")
    with contextlib.closing(Kernel(zygote)) if "OTHER" in ATTACKS[name] else kernel_of(kernel) as o:
        names = {
            "ZYGOTE": str(zygote.path),
            "CHECKS": str(CHECKS),
            "ROOT": str(ROOT),
            "RESULTS": str(zygote.results),  # type: ignore[attr-defined]
            "OTHER": str(o.folder),
            "HOME": str(Path.home()),
        }
        kernel.run("".join(f"{key} = {value!r}\n" for key, value in names.items()))
        said = kernel.run(ATTACKS[name])
    assert "refused" in said, said
    assert "WORKED" not in said and "Error:" not in said, said
    # Not for the reasons for which it would fail anywhere: bad addresses, a server that is away.
    numbers = {line.split()[-1] for line in said.splitlines()}
    assert numbers <= {str(number) for number in REFUSALS}, said


@contextlib.contextmanager
def kernel_of(kernel: Kernel) -> Iterator[Kernel]:
    yield kernel


CAPTURED = """
from IPython.utils.capture import capture_output
with capture_output() as said:
    {}
print(said.stdout)
"""
HONEST = {
    "sum": ("1 + 1", "2"),
    "torch": (
        "import torch\nw = torch.ones(3, requires_grad=True)\n(w * w).sum().backward()\nw.grad",
        "tensor([2., 2., 2.])",
    ),
    "optimiser": (
        """
        model = torch.nn.Linear(4, 2)
        optimiser = torch.optim.Adam(model.parameters())
        model(torch.randn(8, 4)).square().mean().backward()
        optimiser.step()
        print("stepped")""",
        "stepped",
    ),
    "torch_threads": (
        "torch.set_num_threads(2)\nprint((torch.ones(900, 900) @ torch.ones(900, 900)).max())",
        "900",
    ),
    "loader": (
        """
        from torch.utils.data import DataLoader
        print(len(list(DataLoader(range(10), batch_size=5, num_workers=2, prefetch_factor=4))))""",
        "2",
    ),
    "numpy": ("import numpy as np\nnp.linalg.eigvalsh(np.eye(3)).sum()", "3.0"),
    "threads": (
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            print(sum(pool.map(lambda n: n * n, range(10))))""",
        "285",
    ),
    "asyncio": ("import asyncio\nawait asyncio.sleep(0, 'slept')", "slept"),
    "figure": ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", "<Figure size"),
    "savefig": (
        "plt.plot([1, 2])\nplt.savefig('f.png')\nplt.close()\nprint(os.path.getsize('f.png') > 99)",
        "True",
    ),
    "tempfile": (
        """
        import tempfile
        with tempfile.TemporaryDirectory() as d, tempfile.NamedTemporaryFile('w+', dir=d) as f:
            f.write('x'); f.seek(0); print(f.read() * 3)""",
        "xxx",
    ),
    "files": (
        """
        import pathlib, shutil
        pathlib.Path('a/b').mkdir(parents=True)
        pathlib.Path('a/b/one').write_text('words')
        shutil.copy2('a/b/one', 'a/two'); os.rename('a/two', 'a/b/three')
        os.chmod('a/b/one', 0o600)
        print(pathlib.Path('a/b/three').read_text()); shutil.rmtree('a'); os.path.exists('a')""",
        "words\nFalse",
    ),
    "save_model": ("torch.save({'w': torch.ones(2)}, 'm.pt')\ntorch.load('m.pt')['w'].sum()", "2"),
    "scipy": (
        "import scipy.optimize\nround(scipy.optimize.brentq(lambda x: x * x - 4, 0, 9), 6)",
        "2.0",
    ),
    "scipy_late": ("import scipy.signal, scipy.ndimage\nscipy.signal.windows.hann(3).max()", "1.0"),
    "sklearn": (
        """
        from sklearn.cluster import KMeans
        from sklearn.manifold import TSNE
        points = np.random.default_rng(0).normal(size=(20, 2))
        print(len(KMeans(2, n_init=1, random_state=0).fit(points).cluster_centers_))""",
        "2",
    ),
    "sympy": ("import sympy\nsympy.simplify('sin(x)**2 + cos(x)**2')", "1"),
    "genbook": (
        "import genbook.ddim\nfrom genbook.schedules import NoiseSchedule as S\nS.linear(10).T",
        "10",
    ),
    "genbook_data": (
        "import genbook.data\nprint(os.listdir(os.path.dirname(genbook.__file__)) != [])",
        "True",
    ),
    "check": ("from genbook.checks import check\nprint(check('ddim.step', None))", "None"),
    "tqdm": ("from tqdm.auto import tqdm\nprint(sum(tqdm(range(4))))", "6"),
    "program": (CAPTURED.format("!ls /"), "not run during grading"),
    "program_output": ("lines = !ls /\nprint(lines)", "not run during grading"),
    "install": (CAPTURED.format("%pip install nothing"), "not run during grading"),
    "bash": (
        CAPTURED.format("get_ipython().run_cell_magic('bash', '', 'ls /')"),
        "not run during grading",
    ),
    "magics": ("%matplotlib inline\n%load_ext autoreload\n%autoreload 2\nprint('fine')", "fine"),
    "timing": ("%%time\nprint('timed')", "timed"),
    "colab": (
        """
        from google.colab import drive, files
        import google.colab.output as o
        drive.mount('/content/drive', force_remount=True); o.clear()
        print(files.upload(), files.download('x'))""",
        "{} None",
    ),
    "not_colab": ("import importlib, sys\nprint('google.colab' in [*sys.modules][:5])", "False"),
    "environment": ("print(sorted(os.environ)[:3], os.environ['HOME'] == os.getcwd())", "True"),
    "who": (
        "import getpass, platform\nprint(bool(getpass.getuser()), bool(platform.platform()))",
        "True True",
    ),
    # Its threads set their own scheduling as they begin, and abort where that is refused.
    "zmq": (
        """
        import zmq
        context = zmq.Context()
        with context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
            one.bind('inproc://here'); two.connect('inproc://here')
            one.send(b'arrived'); print(two.recv())""",
        "arrived",
    ),
    "own_limits": ("import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))", "(0, 0)"),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_works(kernel: Kernel, name: str) -> None:
    code, expected = HONEST[name]
    kernel.run("import os, sys, torch, numpy as np, matplotlib.pyplot as plt")
    said = kernel.run(code)
    assert expected in said and "Error" not in said, said


def test_environment_is_not_the_instructors(zygote: sandbox.Zygote, kernel: Kernel) -> None:
    said = kernel.run("print(*os.environ, *open('/proc/self/environ').read().split('\\0'))")
    for name in ("SECRET_TOKEN", "USER", "SHELL", "LOGNAME"):
        assert name not in said.replace("=", " ").split()


def test_interrupt_by_message(kernel: Kernel) -> None:
    kernel.run("pass")
    assert kernel.client is not None
    request = kernel.client.execute("while True:\n    pass")
    time.sleep(0.5)
    message = kernel.client.session.msg("interrupt_request", {})
    kernel.client.control_channel.send(message)
    while True:
        reply = kernel.client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == request:
            break
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_modes_and_times_outside_stay(zygote: sandbox.Zygote, kernel: Kernel) -> None:
    with folder() as outside:
        victim = outside / "victim"
        victim.write_text("x")
        os.chmod(victim, 0o644)
        before = victim.stat()
        kernel.run(
            f"import os\nos.chmod({str(victim)!r}, 0o777)\nos.utime({str(victim)!r}, (1, 1))"
        )
        after = victim.stat()
    assert (before.st_mode, before.st_mtime_ns) == (after.st_mode, after.st_mtime_ns)


def test_the_scheduling_of_others_stays(zygote: sandbox.Zygote, kernel: Kernel) -> None:
    """Asked for it the system says yes and does nothing (see ``seccomp``)."""
    inner = family(zygote)[-2]  # the last one is the kernel
    before = os.sched_getscheduler(inner.pid)
    idle = "os.sched_setscheduler({}, os.SCHED_IDLE, os.sched_param(0))"
    kernel.run(idle.format("os.getppid()") + "\n" + idle.format(inner.pid))
    assert os.sched_getscheduler(inner.pid) == before == os.SCHED_OTHER
    with contextlib.closing(Kernel(zygote)) as other:
        assert "WORKED 5" in other.run(
            idle.format(0) + "\nattempt(lambda: os.sched_getscheduler(0))"
        ), "its own it may change"


DEADLY = {
    "threads": (
        {"threads": 100},
        """
        import threading, time
        threading.stack_size(32768)
        while True:
            threading.Thread(target=time.sleep, args=(100,)).start()""",
        "threads",
    ),
    "disk": (
        {"disk_mb": 50},
        """
        for i in range(1000):
            with open(f'f{i}', 'wb') as file:
                file.write(bytes(10 << 20))""",
        "disk",
    ),
    "deleted_files": (
        {"disk_mb": 50},
        """
        import time
        held = []
        for i in range(8):
            held.append(open('f', 'wb'))
            held[-1].write(bytes(10 << 20)); held[-1].flush()
            os.remove('f')
        time.sleep(100)""",
        "disk",
    ),
    "mapped_deleted_files": (
        {"disk_mb": 50},
        """
        import mmap, time
        held = []
        for i in range(8):
            with open('f', 'w+b') as file:
                file.truncate(10 << 20)
                held.append(mmap.mmap(file.fileno(), 0))
            held[-1].write(bytes(10 << 20))
            os.remove('f')
        time.sleep(100)""",
        "disk",
    ),
    "many_files": (
        {"disk_mb": 50},
        "for i in range(10 ** 6):\n    open(f'f{i}', 'w').close()",
        "disk",
    ),
    "deep_folders": (
        {"disk_mb": 50},
        "while True:\n    os.mkdir('x' * 200)\n    os.chdir('x' * 200)",
        "disk",
    ),
}


@pytest.mark.parametrize("name", DEADLY)
def test_over_a_sum_is_killed(zygote: sandbox.Zygote, name: str) -> None:
    limits, code, reason = DEADLY[name]
    with contextlib.closing(Kernel(zygote, limits=limits)) as kernel:
        kernel.send(code)
        end = kernel.answer()
    assert end == {"exit": None, "signal": signal.SIGKILL, "reason": reason}


def test_cpu_time_is_bounded(zygote: sandbox.Zygote) -> None:
    with contextlib.closing(Kernel(zygote, limits={"cpu_s": 1})) as kernel:
        kernel.send("while True:\n    pass")
        assert kernel.answer()["signal"] == signal.SIGKILL


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="an ABI of x86_64")
def test_other_abi_kills(zygote: sandbox.Zygote) -> None:
    with contextlib.closing(Kernel(zygote)) as kernel:
        kernel.send("call(0x40000000 | 39)")
        assert kernel.answer() == {"exit": None, "signal": signal.SIGSYS, "reason": ""}


@pytest.mark.parametrize(
    "code, end",
    [
        ("os._exit(7)", {"exit": 7, "signal": None, "reason": ""}),
        ("os.abort()", {"exit": None, "signal": signal.SIGABRT, "reason": ""}),
        (
            "import ctypes\nctypes.string_at(0)",
            {"exit": None, "signal": signal.SIGSEGV, "reason": ""},
        ),
        ("os.kill(os.getpid(), 9)", {"exit": None, "signal": signal.SIGKILL, "reason": ""}),
    ],
)
def test_says_how_a_kernel_ended(zygote: sandbox.Zygote, code: str, end: dict[str, Any]) -> None:
    with contextlib.closing(Kernel(zygote)) as kernel:
        kernel.send(code)
        assert kernel.answer() == end
        assert kernel.answer() == {}


def test_kill_by_message_and_by_closing(zygote: sandbox.Zygote) -> None:
    before = len(family(zygote))
    with contextlib.closing(Kernel(zygote)) as kernel:
        assert len(family(zygote)) == before + 1
        kernel.socket.sendall(b'{"kill": true}\n')
        assert kernel.answer() == {"exit": None, "signal": signal.SIGKILL, "reason": "killed"}
    kernel = Kernel(zygote)
    kernel.send("while True:\n    pass")
    kernel.close()
    assert eventually(lambda: len(family(zygote)) == before)


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b"1\n",
        b'{"folder": 3}\n',
        b'{"folder": "/nowhere"}\n',
        b"[" * 60000 + b"\n",
        b"x" * 70000,
        json.dumps({"folder": "FOLDER", "connection": None}).encode() + b"\n",
        json.dumps({"folder": "FOLDER", "connection": {"transport": "tcp"}}).encode() + b"\n",
        json.dumps({"folder": "FOLDER", "connection": {"transport": "ipc", "ip": []}}).encode()
        + b"\n",
        json.dumps({"folder": "FOLDER", "limits": {"memory_mb": -1}}).encode() + b"\n",
        json.dumps({"folder": "FOLDER", "limits": {"wishes": 3}}).encode() + b"\n",
    ],
)
def test_malformed_orders_are_answered(zygote: sandbox.Zygote, line: bytes) -> None:
    own = Path(tempfile.mkdtemp(prefix="k", dir=zygote.path.parent))
    (own / "home").mkdir()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(zygote.path))
        with contextlib.suppress(BrokenPipeError):
            client.sendall(line.replace(b"FOLDER", str(own).encode()))
        try:
            said = client.recv(5000)
        except ConnectionResetError:
            said = b""
    too_long = len(line) > 65000
    assert said == b"" if too_long else "error" in json.loads(said), said
    with contextlib.closing(Kernel(zygote)) as kernel:
        assert kernel.run("1 + 1") == "2"


def test_clients_that_vanish_or_never_read(zygote: sandbox.Zygote) -> None:
    clients = []
    for text in (b"", b'{"folder"', b'{"kill": true}\n' * 500):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(zygote.path))
        client.sendall(text)
        clients.append(client)
    silent = Kernel(zygote)
    silent.send("os._exit(0)")
    clients[0].close()
    with contextlib.closing(Kernel(zygote)) as kernel:
        assert kernel.run("1 + 1") == "2"
    for client in (*clients, silent):
        client.close()
    assert zygote.process.poll() is None


def test_kernel_is_ready_soon(zygote: sandbox.Zygote) -> None:
    """Side by side with a fresh interpreter that imports the same."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch, ipykernel.kernelapp"], check=True)
    fresh = time.monotonic() - began
    times = []
    for _ in range(3):
        began = time.monotonic()
        with contextlib.closing(Kernel(zygote)) as kernel:
            times.append(time.monotonic() - began)
            assert "pid" in kernel.first
    assert min(times) < fresh / 2


def test_memory_of_a_kernel_is_shared(zygote: sandbox.Zygote) -> None:
    with contextlib.closing(Kernel(zygote)) as kernel:
        before = {process.pid for process in family(zygote)}
        with contextlib.closing(Kernel(zygote)) as other:
            assert "2" in other.run("1 + 1")
            (own,) = (process for process in family(zygote) if process.pid not in before)
            assert own.memory_full_info().uss < 100 << 20
        assert kernel.first["pid"]


def test_unconfined_only_where_asked(zygote: sandbox.Zygote) -> None:
    with contextlib.closing(Kernel(zygote, confine=False)) as kernel:
        assert "WORKED" in kernel.run("attempt(socket.socket)")


def family(zygote: sandbox.Zygote) -> list[psutil.Process]:
    """The zygote with whatever surrounds it, and its kernels."""
    process = psutil.Process(zygote.process.pid)
    return [process, *process.children(recursive=True)]


def ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Any, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


BUSY = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass"


@pytest.mark.slow
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("way", ["stop", "kill zygote", "kill inner"])
def test_nothing_survives(level: sandbox.Level, way: str) -> None:
    with folder() as run:
        zygote = sandbox.start(level, run)
        kernels = [Kernel(zygote) for _ in range(2)]
        for kernel in kernels:
            kernel.send(BUSY)
        processes = family(zygote)
        assert len(processes) >= 3
        if way == "stop":
            zygote.stop()
            zygote.stop()
        else:
            (processes[0] if way == "kill zygote" else processes[-3]).kill()
        assert eventually(lambda: all(ended(process) for process in processes))
        zygote.stop()
        for kernel in kernels:
            kernel.close()


@pytest.mark.slow
@pytest.mark.parametrize("level", levels())
def test_nothing_survives_the_grader(level: sandbox.Level) -> None:
    code = """
        import os, sys, time
        from pathlib import Path
        sys.path.insert(0, sys.argv[3])
        import test_sandbox
        zygote = test_sandbox.sandbox.start(sys.argv[1], Path(sys.argv[2]))
        if os.fork():  # a worker that holds a copy of the pipe
            kernel = test_sandbox.Kernel(zygote)
            kernel.send(test_sandbox.BUSY)
            print("ready", flush=True)
        time.sleep(100)
    """
    with folder() as run:
        command = [sys.executable, "-c", textwrap.dedent(code), level, run, Path(__file__).parent]
        grader = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert grader.stdout is not None
        assert grader.stdout.readline() == b"ready\n"
        processes = psutil.Process(grader.pid).children(recursive=True)
        worker = next(process for process in processes if process.cmdline()[1] == "-c")
        processes.remove(worker)
        assert len(processes) >= 2
        grader.kill()
        assert eventually(lambda: all(ended(process) for process in processes))
        worker.kill()
        grader.wait()
        grader.stdout.close()


@pytest.mark.slow
def test_level_none_has_limits_but_no_walls() -> None:
    with folder() as run, sandbox.start("none", run) as zygote:
        kernel = Kernel(zygote)
        assert "cannot confine" in kernel.first["error"]
        kernel.close()
        with contextlib.closing(Kernel(zygote, confine=False)) as kernel:
            assert "refused" in kernel.run("attempt(lambda: bytearray(3 << 30))")
            assert "WORKED" in kernel.run("attempt(socket.socket)")
            assert "not run" in kernel.run(CAPTURED.format("!ls"))


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(not shutil.which("setpriv") or not levels(), reason="needs setpriv")
def test_the_same_without_privileges() -> None:
    """These tests again as a user who is nobody, in copies of whatever nobody may not enter."""
    # Private mounts replace folders that only root can enter (as where the interpreter is root's).
    needed = {Path(sys.prefix), Path(sys.base_prefix), ROOT}
    closed = {
        parent
        for path in needed
        for parent in path.resolve().parents
        if not parent.stat().st_mode & 0o001
    }
    lines = ["set -e", "mount -t tmpfs none /mnt"]  # in a namespace of its own
    for place in closed:
        inside = [
            path for path in map(Path, (sys.prefix, sys.base_prefix, ROOT)) if place in path.parents
        ]
        for i, path in enumerate(inside):
            lines.append(f"mkdir -p /mnt/gk{i}; mount --bind {path} /mnt/gk{i}")
        lines.append(f"mount -t tmpfs -o mode=755 none {place}")
        for i, path in enumerate(inside):
            lines.append(f"mkdir -p {path}; mount --move /mnt/gk{i} {path}")
    lines.append(
        "exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "
        f"env HOME=/nonexistent {sys.executable} -P -m pytest -q -p no:cacheprovider {__file__} "
        "-k 'attack or honest or scheduling or sum or modes or ended or report'"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "passed" in done.stdout and " failed" not in done.stdout


def test_no_thread_has_a_channel_before_all_are_made() -> None:
    """In ipykernel the threads run already while the main one prepares their sockets."""
    code = """
import os, sys, threading
from coursekit.grading.jail import kernel_app

ports = {f"{name}_port": i for i, name in enumerate(("shell", "iopub", "stdin", "control", "hb"))}
app = kernel_app.make({"transport": "ipc", "ip": sys.argv[1] + "/s", "key": "k", **ports})
threads = kernel_app._channel_threads(app)
before = [thread.is_alive() for thread in threads]
app.kernel.start()
after = [thread.is_alive() for thread in threads]
os.write(1, f"{len(threads)} {any(before)} {all(after)}".encode())
os._exit(0)
"""
    with folder() as run:
        done = subprocess.run(
            [sys.executable, "-c", code, str(run)], capture_output=True, text=True, cwd=run
        )
    assert done.stdout == "2 False True", done.stdout + done.stderr[-2000:]


def test_asking_does_no_harm() -> None:
    code = (
        "import os, socket; from coursekit.grading.jail import landlock, seccomp; "
        "print(landlock.abi() >= 0, seccomp.supported() in (True, False)); "
        "os.waitpid(os.fork() or os._exit(0), 0); socket.socket().close(); open('/etc/passwd')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True True\n", done.stderr


def test_report_ends_with_the_level() -> None:
    findings = doctor.report()
    assert [finding.name for finding in findings][-1] == "level"
    assert findings[-1].detail.partition(":")[0].partition(";")[0] == sandbox.detect()
    assert all(finding.detail for finding in findings)
    works = {finding.name: finding.ok for finding in findings}
    assert works["Landlock"] == (landlock.abi() > 0)
    assert works["seccomp"] == seccomp.supported()
    assert works["limits"]


def test_report_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    first = doctor.report()[0]
    assert not first.ok and "install the package bubblewrap" in first.detail


def test_report_says_why_namespaces_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    first = doctor.report()[0]
    assert not first.ok and "No permissions to create new namespace" in first.detail
    assert sandbox.detect() in ("landlock", "none")


def test_the_range_of_ipykernel_is_that_of_the_package() -> None:
    """Of the extra that installs the grader; and what is pinned is in it, and installed here."""
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = package["optional-dependencies"]["grade"]
    assert [line for line in extra if line.startswith("ipykernel")] == [forked.NEEDED]
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^ipykernel==(\S+)$", pins, re.MULTILINE)
    assert pinned and Requirement(forked.NEEDED).specifier.contains(pinned[1])
    assert forked.unfit() == ""


@pytest.mark.parametrize("found", ["6.31.0", "7.3.0", "7.5.0", "8.0.0rc1"])
def test_another_ipykernel_is_named_with_the_one_that_is_needed(
    monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    monkeypatch.setattr(forked, "version", lambda name: found)
    *_, kernels, level = doctor.report()
    for said in (forked.unfit(), kernels.detail):
        assert said.startswith(f"ipykernel {found} is installed") and forked.NEEDED in said
    assert kernels.name == "ipykernel" and not kernels.ok
    assert level.name == "level" and not level.ok, "the commands must not say that all is well"
    with folder() as run:
        with pytest.raises(CourseError, match=re.escape(forked.NEEDED)):
            sandbox.start("none", run)
        assert not list(run.iterdir())


def test_no_ipykernel_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(forked, "version", missing)
    assert "not installed" in forked.unfit() and forked.NEEDED in forked.unfit()
    assert not doctor.report()[-1].ok


@pytest.mark.parametrize("found", ["7.4.0", "7.4.9"])
def test_the_ipykernels_of_the_range_will_do(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr(forked, "version", lambda name: found)
    assert forked.unfit() == ""


def test_remove_takes_what_students_leave(tmp_path: Path) -> None:
    """Deeper than a path may be long, closed folders, links out, names that are no text."""
    victim, gone = tmp_path / "victim", tmp_path / "gone"
    victim.write_text("x")
    code = "import os\nfor i in range(2000):\n    os.mkdir('x' * 9)\n    os.chdir('x' * 9)"
    (gone / "closed").mkdir(parents=True)
    (gone / "closed" / "file").write_text("x")
    (gone / "closed").chmod(0)
    (gone / "link").symlink_to(victim)
    (gone / "folder").symlink_to(tmp_path)
    (gone / os.fsdecode(b"\xff\n")).write_text("x")
    subprocess.run([sys.executable, "-c", code], cwd=gone, check=True)
    scratch.remove(gone)
    scratch.remove(gone)
    assert not gone.exists() and victim.read_text() == "x"


def test_view_goes_around_what_is_hidden(tmp_path: Path) -> None:
    for name in ("a/open/x", "a/secret/x", "a/secret/shown", "b/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    view = landlock.View((tmp_path / "a", tmp_path / "a/secret/shown"), (tmp_path / "a/secret",))
    read = [path for path, rights in view.rules if rights & landlock._READ_FILE]
    assert read == [tmp_path / "a/open", tmp_path / "a/secret/shown"]


def test_what_is_made_later_must_not_be_in_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A results folder in the environment's own, as `python -m venv .` suggests."""
    out = tmp_path / "environment" / "results"
    assert can_begin([out])
    shown = landlock.View((tmp_path / "environment",))
    monkeypatch.setattr(sandbox, "view", lambda: shown)
    assert not can_begin([out]) and can_begin([tmp_path / "elsewhere"])
    out.mkdir(parents=True)
    assert can_begin([out])


def test_view_has_no_questions() -> None:
    shown = [path for path, rights in sandbox.view().rules if rights & landlock._READ_FILE]
    for secret in (
        CHECKS / "ddim" / "step.py",
        Path(sandbox.__file__),
        Path.home() / ".ssh",
        Path("/tmp/x"),
    ):
        assert not any(path == secret or path in secret.parents for path in shown)
    assert any(path == CHECKS / "machinery" for path in shown)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_program_is_well_formed(machine: str) -> None:
    """Jumps stay inside, the last instruction returns, and the length is what Linux takes."""
    code = seccomp.program(1234, machine)
    assert len(code) <= 4096
    for i, (operation, yes, no, _) in enumerate(code):
        if operation & 7 == 5:
            assert i + 1 + max(yes, no) < len(code)
    assert code[-1][0] == seccomp._RETURN


def verdict(code: list[tuple[int, int, int, int]], number: int, *arguments: int, arch: int) -> int:
    """Run a filter as Linux would."""
    words = {0: number, 4: arch}
    for i, argument in enumerate(arguments):
        words[16 + 8 * i] = argument & 0xFFFFFFFF
    accumulator = at = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == seccomp._LOAD:
            accumulator = words.get(value, 0)
        elif operation == seccomp._AND:
            accumulator &= value
        elif operation == seccomp._RETURN:
            return value
        else:
            test = {
                seccomp._EQUAL: accumulator == value,
                seccomp._GREATER: accumulator > value,
                seccomp._ANY_BIT: bool(accumulator & value),
            }[operation]
            at += yes if test else no


def test_filter_of_the_other_processor() -> None:
    code, arm = seccomp.program(1234, "aarch64"), 0xC00000B7
    allow, refuse = seccomp._ALLOW, seccomp._ERRNO | errno.EPERM
    assert verdict(code, 63, 0, arch=arm) == allow  # read
    assert verdict(code, 198, 1, 1, arch=arm) == refuse  # socket
    assert verdict(code, 221, arch=arm) == refuse  # execve
    assert verdict(code, 220, 17, arch=arm) == refuse  # clone for a process
    assert verdict(code, 220, 0x3D0F00, arch=arm) == allow  # and for a thread
    assert verdict(code, 129, 1234, 9, arch=arm) == allow  # kill
    assert verdict(code, 129, -1234, 2, arch=arm) == allow
    assert verdict(code, 129, -1, 9, arch=arm) == refuse
    assert verdict(code, 129, 1, 9, arch=arm) == refuse
    assert verdict(code, 222, 0, 4096, 3, 0x21, arch=arm) == seccomp._ERRNO | errno.ENOMEM
    assert verdict(code, 222, 0, 4096, 3, 0x22, arch=arm) == allow
    assert verdict(code, 222, 0, 4096, 3, 0x01, arch=arm) == allow
    assert verdict(code, 199, 1, 1 | 0o2000000, arch=arm) == allow  # socketpair of streams
    assert verdict(code, 199, 1, 2, arch=arm) == refuse
    assert verdict(code, 52, 3, 0o777, arch=arm) == seccomp._ERRNO  # fchmod says that it worked
    assert verdict(code, 470, arch=arm) == seccomp._ERRNO | errno.ENOSYS
    assert verdict(code, 63, arch=0xC000003E) == seccomp._KILL
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program(1, "riscv64")


def test_limits_are_read_strictly() -> None:
    assert Limits.read({}) == Limits()
    assert Limits.read({"threads": 9}).threads == 9
    for wrong in ({"thread": 9}, {"threads": 0}, {"threads": True}, {"threads": "9"}, []):
        with pytest.raises(ValueError, match="limit"):
            Limits.read(wrong)


def test_a_sandbox_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with folder() as run:
        monkeypatch.setattr(sandbox, "own_code", lambda: "")
        monkeypatch.setattr(sandbox.sys, "executable", shutil.which("false"))
        with pytest.raises(CourseError, match="did not start"):
            sandbox.start("none", run)
        monkeypatch.undo()
        deep = run / ("x" * 90)
        deep.mkdir()
        with pytest.raises(CourseError, match="too long"):
            sandbox.start("none", deep)
