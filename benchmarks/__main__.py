"""Ratios to public peers, side by side: ``python -m benchmarks [NAME …] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

# Before torch is imported: one thread, or the idle ones are billed as process time.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

from benchmarks.harness import Comparison, table


def available() -> list[str]:
    """The modules beside this one, except the machinery; packages have commands of their own."""
    modules = iter_modules([str(Path(__file__).parent)])
    names = (module.name for module in modules if not module.ispkg)
    return sorted(set(names) - {"__main__", "harness"})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(available())}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(available()))
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}: use {', '.join(available())}")
    results: list[Comparison] = []
    for name in options.names or available():
        print(f"{name} …", file=sys.stderr, flush=True)
        results += import_module(f"benchmarks.{name}").run()
    print(table(results))
    if options.json:
        record = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "results": [asdict(result) | {"met": result.met} for result in results],
        }
        options.json.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
