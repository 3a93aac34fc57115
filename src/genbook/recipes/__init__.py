"""Recipes: for every network that comes with the book, how it is trained, measured and described.

A recipe is a dataclass; its fields are all the numbers that matter, the data, and whose they are.
One file holds a family, networks of the same data; ``RECIPES`` lists them all by name.
``python -m genbook.training NAME`` runs one.
"""

from __future__ import annotations

from genbook.recipes.base import Data, Recipe
from genbook.recipes.digits import DigitsClassifier, DigitsDDPM, DigitsFlowMap

__all__ = ["RECIPES", "Data", "Recipe"]

RECIPES: dict[str, Recipe] = {
    "digits-classifier": DigitsClassifier(),
    "digits-ddpm": DigitsDDPM(),
    "digits-flow-map": DigitsFlowMap(),
}
