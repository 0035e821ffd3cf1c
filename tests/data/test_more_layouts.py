"""Further members of the kinds of docs/cases.md, found by writing variants of each."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.drafts.draft import Wishes
from tl_jax.data.drafts.write import write_cohort
from tl_jax.data.tables.numbers import remedy_for

GENES = ["TP53", "EGFR", "PTEN", "MGMT", "KRAS", "BRAF", "MYC", "ESR1", "NRAS", "CDK4"]
SAMPLES = [f"P{k:02d}" for k in range(1, 9)]
X = pd.DataFrame(np.random.default_rng(1).normal(7, 2, (8, 10)).clip(2).round(3), index=SAMPLES, columns=GENES)
COUNTS = np.exp2(X).round().astype(int)
Y = [56.1, 58.2, 54.3, 58.6, 48.4, 65.5, 50.3, 58.9]


def drafted(folder, x=X, y=None, drug="Temozolomide"):
    """(target or None, lines said, open points) of two frames."""
    answers = pd.DataFrame({"sample": SAMPLES, "viability": Y}) if y is None else y
    x.T.rename_axis("gene").to_csv(folder / "x.csv")
    answers.to_csv(folder / "y.csv", index=False)
    return again(folder, drug)


def again(folder, drug="Temozolomide"):
    files = folder / "own.toml", folder, folder / "x.csv", folder / "y.csv"
    written = write_cohort(*files, None, Wishes("own", drug=drug))
    return written.cohort and written.cohort.stage("target"), "\n".join(written.lines), "\n".join(written.open)


def of_drugs(names):
    return pd.DataFrame({"sample": SAMPLES, "drug": names, "AUC": Y})


@pytest.mark.parametrize("name", ["ERCC-00002", "SIRV1", "Total", "Grand total", "too_low_aQual", "library.size"])
def test_spike_ins_and_sums_are_no_genes(tmp_path, name):
    target, said, _ = drafted(tmp_path, COUNTS.assign(**{name: 5_000}))
    assert name not in target.genes
    assert f"'{name}'" in said


@pytest.mark.parametrize("name", ["gleason", "ki67_percent", "PSA"])
def test_clinical_values_are_no_genes(tmp_path, name):
    target, said, _ = drafted(tmp_path, X.assign(**{name: 7.5}))
    assert name not in target.genes
    assert f"'{name}'" in said


def test_rows_that_name_no_gene_are_left_out(tmp_path):
    x = X.assign(**{"": 5.0})
    target, said, _ = drafted(tmp_path, x)
    assert sorted(target.genes) == sorted(GENES)
    assert "1 of 11 rows (9%) name no gene ('data row 11'), left out" in said


def test_a_drug_whose_name_could_be_a_number_is_asked_about(tmp_path):
    _, _, asked = drafted(tmp_path, y=of_drugs(["5-FU", "5 FU", "5FU", "5 FU"] * 2), drug="5-fluorouracil")
    assert "has no drug '5-fluorouracil' (--drug); it has '5-FU', '5 FU', '5FU', another name of that drug" in asked


def test_names_that_hold_the_drug_are_named(tmp_path):
    _, said, _ = drafted(tmp_path, y=of_drugs(["Doxorubicin"] * 6 + ["Doxorubicin HCl"] * 2), drug="Doxorubicin")
    assert "'Doxorubicin HCl' of y.csv hold the name Doxorubicin and count as other drugs" in said


def test_a_recurrence_is_no_repeat_of_the_first_tumour(tmp_path):
    names = [f"TCGA-06-01{k:02d}-0{kind}A" for k in range(4) for kind in (1, 2)]
    y = pd.DataFrame({"sample": sorted({n[:12] for n in names}), "AUC": Y[:4]})
    _, _, asked = drafted(tmp_path, X.set_axis(names), y)
    assert "8 samples would fall together and be averaged" in asked


def test_a_table_that_a_spreadsheet_saved_as_unicode_text(tmp_path):
    drafted(tmp_path)
    (tmp_path / "x.csv").write_bytes(X.T.rename_axis("gene").to_csv(sep="\t").encode("utf-16"))
    np.testing.assert_allclose(again(tmp_path)[0].x[:, 0], X[min(GENES)], rtol=1e-6)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("1 234", "set thousands = ' '"),
        ("1'234", "save the table without marks"),
        ("failed QC", "if it means a missing value, set missing = ['failed QC']"),
    ],
)
def test_what_to_do_about_a_cell(cell, remedy):
    assert remedy in remedy_for(cell)


def test_a_row_of_units_below_the_heading(tmp_path):
    drafted(tmp_path)
    rows = "".join(f"{s},{y}\n" for s, y in zip(SAMPLES, Y, strict=True))
    (tmp_path / "y.csv").write_text(f"sample,viability\n,(percent)\n{rows}")
    target, _, asked = again(tmp_path)
    assert not asked
    np.testing.assert_allclose(target.response, Y)
