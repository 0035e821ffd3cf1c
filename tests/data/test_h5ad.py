"""h5ad files: what three versions of anndata wrote, what anndata writes now, and files made to do harm."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.readers import read
from tl_jax.data.cohort.responses import annotation_frame, response_frame
from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.formats.h5ad import read_obs
from tl_jax.errors import InputError

h5py = pytest.importorskip("h5py")

FILES = Path(__file__).parent / "files"
VERSIONS = ["anndata_0_6", "anndata_0_7", "anndata_0_12"]
KINDS = ["dense", "csr", "csc"]
VALUES = np.where(np.arange(24).reshape(6, 4) % 3 == 0, 0, np.arange(24).reshape(6, 4)).astype(np.float32)
CELLS = [f"cell{i}" for i in range(6)]
DONORS = ["P2", "P1", "P2", "P1", "P1", "P2"]


def written(version, kind):
    return FILES / f"{version}_{kind}.h5ad.gz"


def plain(folder, version="anndata_0_12", kind="csr"):
    """A copy that may be changed."""
    path = folder / "t.h5ad"
    path.write_bytes(gzip.decompress(written(version, kind).read_bytes()))
    return path


def refused(path, match, **options):
    with pytest.raises(InputError, match=match) as error:
        read_expression(path, format="h5ad", **options)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_raw_values(version, kind):
    x, samples, genes = read_expression(written(version, kind), format="h5ad")
    np.testing.assert_array_equal(x, VALUES[:, :3])
    assert (samples.tolist(), genes.tolist()) == (CELLS, ["ENSG0", "ENSG1", "ENSG2"])
    x, _, genes = read_expression(written(version, kind), format="h5ad", layer="raw/X", gene_column="symbol")
    np.testing.assert_array_equal(x, VALUES)
    assert genes.tolist() == ["TP53", "MGMT", "EGFR", "MYC"]


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize("kind", KINDS)
def test_layers(version, kind):
    x, _, _ = read_expression(written(version, kind), format="h5ad", layer="doubled")
    np.testing.assert_array_equal(x, VALUES[:, :3] * 2)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_of_cells(version):
    obs = read_obs(written(version, "csr"))
    assert obs["cell"].tolist() == CELLS
    assert obs["donor"].tolist() == DONORS
    assert obs["batch"].fillna("none").tolist() == ["a", "none", "b", "a", "b", "a"]
    assert obs["plate"].tolist() == [f"plate {i // 2}" for i in range(6)]
    assert obs["passed"].tolist() == [True, False, True, True, True, False]
    np.testing.assert_allclose(obs["auc"], np.arange(6) / 10)
    if version == "anndata_0_12":
        np.testing.assert_array_equal(obs["dose"], [1, np.nan, 3, 4, 5, 6])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_cells_pooled_by_a_column(version, kind):
    """Oracle: pandas' own means."""
    x, samples, _ = read_expression(written(version, kind), format="h5ad", pool_by="donor")
    expected = pd.DataFrame(VALUES[:, :3]).groupby(DONORS, sort=False).mean()
    assert samples.tolist() == ["P2", "P1"]
    np.testing.assert_allclose(x, expected.to_numpy(), rtol=1e-6)


def test_log_cpm_of_means_is_that_of_sums():
    x, _, _ = read_expression(written("anndata_0_12", "csr"), format="h5ad", pool_by="donor", transform="log_cpm")
    sums = pd.DataFrame(VALUES[:, :3]).groupby(DONORS, sort=False).sum().to_numpy()
    np.testing.assert_allclose(x, np.log2(sums / sums.sum(1, keepdims=True) * 1e6 + 1), rtol=1e-6)


def test_annotation_and_response_from_the_cells():
    path = written("anndata_0_12", "csr")
    table = AnnotationTable(path=path.name, sample_column="cell", tissue_column="plate", group_column="donor")
    assert annotation_frame(read(path, table), path, table)["group"].tolist() == DONORS
    pooled = AnnotationTable(path=path.name, sample_column="donor", group_column="donor")
    assert annotation_frame(read(path, pooled), path, pooled).index.tolist() == ["P2", "P1"]
    keys = {"format": "wide", "sample_column": "donor", "value_column": "auc", "duplicates": "mean"}
    table = ResponseTable(path=path.name, **keys)
    assert response_frame(read(path, table), path, table)["auc"].to_dict() == pytest.approx(
        {"P2": 0.7 / 3, "P1": 0.8 / 3}
    )


