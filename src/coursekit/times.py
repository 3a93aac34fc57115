"""What each notebook costs: measured by the derivation, shown in the book's back matter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from coursekit.project import write_atomically

BUDGET = {"seconds": 90, "memory_mb": 2048}
_FILE = Path("book") / "times.json"
TOLERANCE = 2
"""A budget is an aim: over it the table says so, over this many times of it the check fails."""


@dataclass(frozen=True)
class Cost:
    """What an execution took: wall time in seconds and the kernel's peak resident memory in MB."""

    seconds: float
    peak_mb: float


def read(root: Path) -> dict[str, dict]:
    """The measured costs: ``{"book/ddim": {"seconds": …, "peak_mb": …, "digest": …}}``."""
    path = root / _FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def record(root: Path, key: str, cost: Cost, digest: str) -> None:
    """Store what the execution of notebook ``key`` took."""
    entry = {"seconds": cost.seconds, "peak_mb": cost.peak_mb, "digest": digest}
    entries = {**read(root), key: entry}
    text = json.dumps(entries, indent=1, sort_keys=True) + "\n"
    write_atomically(root / _FILE, text)


def table(root: Path) -> list[list[str]]:
    """Rows for the back matter, the first one the head: notebook, seconds, memory, verdict."""
    rows = [["Notebook", "Seconds", "Peak memory (MB)", "Budget"]]
    for key, entry in sorted(read(root).items()):
        rows.append([key, f"{entry['seconds']:.0f}", f"{entry['peak_mb']:.0f}", _verdict(entry)])
    return rows


def excesses(root: Path) -> list[str]:
    """One sentence for each notebook that takes more than twice its budget."""
    return [
        f"{key} takes {entry['seconds']:.0f} s and {entry['peak_mb']:.0f} MB, more than "
        f"{TOLERANCE} times its budget of {BUDGET['seconds']} s and {BUDGET['memory_mb']} MB"
        for key, entry in sorted(read(root).items())
        if _load(entry) > TOLERANCE
    ]


def _load(entry: dict) -> float:
    """The larger of the fractions of the two budgets that ``entry`` uses."""
    return max(
        entry["seconds"] / BUDGET["seconds"],
        entry["peak_mb"] / BUDGET["memory_mb"],
    )


def _verdict(entry: dict) -> str:
    return "within" if _load(entry) <= 1 else f"over: {_load(entry):.1f} times"
