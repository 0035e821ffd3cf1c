"""Real cells and real lines: what docs/single_cell.md records, repeated."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tl_jax.data.cells.lines import LineTables
from tl_jax.study.cells.leak import leak
from tl_jax.study.cells.null_tables import null_tables
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.cells.truth import Truth

pytestmark = pytest.mark.slow  # some five minutes of processor time
HNSCC = "hnscc120_afatinib_cetuximab_tae684_sorafenib_GSE157220_z.h5ad"


@pytest.fixture
def settings(data_dir):
    """{file, drug, ...} -> settings on the shared tables."""

    def make(file, drug, **more):
        path = data_dir.parent / "singlecell" / file
        if not path.exists():
            pytest.skip(f"no real cells at {path}")
        where = (
            str(data_dir / name) for name in ("gdsc_expression.parquet", "gdsc_response.parquet", "cell_lines.csv")
        )
        columns = {"database_column": "dataset", "databases": ("GDSC2", "GDSC1"), "tissue_column": "cmp_tissue"}
        return CellSettings(cells=str(path), lines=LineTables(*where, **columns), drug=drug, arms=("ridge",), **more)

    return make


@pytest.mark.parametrize(
    ("file", "drug", "column", "line", "least"),
    [
        ("a375_plx4720_GSE108383_z.h5ad", "PLX-4720", "sensitive", "A375", 0.97),
        (HNSCC, "Afatinib", "sensitive_Afatinib", "SCC47", 0.96),
        (HNSCC, "Cetuximab", "sensitive_Cetuximab", "SCC47", 0.92),
    ],
)
def test_smoothed_ridge_of_labelled_cells(settings, file, drug, column, line, least):
    chosen = settings(file, drug, values="zscore", cell_line=(line,))
    results = run_cells(chosen, make_setup(chosen))
    truth = results.setup.cells.obs[column].to_numpy().astype(int)
    assert np.mean([roc_auc_score(truth, score) for score in results.score[None]]) >= least
    assert results.settled


def test_a375_does_not_stand_out_of_its_tissue(settings):
    chosen = settings("a375_plx4720_GSE108383_z.h5ad", "PLX-4720", values="zscore", cell_line=("A375",), nulls=40)
    results = run_cells(replace(chosen, repeats=2), make_setup(chosen))
    rows = null_tables(results, Truth("sensitive"))["against_nulls"].set_index(["null", "metric"])
    assert rows.loc[("permuted response", "auroc"), "mean"] > 0.95


def test_the_direction_of_tae684_is_not_settled(settings):
    chosen = settings(HNSCC, "NVP-TAE684", values="zscore", cell_line=("SCC47",), repeats=2)
    assert not run_cells(chosen, make_setup(chosen)).settled


def test_the_leak_of_five_lung_lines(settings):
    file = "lung5_celseq2_GSE118767_counts.h5ad"
    chosen = settings(file, "Gefitinib", cell_line_column="cell_line")
    chosen = replace(chosen, lines=replace(chosen.lines, databases=("GDSC2",)))
    setup = make_setup(chosen)
    table = leak(chosen, setup, setup.cells.obs["cell_id"].astype(str).to_numpy())
    means = table.groupby("source")[["auroc", "auroc_smoothed", "spearman"]].mean()
    assert (table.groupby("source").size() == 60).all()
    np.testing.assert_allclose(means.loc["own lines out"], [0.60, 0.63, 0.33], atol=0.02)
    np.testing.assert_allclose(means.loc["own lines in"], [0.72, 0.79, 0.56], atol=0.02)
