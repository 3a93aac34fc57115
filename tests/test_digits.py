"""The digits: the split is fixed, stratified and complete."""

import hashlib

import pytest
import torch

from genbook.data import digits


def test_shapes_ranges_and_counts():
    train, test, everything = (digits.load(part) for part in ("train", "test", "all"))
    assert [len(part.labels) for part in (train, test, everything)] == [1437, 360, 1797]
    for images, labels in (train, test, everything):
        assert images.shape == (len(labels), *digits.SHAPE) and images.dtype == torch.float32
        assert images.min() == -1 and images.max() == 1
        assert labels.dtype == torch.int64
        assert set(labels.tolist()) == set(range(digits.CLASSES))


def test_the_parts_are_disjoint_and_make_the_whole():
    parts = torch.cat([digits.load("train").images, digits.load("test").images])
    assert sorted(map(bytes, parts.numpy())) == sorted(
        map(bytes, digits.load("all").images.numpy())
    )


def test_both_parts_have_the_same_shares_of_classes():
    shares = [torch.bincount(digits.load(part).labels) for part in ("train", "test")]
    torch.testing.assert_close(shares[0] / 1437, shares[1] / 360, atol=0.002, rtol=0)


def test_the_split_is_the_one_that_the_weights_were_trained_on():
    data = digits.load("train")
    digest = hashlib.sha256(data.images.numpy().tobytes() + data.labels.numpy().tobytes())
    assert digest.hexdigest() == "55e0c6d103ab61a375a64e2596ef6b9c2e444eba0ceb6a246b958a6f2127bba3"


def test_a_caller_may_change_what_it_gets():
    for part in ("train", "all"):
        digits.load(part).images.zero_()
        assert digits.load(part).images.max() == 1


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match='"train", "test" or "all", not \'valid\''):
        digits.load("valid")  # type: ignore[arg-type]
