"""Gene lists over runs and between arms: known cases, slow twins, what chance gives."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from tl_jax.interpret.stability import gene_overlap, gene_stability, kuncheva


def weights(seed, genes=30, runs=4, ties=False):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, (genes, runs)).astype(float) if ties else rng.random((genes, runs))
    return pd.DataFrame(values, index=[f"G{i:02d}" for i in rng.permutation(genes)])


def tops(column, top):
    """The slow twin: heaviest first, then by name."""
    return set(sorted(column.index, key=lambda gene: (-column[gene], gene))[:top])


def test_a_known_table():
    table = pd.DataFrame({"r1": [3.0, 2.0, 1.0], "r2": [2.0, 5.0, 0.0]}, index=["A", "B", "C"])
    found = gene_stability({("copy", "Oxaliplatin"): table}, top=1)
    assert found.columns.tolist() == ["arm", "source", "gene", "mean_weight", "rank", "top_share"]
    assert found.gene.tolist() == ["B", "A", "C"]
    assert found.mean_weight.tolist() == [3.5, 2.5, 0.5]
    assert found["rank"].tolist() == [1, 2, 3]
    assert found.top_share.tolist() == [0.5, 0.5, 0]
    assert set(zip(found.arm, found.source, strict=True)) == {("copy", "Oxaliplatin")}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.booleans())
def test_shares_are_those_of_sorted_lists(seed, top, ties):
    table = weights(seed, ties=ties)
    found = gene_stability({("a", ""): table}, top).set_index("gene")
    for gene in table.index:
        assert found.top_share[gene] == np.mean([gene in tops(table[run], top) for run in table])
    assert found.top_share.sum() == pytest.approx(top)
    shuffled = gene_stability({("a", ""): table.sample(frac=1, random_state=0)}, top).set_index("gene")
    pd.testing.assert_frame_equal(shuffled.loc[found.index], found)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 29))
def test_overlap_is_that_of_sets(seed, top):
    tables = {("a", ""): weights(seed), ("b", "X"): weights(seed + 1), ("b", "Y"): weights(seed + 2)}
    found = gene_overlap(tables, top)
    assert len(found) == 3
    for row in found.itertuples():
        one = tops(tables[row.arm_a, row.source_a].mean(axis=1), top)
        other = tops(tables[row.arm_b, row.source_b].mean(axis=1), top)
        assert row.shared == len(one & other)
        assert row.jaccard == pytest.approx(len(one & other) / len(one | other))
        assert row.expected_shared == pytest.approx(hypergeom(30, top, top).mean())
        assert row.kuncheva <= 1


def test_equal_lists_and_lists_by_chance():
    table = weights(0, genes=200)
    same = gene_overlap({("a", ""): table, ("b", ""): 3 * table}, 20).iloc[0]
    assert (same.shared, same.jaccard, same.kuncheva) == (20, 1, 1)
    pairs = [{("a", ""): weights(s, 200, 1), ("b", ""): weights(s + 500, 200, 1)} for s in range(150)]
    chance = pd.concat(gene_overlap(pair, 20) for pair in pairs)
    assert abs(chance.kuncheva.mean()) < 3 * chance.kuncheva.std() / np.sqrt(150)
    assert chance.shared.mean() == pytest.approx(2, abs=0.4)


def test_everything_is_no_choice():
    assert np.isnan(kuncheva(30, 30, 30))


def test_no_arm():
    assert gene_stability({}).columns.tolist() == ["arm", "source", "gene", "mean_weight", "rank", "top_share"]
    assert gene_overlap({}).empty


def test_faults():
    table = weights(0)
    with pytest.raises(ValueError, match="number of genes"):
        gene_stability({("a", ""): table})  # fewer genes than the usual 50
    with pytest.raises(ValueError, match="not finite"):
        gene_stability({("a", ""): table.replace(table.iloc[0, 0], np.nan)}, 5)
    with pytest.raises(ValueError, match="twice"):
        gene_stability({("a", ""): pd.concat([table, table])}, 5)
    with pytest.raises(ValueError, match="different genes"):
        gene_overlap({("a", ""): table, ("b", ""): table.rename(index={"G00": "other"})}, 5)
