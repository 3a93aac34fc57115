"""What a kernel is made of: the imports that all share, and what a fork does before any code runs.

The order in ``become`` is the sandbox: it is confined first, it opens its sockets with what that
leaves, then it can open no more, and only then says that it is ready. Whatever fails in between
raises, and the zygote ends the child before it has read a word of the submission.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from packaging.requirements import Requirement

from coursekit.grading.jail import confine, landlock
from coursekit.grading.jail.confine import Limits

# What reads values, and what a question's ``use`` may measure with (see ``trusted``).
_MACHINERY = "genbook.checks.machinery."
_READS = (
    *(_MACHINERY + name for name in ("compare", "run", "show", "randomness", "result", "trusted")),
    "base64",
    "cloudpickle",
    "coursekit.grading.jail.values",
    "json",
    "numpy",
    "torch",
)
_MEASURES = (
    "collections",
    "contextlib",
    "copy",
    "functools",
    "genbook.objects",
    "inspect",
    "itertools",
    "math",
    "operator",
    "random",
    "torch._tensor",
    "torch.autograd.grad_mode",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.modules.module",
    "torch.overrides",
    "torch.utils._contextlib",
)

__all__ = ["NEEDED", "SETUP", "become", "load", "to_stay", "unfit"]

# ``kernel_app`` changes the insides of ipykernel, which no release promises to keep; pyproject.toml
# repeats this range. The tests of the jail pass with 7.0 to 7.3 as well, but there a request that
# arrives while a reply leaves can stay unread, and the grader would take that for an endless loop.
# In 6 the shell's channel has no thread of its own.
NEEDED = "ipykernel>=7.4,<7.5"

SETUP = 3  # the descriptor on which a child says what went wrong, until its sockets exist
_LIBRARIES = (
    "torch",
    "torch.utils.data",
    "numpy",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "tqdm.auto",
    "coursekit.grading.jail.kernel_app",
    # What a kernel imports when it begins and has to show its first error.
    "IPython.core.completerlib",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
)


def unfit() -> str:
    """Why no kernel can be made of the ipykernel that is installed; empty if one can."""
    needed = Requirement(NEEDED)
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return f"ipykernel is not installed: pip install '{NEEDED}'"
    if needed.specifier.contains(found, prereleases=True):
        return ""
    return f"ipykernel {found} is installed, and grading needs another: pip install '{NEEDED}'"


@contextmanager
def to_stay() -> Iterator[None]:
    """What is imported inside stays: nobody looks for garbage in it, while it comes or later.

    To look takes a fifth of the time of an import, and writes to what forks could share.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def load(wanted: Iterable[str] = ()) -> None:
    """Import what notebooks import, so that every kernel has it.

    Args:
        wanted: what the sheet's notebook imports, besides the libraries that all have; names among
            them that are no modules are passed over.
    """
    with to_stay():  # collections in kernels leave these objects alone, so their pages stay shared
        sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel would import it
        for name in _LIBRARIES:
            importlib.import_module(name)
        del sys.modules["debugpy"]
        for name in wanted:
            with suppress(ImportError):
                importlib.import_module(name)
        from genbook.checks.machinery import trusted

        for name in _MEASURES:
            importlib.import_module(name)
        trusted.keep(_READS, _MEASURES)
    if confine.threads() != 1:
        raise RuntimeError("an import has started a thread; kernels could not be confined")


def become(
    folder: Path,
    limits: Limits,
    view: landlock.View | None,
    connection: dict[str, Any],
    parent: int,
    level: str,
) -> NoReturn:
    """The rest of a kernel's life, in the child; without a ``view`` it is not confined.

    Raises:
        OSError: something of the sandbox could not be had.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    confine.die_with(parent)
    confine.confine(folder, limits, view, need_landlock=level != "bubblewrap")
    from coursekit.grading.jail import kernel_app

    application = kernel_app.make(connection)
    if view is not None:
        confine.close_sockets()
    os.close(SETUP)
    try:
        application.start()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 0)
    os._exit(0)
