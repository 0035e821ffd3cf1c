"""What is learned of bulk lines: two classes by share, waterfall or table, and responses without their general part."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cells.labels import check_kind, labelled, waterfall_cut, without_general
from tl_jax.data.cells.lines import Lines
from tl_jax.errors import InputError

RANDOM = np.random.default_rng(2)


def lines(count=30):
    names = np.array([f"L-{k}" for k in range(count)])
    y = pd.DataFrame({"Drug-A": RANDOM.random(count)}, index=names)
    return Lines(np.zeros((count, 2), np.float32), names, np.array(["A", "B"]), y, np.full(count, ""))


def test_classes_by_share_are_the_lowest():
    own = lines()
    y = own.y["Drug-A"].to_numpy()
    kept, found, notes = labelled(own, y, "Drug-A", "quantile:0.2", "")
    assert found.sum() == 24
    assert y[found == 0].max() < y[found == 1].min()
    assert "6 of 30 lines are sensitive" in notes[0]
    same, plain, none = labelled(own, y, "Drug-A", "auc", "")
    assert (plain is y, same is own, none) == (True, True, [])
    assert len(kept) == 30


def test_a_waterfall_is_cut_at_its_bend_and_a_straight_one_in_the_middle():
    bent = np.r_[np.linspace(0.1, 0.8, 10), np.linspace(0.81, 0.9, 90)]
    assert waterfall_cut(RANDOM.permutation(bent)) == pytest.approx(0.8, abs=0.02)
    assert waterfall_cut(np.linspace(0, 1, 101)) == pytest.approx(0.5)
    assert waterfall_cut(1 - bent) == pytest.approx(0.2, abs=0.02)


def test_a_table_names_lines_in_any_spelling(tmp_path):
    own = lines(6)
    path = tmp_path / "labels.csv"
    pd.DataFrame({"cell_id": ["l0", "L1", "L 2", "L1", "other"], "DRUG.A": [1, 0, "resistant", 1, 0]}).to_csv(path)
    kept, found, _ = labelled(own, np.zeros(6), "Drug-A", f"table:{path}", "cell_id")
    assert list(kept.samples) == ["L-0", "L-1", "L-2"]
    assert found.tolist() == [0, 1, 1]
    pd.DataFrame({"cell_id": ["L0"], "DRUG.A": ["maybe"]}).to_csv(path)
    with pytest.raises(InputError, match="has 'maybe'"):
        labelled(own, np.zeros(6), "Drug-A", f"table:{path}", "cell_id")
    with pytest.raises(InputError, match="cell_id"):
        labelled(own, np.zeros(6), "Drug-A", f"table:{path}", "line")


@pytest.mark.parametrize("kind", ["ic50", "quantile:2", "quantile:", "table:", "waterfall:1"])
def test_unknown_kinds_are_refused(kind):
    with pytest.raises(InputError, match="--response"):
        check_kind(kind)


def test_one_class_is_refused():
    own = lines()
    with pytest.raises(InputError, match="both classes"):
        labelled(own, np.ones(30), "Drug-A", "quantile:0.2", "")


def test_what_other_drugs_explain_is_taken_out():
    """Against ordinary least squares, drug by drug."""
    general = RANDOM.normal(size=200)
    y = pd.DataFrame({f"d{k}": (k + 1) * general + RANDOM.normal(size=200) for k in range(6)})
    y.iloc[:30, 2] = np.nan
    found = without_general(y)
    scaled = (y - y.mean()) / y.std()
    for drug in y.columns:
        others = scaled.drop(columns=drug).mean(axis=1)
        known = y[drug].notna()
        slope = np.polyfit(others[known], y.loc[known, drug], 1)[0]
        expected = y.loc[known, drug] - slope * (others[known] - others[known].mean())
        np.testing.assert_allclose(found.loc[known, drug], expected, atol=1e-10)
        assert found[drug].isna().equals(y[drug].isna())
        assert abs(found[drug].corr(others)) < 1e-6