def test_what_is_not_there():
    path = written("anndata_0_12", "csr")
    refused(path, "has no layer 'doubed' .layer.; did you mean 'doubled'", layer="doubed")
    refused(path, "has no column 'symbl' .gene_column.; did you mean 'symbol'", gene_column="symbl")
    refused(path, "has no column 'donr' .pool_by.; did you mean 'donor'", pool_by="donr")
    refused(path, "pool_by gives each cell its own sample", pool_by="auc")
    refused(path, "has no column 'x' .sample_column.", sample_column="x")
    with pytest.raises(InputError, match="is no plain table; set format = 'h5ad'"):
        read_expression(path, orientation="samples")
    with pytest.raises(InputError, match="the key 'layer' changes nothing with format = 'table'; remove it"):
        read_expression(path, layer="raw/X")
    table = AnnotationTable(path=path.name, sample_column="cell", separator=";")
    with pytest.raises(InputError, match="the key 'separator' changes nothing for such a file"):
        read(path, table)


def put(file, name, **dataset):
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, **dataset)
    file[name].attrs.update(attributes)


def external_link(file):
    del file["X"]
    file["X"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file):
    del file["obs/_index"]
    file["obs/_index"] = h5py.SoftLink("/var/_index")


def external_data(file):
    del file["X/data"]
    file["X"].create_dataset("data", (12,), "u1", external=[("/etc/hostname", 0, 12)])


def virtual_data(file):
    del file["X/data"]
    layout = h5py.VirtualLayout((12,), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (12,))
    file["X"].create_virtual_dataset("data", layout)


def huge(file):
    del file["X"]
    file.create_dataset("X", (10**7, 10**6), "f4", chunks=(1000, 1000))


def huge_sparse(file):
    del file["X/data"]
    file["X"].create_dataset("data", (10**12,), "f4", chunks=(1000,))


def huge_shape(file):
    file["X"].attrs["shape"] = [6, 10**15]


def odd_shape(file):
    file["X"].attrs["shape"] = [6, 2]


def bad_ends(file):
    put(file, "X/indptr", data=np.array([0, 9, 3, 4, 5, 6, 12]))


def bad_indices(file):
    put(file, "X/indices", data=np.full(12, -1))


def text_values(file):
    put(file, "X/data", data=["a"] * 12)


def lost_group(file):
    del file["obs"]


def lost_genes(file):
    put(file, "var/_index", data=["A", "B"])
    put(file, "var/symbol", data=["A", "B"])


def bad_codes(file):
    put(file, "obs/donor/codes", data=np.array([0, 1, 7, 0, 1, 0], dtype="i1"))


def worse_codes(file):
    put(file, "obs/donor/codes", data=np.array([0, 1, -2, 0, 1, 0], dtype="i1"))


def short_column(file):
    put(file, "obs/auc", data=np.arange(3.0))


def not_utf8(file):
    put(file, "var/_index", data=np.array([b"\xff\xfe", b"B", b"C"]))


def dataset_as_group(file):
    del file["X/indptr"]
    file["X"].create_group("indptr")


@pytest.mark.parametrize(
    ("harm", "match"),
    [
        (external_link, "'X' is a link, which may lead out of the file"),
        (soft_link, "'_index' is a link, which may lead out of the file"),
        (external_data, "'/X/data' lies in other files; save the file as a whole"),
        (virtual_data, "'/X/data' lies in other files"),
        (huge, "'/X' would take 74,505.8 GB, over 8; if that is right, set TLJAX_MAX_GB=74506"),
        (huge_sparse, "'/X/data' would take 7,450.6 GB"),
        (huge_shape, "its matrix is 6 x 1000000000000000, but 6 cells and 3 genes are named"),
        (odd_shape, "its matrix is 6 x 2, but 6 cells and 3 genes are named"),
        (bad_ends, "the parts of its sparse matrix of 6 x 3 contradict each other"),
        (bad_indices, "the parts of its sparse matrix of 6 x 3 contradict each other"),
        (text_values, "'/X/data' holds object of 1 dimensions, not numbers of 1"),
        (lost_group, "has no 'obs' in '/'; save the file again"),
        (lost_genes, "its matrix is 6 x 3, but 6 cells and 2 genes are named"),
        (bad_codes, "a column refers to a category that it does not have"),
        (worse_codes, "a column refers to a category that it does not have"),
        (short_column, "the columns of 'obs' differ in length"),
        (not_utf8, "'/var/_index' is not UTF-8 text"),
        (dataset_as_group, "'/X/indptr' is a group where an array is needed"),
    ],
)
def test_files_made_to_do_harm(tmp_path, harm, match):
    path = plain(tmp_path)
    with h5py.File(path, "r+") as file:
        harm(file)
    refused(path, match)


