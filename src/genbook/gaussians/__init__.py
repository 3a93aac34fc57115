"""Gaussians and their mixtures: what can be known exactly about a noised distribution.

Four functions do the arithmetic of Gaussians N(m, C): `linear_map`, `product`, `condition`, `kl`.
The class `GaussianMixture` is a distribution of data whose noised version x_t = a x_0 + b eps has a
density, a score and a best guess of x_0 in closed form. With it a sampler can be tried without a
network: what is wrong with the samples is then the sampler's fault alone.
"""

from genbook.gaussians.arithmetic import condition, kl, linear_map, product
from genbook.gaussians.mixture import GaussianMixture

__all__ = ["GaussianMixture", "condition", "kl", "linear_map", "product"]
