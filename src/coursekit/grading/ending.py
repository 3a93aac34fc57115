"""An orderly end where the system asks for one.

A batch system ends a job with SIGTERM, a terminal that is closed sends SIGHUP. Both do what Ctrl-C
does: kernels end, temporary folders go, and what is graded stays.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

__all__ = ["as_usual", "orderly"]

_ASKING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def orderly(work: Callable[[], int]) -> int:
    """The exit code of ``work``, or 128 and the number of the signal that ended it.

    A signal that is ignored, as ``nohup`` has it, stays so. Call it in the main thread.
    """
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        # More may come, SIGHUP after SIGTERM for one, and would only disturb the tidying up.
        for other in ours:
            signal.signal(other, signal.SIG_IGN)
        asked.append(number)
        raise KeyboardInterrupt

    ours = [number for number in _ASKING if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        return work()
    except (KeyboardInterrupt, Exception):
        if not asked:
            raise
        # Also where a last word met a terminal that is gone, or an import changed the exception.
        return 128 + asked[0]
    finally:
        if not asked:
            as_usual()


def as_usual() -> None:
    """Forget ``orderly``, as a forked process should, which tidies up nothing of its parent's."""
    for number in _ASKING:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
