"""The environment in which the other graders live."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

__all__ = ["PACKAGES", "make", "versions"]

PACKAGES = ["nbgrader", "otter-grader", "nbval", "pytest-xdist"]


def make(venv: Path, root: Path) -> None:
    """Make it, with the book of ``root``, unless it is there; takes minutes.

    Raises:
        subprocess.CalledProcessError: pip could not.
    """
    ready = venv / "ready"
    if ready.exists():
        return
    print(f"making an environment for the other graders in {venv} …", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    # Ours first, by itself: nothing that comes later may bring another torch.
    wanted = f"torch=={torch.__version__}"
    if subprocess.run([*pip, wanted], stderr=subprocess.DEVNULL, check=False).returncode:
        # a build with a label ("+cpu") that the default index does not carry
        index = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
        subprocess.run([*pip, wanted, "--index-url", index], check=True)
    subprocess.run([*pip, *PACKAGES, str(root)], check=True)
    ready.touch()


def versions(venv: Path) -> str:
    """What is compared, in one line."""
    names = [*PACKAGES, "nbclient", "torch"]
    code = f"from importlib.metadata import version\nfor n in {names}: print(n, version(n))"
    done = subprocess.run(
        [str(venv / "bin" / "python"), "-c", code], capture_output=True, text=True, check=True
    )
    return ", ".join(done.stdout.split("\n")[:-1])
