"""Recipes: for every network that comes with the book, how it is trained, measured and described.

A recipe is a dataclass; its fields are all the numbers that matter. `python -m genbook.training`
runs it.
"""

import argparse
import dataclasses
import os
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from . import ddim, ddpm, evaluation, plots, weights
from .data import digits
from .nn import Classifier, UNet
from .schedules import NoiseSchedule
from .training import Trainer, generator, train

__all__ = ["RECIPES", "DigitsClassifier", "DigitsDDPM", "Recipe", "run"]

DATA = (
    "1437 training images of scikit-learn's handwritten digits (8x8, ten classes), the fixed "
    "split of genbook.data.digits; 360 test images were not trained on"
)
SOURCE = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0"


@dataclass(frozen=True)
class Recipe(ABC):
    """What all recipes have; one subclass a network.

    Fields:
        name: of the recipe and of the weights.
        summary: one line for `--list` and the card.
        use: what the weights are for, and what not.
        steps, batch, lr, weight_decay, ema, seed: as in `training.Trainer`.
    """

    name: str
    summary: str
    use: str
    steps: int
    batch: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.0
    ema: float = 0.999
    seed: int = 0

    @abstractmethod
    def model(self) -> nn.Module:
        """The network, with the random start that belongs to the seed."""

    @abstractmethod
    def loss(self, model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """The loss `()` of images `(B, 1, 8, 8)` and labels `(B,)`."""

    @abstractmethod
    def metrics(self, model: nn.Module) -> dict[str, Any]:
        """What the card says of the finished network."""

    def details(self) -> dict[str, Any]:
        """Further entries of the card."""
        return {}

    def look(self, model: nn.Module, path: Path) -> None:  # noqa: B027 (a hook, not a duty)
        """Save a picture of what the network does by now, where there is something to see."""


def shaken(seed: int, build: type[nn.Module], **config: Any) -> nn.Module:
    """Build a network whose random start depends on `seed` alone; the global generator stays as it
    was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(**config)


@dataclass(frozen=True)
class DigitsClassifier(Recipe):
    """A convolutional network that tells the digits apart; its features judge all digit samples."""

    name: str = "digits-classifier"
    summary: str = "a small convolutional network that tells the handwritten digits apart"
    use: str = (
        "Judge of the book's 8x8 digit samples: accuracy of conditional samples and Fréchet "
        "distance on its 32 features. Not meant for photographs of handwriting or for any "
        "decision about people."
    )
    steps: int = 1500
    lr: float = 2e-3
    weight_decay: float = 0.05
    smoothing: float = 0.1
    noise: float = 0.2
    network: ClassVar[dict[str, Any]] = {"width": 32, "features": 32}

    def model(self) -> nn.Module:
        return shaken(self.seed, Classifier, **self.network)

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Cross-entropy with smoothed labels, on images moved by up to a pixel and a little
        noisy.
        """
        dx, dy = torch.randint(-1, 2, (2,), generator=generator).tolist()
        # What moves in is paper (-1); the pixels that move out are lost.
        x = nn.functional.pad(x, (1, 1, 1, 1), value=-1.0)
        x = x[..., 1 + dy : 9 + dy, 1 + dx : 9 + dx]
        x = x + self.noise * torch.randn(x.shape, generator=generator)
        return nn.functional.cross_entropy(model(x), y, label_smoothing=self.smoothing)

    def metrics(self, model: nn.Module) -> dict[str, Any]:
        test = digits.load("test")
        with torch.no_grad():
            right = (model(test.images).argmax(1) == test.labels).double()
        return {"test accuracy": measured(evaluation.bootstrap(torch.mean, right), len(right))}


@dataclass(frozen=True)
class DigitsDDPM(Recipe):
    """A class-conditional diffusion model of the digits that predicts the noise."""

    name: str = "digits-ddpm"
    summary: str = "a class-conditional diffusion model of the handwritten digits (predicts eps)"
    use: str = (
        "Samples of 8x8 digits for the book's chapters, with labels 0..9 or the null class. "
        "Too small for anything else."
    )
    # Twice as many steps bring the samples nearer to the training images than fresh digits are.
    steps: int = 6_000
    lr: float = 3e-3
    ema: float = 0.9995
    kind: str = "linear"
    T: int = 1000
    drop: float = 0.1
    network: ClassVar[dict[str, Any]] = {"base": 32, "multipliers": (1, 1), "patch": 2}
    evaluation_steps: ClassVar[int] = 100
    samples: ClassVar[int] = 1437  # as many as training images, for distances of equal bias

    def model(self) -> nn.Module:
        return shaken(self.seed, UNet, classes=digits.CLASSES, **self.network)

    def schedule(self) -> NoiseSchedule:
        """The noise schedule of training."""
        return getattr(NoiseSchedule, self.kind)(self.T)

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """`ddpm.loss`, with a tenth of the labels replaced by the null class (for guidance)."""
        dropped = torch.rand(len(y), generator=generator) < self.drop
        cond = torch.where(dropped, digits.CLASSES, y)
        return ddpm.loss(model, self.schedule(), x, cond, generator)

    def details(self) -> dict[str, Any]:
        return {"schedule": {"kind": self.kind, "T": self.T}}

    def look(self, model: nn.Module, path: Path) -> None:
        plots.images(self._sample(model, 60), columns=10).savefig(path)

    def _labels(self, count: int) -> Tensor:
        return torch.arange(count) % digits.CLASSES

    def _sample(self, model: nn.Module, count: int) -> Tensor:
        model.eval()
        return ddim.sample(
            model,
            self.schedule(),
            (count, *digits.SHAPE),
            self.evaluation_steps,
            cond=self._labels(count),
            generator=generator(self.seed, 2),
        )

    def metrics(self, model: nn.Module) -> dict[str, Any]:
        train_set, test_set = digits.load("train"), digits.load("test")
        x, labels = self._sample(model, self.samples), self._labels(self.samples)
        right = (evaluation.predict(x) == labels).double()
        real = evaluation.features(train_set.images)
        fresh = evaluation.nearest(test_set.images, train_set.images).mean()

        def distance(images: Tensor, classes: Tensor) -> dict[str, Any]:
            features = evaluation.features(images)
            interval = evaluation.bootstrap(
                lambda f: evaluation.frechet(f, real), features, groups=[classes]
            )
            return measured(interval, len(images))

        near = evaluation.bootstrap(
            lambda d: d.mean() / fresh, evaluation.nearest(x, train_set.images)
        )
        return {
            "class accuracy": measured(evaluation.bootstrap(torch.mean, right), len(x)),
            "Fréchet distance to the training images": distance(x, labels),
            "Fréchet distance of the test images to the training images": distance(*test_set),
            "nearest-neighbour distance over that of test images": measured(near, len(x)),
            "how": f"{self.evaluation_steps} DDIM steps, eta 0, labels 0..9 in turn, no guidance",
        }


RECIPES: dict[str, Recipe] = {r.name: r for r in (DigitsClassifier(), DigitsDDPM())}


def measured(interval: evaluation.Interval, n: int) -> dict[str, Any]:
    """An interval as the card stores it: four digits, the number of samples, and how it was
    made.
    """
    value, low, high = (float(f"{number:.4g}") for number in interval)
    return {"value": value, "low": low, "high": high, "n": n, "interval": "95 % bootstrap"}


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


def make_card(recipe: Recipe, run: Trainer) -> dict[str, Any]:
    """The model card of a finished run, without what `weights.write` adds."""
    numbers = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(recipe)
        if field.name not in ("name", "summary", "use")
    }
    return {
        "summary": recipe.summary,
        "intended use": recipe.use,
        "recipe": numbers,
        "command": f"python -m genbook.training {recipe.name}",
        "commit": _commit(),
        "seconds": round(run.seconds),
        "machine": _machine(run.device, run.world),
        "data": DATA,
        "source": SOURCE,
        "licence": "CC BY 4.0",
        **recipe.details(),
        "metrics": recipe.metrics(run.model),
    }


