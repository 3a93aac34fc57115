"""What the cases of several questions are made of."""

from genbook.checks import Tensor, dataclass, generator, torch


@dataclass(frozen=True)
class GaussianDenoiser:
    """E[x_0 | x] for data from N(mean, spread²) under noise of the deviation sigma."""

    mean: float
    spread: float

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if not sigma > 0:
            raise ValueError(f"the network was asked at sigma = {sigma}: it knows only sigma > 0")
        share = self.spread**2 / (self.spread**2 + sigma**2)
        return self.mean + share * (x - self.mean)


@dataclass(frozen=True)
class Bent:
    """A denoiser that is no straight line in x."""

    scale: float

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if not sigma > 0:
            raise ValueError(f"the network was asked at sigma = {sigma}: it knows only sigma > 0")
        return (self.scale * x / (1 + sigma**2)).tanh()


@dataclass(frozen=True)
class Field:
    """A field whose matrix of derivatives is full and differs from sample to sample."""

    matrix: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        flat = x.flatten(1) @ self.matrix.T.to(x)
        return (flat.sin() + flat * flat.mean(1, keepdim=True)).reshape(x.shape)


def drawn(seed: int) -> tuple[GaussianDenoiser, Tensor, Tensor]:
    """A denoiser for a bell of some width, and states to ask it about: points, and images."""
    g = generator(seed)
    points = 3 * torch.randn(5, 2, generator=g, dtype=torch.float64)
    images = 2 * torch.randn(3, 1, 4, 4, generator=g)
    return GaussianDenoiser(0.5, 0.3 + float(torch.rand((), generator=g))), points, images
