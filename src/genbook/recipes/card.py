"""The card of a finished run: what was trained, how, on what, whose it is, and how well it went."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import torch

from genbook.recipes.base import Recipe
from genbook.training import Trainer

__all__ = ["make_card"]


def make_card(recipe: Recipe, run: Trainer, command: str) -> dict[str, Any]:
    """The model card of a finished run, without what ``weights.write`` adds.

    Args:
        run: of this recipe, with the finished network in it.
        command: that trains the network again.
    """
    return {
        "summary": recipe.summary,
        "intended use": recipe.use,
        "recipe": recipe.settings(),
        "command": command,
        "commit": _commit(),
        "seconds": round(run.seconds),
        "machine": _machine(run.device, run.world),
        "data": recipe.data.words,
        "source": recipe.data.source,
        "licence": recipe.data.licence,
        **recipe.details(),
        "metrics": recipe.metrics(run.model),
    }


def _commit() -> str:
    """The commit of the code that trains, or "unknown" outside a checkout."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _machine(device: torch.device, world: int) -> str:
    if device.type == "cuda":
        return f"{world} x {torch.cuda.get_device_name(device)}"
    words = {1: "one CPU core", 2: "two CPU cores"}
    threads = torch.get_num_threads() * world
    return words.get(threads, f"{threads} CPU cores")
