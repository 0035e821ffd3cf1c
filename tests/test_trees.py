"""Leaves by name: select, split, merge; a misspelt pattern and freezing everything raise."""

import numpy as np
import pytest

from tl_jax.trees import all_but, flatten, merge, replace_leaves, select, split

PARAMS = {
    "layer1": {"kernel": np.ones((3, 2)), "bias": np.zeros(2)},
    "head": {"kernel": np.ones((2, 1)), "bias": np.zeros(1)},
}


def test_select_by_pattern():
    assert set(select(PARAMS, "layer1/*")) == {"layer1/kernel", "layer1/bias"}
    assert set(select(PARAMS, "*/bias", "head/kernel")) == {"layer1/bias", "head/bias", "head/kernel"}


@pytest.mark.parametrize("choose", [select, all_but])
def test_a_pattern_that_matches_nothing_raises(choose):
    with pytest.raises(ValueError, match=r"layer_1/\*.*matches no parameter.*layer1/kernel"):
        choose(PARAMS, "layer_1/*")


def test_freezing_everything_raises():
    with pytest.raises(ValueError, match="freeze every parameter"):
        all_but(PARAMS, "*")


def test_split_and_merge_are_inverse():
    trained, frozen = split(PARAMS, all_but(PARAMS, "layer1/*"))
    assert set(trained) == {"head/kernel", "head/bias"}
    again = merge(trained, frozen)
    assert flatten(again).keys() == flatten(PARAMS).keys()
    assert all(again[layer][leaf] is PARAMS[layer][leaf] for layer in PARAMS for leaf in PARAMS[layer])


def test_split_refuses_unknown_names_and_merge_refuses_overlap():
    with pytest.raises(ValueError, match="no parameter named"):
        split(PARAMS, ["layer9/kernel"])
    with pytest.raises(ValueError, match="both trained and frozen"):
        merge({"a": 1}, {"a": 2})


def test_replace_leaves_checks_shapes():
    other = {**PARAMS, "layer1": {"kernel": np.full((3, 2), 7.0), "bias": np.ones(2)}}
    replaced = replace_leaves(PARAMS, other, "layer1/*")
    assert replaced["layer1"]["kernel"][0, 0] == 7
    assert replaced["head"]["kernel"] is PARAMS["head"]["kernel"]
    with pytest.raises(ValueError, match="cannot copy layer1/kernel"):
        replace_leaves(PARAMS, {**other, "layer1": {"kernel": np.ones((4, 2)), "bias": np.ones(2)}}, "layer1/*")
