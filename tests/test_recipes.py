"""Recipes: the registry, what cards say of the data, and that no number of a shipped run moved."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genbook import weights
from genbook.recipes import RECIPES, Data, Recipe
from genbook.recipes.card import make_card
from genbook.recipes.digits import DigitsDDPM
from genbook.training import Trainer, train

every_recipe = pytest.mark.parametrize("name", sorted(RECIPES))

# The losses of the first four steps, on one core, when each recipe was new.
LOSSES = {
    "digits-classifier": [2.33754158, 2.31927133, 2.30990410, 2.33249402],
    "digits-ddpm": [1.00414300, 1.00287974, 0.98244411, 1.00636995],
    "digits-flow-map": [0.87436146, 0.85215455, 0.84946418, 0.86452115],
}


def start(recipe: Recipe, **changes: Any) -> Trainer:
    """The run that the command line starts."""
    names = ("steps", "batch", "lr", "weight_decay", "ema", "seed")
    settings = {name: getattr(recipe, name) for name in names} | changes
    return Trainer(recipe.model(), recipe.loss, recipe.data.load(), **settings)


@every_recipe
def test_the_registry_calls_every_recipe_by_its_name(name):
    recipe = RECIPES[name]
    assert recipe.name == name and recipe.summary and recipe.use
    assert len({len(tensor) for tensor in recipe.data.load()}) == 1


@every_recipe
def test_the_same_seed_gives_the_same_numbers_as_ever(name):
    run = start(RECIPES[name])
    losses = [run.step() for _ in LOSSES[name]]
    assert losses == pytest.approx(LOSSES[name], rel=1e-5)  # other machines round otherwise


@every_recipe
def test_another_seed_gives_another_network_and_the_global_one_is_left_alone(name):
    before = torch.get_rng_state()
    first = dataclasses.replace(RECIPES[name], seed=1).model().state_dict()
    second = RECIPES[name].model().state_dict()
    assert any(not torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(torch.get_rng_state(), before)


@every_recipe
def test_settings_are_all_numbers_that_matter(name):
    settings = RECIPES[name].settings()
    assert {"steps", "batch", "lr", "weight_decay", "ema", "seed"} <= settings.keys()
    assert not {"name", "summary", "use", "data"} & settings.keys()
    assert all(isinstance(value, int | float | str) for value in settings.values())


@every_recipe
def test_shipped_cards_say_of_the_data_what_the_recipe_says(name):
    card, data = weights.card(name), RECIPES[name].data
    assert (card["data"], card["source"], card["licence"]) == (
        data.words,
        data.source,
        data.licence,
    )


LINE = Data(
    words="50 points of a line",
    source="drawn by this test",
    licence="CC0",
    load=lambda: (torch.linspace(-1, 1, 50)[:, None],),
)


@dataclass(frozen=True)
class Points(Recipe):
    """A recipe of another family: other data, one tensor, no labels."""

    name: str = "points"
    summary: str = "a line"
    use: str = "none"
    data: Data = LINE
    steps: int = 3
    batch: int = 8
    slope: float = 2.0

    def model(self) -> nn.Module:
        return nn.Linear(1, 1)

    def loss(self, model: nn.Module, x: Tensor, generator: torch.Generator) -> Tensor:
        return (model(x) - self.slope * x).square().mean()

    def metrics(self, model: nn.Module) -> dict[str, Any]:
        return {"slope": model.weight.item()}


def test_the_card_of_a_network_trained_on_something_else_says_so():
    recipe = Points()
    run = train(recipe.model(), recipe.loss, recipe.data.load(), steps=3, batch=8)
    card = make_card(recipe, run, "python -m genbook.training points")
    assert (card["data"], card["source"], card["licence"]) == (
        "50 points of a line",
        "drawn by this test",
        "CC0",
    )
    assert "digits" not in str(card) and card["recipe"]["slope"] == 2.0


def test_a_recipe_must_say_what_it_is_trained_on():
    with pytest.raises(TypeError, match="'data'"):

        @dataclass(frozen=True)
        class Dataless(Recipe):
            name: str = "dataless"
            summary: str = "a network"
            use: str = "none"

    other = dataclasses.replace(DigitsDDPM(), data=LINE)
    assert other.data.licence == "CC0" and other.settings() == DigitsDDPM().settings()
