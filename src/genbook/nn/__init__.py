"""The book's networks: one U-Net, one classifier and the blocks that they are made of."""

from .blocks import Attention, ResidualBlock, TimeEmbedding
from .classifier import Classifier
from .unet import UNet

__all__ = ["Attention", "Classifier", "ResidualBlock", "TimeEmbedding", "UNet"]
