"""The code that pages show: mutants of it turn a check of the page, or a unit test, red.

`shown.py` makes all of them. Here are those that once survived their page, and a budgeted run.
"""

from __future__ import annotations

import ast

import pytest
import shown
from mutation import Mutant

# Function, what is changed in it, and the checks of its page of which one must notice.
SURVIVORS = {
    "both signs of convert": (
        "ddpm",
        "genbook.paths.conversions.factors",
        [
            ("p_new * q - q_new * p", "q_new * p - p_new * q"),
            ("a * q_new - b * p_new", "b * p_new - a * q_new"),
        ],
        ["eq-ddpm-x0-hat", "eq-ddpm-v"],
    ),
    "the sign of x_t in convert": (
        "ddpm",
        "genbook.paths.conversions.factors",
        [("p_new * q - q_new * p", "q_new * p - p_new * q")],
        ["eq-ddpm-x0-hat", "eq-ddpm-v"],
    ),
    "KL without the ratio of variances": (
        "ddpm",
        "genbook.bound._kl",
        [("ratio.exp() + ", "")],
        ["eq-ddpm-prior"],
    ),
    "slerp without 1/sinc": (
        "ddim",
        "genbook.ddim.slerp",
        [(" / torch.sinc(θ / torch.pi)", "")],
        ["eq-ddim-slerp"],
    ),
}


@pytest.mark.parametrize("name", SURVIVORS)
def test_a_page_notices_what_once_survived_it(name: str) -> None:
    slug, path, changes, labels = SURVIVORS[name]
    module, tree, function = shown.found(path)
    source = ast.unparse(tree)
    for old, new in changes:
        assert source.count(old) == 1, f"{old} is not in {path} any more"
        source = source.replace(old, new)
    names = dict(vars(module))
    exec(source, names)
    programs = [entry for entry in shown.checks_of(slug) if entry[0] in labels]
    assert {label for label, _ in programs} == set(labels)
    assert shown.noticed(function, Mutant("none", function), programs, []) is None
    assert shown.noticed(function, Mutant(name, names[function.__name__]), programs, []) in labels


@pytest.mark.parametrize("slug", shown.TESTS)
def test_what_a_page_shows_is_found(slug: str) -> None:
    paths = shown.shown(slug)
    assert len(paths) >= 2
    for path in paths:
        assert shown.found(path)[2].__name__ == path.rpartition(".")[2]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("slug", shown.TESTS)
def test_every_mutant_of_what_a_page_shows_is_noticed(slug: str) -> None:
    """As many mutants as twenty minutes allow."""
    alive = shown.survivors(slug, seconds=1200)
    assert not [line for line in alive if line not in shown.EQUIVALENT]
