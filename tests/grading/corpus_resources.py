"""Submissions that take more than there is: time, memory, processes, threads, output, disk."""

from __future__ import annotations

from functools import partial

from corpus_entry import Entry, edited

resource = partial(edited, category="resource")

CONFINED = ("bubblewrap", "landlock")

_TIME = "The answer is not there when its time is over; nothing else waits for it."
_BESIDE = "What runs beside the answers is stopped, and costs them nothing."
_MEMORY = "The answer needs more memory than there is; nothing else does."
_OUTPUT = "What is printed does not count, and the answers are right."


def _step(*lines: str) -> dict[str, str]:
    """A right answer to ddim.step that does something expensive first."""
    head = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n    "
    fresh = "torch.zeros_like(xt) if noise is None else noise"
    last = f"return ddim.step(schedule, xt, eps, t, s, eta, {fresh})"
    return {"step": head + "\n    ".join([*lines, last])}


def _endless(name: str, *lines: str) -> Entry:
    return resource(name, why=_TIME, answers=_step(*lines), expect={"step": "timeout"})


ENTRIES = (
    _endless("loop", "while True: pass"),
    _endless("loop-in-c", "import itertools", "sum(itertools.repeat(0))"),
    _endless("big-power", "x = 10**10**8 % 7"),
    _endless("regular-expression", "import re", 're.match("(a+)+$", "a" * 60 + "b")'),
    _endless("sleep", "import time", "time.sleep(10**6)"),
    _endless(
        "deadlock", "import threading", "lock = threading.Lock()", "lock.acquire(), lock.acquire()"
    ),
    _endless(
        "waiting-for-a-thread",
        "import threading",
        "waiting = threading.Thread(target=threading.Event().wait)",
        "waiting.start()",
        "waiting.join()",
    ),
    _endless(
        "ignored-interrupts",
        "import signal",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
        "while True: pass",
    ),
    _endless(
        "caught-interrupts",
        "import time",
        "while True:",
        "    try: time.sleep(1)",
        "    except BaseException: pass",
    ),
    _endless("torch-loop", "while True: torch.linalg.qr(torch.ones(300, 300))"),
    resource(
        "endless-cells",
        why=_BESIDE,
        after={
            "by_hand": "while True: pass",
            "slerp": "import time\nwhile True:\n    try: time.sleep(9)\n    except: pass",
        },
        last="import threading\nthreading.Event().wait()",
        scores="full",
    ),
    resource(
        "endless-iterator",
        why="A list that never ends is not the answer.",
        answers={
            "timesteps": """
            import itertools, time

            def timesteps(T, steps, spacing="linear"):
                return (time.sleep(0.01) or n for n in itertools.count())
            """
        },
    ),
    resource(
        "memory-list",
        why=_MEMORY,
        answers=_step("hoard = []", "while True: hoard.append(bytearray(10**7))"),
    ),
    resource(
        "memory-torch",
        why=_MEMORY,
        answers=_step("hoard = [torch.ones(10**7) for _ in range(10**4)]"),
    ),
    resource(
        "memory-shared",
        why=_MEMORY,
        answers=_step(
            "import mmap",
            "hoard = [mmap.mmap(-1, 10**8) for _ in range(200)]",
            "for m in hoard: m.write(bytes(10**8))",
        ),
    ),
    resource(
        "memory-files",
        why="A file in memory is memory, and there is not so much of it.",
        only=CONFINED,
        answers=_step(
            "import os",
            'kept = os.memfd_create("hoard")',
            "for _ in range(200): os.write(kept, bytes(10**8))",
        ),
    ),
    resource(
        "memory-beside",
        why=_BESIDE,
        after={"step": "hoard = []\nwhile True: hoard.append('x' * 10**7 + str(len(hoard)))"},
        scores="full",
    ),
    resource(
        "huge-values",
        why="Values of a size that no question asks for are not the answer.",
        answers={
            "step": "def step(*args):\n    return torch.zeros(1).expand(10**12)",
            "slerp": """
            def slerp(u, v, w):
                return np.broadcast_to(np.float32(0), (10**6, 10**6))
            """,
            "by_hand": "def by_hand():\n    return 'x' * (3 * 10**8)",
            "order": "def order(*args):\n    return 7 ** (10**7)",
        },
    ),
    resource(
        "deep-values",
        why="Lists in lists in lists are not three numbers.",
        answers={
            "by_hand": """
            def by_hand():
                deep = []
                for _ in range(10**6):
                    deep = [deep]
                return deep
            """,
            "timesteps": """
            def timesteps(T, steps, spacing="linear"):
                deep = {}
                deep[0] = [deep, deep]
                return deep
            """,
        },
    ),
    resource(
        "fork-bomb",
        why="No process can be started, and the answer that wants to is wrong.",
        only=CONFINED,
        answers={
            "step": """
            import os

            def step(*args):
                for _ in range(64):
                    try:
                        os.fork()
                    except OSError:
                        return args[1]
            """
        },
    ),
    resource(
        "processes",
        why="No process can be started; a right answer that does without is right.",
        only=CONFINED,
        answers={
            "slerp": """
            from multiprocessing import Pool

            def slerp(u, v, w):
                with Pool(2) as pool:
                    return pool.starmap(ddim.slerp, [(u, v, w)])[0]
            """
        },
    ),
    resource(
        "threads",
        why="Threads are limited; those that there are end with the kernel.",
        after={
            "step": """
            import threading, time

            try:
                for _ in range(10**5):
                    threading.Thread(target=time.sleep, args=(10**6,)).start()
            except RuntimeError:
                pass
            """
        },
        scores="full",
    ),
    resource(
        "busy-threads",
        why="Threads that do not rest make the answers slow, not wrong.",
        first="""
        import threading, time

        end = time.monotonic() + 2

        def busy():
            while time.monotonic() < end:
                pass

        for _ in range(3):
            threading.Thread(target=busy, daemon=True).start()
        """,
        scores="full",
    ),
    resource(
        "output",
        why="What is printed waits in memory; the answer ends with it, or with its time.",
        answers=_step('while True: print("ddim.step ✓ 3/3 points " * 50_000)'),
    ),
    _endless("displays-in-answer", "while True: display(schedule)"),
    resource(
        "output-beside",
        why=_OUTPUT,
        after={
            "step": "import sys\nfor _ in range(10**3): sys.stderr.write('x' * 10**6)",
            "slerp": "print('x' * 10**8)",
            "order": "import os\nfor _ in range(10**3): os.write(1, b'x' * 10**6)",
        },
        scores="full",
    ),
    resource(
        "displays",
        why=_OUTPUT,
        after={
            "step": "for n in range(10**6): display(n)",
            "slerp": "display({'text/html': 'x' * 10**8}, raw=True)",
        },
        scores="full",
    ),
    resource(
        "output-from-threads",
        why=_OUTPUT,
        first="""
        import threading, time

        def chatter():
            while True:
                print("ddim.step ✓ 3/3 points, 6 cases" * 100)
                time.sleep(0.001)

        threading.Thread(target=chatter, daemon=True).start()
        """,
        scores="full",
    ),
    resource(
        "disk",
        why="The disk is limited, and what was written goes with the kernel.",
        after={
            "step": """
            for n in range(100):
                with open(f"file-{n}", "wb") as file:
                    for _ in range(30):
                        file.write(bytes(10**6))
            """
        },
        scores="full",
    ),
    resource(
        "many-files",
        why="Files are limited in number as well, and go with the kernel.",
        after={
            "step": """
            import os

            for n in range(10**6):
                os.makedirs(f"{n % 1000}/{n}")
                open(f"{n % 1000}/{n}/file", "w").close()
            """
        },
        scores="full",
    ),
    resource(
        "open-files",
        why="Files that stay open are limited; the grader needs none of the kernel's.",
        after={
            "step": """
            import os

            held = []
            try:
                while True:
                    held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
            """
        },
        scores="full",
    ),
    resource(
        "slow-within-limits",
        why="Slow is not wrong.",
        answers=_step("import time", "time.sleep(0.15)"),
        after={"slerp": "import time\ntime.sleep(1.5)"},
        scores="full",
    ),
)
