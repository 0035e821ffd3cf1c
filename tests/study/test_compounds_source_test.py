"""The source test of compounds: what it refuses, and that its scores are those of networks from permuted sources."""

import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.study.compounds.networks import methods_of
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.compounds.source_test import methods_tested


def settings(**given):
    own = {"data": "simulated", "methods": ("scratch", "mode1"), "hidden": (6, 3), "repeats": 2, "sizes": (24,)}
    return DtiSettings(**own, epochs=2, source_epochs=2, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source_test": ("scratch",)}, "no network here that starts from a source; there are: mode1"),
        ({"source_test": ("mode1",), "epoch": "validation"}, "needs --protocol=honest and --epoch=fixed"),
    ],
)
def test_what_cannot_be_tested_is_refused(given, message):
    own = settings(**given)
    with pytest.raises(InputError, match=message):
        methods_tested(own, methods_of(own))


def test_too_few_permutations_are_refused():
    with pytest.raises(InputError, match="fewer than 19"):
        settings(source_permutations=5)


@pytest.mark.full
def test_scores_are_of_networks_from_permuted_sources(tmp_path, monkeypatch):
    """With labels left as they are every permutation does exactly as well as the truth, and the test ends early."""
    from tl_jax.study.compounds.study import load_setup, run_dti
    from tl_jax.study.core import permuted_stages

    def same(domain, seed, numbers):
        return np.tile(domain.response, (len(numbers), 1))

    monkeypatch.setattr(permuted_stages, "shuffled_labels", same)
    own = settings(source_test=("mode1",), source_permutations=19, quick=True, checkpoint_dir=str(tmp_path))
    table = run_dti(own, load_setup(own)).examined["source_test"]
    assert set(table["arm"]) == {"mode1"}
    assert (table["p"] == 1).all()
    assert (table["permutations"] == 10).all()
    np.testing.assert_allclose(table["null_mean"], table["observed"], atol=0.05)
