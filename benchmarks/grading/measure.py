"""Wall seconds of commands, and the peak of the memory that a tree of processes needs.

Elsewhere in the benchmarks it is process time that counts. Here it is the time that an instructor
waits: graders start processes, wait for kernels, and use two cores.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

__all__ = ["peak_memory", "seconds"]

MB = 1024 * 1024
Command = Sequence[str | Path]


def seconds(
    commands: Sequence[Command],
    at_once: int,
    folder: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> float:
    """How long the commands take, so many at a time. What they print goes to files ``log-…``."""

    def call(number: int) -> None:
        with open(f"{log}-{number}.txt", "w") as out:
            subprocess.run(
                [str(part) for part in commands[number]],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,  # a failing test is a result; who finds no result says so
            )

    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(call, range(len(commands))))
    return time.perf_counter() - start


def peak_memory(
    command: Command, folder: Path, log: Path, environment: Mapping[str, str] | None = None
) -> float:
    """The largest proportional set size of a command and its descendants together, in MB.

    A page that n processes share counts 1/n in each of them, so that the sum over a tree counts
    every page once; the resident size would count what a fork shares again and again.
    """
    with open(f"{log}.txt", "w") as out:
        process = psutil.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, tree_memory(process))
            time.sleep(0.05)
    return peak


def tree_memory(root: psutil.Process) -> float:
    """The proportional set sizes of a process and its descendants now, in MB."""
    total = 0
    for process in _tree(root):
        with contextlib.suppress(psutil.Error, FileNotFoundError, ProcessLookupError):
            total += process.memory_full_info().pss
    return total / MB


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
