"""Profiles of a grid: best and median of every value, in a panel for each axis that varies."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.report.plots.grid import AXES, grid_profiles, profiles, profiles_figure
from tl_jax.report.plots.style import style

pytest.importorskip("matplotlib")
VALUES = ((1, 2), (64, 256), (128,), (0.001, 0.01, 0.1), (0.1, 0.3), (20, 40, 50))


def table():
    rows = pd.DataFrame(list(product(*VALUES)), columns=list(AXES))
    return rows.assign(mcc=np.random.default_rng(0).permutation(len(rows)) / 100)


def test_best_and_median_of_each_value():
    rows = table()
    rows.loc[rows["rate"] == 0.1, "mcc"] = np.nan
    found = profiles(rows, "mcc")
    assert len(found) == sum(map(len, VALUES))
    for r in found.itertuples():
        own = rows.loc[rows[r.axis] == r.value, "mcc"].to_numpy()
        if r.axis == "rate" and r.value == 0.1:
            assert (r.points, np.isnan(r.best), np.isnan(r.median)) == (0, True, True)
        else:
            assert (r.best, r.median) == (np.nanmax(own), np.nanmedian(own))
            assert r.points == np.isfinite(own).sum()


def test_one_panel_per_axis_that_varies_and_the_chosen_value_marked():
    rows, chosen = table(), {"layers": 2, "rate": 0.01}
    with style():
        axes = profiles_figure(rows, "A title", chosen=chosen).axes
    assert [ax.get_title(loc="left") for ax in axes] == [AXES[name] for name in AXES if name != "batch"]
    rates = axes[2]
    assert [label.get_text() for label in rates.get_xticklabels()] == ["0.001", "0.01", "0.1"]
    best, median, _ = (np.asarray(line.get_ydata(), float) for line in rates.lines)
    own = [rows.loc[rows["rate"] == value, "mcc"] for value in (0.001, 0.01, 0.1)]
    np.testing.assert_array_equal(best, [part.max() for part in own])
    np.testing.assert_array_equal(median, [part.median() for part in own])
    assert list(rates.lines[2].get_xdata()) == [1, 1]
    assert [len(ax.lines) for ax in axes] == [3, 2, 3, 2, 2]


def test_both_files_and_equal_bytes(tmp_path):
    svg, png = grid_profiles(table(), tmp_path / "a", "A title", metric="mcc")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_bytes() == grid_profiles(table(), tmp_path / "b", "A title")[0].read_bytes()


def test_nothing_to_draw_is_one_line(tmp_path):
    for rows in (table().iloc[:1], table().assign(mcc=np.nan)):
        with pytest.raises(InputError, match="no profile to draw"):
            grid_profiles(rows, tmp_path / "a", "")
