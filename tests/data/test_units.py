"""Units of expression read off the numbers: simulated tables of each kind, real tables, and chains that disagree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.preprocessing.transforms import log2_plus_one, log_cpm
from tl_jax.data.scaling import units as u
from tl_jax.data.scaling.units import detect_units, unit_notes


def counts(rng, n=12, genes=300):
    """Negative binomial counts with genes of very different level; some never seen."""
    level = np.exp(rng.normal(3, 2, genes)) * rng.lognormal(0, 0.4, (n, 1))
    return rng.poisson(level * rng.gamma(5, 0.2, (n, genes))).astype(np.float32)


def table(kind, rng):
    """A table of each kind, made from counts or from log2 intensities."""
    raw = counts(rng)
    intensities = np.clip(rng.normal(7, 2, (1, 300)) + rng.normal(0, 0.7, (12, 300)), 2.1, 15)
    if kind == u.Z_GENES:
        return (intensities - intensities.mean(axis=0)) / intensities.std(axis=0)
    if kind == u.Z_SAMPLES:
        return (intensities - intensities.mean(axis=1, keepdims=True)) / intensities.std(axis=1, keepdims=True)
    return {
        u.COUNTS: raw,
        u.LINEAR: raw / raw.sum(axis=1, keepdims=True) * 1e6,
        u.LOG: intensities,
        u.LOG_PLUS: log_cpm(raw),
        u.FRACTION: rng.random((12, 300)),
        u.UNKNOWN: np.full((12, 300), 3.0),
    }[kind]


@pytest.mark.parametrize("kind", u.KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_each_kind_is_recognised_whatever_the_order_of_samples_and_genes(kind, seed):
    rng = np.random.default_rng(seed)
    x = table(kind, rng)
    found = detect_units(x)
    assert found.kind == kind
    assert found.confidence == (0 if kind == u.UNKNOWN else 1)
    mixed = detect_units(x[rng.permutation(12)][:, rng.permutation(300)])
    assert mixed.kind == kind
    assert mixed.evidence == pytest.approx(found.evidence, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kept=st.integers(60, 300), depth=st.floats(0.2, 20))
def test_fewer_genes_and_other_depths_change_no_kind(seed, kept, depth):
    rng = np.random.default_rng(seed)
    genes = rng.choice(300, kept, replace=False)
    raw = counts(rng)
    assert detect_units(raw[:, genes]).kind == u.COUNTS
    assert detect_units(raw[:, genes] * 7.0).kind == u.COUNTS
    assert detect_units(table(u.LOG, rng)[:, genes]).scale == "log"
    assert detect_units(log2_plus_one(table(u.LINEAR, rng)[:, genes])).scale == "log"
    fractional = raw[:, genes] * depth * rng.uniform(0.5, 2, (12, 1)) + 0.003 * (raw[:, genes] > 0)
    assert detect_units(fractional).kind == u.LINEAR


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (3, 1)])
def test_tables_without_content_have_no_unit(shape):
    found = detect_units(np.zeros(shape))
    assert (found.kind, found.confidence) == (u.UNKNOWN, 0)
    assert str(found) == "unknown (? to ?)"


def test_gaps_are_left_out():
    x = table(u.LOG, np.random.default_rng(1))
    x[0, :3] = np.nan, np.inf, -np.inf
    assert detect_units(x).kind == u.LOG
    assert detect_units(np.full((4, 4), np.nan)).kind == u.UNKNOWN


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected"):
        detect_units(np.zeros(3))


def test_evidence_is_what_numpy_says():
    x = counts(np.random.default_rng(3))
    e = detect_units(x).evidence
    assert e["zero"] == pytest.approx((x == 0).mean(), rel=1e-4)
    assert (e["low"], e["high"]) == (x.min(), pytest.approx(x.max(), rel=1e-4))
    assert e["row_sum"] == pytest.approx(np.median(x.sum(axis=1)), rel=1e-4)
    assert e["column_mean_spread"] == pytest.approx(x.mean(axis=0).std(), rel=1e-4)


def chain(**changed):
    """The simulated chain with the expression of some domains replaced."""
    cohort, _ = simulate(seed=2, genes=200, n_source=30, n_intermediate=20, n_target=15)
    return [replace(d, **changed.get(d.name, {})) for d in cohort.domains]


def test_a_chain_on_log_scales_is_silent():
    assert unit_notes(chain()) == []


def test_counts_beside_logarithms_are_named_with_the_remedy():
    raw = counts(np.random.default_rng(0), 15, 200)
    (note,) = unit_notes(chain(target={"x": raw}))
    assert note.severe
    assert "source looks like log2" in str(note)
    assert "target looks like counts (0 to" in str(note)
    assert str(note).endswith('set transform = "log_cpm" in [domain.expression] of target')
    assert "\n" not in str(note)


def test_counts_everywhere_are_named_too():
    rng = np.random.default_rng(0)
    raw = {name: {"x": counts(rng, n, 200)} for name, n in (("source", 30), ("intermediate", 20), ("target", 15))}
    (note,) = unit_notes(chain(**raw))
    assert "not on a log scale" in note.text
    assert note.remedy.count("log_cpm") == 3


def test_standardised_values_beside_logarithms_are_no_disaster():
    x = chain()[0].x
    (note,) = unit_notes(chain(source={"x": (x - x.mean(axis=0)) / x.std(axis=0)}))
    assert not note.severe
    assert "source looks like z-scores per gene" in note.text


def test_labels_have_no_units_of_expression():
    bits = np.random.default_rng(0).integers(0, 2, (15, 200)).astype(np.float32)
    assert unit_notes(chain(target={"x": bits, "unit": "label", "scaler": "none"})) == []


def test_a_second_logarithm_is_noticed():
    x = log2_plus_one(np.clip(chain()[0].x, 0, None)).astype(np.float32)
    (note,) = unit_notes(chain(source={"x": x, "transform": "log2"}))
    assert note.remedy == 'remove transform = "log2"'
    assert unit_notes(chain(source={"x": chain()[0].x, "transform": "log2"})) == []


def test_few_samples_in_another_unit_are_named():
    x = chain()[2].x.copy()
    x[[3, 7]] = counts(np.random.default_rng(0), 2, 200)
    (note,) = unit_notes(chain(target={"x": x}))
    assert note.text.startswith("2 of 15 samples of target do not look like log2")
    assert "'T0004', 'T0008'" in note.text


def test_real_bulk_tables(data_dir):
    for name, low in (("gdsc_expression", 2.0), ("nci60_expression", 0.8)):
        x = pd.read_parquet(data_dir / f"{name}.parquet").select_dtypes("number").to_numpy()
        found = detect_units(x)
        assert (found.kind, found.confidence) == (u.LOG, 1)
        assert found.evidence["low"] > low


@pytest.mark.parametrize(
    ("stem", "kind"),
    [("a375_plx4720", u.Z_GENES), ("hnscc120_afatinib", u.Z_GENES), ("pc9_erlotinib_day11", u.COUNTS)],
)
def test_real_single_cells(data_dir, stem, kind):
    h5py = pytest.importorskip("h5py", reason="single-cell files are read with h5py")
    sparse = pytest.importorskip("scipy.sparse")
    files = sorted(Path(data_dir.parent / "singlecell").glob(f"{stem}*.h5ad"))
    if not files:
        pytest.skip("no single-cell files beside the bulk data")
    with h5py.File(files[0]) as file:
        x = file["X"]
        if isinstance(x, h5py.Group):
            parts = (x["data"][:], x["indices"][:], x["indptr"][:])
            x = sparse.csr_matrix(parts, shape=tuple(x.attrs["shape"]))[:300].toarray()
        else:
            x = x[:]
    assert detect_units(x).kind == kind
