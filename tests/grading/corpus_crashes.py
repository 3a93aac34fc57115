"""Kernels that die: in an answer, which costs its question, or beside the answers, which costs
nothing."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

crash = partial(edited, category="crash")

_ANSWER = "The answer ends its own kernel; the others are tried in a new one."
_BESIDE = "The cell answers nothing, so its crash costs nothing."
_RAISED = "The answer raises instead of returning; nothing else is lost."


def _step(*lines: str) -> dict[str, str]:
    """An answer to ddim.step that is right if it lives so long."""
    head = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n    "
    fresh = "torch.zeros_like(xt) if noise is None else noise"
    last = f"return ddim.step(schedule, xt, eps, t, s, eta, {fresh})"
    return {"step": head + "\n    ".join([*lines, last])}


ENTRIES = (
    crash(
        "exit-answer",
        why=_ANSWER,
        answers=_step("import os", "os._exit(0)"),
        expect={"step": "crashed"},
    ),
    crash("exit-beside", why=_BESIDE, after={"step": "import os\nos._exit(3)"}, scores="full"),
    crash(
        "quit-answer",
        why="In a notebook quit() ends the kernel after the cell, when the values are out.",
        answers=_step("quit()"),
        scores="full",
    ),
    crash(
        "quit-beside",
        why=_BESIDE,
        after={"slerp": "quit()", "by_hand": "exit(keep_kernel=True)", "order": "exit"},
        scores="full",
    ),
    crash(
        "sys-exit-answer",
        why=_RAISED,
        answers=_step("import sys", "sys.exit(0)"),
        expect={"step": "error"},
    ),
    crash("sys-exit-beside", why=_BESIDE, first="import sys\nsys.exit(1)", scores="full"),
    crash(
        "segfault-answer",
        why=_ANSWER,
        answers=_step("import ctypes", "ctypes.string_at(1)"),
        expect={"step": "crashed"},
    ),
    crash(
        "segfault-beside",
        why=_BESIDE,
        last="import ctypes\nctypes.memset(0, 1, 1)",
        before={"slerp": "import faulthandler\nfaulthandler._sigsegv()"},
        scores="full",
    ),
    crash(
        "abort-answer",
        why=_ANSWER,
        answers=_step("import os", "os.abort()"),
        expect={"step": "crashed"},
    ),
    crash(
        "signals-beside",
        why=_BESIDE,
        before={
            "timesteps": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "slerp": "import os, signal\nos.killpg(0, signal.SIGTERM)",
        },
        last="import signal\nsignal.alarm(1)\nsignal.setitimer(signal.ITIMER_REAL, 0.1)",
        scores="full",
    ),
    crash(
        "stop-answer",
        why="A kernel that has stopped itself is out of time.",
        answers=_step("import os, signal", "os.kill(os.getpid(), signal.SIGSTOP)"),
    ),
    crash(
        "killed-parents",
        why="No process but the kernel's own can be signalled, and the answer is wrong.",
        only=("bubblewrap", "landlock"),
        answers={
            "step": """
            import os, signal

            def step(*args):
                for victim in (os.getppid(), -1, *range(2, 50)):
                    if victim != os.getpid():
                        try:
                            os.kill(victim, signal.SIGKILL)
                        except OSError:
                            pass
                return args[1]
            """
        },
    ),
    crash(
        "endless-recursion",
        why=_RAISED,
        answers={"step": "def step(*args):\n    return step(*args)"},
        expect={"step": "error"},
    ),
    crash(
        "stack-overflow",
        why=_ANSWER,
        answers={
            "sample": """
            import sys, threading

            def sample(*args):
                sys.setrecursionlimit(10**9)
                class Deep:
                    def __getattr__(self, name):
                        return getattr(self, name + "x"[:0])
                return Deep().bottom
            """
        },
    ),
    crash(
        "stack-overflow-in-c",
        why=_ANSWER,
        answers=_step(
            "import sys",
            "sys.setrecursionlimit(10**9)",
            "nested = ()",
            "for _ in range(10**6): nested = (nested,)",
            "hash(nested)",
        ),
        expect={"step": "crashed"},
    ),
    crash(
        "shrunken-storage",
        why="The tensor that is returned has no memory any more, so it has no values.",
        answers={
            "slerp": """
            def slerp(u, v, w):
                u.untyped_storage().resize_(0)
                return u
            """
        },
    ),
    crash(
        "foreign-memory",
        why="The array that is returned lies in memory that is not there.",
        answers={
            "slerp": """
            import ctypes

            def slerp(u, v, w):
                memory = (ctypes.c_float * 10**6).from_address(8)
                return np.frombuffer(memory, dtype=np.float32)
            """
        },
    ),
    crash(
        "deleted-modules",
        why=_BESIDE,
        after={"slerp": "import sys\nfor name in list(sys.modules): del sys.modules[name]"},
        scores="full",
    ),
    crash(
        "deleted-builtins",
        why=_BESIDE,
        before={"step": "del __builtins__", "order": "import builtins\nvars(builtins).clear()"},
        scores="full",
    ),
    crash(
        "broken-loop",
        why=_BESIDE,
        after={
            "by_hand": "import asyncio\nasyncio.get_event_loop().stop()",
            "step": "get_ipython().kernel.io_loop.asyncio_loop.close()",
        },
        scores="full",
    ),
    crash(
        "closed-files-answer",
        why=_ANSWER,
        answers=_step("import os", "os.closerange(0, 65)"),
    ),
    crash(
        "closed-files-beside",
        why=_BESIDE,
        before={"slerp": "import os\nos.closerange(0, 65)"},
        last="import sys\nsys.stdout.close(), sys.stderr.close(), sys.__stdout__.close()",
        scores="full",
    ),
    crash(
        "closed-channels",
        why=_BESIDE,
        after={
            "step": "get_ipython().kernel.iopub_socket.close()",
            "sample": "get_ipython().kernel.shell_stream.close()",
        },
        scores="full",
    ),
    crash(
        "kernel-shutdown",
        why=_BESIDE,
        after={
            "step": "get_ipython().kernel.do_shutdown(False)",
            "slerp": "get_ipython().ask_exit()",
            "order": "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', ''])",
        },
        scores="full",
    ),
    crash(
        "raising-hooks",
        why=_BESIDE,
        first="""
        import atexit, sys, threading

        class Sour:
            def __del__(self): raise SystemExit("in __del__")
            def __repr__(self): return repr(self)

        def bitter(*args): raise KeyboardInterrupt("in a hook")

        sys.excepthook = threading.excepthook = sys.unraisablehook = bitter
        get_ipython().set_custom_exc((Exception,), bitter)
        atexit.register(bitter)
        Sour(), Sour()
        """,
        last="raise ValueError(Sour())",
        scores="full",
    ),
    crash(
        "endless-repr",
        why="A value is read, not printed; this one has no numbers.",
        first="""
        class Mirror(Exception):
            def __repr__(self): return f"{self!r}"
            __str__ = _repr_html_ = _repr_mimebundle_ = __repr__
        """,
        before={"slerp": "Mirror()"},
        answers={
            "step": "def step(*args):\n    raise Mirror(Mirror())",
            "order": "def order(*args):\n    return Mirror()",
        },
        expect={"step": "error"},
    ),
    crash(
        "raised-base-exceptions",
        why=_RAISED,
        answers={
            "by_hand": "def by_hand():\n    raise KeyboardInterrupt",
            "timesteps": "def timesteps(*args):\n    raise GeneratorExit",
            "step": "import asyncio\ndef step(*args):\n    raise asyncio.CancelledError",
            "slerp": "def slerp(*args):\n    raise type('Own', (BaseException,), {})",
            "sample": "def sample(*args):\n    raise StopIteration",
        },
    ),
    crash(
        "strangled-process",
        why=_BESIDE,
        after={
            "step": """
            import gc, resource, sys

            resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (10**7, 10**7))
            sys.setswitchinterval(1e6)
            gc.disable()
            """
        },
        scores="full",
    ),
    crash(
        "everything-dies",
        why="Each question loses its own points and no question another's.",
        answers={
            "by_hand": "def by_hand():\n    import os; os._exit(1)",
            "timesteps": "def timesteps(*args):\n    import os; os.abort()",
            "slerp": "def slerp(*args):\n    import ctypes; ctypes.string_at(0)",
            "order": "def order(*args):\n    import os; os.kill(os.getpid(), 9)",
        },
        expect=dict.fromkeys(("by_hand", "timesteps", "slerp", "order"), "crashed"),
    ),
    crash(
        "dies-when-defined",
        why="An answer that cannot even be defined is no answer; the questions below are.",
        answers={
            "timesteps": """
            import os
            os._exit(1)

            def timesteps(T, steps, spacing="linear"):
                return []
            """
        },
    ),
)
