"""Ratios to public peers, side by side; fails unless every target is met.

Progress goes to stderr. Exit status: 0 if every row is met, 1 if not, 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

# Before torch is imported: one thread, or the idle ones are billed as process time.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch

import benchmarks
from benchmarks.harness import Comparison, table


def available() -> list[str]:
    """The modules beside this one, except the machinery; packages have commands of their own."""
    modules = iter_modules([str(Path(__file__).parent)])
    names = (module.name for module in modules if not module.ispkg)
    return sorted(set(names) - {"__main__", "harness"})


def installation() -> str:
    """The command that installs every peer, and leaves torch alone.

    A peer needs torchvision, and without the pin that would bring its own torch, with gigabytes of
    libraries for GPUs, in the place of the one that is here.
    """
    return f"python -m pip install 'torch=={torch.__version__}' -e '.[bench]'"


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    results: list[Comparison] = []
    for name in options.names or available():
        print(f"{name} …", file=sys.stderr, flush=True)
        rows = import_module(f"benchmarks.{name}").run()
        verdicts = Counter(row.verdict for row in rows)
        print(f"{name}: {_counted(verdicts)}", file=sys.stderr, flush=True)
        results += rows
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(_record(results), indent=2, ensure_ascii=False) + "\n")
    if absent := sorted({row.missing for row in results if row.missing}):
        print(f"not installed: {', '.join(absent)}; all peers: {installation()}")
    accepted = {"met", "missing"} if options.allow_missing else {"met"}
    failed = [row for row in results if row.verdict not in accepted]
    print(_conclusion(results, failed))
    return 1 if failed else 0


def _conclusion(results: Sequence[Comparison], failed: Sequence[Comparison]) -> str:
    """The last line: how many rows are met, and which are not."""
    met = f"{sum(row.verdict == 'met' for row in results)} of {len(results)} met"
    if not failed:
        return met
    return f"{met}; NOT met: " + "; ".join(
        f"{row.work} against {row.peer} ({row.verdict})" for row in failed
    )


def _counted(verdicts: Counter[str]) -> str:
    return ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items())


def _record(results: Sequence[Comparison]) -> dict[str, object]:
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "results": [asdict(row) | {"verdict": row.verdict} for row in results],
    }


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=benchmarks.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(available())}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="do not fail because a peer is not installed",
    )
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(available()))
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}: use {', '.join(available())}")
    return options


if __name__ == "__main__":
    sys.exit(main())
