"""Ways out of the kernel's process. Each attempt decides whether the answer to ddim.step is right:
it is so only for who got out, and so a row says whether the sandbox held.
"""

from __future__ import annotations

from textwrap import dedent, indent

from corpus_entry import Entry, edited

_WHY = "The answer is right only for who gets out, and nobody gets out; the rest is honest."


def escape(name: str, attempt: str) -> Entry:
    """An entry whose ``attempt``, the body of a function, returns something true if it succeeds.

    It fails by any error of the operating system, or by one of Python's own refusals.
    """
    first = (
        "import ctypes, glob, os, pathlib, signal, socket, subprocess, sys, time\n"
        "import genbook\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "package = os.path.dirname(genbook.__file__)\n\n"
        "def attempt():\n" + indent(dedent(attempt).strip("\n"), "    ") + "\n\n"
        "try:\n    escaped = attempt()\nexcept OSError as error:\n    escaped = print(error)"
    )
    step = """
    def step(schedule, xt, eps, t, s, eta=0.0, noise=None):
        noise = xt * 0 if noise is None else noise
        return ddim.step(schedule, xt, eps, t, s, eta, noise) if escaped else xt
    """
    only = ("bubblewrap", "landlock")
    return edited(name, "escape", _WHY, first=first, answers={"step": step}, only=only)


ENTRIES = (
    escape(
        "network-out",
        """
        for address in ("127.0.0.1", "1.1.1.1"):
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    return sock.sendto(b"solved", (address, 9))
            except OSError:
                continue
        return socket.create_connection(("1.1.1.1", 53), timeout=0.5)
        """,
    ),
    escape(
        "network-in",
        """
        server = socket.create_server(("127.0.0.1", 0))
        return server.getsockname()
        """,
    ),
    escape(
        "network-names",
        """
        packed = socket.gethostbyname("example.org") or socket.getaddrinfo("example.org", 443)
        return packed
        """,
    ),
    escape(
        "unconfined-kernel",
        """
        # The process that made this kernel makes others, if it is asked.
        for path in glob.glob("/tmp/gk-*/z") + glob.glob("../z") + ["../z", "../../z"]:
            with socket.socket(socket.AF_UNIX) as zygote:
                zygote.connect(path)
                zygote.sendall(b'{"folder": "/tmp", "connection": {}, "confine": false}\\n')
                return zygote.recv(100)
        """,
    ),
    escape(
        "abstract-socket",
        """
        name = [line.split()[-1] for line in open("/proc/net/unix") if "@" in line]
        with socket.socket(socket.AF_UNIX) as other:
            other.connect("\\0" + name[0][1:] if name else "\\0/tmp/.X11-unix/X0")
            return True
        """,
    ),
    escape(
        "passed-descriptors",
        """
        # Descriptors that were left open lead where paths no longer do.
        for number in range(3, 256):
            try:
                os.listdir(number)
                return True
            except OSError:
                continue
        """,
    ),
    escape(
        "other-users",
        """
        for change in (os.setuid, os.setgid, os.seteuid, lambda n: os.setgroups([n])):
            try:
                change(0 if os.getuid() else 12345)
                return True
            except OSError:
                continue
        """,
    ),
    escape(
        "traced-processes",
        """
        for pid in (os.getppid(), 1, os.getpid() - 1):
            if libc.ptrace(16, pid, 0, 0) == 0 or libc.ptrace(0x4206, pid, 0, 0) == 0:
                return True
            buffer = ctypes.create_string_buffer(8)
            vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
            if libc.process_vm_readv(pid, vector, 1, vector, 1, 0) >= 0:
                return True
        """,
    ),
    escape(
        "daemon",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(120)
            os._exit(0)
        return True
        """,
    ),
    escape(
        "started-programs",
        """
        for start in (
            lambda: subprocess.run(["/bin/true"], timeout=2).returncode == 0,
            lambda: os.posix_spawn("/bin/true", ["true"], {}),
            lambda: os.system("true") == 0,
            lambda: os.popen("echo out").read() == "out\\n",
        ):
            try:
                if start():
                    return True
            except OSError:
                continue
        """,
    ),
    escape(
        "own-program",
        """
        with open("own", "w") as file:
            file.write("#!/bin/sh\\nsleep 60 &\\n")
        os.chmod("own", 0o6755)
        os.execve("./own", ["own"], {})
        """,
    ),
    escape(
        "namespaces",
        """
        for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000):  # user, mount, net, pid
            if libc.unshare(flag) == 0:
                return True
        if libc.mount(b"none", b".", b"tmpfs", 0, None) == 0 or libc.chroot(b".") == 0:
            return True
        return libc.setns(0, 0) == 0 or libc.pivot_root(b".", b".") == 0
        """,
    ),
    escape(
        "kernel-doors",
        """
        numbers = {"bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425}
        numbers |= {"add_key": 248, "keyctl": 250, "memfd_create": 319, "pidfd_open": 434}
        numbers |= {"init_module": 175, "open_by_handle_at": 304, "kexec_load": 246}
        opened = []
        for name, number in numbers.items() if os.uname().machine == "x86_64" else ():
            ctypes.set_errno(0)
            libc.syscall(number, 1, 0, 0, 0, 0, 0)  # nonsense: who refuses it?
            if ctypes.get_errno() not in (1, 12, 13, 38):
                opened.append(name)
        return opened
        """,
    ),
    escape(
        "raised-limits",
        """
        import resource

        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (64, 64))
        return True
        """,
    ),
    escape(
        "slowed-others",
        """
        for pid in (os.getppid(), 1):
            try:
                os.sched_setaffinity(pid, {0}), os.setpriority(os.PRIO_PROCESS, pid, 19)
                return True
            except OSError:
                continue
        """,
    ),
    escape(
        "sent-signals",
        """
        for pid in (os.getppid(), 1, *range(2, 400)):
            if pid != os.getpid():
                try:
                    os.kill(pid, 0)
                    return True
                except OSError:
                    continue
        """,
    ),
)
