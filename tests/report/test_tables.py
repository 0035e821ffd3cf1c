"""Summaries against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.report.tables import arm_table, number, shorten, source_table, summarise, write_csv

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-x", "@SUM(A1)", "\t=1"]
COLUMNS = ["experiment", "arm", "source", "protocol", "repeat", "fold", "metric", "value", "n_train", "n_test"]
DASH = "\N{EN DASH}"


def metric_rows(arm, source, spearman, pooled, rmse=2.0):
    """Two repeats of two folds; `spearman` has four values, `pooled` two."""
    runs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    rows = [("e5", arm, source, "cv", r, f, "spearman", v, 15, 7) for (r, f), v in zip(runs, spearman, strict=True)]
    rows += [("e5", arm, source, "cv", r, f, "rmse", rmse + r, 15, 7) for r, f in runs]
    rows += [("e5", arm, source, "cv", r, f, "mae", 1.0, 15, 7) for r, f in runs]
    rows += [("e5", arm, source, "cv", r, f, "r2", -0.5, 15, 7) for r, f in runs]
    return rows + [("e5", arm, source, "cv", r, "pooled", "spearman", v, 15, 22) for r, v in enumerate(pooled)]


@pytest.fixture
def metrics():
    nan = float("nan")
    rows = metric_rows("mean", "", [nan] * 4, [nan, nan])
    rows += metric_rows("my_idea", "Bortezomib", [0.5, 0.5, 0.5, 0.5], [0.5, 0.5])
    rows += metric_rows("copy_layer1", "Bortezomib", [0.1, 0.3, nan, 0.5], [0.2, 0.6])
    return pd.DataFrame(rows, columns=COLUMNS)


def test_summary_by_hand(metrics):
    summary = summarise(metrics)
    assert list(summary["arm"]) == ["copy_layer1", "my_idea", "mean"]
    row = summary.iloc[0]
    assert (row["n_runs"], row["n_undefined"]) == (4, 1)
    assert row["spearman_mean"] == pytest.approx(0.3)
    assert row["spearman_sd"] == pytest.approx(0.2)
    pooled = row[["pooled_spearman_median", "pooled_spearman_min", "pooled_spearman_max"]].astype(float)
    np.testing.assert_allclose(pooled, [0.4, 0.2, 0.6])
    assert (row["rmse_mean"], row["mae_mean"], row["r2_mean"]) == (2.5, 1.0, -0.5)


def test_undefined_folds_stay_undefined(metrics):
    row = summarise(metrics).iloc[2]
    assert row["n_undefined"] == 4
    assert np.isnan([row["spearman_mean"], row["spearman_sd"], row["pooled_spearman_median"]]).all()
    assert row["rmse_mean"] == 2.5


def test_summary_of_a_table_read_back_from_csv(metrics, tmp_path):
    path = write_csv(tmp_path / "metrics.csv", metrics)
    pd.testing.assert_frame_equal(summarise(pd.read_csv(path)), summarise(metrics), check_dtype=False)


def test_summary_needs_its_columns(metrics):
    with pytest.raises(InputError, match="value"):
        summarise(metrics.drop(columns="value"))
    assert "(no arms)" in arm_table(summarise(metrics.iloc[:0]))


def test_arm_table_layout(metrics):
    lines = arm_table(summarise(metrics)).splitlines()
    assert lines[0] == "Spearman per fold: mean ± sd over repeats x folds; pooled: median [min, max] over repeats"
    assert lines[3] == "e5, cv"
    assert [line.split()[0] for line in lines[5:]] == ["source", "copy_layer1", "my_idea", "baselines", "mean"]
    assert "0.300 ± 0.200  0.400 [0.200, 0.600]  2.50  1.00  -0.500     4      1" in lines[6]
    assert lines[9].split() == ["mean", DASH, DASH, "2.50", "1.00", "-0.500", "4", "4"]


def test_arm_table_fits_with_long_names(metrics):
    long = metrics.assign(arm=metrics["arm"] + "_with_a_very_long_name" * 4, source="drug" * 40)
    text = arm_table(summarise(long))
    assert max(map(len, text.splitlines())) <= 100
    assert "…" in text


def test_source_table_orders_by_rank_and_marks_gaps():
    rows = [
        {"drug": "Unranked", "n": 5, "rank": None},
        {"drug": "Second", "n": 700, "rank": 2, "replicate_n": 12, "replicate_spearman": 0.8, "chosen": False},
        {"drug": "First" * 9, "n": 650, "median": 0.5, "q25": 0.25, "q75": 0.75, "dynamic_range": 0.5}
        | {"rank": 1, "chosen": True, "intermediate_spearman": 0.4, "replicate_spearman": float("nan")},
    ]
    lines = source_table(rows).splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[0][:5] for line in lines[4:]] == ["First", "Secon", "Unran"]
    assert lines[4].split()[1:] == ["1", "yes", "650", "0.500", "[0.250,", "0.750]", "0.500", DASH, DASH, "0.400"]
    assert lines[5].split()[-3:] == ["12", "0.800", DASH]


def test_csv_digits_and_column_order(tmp_path):
    frame = pd.DataFrame({"extra": [1], "value": [1 / 3], "fold": ["pooled"], "arm": ["mean"], "gap": [np.nan]})
    path = write_csv(tmp_path / "new" / "table.csv", frame)
    assert path.read_text() == "arm,fold,value,extra,gap\nmean,pooled,0.333333333,1,\n"


def test_number_and_shorten():
    assert number(float("inf")) == number(None) == DASH
    assert number(167.2, "#.3g") == "167"
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abc", 3) == "abc"


def test_thousands_are_parted_and_nothing_has_no_sign():
    assert [number(v, ",.0f") for v in (21401, 999, -1234.4, -0.2)] == ["21,401", "999", "-1,234", "0"]


def test_no_cell_is_a_formula(tmp_path):
    """Names come from other people's tables, and tables are opened in spreadsheets."""
    plain = ["a=1", "-1.5", "", "two\nlines", "+2e3"]
    frame = pd.DataFrame({"sample_id": FORMULAS, "=column": plain, "value": [-1.0, 2, 3, 4, 5]})
    written = pd.read_csv(write_csv(tmp_path / "table.csv", frame), dtype=str, keep_default_na=False)
    assert list(written.columns) == ["sample_id", "value", "'=column"]
    assert written["sample_id"].tolist() == [f"'{text}" for text in FORMULAS]
    assert written["'=column"].tolist() == plain
    frame = pd.DataFrame({"sample_id": ["a\rb", "\r=1"], "value": [1, 2]})
    assert pd.read_csv(write_csv(tmp_path / "table.csv", frame))["sample_id"].tolist() == ["a b", " =1"]


def test_numbers_stay_numbers(tmp_path):
    frame = pd.DataFrame({"sample_id": ["a", "b"], "value": [-1.0, 2.0]})
    written = pd.read_csv(write_csv(tmp_path / "table.csv", frame))
    assert written["value"].astype(float).tolist() == frame["value"].tolist()
