"""The book's networks, and the parts that they are made of.

Parts: ``embeddings`` (time and class), ``attention`` (self, cross, joint), ``resnet`` (what images
need), ``transformer``. Networks: ``unet``, ``mlp``, ``flow_mlp``, ``classifier``, each with a
configuration.
"""

from __future__ import annotations

from genbook.nn.attention import Attention, JointAttention
from genbook.nn.classifier import Classifier, ClassifierConfig
from genbook.nn.embeddings import LabelEmbedding, TimeEmbedding
from genbook.nn.flow_mlp import FlowMLP, FlowMLPConfig
from genbook.nn.mlp import MLP, MLPConfig
from genbook.nn.resnet import PixelAttention, ResidualBlock
from genbook.nn.start import shaken
from genbook.nn.transformer import AdaptiveBlock, FeedForward, TransformerBlock
from genbook.nn.unet import UNet, UNetConfig, UNetEncoder

__all__ = [
    "MLP",
    "AdaptiveBlock",
    "Attention",
    "Classifier",
    "ClassifierConfig",
    "FeedForward",
    "FlowMLP",
    "FlowMLPConfig",
    "JointAttention",
    "LabelEmbedding",
    "MLPConfig",
    "PixelAttention",
    "ResidualBlock",
    "TimeEmbedding",
    "TransformerBlock",
    "UNet",
    "UNetConfig",
    "UNetEncoder",
    "shaken",
]
