"""Single cells: kinds of values, filters, names, depth, neighbours, shared genes, lines taken out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tl_jax.data.cells.cells import Cells, one_column_each, read_cells, unique
from tl_jax.data.cells.lines import LineTables, drug_named, lines_named, read_lines, response_to, without_lines
from tl_jax.data.cells.neighbours import averaged, components, nearest
from tl_jax.data.cells.shared import fit_scaling, on_shared_genes, shaped
from tl_jax.data.cells.simulate import simulated_pair
from tl_jax.data.cells.steps import Filters, depth_slope, filtered, less_depth, logged
from tl_jax.data.cells.values import kind_of_values
from tl_jax.errors import InputError

RANDOM = np.random.default_rng(3)
COUNTS = RANDOM.poisson(2.0, (30, 50)).astype(np.float32)


def cells_of(x, kind="counts", genes=None):
    names = np.array([f"G{i:03d}" for i in range(x.shape[1])] if genes is None else genes, dtype=str)
    return Cells(x, np.array([f"c{i}" for i in range(x.shape[0])], dtype=str), names, kind)


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (COUNTS, "counts"),
        (sparse.csr_matrix(COUNTS), "counts"),
        (np.log1p(COUNTS), "log"),
        (sparse.csr_matrix(np.log1p(COUNTS)), "log"),
        (RANDOM.normal(size=(300, 20)), "zscore"),
        (RANDOM.random((30, 50)), "unit"),
    ],
)
def test_the_kind_of_values_is_found_and_a_wrong_statement_refused(x, kind, tmp_path):
    assert kind_of_values(x, "", tmp_path) == kind
    assert kind_of_values(x, kind, tmp_path) == kind
    with pytest.raises(InputError, match="are not"):
        kind_of_values(x, "zscore" if kind != "zscore" else "counts", tmp_path)


@pytest.mark.parametrize("x", [np.eye(4), RANDOM.normal(3, 1, (50, 4)), RANDOM.random((9, 9)) * 1000])
def test_what_cannot_be_told_is_asked_for(x, tmp_path):
    with pytest.raises(InputError, match="--values="):
        kind_of_values(x, "", tmp_path)


@given(st.lists(st.sampled_from(["a", "b", "a-1", "a-2", ""]), max_size=12))
def test_names_become_unique_and_first_ones_stay(names):
    found, changed = unique(names)
    assert len(set(found)) == len(names)
    assert changed == sum(new != old for new, old in zip(found, names, strict=True))
    assert all(found[names.index(name)] == name for name in names)


def test_columns_of_one_gene_are_added_as_counts_and_averaged_otherwise():
    x = np.array([[1.0, 2.0, 4.0]], np.float32)
    names = ["ERBB2", "TP53", "HER2"]  # HER2 is an alias, and gives way to the symbol that stands there
    _, genes, _ = one_column_each(x, names, "auto", "counts")
    assert genes.tolist() == sorted(names)
    twice = ["ENSG00000141510.3", "ENSG00000141510", "ENSG00000141736"]
    added, genes, notes = one_column_each(x, twice, "ensembl", "counts")
    assert dict(zip(genes, added[0], strict=True)) == {"TP53": 3.0, "ERBB2": 4.0}
    assert "TP53" in notes[-1]
    mean, genes, _ = one_column_each(sparse.csr_matrix(x), twice, "ensembl", "log")
    assert dict(zip(genes, mean.toarray()[0], strict=True)) == {"TP53": 1.5, "ERBB2": 4.0}


def test_filters_say_every_loss_and_counts_alone_are_filtered():
    x = COUNTS.copy()
    x[0] = 0
    x[1, 5:] = 0
    x[:, 7] = 0
    left, kept = filtered(cells_of(sparse.csr_matrix(x)), Filters(min_genes=10, min_cells=3))
    assert kept.tolist() == list(range(2, 30))
    assert left.x.shape == (28, 49)
    assert "30 cells in, 2 under 10 genes, 28 left" in left.notes
    same, kept = filtered(cells_of(np.log1p(x), "log"), Filters(min_genes=10))
    assert len(same) == len(kept) == 30
    with pytest.raises(InputError, match="min_genes_per_cell"):
        filtered(cells_of(sparse.csr_matrix(x)), Filters(min_genes=51))


def test_mitochondrial_share_is_by_counts():
    genes = ["MT-CO1", *(f"G{i:03d}" for i in range(49))]
    x = np.ones((4, 50), np.float32)
    x[2, 0] = 51
    _, kept = filtered(cells_of(sparse.csr_matrix(x), genes=genes), Filters(min_genes=1, min_cells=1, max_mito=0.2))
    assert kept.tolist() == [0, 1, 3]


def test_cells_of_too_few_or_too_many_counts_are_left_out():
    x = np.ones((6, 50), np.float32)
    x[:, 0] = (1, 101, 51, 30, 60, 2)
    x[5] = 0
    left, kept = filtered(
        cells_of(sparse.csr_matrix(x)), Filters(min_genes=0, min_cells=1, min_counts=51, max_counts=120)
    )
    assert kept.tolist() == [2, 3, 4]
    assert "6 cells in, 2 under 51 counts, 1 over 120 counts, 3 left" in left.notes


@pytest.mark.full  # scanpy compiles for a minute when it first works
def test_two_cells_in_one_are_left_out():
    pytest.importorskip("scanpy")
    random = np.random.default_rng(11)
    rate = random.gamma(0.3, 4.0, (3, 400))
    kinds = np.repeat([0, 1, 2], 60)
    x = random.poisson(rate[kinds]).astype(np.float32)
    both = random.poisson(rate[0] + rate[1], (8, 400)).astype(np.float32)
    held = cells_of(sparse.csr_matrix(np.concatenate([x, both])))
    left, kept = filtered(held, Filters(min_genes=1, max_doublet=0.08), seed=4)
    lost = np.setdiff1d(np.arange(188), kept)
    assert len(np.intersect1d(lost, np.arange(180, 188))) >= 5
    assert len(lost) <= 10
    assert f"188 cells in, {len(lost)} over 0.08 of scrublet: doublets, {len(kept)} left" in left.notes
    with pytest.raises(InputError, match="--max_doublet needs 40 cells; there are 30"):
        filtered(cells_of(COUNTS), Filters(min_genes=1, max_doublet=0.3))


@pytest.mark.full
def test_what_a_cell_is_left_out_by_is_scanpys():
    scanpy = pytest.importorskip("scanpy")
    anndata = pytest.importorskip("anndata")
    genes = ["MT-CO1", *(f"G{i:03d}" for i in range(49))]
    held = anndata.AnnData(sparse.csr_matrix(COUNTS), var=pd.DataFrame(index=genes))
    held.var["mt"] = held.var_names.str.startswith("MT-")
    scanpy.pp.calculate_qc_metrics(held, qc_vars=["mt"], percent_top=None, inplace=True)
    limits = Filters(min_genes=42, max_genes=46, max_mito=0.03, min_counts=90, max_counts=110)
    own = held.obs
    fits = own["n_genes_by_counts"].between(42, 46) & own["total_counts"].between(90, 110)
    fits &= own["pct_counts_mt"] <= 3
    _, kept = filtered(cells_of(sparse.csr_matrix(COUNTS), genes=genes), limits)
    assert 2 <= len(kept) < 29
    assert kept.tolist() == np.flatnonzero(fits).tolist()


@pytest.mark.full
def test_log_values_are_scanpys():
    scanpy = pytest.importorskip("scanpy")
    anndata = pytest.importorskip("anndata")
    held = anndata.AnnData(sparse.csr_matrix(COUNTS))
    scanpy.pp.normalize_total(held)
    scanpy.pp.log1p(held)
    found, counts, target = logged(cells_of(sparse.csr_matrix(COUNTS)))
    np.testing.assert_allclose(found.x.toarray(), held.X.toarray(), rtol=1e-6)
    np.testing.assert_allclose(counts, np.log(COUNTS.sum(axis=1)), rtol=1e-6)
    again, _, _ = logged(cells_of(sparse.csr_matrix(COUNTS[:3])), target)
    np.testing.assert_allclose(again.x.toarray(), found.x.toarray()[:3], rtol=1e-6)


def test_depth_is_regressed_out_as_least_squares_does():
    x = RANDOM.normal(size=(40, 6))
    depth = RANDOM.normal(size=40)
    design = np.stack([np.ones(40), depth], axis=1)
    expected = x - design @ np.linalg.lstsq(design, x, rcond=None)[0] + x.mean(axis=0)
    np.testing.assert_allclose(less_depth(x, depth, *depth_slope(x, depth)), expected, atol=1e-12)
    assert depth_slope(x, np.ones(40)) == (None, 1)
    assert depth_slope(x, np.zeros(0)) == (None, 0)


def test_neighbours_are_those_of_brute_force_and_a_cell_is_among_its_own():
    points = RANDOM.normal(size=(60, 4))
    distance = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    expected = np.sort(np.argsort(distance, axis=1)[:, :7], axis=1)
    np.testing.assert_array_equal(np.sort(nearest(points, 7), axis=1), expected)
    alike = np.zeros((20, 3))
    assert (nearest(alike, 4) == np.arange(20)[:, None]).any(axis=1).all()


def test_smoothing_is_the_mean_of_neighbours_whatever_the_order_of_cells():
    def smoothed(x, count):
        return averaged(x, nearest(components(x), count))

    x = RANDOM.normal(size=(40, 30)).astype(np.float32)
    order = RANDOM.permutation(40)
    np.testing.assert_allclose(smoothed(x, 8)[order], smoothed(x[order], 8), atol=1e-5)
    np.testing.assert_allclose(smoothed(x, 100), np.tile(x.mean(axis=0), (40, 1)), atol=1e-5)


def test_shared_genes_are_matched_by_name():
    lines, cells = simulated_pair(1, lines=50, cells=20, genes=300)
    order = RANDOM.permutation(300)[:250]
    one, other = on_shared_genes(lines.columns(order), cells, 200)
    assert one.genes.tolist() == other.genes.tolist() == sorted(lines.genes[order])
    np.testing.assert_array_equal(one.x[:, 3], lines.x[:, lines.genes == one.genes[3]][:, 0])
    with pytest.raises(InputError, match=r"share 150 genes.*--min_genes=200"):
        on_shared_genes(lines.columns(np.arange(150)), cells, 200)


@pytest.mark.parametrize("scaler", ["zscore", "rank", "quantile", "minmax"])
def test_every_scaler_changes_the_values_its_own_way_and_keeps_a_constant_gene_at_nothing(scaler):
    x = RANDOM.normal(5, 2, (50, 8)).astype(np.float32)
    x[:, 2] = 4.0
    found = fit_scaling(shaped(x, scaler), scaler).apply(shaped(x, scaler))
    assert np.isfinite(found).all()
    if scaler != "rank":
        assert np.ptp(found[:, 2]) == 0
    if scaler == "minmax":
        assert (found.min(), found.max()) == (0, 1)
    else:
        assert abs(found).max() <= 4


def test_a_drug_is_found_without_case_and_punctuation_and_near_names_are_offered():
    assert drug_named("plx4720", ["PLX-4720", "Afatinib"]) == "PLX-4720"
    with pytest.raises(InputError, match="Afatinib"):
        drug_named("afatinip", ["PLX-4720", "Afatinib"])
    with pytest.raises(InputError, match="several"):
        drug_named("ab1", ["AB-1", "A-B1"])


def test_lines_of_the_cells_are_taken_out_by_any_spelling():
    lines, _ = simulated_pair(1, lines=50, cells=20, genes=60)
    names = lines.samples.copy().astype("U20")
    names[4], names[9] = "NCIH1975", "A375"
    lines = type(lines)(lines.x, names, lines.genes, lines.y.set_axis(names), lines.tissue)
    rest, out, unknown = without_lines(lines, ["H1975", "a-375", "nobody"])
    assert out == ["A375", "NCIH1975"]
    assert unknown == ["nobody"]
    assert len(rest) == 48
    assert not {"A375", "NCIH1975"} & set(rest.samples)
    few = lines.y.copy()
    few.iloc[30:, 0] = np.nan
    with pytest.raises(InputError, match="measured in 30 lines"):
        response_to(type(lines)(lines.x, names, lines.genes, few, lines.tissue), lines.y.columns[0])


@pytest.fixture
def bulk(tmp_path):
    """Tables of simulated lines, in two databases that share half of the lines."""
    lines, _ = simulated_pair(2, lines=60, cells=5, genes=80)
    expression = pd.DataFrame(lines.x, index=lines.samples, columns=lines.genes).rename_axis("cell_id")
    expression.reset_index().to_csv(tmp_path / "x.csv", index=False)
    long = lines.y.rename_axis("cell_id").reset_index().melt("cell_id", var_name="drug", value_name="AUC")
    second = long[long["cell_id"] < "LINE030"].assign(dataset="B")
    second["AUC"] += 0.01
    both = pd.concat([long[long["cell_id"] >= "LINE015"].assign(dataset="A"), second])
    both.to_csv(tmp_path / "y.csv", index=False)
    return lines, tmp_path


def test_the_first_database_counts_and_their_agreement_is_told(bulk):
    lines, folder = bulk
    tables = LineTables(str(folder / "x.csv"), str(folder / "y.csv"), database_column="dataset", databases=("A", "B"))
    found = read_lines(tables)
    assert found.samples.tolist() == lines.samples.tolist()
    own = lines.y["simulib"].to_numpy()
    np.testing.assert_allclose(found.y["simulib"], own + np.where(np.arange(60) < 15, 0.01, 0), atol=1e-9)
    assert "A and B agree at Spearman 1.00 (median of 3 shared drugs)" in found.notes
    assert found.agreements["simulib"].startswith("A and B agree on it at Spearman 1.00 over ")


def test_databases_by_weights_are_a_mean_on_the_first_one_s_scale(bulk):
    _, folder = bulk
    frame = pd.read_csv(folder / "y.csv")
    second = frame["dataset"] == "B"
    noise = np.random.default_rng(3).normal(0, 0.05, len(frame))
    frame.loc[second, "AUC"] = 3 * (frame.loc[second, "AUC"] + noise[second]) - 1
    frame.to_csv(folder / "y.csv", index=False)
    where = str(folder / "x.csv"), str(folder / "y.csv")
    tables = LineTables(*where, database_column="dataset", databases=("A", "B"), database_weights=(3, 1))
    found = read_lines(tables)
    wide = {name: part.pivot(index="cell_id", columns="drug", values="AUC") for name, part in frame.groupby("dataset")}
    a, b = (wide[name]["simulib"].reindex(found.samples).to_numpy() for name in "AB")
    both = np.isfinite(a) & np.isfinite(b)
    assert both.sum() == 15
    moved = (b - b[both].mean()) / b[both].std() * a[both].std() + a[both].mean()
    expected = np.where(both, (3 * a + moved) / 4, np.where(np.isfinite(a), a, moved))
    np.testing.assert_allclose(found.y["simulib"], expected, atol=1e-9)
    assert any("means over databases by weights 3, 1" in note for note in found.notes)
    with pytest.raises(InputError, match="--database_weights has 1 numbers and --databases 2 names"):
        LineTables(*where, databases=("A", "B"), database_weights=(1,))


def test_a_table_of_cells_is_read_in_both_orientations(tmp_path):
    genes = ["TP53", "EGFR", "KRAS", "BRAF", "MYC"]
    frame = pd.DataFrame(np.arange(15).reshape(3, 5) * 2, index=["a", "b", "c"], columns=genes)
    frame.to_csv(tmp_path / "rows.csv")
    frame.T.to_csv(tmp_path / "columns.csv")
    one, other = (read_cells(tmp_path / name) for name in ("rows.csv", "columns.csv"))
    assert one.kind == other.kind == "counts"
    assert one.samples.tolist() == other.samples.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(one.x, frame[sorted(genes)].to_numpy())
    np.testing.assert_array_equal(one.x, other.x)
    with pytest.raises(InputError, match="no file"):
        read_cells(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="--layer"):
        read_cells(tmp_path / "rows.csv", layer="spliced")


@pytest.mark.parametrize(
    ("asked", "bulk"),
    [
        *((asked, "A375") for asked in ("a375", "A-375", "A 375", "A375_SKIN", "a.375")),
        *((asked, bulk) for asked in ("H1975", "NCI-H1975", "nci_h1975_lung") for bulk in ("NCIH1975", "H1975_LUNG")),
        ("SK-MEL-28", "SK_MEL_28_SKIN"),
    ],
)
def test_a_line_is_itself_however_it_is_spelt(asked, bulk):
    samples = [bulk, "SK_MEL_2", "A3", "HELA"]
    assert lines_named([asked], samples) == {asked: [bulk]}
    assert lines_named(["A37", "H197"], samples) == {"A37": [], "H197": []}
