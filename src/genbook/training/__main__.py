"""The command line: train the network of a recipe; weights and card go to a folder.

python -m genbook.training --list
python -m genbook.training digits-ddpm --out runs/digits-ddpm --resume
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import torch
import torch.distributed as dist

from genbook import weights
from genbook.recipes import RECIPES, Recipe
from genbook.recipes.card import make_card
from genbook.training import Diverged, Trainer, train

__all__ = ["main"]

COMMAND = "python -m genbook.training"
DESCRIPTION = """\
Train the network of a recipe and write its weights and its card.

The run's folder holds a checkpoint, pictures of what the network does by now, and at the end
RECIPE.safetensors and RECIPE.json. Ctrl-C finishes the step and saves; --resume goes on, bit for
bit on the same machine. Under torchrun the processes share each batch."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command ``python -m genbook.training``; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(_lines()))
        return 0
    if options.recipe not in RECIPES:
        _unknown(parser, options.recipe)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        return _run(options)
    except (ValueError, OSError, Diverged) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command with --resume goes on", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=DESCRIPTION,
        epilog="\n  ".join(["recipes:", *_lines()]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", nargs="?", help="which network to train: see below")
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    parser.add_argument("--steps", type=_count, help="train for this many steps instead")
    parser.add_argument("--seed", type=int, help="another seed")
    parser.add_argument(
        "--every", type=_count, default=1000, help="steps between checkpoints (default: 1000)"
    )
    parser.add_argument("--threads", type=_count, help="threads of torch")
    parser.add_argument("--ship", action="store_true", help="put the result into the package too")
    return parser


def _lines() -> list[str]:
    return [f"{name:20} {recipe.summary}" for name, recipe in RECIPES.items()]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text}")
    return int(text)


def _unknown(parser: argparse.ArgumentParser, name: str | None) -> NoReturn:
    if name is None:
        parser.error(f"say which recipe: {', '.join(RECIPES)}")
    near = difflib.get_close_matches(name, RECIPES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    parser.error(f"recipe must be one of {', '.join(RECIPES)}, not {name}{hint}")


def _run(options: argparse.Namespace) -> int:
    changes = {k: v for k in ("steps", "seed") if (v := getattr(options, k)) is not None}
    recipe = dataclasses.replace(RECIPES[options.recipe], **changes)
    command = " ".join([COMMAND, recipe.name, *(f"--{k} {v}" for k, v in changes.items())])
    out = options.out or Path("runs") / recipe.name
    if "WORLD_SIZE" in os.environ:  # set by torchrun
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        run = _train(recipe, out, options.resume, options.every)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    if run.rank == 0:
        _finish(recipe, run, out, command, options.ship)
    return 0


def _train(recipe: Recipe, out: Path, resume: bool, every: int) -> Trainer:
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise ValueError(f"{checkpoint} exists: give --resume to go on, or another --out")
    if resume and not checkpoint.exists():
        print(f"there is no {checkpoint} yet: starting anew", file=sys.stderr)
    out.mkdir(parents=True, exist_ok=True)

    def look(run: Trainer) -> None:
        with run.ema.applied() as averaged:
            recipe.look(averaged, out / f"step-{run.done:06}.png")

    return train(
        recipe.model().to(device),
        recipe.loss,
        recipe.data.load(),
        steps=recipe.steps,
        batch=recipe.batch,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
        seed=recipe.seed,
        also={"recipe": recipe.name, **recipe.settings()},
        checkpoint=checkpoint,
        every=every,
        resume=resume,
        look=look,
    )


def _finish(recipe: Recipe, run: Trainer, out: Path, command: str, ship: bool) -> None:
    """Measure the averaged network, and write it with its card."""
    run.model = run.ema.copy_to(run.model).to("cpu").eval()
    if recipe.half:
        run.model.half().float()  # in place: what is measured is what is stored
    card = weights.write(
        recipe.name, run.model, make_card(recipe, run, command), out, half=recipe.half
    )
    if ship:
        weights.write(recipe.name, run.model, card, half=recipe.half)
    for name, value in card["metrics"].items():
        print(f"{name}: {value}")
    print(f"written: {out / recipe.name}.safetensors and .json")


if __name__ == "__main__":
    raise SystemExit(main())