def run(options: argparse.Namespace) -> int:
    """Train the recipe that the command line asks for; weights and card go to its folder."""
    changes = {k: v for k in ("steps", "seed") if (v := getattr(options, k)) is not None}
    recipe = dataclasses.replace(RECIPES[options.recipe], **changes)
    if "WORLD_SIZE" in os.environ:  # set by torchrun
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        return _run(recipe, options)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _run(recipe: Recipe, options: argparse.Namespace) -> int:
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    out = options.out or Path("runs") / recipe.name
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not options.resume:
        raise ValueError(f"{checkpoint} exists: give --resume to go on, or another --out")
    out.mkdir(parents=True, exist_ok=True)

    def look(run: Trainer) -> None:
        with run.ema.applied() as averaged:
            recipe.look(averaged, out / f"step-{run.done:06}.png")

    run = train(
        recipe.model().to(device),
        recipe.loss,
        recipe_data(),
        steps=recipe.steps,
        batch=recipe.batch,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
        seed=recipe.seed,
        checkpoint=checkpoint,
        every=options.every,
        resume=options.resume,
        look=look,
    )
    if run.rank:
        return 0
    network = run.ema.copy_to(run.model).to("cpu").eval()
    run.model = network
    card = weights.write(recipe.name, network, make_card(recipe, run), out)
    if options.ship:
        weights.write(recipe.name, network, card)
    for name, value in card["metrics"].items():
        print(f"{name}: {value}")
    print(f"written: {out / recipe.name}.safetensors and .json")
    return 0


def recipe_data() -> digits.Digits:
    """The training images and labels."""
    return digits.load("train")
