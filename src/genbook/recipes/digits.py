"""The family of the handwritten digits: the judge of all samples, and the diffusion models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genbook import consistency, ddim, ddpm, evaluation, ode, plots
from genbook.data import digits
from genbook.nn import Classifier, FlowMLP, UNet, shaken
from genbook.paths import Straight
from genbook.recipes.base import Data, Recipe, device_of, measured
from genbook.sampling import randn, randn_like
from genbook.schedules import NoiseSchedule
from genbook.training import generator

__all__ = ["DIGITS", "DigitsClassifier", "DigitsDDPM", "DigitsFlowMap"]

DIGITS = Data(
    words="1437 training images of scikit-learn's handwritten digits (8x8, ten classes), the fixed "
    "split of genbook.data.digits; 360 test images were not trained on",
    source="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0",
    licence="CC BY 4.0",
    load=digits.load,
)


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
    data: Data = DIGITS
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
        x = x + self.noise * randn_like(x, generator)
        return nn.functional.cross_entropy(model(x), y, label_smoothing=self.smoothing)

    def metrics(self, model: nn.Module) -> dict[str, Any]:
        test = digits.load("test")
        with torch.no_grad():
            seen = model(test.images.to(device_of(model))).argmax(1).cpu()
        right = (seen == test.labels).double()
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
    data: Data = DIGITS
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
        """``ddpm.loss``, with a tenth of the labels replaced by the null class (for guidance)."""
        dropped = torch.rand(len(y), generator=generator, device=generator.device) < self.drop
        cond = torch.where(dropped.to(y.device), digits.CLASSES, y)
        return ddpm.loss(model, self.schedule(), x, cond, generator)

    def details(self) -> dict[str, Any]:
        return {"schedule": {"kind": self.kind, "T": self.T}}

    def look(self, model: nn.Module, path: Path) -> None:
        plots.images(self._sample(model, 60), columns=10).savefig(path)

    def _labels(self, count: int) -> Tensor:
        return torch.arange(count) % digits.CLASSES

    def _sample(self, model: nn.Module, count: int) -> Tensor:
        """Samples of all classes in turn, on the CPU, whatever the model is on."""
        model.eval()
        x = ddim.sample(
            model,
            self.schedule(),
            (count, *digits.SHAPE),
            self.evaluation_steps,
            cond=self._labels(count).to(device_of(model)),
            generator=generator(self.seed, 2),
        )
        return x.cpu()

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


@dataclass(frozen=True)
class DigitsFlowMap(Recipe):
    """A class-conditional flow map of the digits, its own teacher."""

    name: str = "digits-flow-map"
    summary: str = "a class-conditional flow map of the handwritten digits (one call a sample)"
    use: str = (
        "Samples of 8x8 digits in one or a few calls for the book's chapters, with labels 0..9 or "
        "the null class; with both times equal, a velocity model of the straight path. Too small "
        "for anything else."
    )
    data: Data = DIGITS
    steps: int = 2_000
    lr: float = 3e-3
    ema: float = 0.99
    drop: float = 0.1
    diagonal: float = 0.5
    half: ClassVar[bool] = True
    network: ClassVar[dict[str, Any]] = {"dim": 64, "width": 128, "depth": 2, "time_scale": 20.0}
    samples: ClassVar[int] = 1437  # as many as training images, for distances of equal bias

    def model(self) -> nn.Module:
        return shaken(self.seed, FlowMLP, classes=digits.CLASSES, **self.network)

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """``consistency.lagrangian_map`` without a teacher, a tenth of the labels dropped."""
        dropped = torch.rand(len(y), generator=generator, device=generator.device) < self.drop
        cond = torch.where(dropped.to(y.device), digits.CLASSES, y)
        flow_map = consistency.FlowMap(model, Straight())
        return consistency.lagrangian_map(flow_map, x, cond, generator, diagonal=self.diagonal)

    def details(self) -> dict[str, Any]:
        return {"path": "Straight", "prediction": "velocity"}

    def look(self, model: nn.Module, path: Path) -> None:
        plots.images(self._sample(model, 60, 1), columns=10).savefig(path)

    def _sample(self, model: nn.Module, count: int, calls: int) -> Tensor:
        """Samples of all classes in turn, on the CPU: by jumps, or with 50 calls along the
        diagonal, where the network is a velocity.
        """
        model.eval()
        flow_map = consistency.FlowMap(model, Straight())
        labels = (torch.arange(count) % digits.CLASSES).to(device_of(model))
        shape, draws = (count, *digits.SHAPE), generator(self.seed, 2)
        with torch.no_grad():
            if calls < 50:
                return consistency.sample(flow_map, shape, calls, labels, draws).cpu()
            solved: dict[str, Any] = {
                "step": ode.euler,
                "prediction": "velocity",
                "spacing": "linear",
            }
            # A method has no parameters that would say where they are.
            solved["xT"] = randn(shape, draws, device_of(model))
            along = flow_map.diagonal
            return ode.sample(along, Straight(), shape, calls, labels, draws, **solved).cpu()

    def metrics(self, model: nn.Module) -> dict[str, Any]:
        train_set, test_set = digits.load("train"), digits.load("test")
        real = evaluation.features(train_set.images)
        fresh = evaluation.nearest(test_set.images, train_set.images).mean()
        labels = torch.arange(self.samples) % digits.CLASSES
        found: dict[str, Any] = {}
        for calls in (1, 2, 50):
            x = self._sample(model, self.samples, calls)
            right = (evaluation.predict(x) == labels).double()
            distance = evaluation.bootstrap(
                lambda f: evaluation.frechet(f, real), evaluation.features(x), groups=[labels]
            )
            near = evaluation.bootstrap(
                lambda d: d.mean() / fresh, evaluation.nearest(x, train_set.images)
            )
            words = f"{calls} call" + ("s" if calls > 1 else "")
            found |= {
                f"class accuracy, {words}": measured(
                    evaluation.bootstrap(torch.mean, right), len(x)
                ),
                f"Fréchet distance to the training images, {words}": measured(distance, len(x)),
                f"nearest-neighbour distance over that of test images, {words}": measured(
                    near, len(x)
                ),
            }
        how = "1 and 2: jumps of even length; 50: Euler's steps along the diagonal; labels in turn"
        return {**found, "how": how}
