"""Weight files with random bytes changed: one sentence, or the weights that the file holds."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from weight_files import TWO_STEP, read, sound_files

from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.weights.model_file import Model

h5py = pytest.importorskip("h5py", reason="weight files need tl_jax[weights]")
pytest.importorskip("safetensors")


def mutated(data, content):
    """The content with some bytes overwritten, cut out or put in."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(content) - 1))
        what = data.draw(st.binary(min_size=1, max_size=8))
        kind = data.draw(st.sampled_from(["set", "set", "set", "cut", "put"]))
        if kind == "set":
            content[where : where + len(what)] = what
        elif kind == "cut":
            del content[where : where + len(what)]
        else:
            content[where:where] = what
        if not content:
            break
    return bytes(content)


def outcome(content, activations=TWO_STEP):
    """Weights by leaf, or None where the file is refused; anything else is an error of the test."""
    try:
        found = read(content, activations)
    except (Refused, InputError):
        return None
    if isinstance(found, Model):
        return found.leaves
    return {f"{layer}/{part}": v for layer, parts in found.variables["params"].items() for part, v in parts.items()}


@cache
def whole(form):
    found = outcome(sound_files()[form], () if form == "keras archive" else TWO_STEP)
    assert found is not None
    return found


def check_damage(data, form, exact):
    content = sound_files()[form]
    activations = () if form == "keras archive" else TWO_STEP
    before, after = whole(form), outcome(mutated(data, content), activations)
    if after is None:
        return
    assert set(after) == set(before)
    for name, values in after.items():
        assert np.isfinite(values).all()
        if exact:
            assert np.array_equal(values, before[name]), name


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@settings(max_examples=60, **COMMON)
@given(data=st.data(), form=st.sampled_from(["npz", "own safetensors", "pytorch"]))
def test_random_damage_is_noticed_where_the_format_has_checksums(data, form):
    check_damage(data, form, exact=True)


@settings(max_examples=60, **COMMON)
@given(data=st.data())
def test_random_damage_to_safetensors_ends_in_a_sentence_or_in_weights(data):
    check_damage(data, "safetensors", exact=False)


@settings(max_examples=12, **COMMON)
@given(data=st.data(), form=st.sampled_from(["keras 3", "keras 2", "keras archive"]))
def test_random_damage_to_hdf5_ends_in_a_sentence_or_in_weights(data, form):
    check_damage(data, form, exact=form == "keras archive")


@pytest.mark.slow
@settings(max_examples=150, **COMMON)
@given(data=st.data(), form=st.sampled_from(["keras 3", "keras 2", "keras archive"]))
def test_much_random_damage_to_hdf5(data, form):
    check_damage(data, form, exact=form == "keras archive")
