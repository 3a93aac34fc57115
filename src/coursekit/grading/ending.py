"""An orderly end where the system asks for one.

A batch system ends a job with SIGTERM, a terminal that is closed sends SIGHUP. Both do what Ctrl-C
does: kernels end, temporary folders go, and what is graded stays.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["as_usual", "heed", "orderly", "undisturbed"]

_ASKING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_asked: list[int] = []  # the signal that came, if one did


def orderly(work: Callable[[], int]) -> int:
    """The exit code of ``work``, or 128 and the number of the signal that ended it.

    A signal that is ignored, as ``nohup`` has it, stays so. Call it in the main thread.
    """
    _asked.clear()

    def end(number: int, frame: FrameType | None) -> None:
        # More may come, SIGHUP after SIGTERM for one, and would only disturb the tidying up.
        for other in ours:
            signal.signal(other, signal.SIG_IGN)
        _asked.append(number)
        raise KeyboardInterrupt

    ours = [number for number in _ASKING if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        code = work()
    except (KeyboardInterrupt, OSError) as error:
        if not _asked:
            raise
        code = 0  # also where a last word met a terminal that is gone
        if isinstance(error, OSError):
            with suppress(OSError):
                print(f"while ending: {error}", file=sys.stderr)
    finally:
        if not _asked:
            as_usual()
    if _asked:
        code = 128 + _asked.pop()  # what this process does afterwards nobody asked to end
    return code


def heed() -> None:
    """End now if a signal asked for it and nobody heard.

    What it raises may be swallowed where somebody else's code runs: one of the misconceptions
    catches every exception there is. Call it after such code.

    Raises:
        KeyboardInterrupt: a signal came.
    """
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that ask for an end wait until this is over: an import may swallow what they raise.

    Processes that are started meanwhile inherit that they wait, so none should be.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*_ASKING, signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def as_usual() -> None:
    """Forget ``orderly``, as a forked process should, which tidies up nothing of its parent's."""
    for number in _ASKING:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