def test_references_of_an_old_file_that_lead_elsewhere(tmp_path):
    for elsewhere, match in (("X", "refers to no categories"), ("one", "a category that it does not have")):
        path = plain(tmp_path, "anndata_0_7")
        with h5py.File(path, "r+") as file:
            file["one"] = ["A"]
            file["obs/donor"].attrs["categories"] = file[elsewhere].ref
        refused(path, match)


def test_cut_and_foreign_files(tmp_path):
    path = plain(tmp_path)
    content = path.read_bytes()
    for end in (0, 4, 700, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        refused(path, "is not a whole HDF5 file")
    path.write_text("<html>")
    refused(path, "is not a whole HDF5 file")
    packed = tmp_path / "t.h5ad.gz"
    packed.write_bytes(gzip.compress(content)[:-20])
    refused(packed, "is not a whole .gz file")


@pytest.mark.parametrize(
    ("does", "match"),
    [
        ("import os; os.kill(os.getpid(), 11)", "the HDF5 library crashes"),
        ("while True: pass", "reading it does not end"),
    ],
)
def test_a_file_that_would_end_or_hang_the_process(tmp_path, monkeypatch, does, match):
    monkeypatch.setattr("tl_jax.data.formats.hdf5_probe._WALK", does)
    monkeypatch.setattr("tl_jax.data.formats.hdf5_probe._sound", set())
    monkeypatch.setattr("tl_jax.data.formats.hdf5_probe.SECONDS", 1)
    refused(plain(tmp_path), f"t.h5ad is damaged so that .*{match}.*; fetch or save it again")


def test_missing_and_infinite_values(tmp_path):
    path = plain(tmp_path)
    with h5py.File(path, "r+") as file:
        file["X/data"][0] = np.nan
    refused(path, "1 missing values in 1 genes, first in gene 'ENSG1' of sample 'cell0'")
    with h5py.File(path, "r+") as file:
        file["X/data"][0] = np.inf
    refused(path, "1 infinite values, first in column 'ENSG1', row 'cell0'")


def test_without_h5py_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    refused(
        written("anndata_0_12", "csr"), r"reading HDF5 needs h5py; install it with: pip install tl_jax\[singlecell\]"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_anndata_writes_now(tmp_path, kind):
    """Oracle: anndata itself, where it is installed."""
    anndata = pytest.importorskip("anndata")
    from scipy import sparse

    rng = np.random.default_rng(1)
    x = rng.poisson(0.7, (40, 25)).astype(np.float32)
    stored = {"dense": x, "csr": sparse.csr_matrix(x), "csc": sparse.csc_matrix(x)}[kind]
    obs = pd.DataFrame({"donor": pd.Categorical(rng.choice(["a", "b", "c"], 40))}, [f"c{i}" for i in range(40)])
    data = anndata.AnnData(stored, obs, pd.DataFrame(index=[f"g{i}" for i in range(25)]))
    data.write_h5ad(tmp_path / "t.h5ad", compression="gzip")
    again = anndata.read_h5ad(tmp_path / "t.h5ad")
    found, cells, genes = read_expression(tmp_path / "t.h5ad", format="h5ad")
    np.testing.assert_array_equal(found, x)
    assert (cells.tolist(), genes.tolist()) == (again.obs_names.tolist(), again.var_names.tolist())
    shutil.copy(tmp_path / "t.h5ad", tmp_path / "u.h5ad")
    pooled, donors, _ = read_expression(tmp_path / "u.h5ad", format="h5ad", pool_by="donor")
    for row, donor in zip(pooled, donors, strict=True):
        np.testing.assert_allclose(row, x[(again.obs["donor"] == donor).to_numpy()].mean(0), rtol=1e-6)
