"""10x matrices: the folder of three files in both generations, and Cell Ranger's .h5 of versions 2 and 3."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.io import mmread, mmwrite

from tl_jax.data.cohort.schema import ExpressionTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.formats.tenx import _coordinates, read_tenx
from tl_jax.errors import InputError

COUNTS = np.array([[0, 3, 0, 1], [2, 0, 0, 0], [5, 0, 7, 0]])  # cells x genes
GENES = [("ENSG1", "TP53"), ("ENSG2", "MGMT"), ("ENSG3", "EGFR"), ("ENSG4", "MYC")]
BARCODES = ["AAAC-1", "AAAG-1", "AAAT-2"]


def folder_of(path, prefix="", generation=3, packed=True, antibody=False):
    """The three files as Cell Ranger writes them."""
    path.mkdir(exist_ok=True)
    ending = ".gz" if packed else ""

    def save(name, text):
        (path / f"{prefix}{name}{ending}").write_bytes(gzip.compress(text) if packed else text)

    kinds = ["Gene Expression"] * 3 + ["Antibody Capture" if antibody else "Gene Expression"]
    rows = ["\t".join([*g, k] if generation == 3 else g) for g, k in zip(GENES, kinds, strict=True)]
    save("features.tsv" if generation == 3 else "genes.tsv", "\n".join([*rows, ""]).encode())
    save("barcodes.tsv", "\n".join([*BARCODES, ""]).encode())
    mmwrite(path / "m.mtx", sparse.coo_matrix(COUNTS.T), field="integer", comment='metadata_json: {"format": 2}')
    save("matrix.mtx", (path / "m.mtx").read_bytes())
    (path / "m.mtx").unlink()
    return path


def h5_of(path, version=3, genomes=("GRCh38",)):
    h5py = pytest.importorskip("h5py")
    matrix = sparse.csc_matrix(COUNTS.T)
    with h5py.File(path, "w") as file:
        for name in ["matrix"] if version == 3 else genomes:
            group = file.create_group(name)
            for key in ("data", "indices", "indptr"):
                group[key] = getattr(matrix, key)
            group["shape"] = np.array(matrix.shape, dtype="i4")
            group["barcodes"] = np.array(BARCODES, dtype="S")
            ids, names = (np.array(column, dtype="S") for column in zip(*GENES, strict=True))
            if version == 3:
                group["features/id"], group["features/name"] = ids, names
                group["features/feature_type"] = np.array([b"Gene Expression"] * 4)
            else:
                group["genes"], group["gene_names"] = ids, names
    return path


def refused(path, match, **options):
    with pytest.raises(InputError, match=match) as error:
        read_expression(path, format="tenx", **options)
    assert str(path.name).split(".")[0] in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("generation", [2, 3])
@pytest.mark.parametrize("packed", [True, False])
def test_folders(tmp_path, generation, packed):
    path = folder_of(tmp_path / "run", generation=generation, packed=packed)
    x, cells, genes = read_expression(path, format="tenx")
    np.testing.assert_array_equal(x, COUNTS)
    assert (cells.tolist(), genes.tolist()) == (BARCODES, [g for _, g in GENES])
    assert read_expression(path, format="tenx", gene_column="id")[2].tolist() == [i for i, _ in GENES]


def test_files_with_the_prefix_of_a_geo_sample(tmp_path):
    folder_of(tmp_path, "GSM1_a_", generation=2)
    folder_of(tmp_path, "GSM2_b_")
    for name in ("GSM1_a_matrix.mtx.gz", "GSM2_b_matrix.mtx"):
        np.testing.assert_array_equal(read_expression(tmp_path / name, format="tenx")[0], COUNTS)


@pytest.mark.parametrize("version", [2, 3])
def test_h5(tmp_path, version):
    path = h5_of(tmp_path / "filtered_feature_bc_matrix.h5", version)
    x, cells, genes = read_expression(path, format="tenx")
    np.testing.assert_array_equal(x, COUNTS)
    assert (cells.tolist(), genes.tolist()) == (BARCODES, [g for _, g in GENES])
    packed = tmp_path / "GSM1_raw.h5.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_expression(packed, format="tenx")[0], COUNTS)


def test_cells_of_one_well_fall_together(tmp_path):
    x, samples, _ = read_expression(folder_of(tmp_path / "run"), format="tenx", sample_pattern=r"-(\d+)$")
    assert samples.tolist() == ["1", "2"]
    np.testing.assert_allclose(x, [[1, 1.5, 0, 0.5], [5, 0, 7, 0]])


def test_antibodies_are_left_out(tmp_path):
    _, _, genes = read_expression(folder_of(tmp_path / "run", antibody=True), format="tenx")
    assert genes.tolist() == ["TP53", "MGMT", "EGFR"]


def test_faults_of_a_folder(tmp_path):
    path = folder_of(tmp_path / "run")
    refused(path, "gene_column is 'symbol'; of a 10x matrix it is 'name' or 'id'", gene_column="symbol")
    with pytest.raises(InputError, match="the key 'sheet' changes nothing with format = 'tenx'; remove it"):
        read_expression(path, format="tenx", sheet="x")
    lines = gzip.decompress((path / "barcodes.tsv.gz").read_bytes())
    (path / "barcodes.tsv.gz").write_bytes(gzip.compress(lines + b"EXTRA-1\n"))
    with pytest.raises(InputError, match=r"matrix.mtx.gz announces 4 genes and 3 cells, but 4 features and 4 barcodes"):
        read_expression(path, format="tenx")
    (path / "features.tsv.gz").unlink()
    refused(path, "has no features.tsv .or .gz.; there are: 'barcodes.tsv.gz', 'matrix.mtx.gz'")
    with pytest.raises(InputError, match=r"is no 10x matrix; name its folder, its ...matrix.mtx or its .h5"):
        read_expression(path / "barcodes.tsv.gz", format="tenx")
    with pytest.raises(InputError, match="there is no file"):
        read_expression(tmp_path / "none", format="tenx")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (b"4 3 5", b"4 3 999999999999", "announces 999,999,999,999 values, more than it can hold; fetch it again"),
        (b"4 3 5", b"999999999 3 5", "announces 999999999 genes and 3 cells, but 4 features and 3 barcodes are named"),
        (b"4 3 5", b"4 3 9", "is not a whole MatrixMarket file"),
        (b"1 2 3\n", b"1 9 3\n", "is not a whole MatrixMarket file"),
        (b"1 2 3\n", b"-1 2 3\n", "is not a whole MatrixMarket file"),
        (b"%%MatrixMarket matrix coordinate", b"%%MatrixMarket matrix array", "is no MatrixMarket file of coordinates"),
        (b"%%MatrixMarket", b"<html>", "is no MatrixMarket file of coordinates"),
    ],
)
def test_faulty_matrices(tmp_path, old, new, match):
    path = folder_of(tmp_path / "run", packed=False)
    content = (path / "matrix.mtx").read_bytes()
    assert old in content or old == b"1 2 3\n"
    (path / "matrix.mtx").write_bytes(
        content.replace(old, new) if old in content else content.replace(b"\n2 1 3\n", b"\n" + new)
    )
    with pytest.raises(InputError, match=match) as error:
        read_expression(path, format="tenx")
    assert "matrix.mtx" in str(error.value)


def test_faulty_h5(tmp_path):
    h5py = pytest.importorskip("h5py")
    refused(h5_of(tmp_path / "a.h5", 2, ("GRCh38", "mm10")), "holds 2 genomes: 'GRCh38', 'mm10'; a 10x .h5 with one")
    path = h5_of(tmp_path / "b.h5")
    with h5py.File(path, "r+") as file:
        file["matrix/shape"][:] = [4, 9]
    refused(path, "its matrix is 9 x 4, but 3 cells and 4 genes are named")
    path = h5_of(tmp_path / "c.h5")
    with h5py.File(path, "r+") as file:
        del file["matrix/features/id"]
        file["matrix/features/id"] = h5py.ExternalLink("/etc/passwd", "/")
    refused(path, "'features/id' is a link, which may lead out of the file")
    path.write_bytes(b"\x89HDF\r\n")
    refused(path, "is not a whole HDF5 file")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["integer", "real"]), st.sampled_from(["\n", "\r\n"]))
def test_coordinates_are_those_that_scipy_reads(tmp_path_factory, seed, field, end):
    random = np.random.default_rng(seed)
    genes, cells = random.integers(1, 9, 2)
    dense = random.poisson(0.7, (genes, cells)) * (1.0 if field == "integer" else random.random((genes, cells)))
    path = tmp_path_factory.getbasetemp() / "coordinates.mtx"
    mmwrite(path, sparse.coo_matrix(dense), field=field, comment="one\ntwo", precision=17, symmetry="general")
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", end.encode()))
    ours, theirs = _coordinates(path, int(genes), int(cells)), sparse.csr_array(mmread(path, spmatrix=False).T)
    np.testing.assert_array_equal(ours.toarray(), theirs.toarray())
    assert ours.dtype == theirs.dtype


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_matrix_gives_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged"
    folder_of(path, packed=False)
    name = data.draw(st.sampled_from(["matrix.mtx", "features.tsv", "barcodes.tsv"]))
    content = bytearray((path / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    (path / name).write_bytes(content[: data.draw(st.sampled_from([len(content), at]))])
    fault = ""
    try:
        frame = read_tenx(path, ExpressionTable(path="", format="tenx"))
    except InputError as error:
        fault = str(error)
    if fault:
        assert "damaged" in fault
    else:
        # A feature whose kind is damaged is no gene expression.
        assert frame.shape in ((3, 4), (3, 3))
