"""A search of some points: each is the grid's own number, and the seed decides which are asked for."""

import sys
from dataclasses import replace

import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.study.compounds.grid import Grid, load_pool, search_all
from tl_jax.study.compounds.grid_adaptive import optuna, search_some
from tl_jax.study.compounds.grid_settings import GridSettings, Point, Space
from tl_jax.study.compounds.settings import DtiSettings

pytest.importorskip("rdkit")
# As in test_dti_grid.py, so that the programs are compiled once.
SPACE = Space((1,), (8,), (64, 512), (0.001, 0.01), (0.1,), (3, 6))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    base = DtiSettings(methods=("scratch",), at_once=2, checkpoint_dir=str(tmp_path_factory.mktemp("some")))
    return GridSettings(base, SPACE, folds=2, rows=200, adaptive=12)


@pytest.fixture(scope="module")
def pool(settings):
    return load_pool(settings)


def grid(pool, settings):
    return Grid(pool, settings)


@pytest.mark.full
def test_every_trial_is_the_grids_own_value_and_the_seed_decides(pool, settings):
    pytest.importorskip("optuna")
    whole = search_all(grid(pool, settings))
    some = search_some(grid(pool, settings))
    assert 3 < len(some) <= len(whole)
    assert some["trial"].is_monotonic_increasing
    assert some["trial"].iloc[-1] <= 12
    both = some.merge(whole, on=list(Point._fields), suffixes=("", "_of_grid"))
    assert len(both) == len(some)
    for name in ("mcc", "mcc_sd", "auroc", "auroc_sd"):
        assert (both[name] == both[f"{name}_of_grid"]).all()
    known = grid(pool, settings)
    search_all(known)  # trains everything, so that what follows only asks
    pd.testing.assert_frame_equal(search_some(known), some, check_exact=True)
    known.settings = replace(settings, base=replace(settings.base, seed=7))
    assert not search_some(known).equals(some)


def test_tpe_learns_which_values_are_good(pool, settings, monkeypatch):
    """On made-up values with one good corner, later trials ask for it more often than chance."""
    pytest.importorskip("optuna")
    from tl_jax.study.compounds import grid_adaptive as dti_grid_adaptive

    asked = []

    def value_of(grid, point, label):
        asked.append(point)
        return float(point.width == 4096) + float(point.rate == 0.01) - 0.1 * point.layers

    monkeypatch.setattr(dti_grid_adaptive, "value_of", value_of)
    own = grid(pool, replace(settings, space=Space(), adaptive=80))
    monkeypatch.setattr(own, "table", lambda points: pd.DataFrame(points))
    search_some(own)
    late = [point.width == 4096 and point.rate == 0.01 for point in asked[40:]]
    assert len(asked) == 80
    assert sum(late) / len(late) > 0.4  # by chance 1 / 21


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install tl_jax\[search\]"):
        optuna()
