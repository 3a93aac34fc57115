"""The zygotes of a run: which level of the sandbox, and processes that are replaced when they die.

A zygote imports for seconds. Nothing here imports torch, so that whoever begins them first can do
imports of his own meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from coursekit.grading.jail import landlock, sandbox, scratch
from coursekit.project import CourseError

__all__ = ["Zygotes", "can_begin", "choose_level"]


class Zygotes:
    """Begun on entering the context, ended on leaving it.

    Enter it in the main thread, see ``sandbox.begin``.

    Args:
        level: of the sandbox.
        jobs: submissions that are graded at the same time.
        hidden: what no kernel may read, see ``sandbox.begin``.
        imports: what all kernels have imported, see there.

    Raises:
        CourseError: a zygote cannot be started.
    """

    def __init__(
        self,
        level: sandbox.Level,
        jobs: int,
        hidden: Sequence[Path],
        imports: Sequence[str] = (),
    ) -> None:
        self.level, self.hidden, self.imports = level, hidden, imports
        # Without Landlock, kernels of one zygote could read each other's folders.
        shared = level != "bubblewrap" or landlock.abi() > 0
        self.count = 1 if shared else jobs
        self.running: dict[Path, sandbox.Zygote] = {}
        self.replaced: Counter[Path] = Counter()
        self._stack = ExitStack()

    def __enter__(self) -> Zygotes:
        with self._stack as stack:
            folder = stack.enter_context(scratch.folder())
            stack.callback(self._stop)
            for number in range(self.count):
                home = folder / f"z{number}"
                home.mkdir(mode=0o700)
                self.running[home] = sandbox.begin(self.level, home, self.hidden, self.imports)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _stop(self) -> None:
        for zygote in self.running.values():
            zygote.stop()

    def places(self, jobs: int) -> list[tuple[Path, Path]]:
        """For each worker the socket of its zygote and the folder for its kernels; waits for them.

        Raises:
            CourseError: a zygote did not start; the message says why.
        """
        for zygote in self.running.values():
            zygote.wait()
        found = [(zygote.path, home) for home, zygote in self.running.items()]
        return found * jobs if self.count == 1 else found[:jobs]

    def __call__(self, folder: Path) -> int:
        """See to it that the folder's zygote is there; returns how often it was replaced."""
        zygote = self.running[folder]
        if not zygote.answers():
            zygote.stop()
            zygote.path.unlink(missing_ok=True)
            self.running[folder] = sandbox.start(self.level, folder, self.hidden, self.imports)
            self.replaced[folder] += 1
        return self.replaced[folder]


def can_begin(hidden: Sequence[Path]) -> bool:
    """Whether zygotes that begin now would hide all this.

    What is made later cannot be masked if it then lies in a folder that kernels see.
    """
    shown = sandbox.view().shown
    return all(
        path.exists() or not any(place in path.parents for place in shown) for path in hidden
    )


def choose_level(wanted: str | None, tried: bool = False) -> sandbox.Level:
    """The level that was asked for, or the strongest one that works here.

    Args:
        tried: a level that is asked for is known to work.

    Raises:
        CourseError: no such level, it does not work here, or nothing works and nobody said that
            this is all right.
    """
    for level in sandbox.LEVELS:
        if wanted == level:
            trouble = "" if tried else sandbox.trouble(level)
            if trouble:
                raise CourseError(
                    f"the sandbox {level} does not work here: {trouble} "
                    "(`coursekit grade doctor` tells what does)"
                )
            return level
    if wanted is not None:
        raise CourseError(f"no level {wanted!r}; there are {', '.join(sandbox.LEVELS)}")
    found = sandbox.detect()
    if found == "none":
        raise CourseError(
            "no sandbox works here, and submissions are programs of other people: see "
            "`coursekit grade doctor`, or use --unsafe if you trust every one of them"
        )
    return found
