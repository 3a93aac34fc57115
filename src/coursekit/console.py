"""What every command line here shares: where words go, and how a command ends.

``coursekit.cli`` and ``coursekit.grading.cli`` import this, so that neither needs the other's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console

from coursekit.project import CourseError

__all__ = ["BEGAN", "FAILURE", "INTERRUPTED", "MISUSE", "complain", "err", "guarded", "out"]

FAILURE, MISUSE, INTERRUPTED = 1, 2, 130  # exit codes

BEGAN = time.monotonic()
"""When the command did, but for a fraction of a second: whoever waits has waited since then."""

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def complain(error: Exception) -> None:
    """Print a mistake as ``file:line: message``, the file relative to the working folder."""
    here = f"{Path.cwd()}/"
    err.print(f"error: {str(error).replace(here, '')}", style="red", markup=False)


def guarded(work: Callable[[], int]) -> None:
    """Run a command; a mistake of a person becomes one message and exit code 2.

    Raises:
        typer.Exit: always, with the exit code.
    """
    try:
        code = work()
    except KeyboardInterrupt:
        err.print("interrupted")
        code = INTERRUPTED
    except Exception as error:
        from coursekit.source import SourceError  # with a parser, for which nobody should wait

        if not isinstance(error, SourceError | CourseError):
            raise
        complain(error)
        code = MISUSE
    raise typer.Exit(code)
