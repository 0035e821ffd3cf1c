"""Cells as they come: names of other kinds, odd ways to store them, values that are not what they are said to be."""

import numpy as np
import pandas as pd
import pytest
from h5ad_writer import write_h5ad
from scipy import sparse

from tl_jax.data.cells.cells import read_cells
from tl_jax.data.cells.lines import LineTables, read_lines, response_to
from tl_jax.data.cells.shared import on_shared_genes
from tl_jax.data.cells.simulate import simulated_pair
from tl_jax.data.genes.table import lookup, symbols
from tl_jax.errors import InputError

pytest.importorskip("h5py")
RANDOM = np.random.default_rng(5)
GENES = sorted(symbols())[2000:2060]
COUNTS = RANDOM.poisson(1.0, (12, 60)).astype(np.float32)


def written(path, x=COUNTS, genes=GENES, names=None):
    return write_h5ad(path, x, genes, [f"c{i}" for i in range(len(COUNTS))] if names is None else names)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cells.h5ad"


def mice(count):
    """(names of the mouse, the human genes that they alone mean)."""
    pairs = sorted((mouse, human) for mouse, human in lookup("mouse_symbol").one.items() if mouse not in symbols())
    return zip(*pairs[500 : 500 + count], strict=True)


def test_mouse_genes_become_their_one_human_ortholog_and_it_is_said(file):
    names, human = mice(60)
    found = read_cells(written(file, genes=list(names)))
    assert found.genes.tolist() == sorted(human)
    assert "genes of the mouse, taken as their human orthologs: 60 of 60" in found.notes
    np.testing.assert_array_equal(found.x, COUNTS[:, np.argsort(human)])


def test_genes_of_another_species_are_refused_with_the_remedy(file):
    lines, _ = simulated_pair(1, lines=50, cells=5, genes=60)
    found = read_cells(written(file, genes=[f"FBgn{i:07d}" for i in range(60)]))
    with pytest.raises(InputError, match=r"share 0 genes \(lines have 'GENE0000'.*cells have 'FBgn.*Are both human"):
        on_shared_genes(lines, found, 200)


@pytest.mark.parametrize("prefix", ["hg19_", "GRCh38_", "hg38_", "GRCh38______"])
def test_the_genome_before_a_name_is_dropped(prefix, file):
    assert read_cells(written(file, genes=[prefix + name for name in GENES])).genes.tolist() == GENES


def test_ensembl_names_with_versions_are_brought_to_symbols(file):
    by_gene = {gene: name for name, gene in lookup("ensembl").one.items()}
    genes = [gene for gene in sorted(by_gene) if gene in symbols()][:60]
    found = read_cells(written(file, genes=[f"{by_gene[gene]}.{i + 1}" for i, gene in enumerate(genes)]))
    assert found.genes.tolist() == genes


def test_a_symbol_in_two_columns_is_added_up_and_named(file):
    found = read_cells(written(file, genes=[GENES[1], *GENES[1:]]))
    assert len(found.genes) == 59
    np.testing.assert_array_equal(found.x[:, found.genes == GENES[1]][:, 0], COUNTS[:, :2].sum(axis=1))
    assert any("stand in several columns" in note and GENES[1] in note for note in found.notes)


@pytest.mark.parametrize("kind", [np.float64, np.int64, np.uint16])
def test_counts_are_counts_however_they_are_stored(kind, file):
    found = read_cells(written(file, x=COUNTS.astype(kind)))
    assert found.kind == "counts"
    assert found.x.dtype == np.float32


def test_negative_values_under_counts_are_refused(file):
    x = COUNTS.copy()
    x[3, 4] = -1
    with pytest.raises(InputError, match=r"\(-1 to .* are not counts; correct --values"):
        read_cells(written(file, x=x), values="counts")


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_values_that_are_not_finite_are_counted_and_refused(layout, file):
    x = COUNTS.copy()
    x[3, 4], x[5, 6] = np.nan, np.inf
    with pytest.raises(InputError, match="2 values are not finite; fill or drop them"):
        read_cells(written(file, x=layout(x)))


@pytest.mark.parametrize("layout", [sparse.csr_matrix, sparse.csc_matrix])
def test_rows_and_columns_on_disk_give_the_same_cells(layout, file):
    np.testing.assert_array_equal(read_cells(written(file, x=layout(COUNTS))).x.toarray(), COUNTS)


def test_a_file_that_another_program_reads_in_pieces_is_read(file):
    anndata = pytest.importorskip("anndata")
    anndata.AnnData(COUNTS, var=pd.DataFrame(index=GENES)).write_h5ad(file)
    held = anndata.read_h5ad(file, backed="r")
    np.testing.assert_array_equal(read_cells(file).x, COUNTS)
    held.file.close()


def test_a_layer_that_is_missing_is_named_with_those_there(file):
    with pytest.raises(InputError, match=r"no layer 'raw/X' .*X"):
        read_cells(written(file), layer="raw/X")


def test_repeated_names_of_cells_get_a_number_and_it_is_said(file):
    found = read_cells(written(file, names=["a"] * 3 + [f"c{i}" for i in range(9)]))
    assert found.samples[:3].tolist() == ["a", "a-1", "a-2"]
    assert "2 cells bear a name that another has; a number was added to theirs" in found.notes


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_file_that_ends_early_is_refused(share, file):
    whole = written(file).read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="fetch or save it again"):
        read_cells(file)


@pytest.fixture
def responses(tmp_path):
    """A table of lines and a function from {drug: responses} in databases to their LineTables."""
    lines, _ = simulated_pair(2, lines=60, cells=5, genes=80)
    frame = pd.DataFrame(lines.x, index=lines.samples, columns=lines.genes).rename_axis("cell_id")
    frame.reset_index().to_csv(tmp_path / "x.csv", index=False)

    def write(*rows):
        parts = [
            pd.DataFrame({"cell_id": lines.samples[: len(y)], "drug": drug, "dataset": database, "AUC": y})
            for drug, database, y in rows
        ]
        pd.concat(parts).to_csv(tmp_path / "y.csv", index=False)
        return LineTables(
            str(tmp_path / "x.csv"), str(tmp_path / "y.csv"), database_column="dataset", databases=("A", "B")
        )

    return write


def test_a_drug_of_one_database_alone_is_found_there(responses):
    y = RANDOM.random(60)
    found = read_lines(responses(("one", "A", y), ("other", "B", y)))
    np.testing.assert_allclose(response_to(found, "other")[1], y)
    assert "A and B share no drug" in found.notes


def test_forty_lines_are_enough_and_thirty_nine_are_not(responses):
    y = RANDOM.random(60)
    found = read_lines(responses(("all", "A", y), ("forty", "A", y[:40]), ("fewer", "B", y[:39])))
    kept, response = response_to(found, "forty")
    assert len(kept) == len(response) == 40
    with pytest.raises(InputError, match="'fewer' is measured in 39 lines; 40 are needed"):
        response_to(found, "fewer")


def test_a_drug_without_any_sensitive_line_is_refused(responses):
    y = np.where(np.arange(60) < 11, 0.3, 1.0)
    found = read_lines(responses(("kills few", "A", y), ("nothing", "B", np.ones(60))))
    with pytest.raises(InputError, match="'kills few' leaves 49 of 60 lines at its highest response"):
        response_to(found, "kills few")
    with pytest.raises(InputError, match="'nothing' leaves 60 of 60 lines at its highest response"):
        response_to(found, "nothing")
