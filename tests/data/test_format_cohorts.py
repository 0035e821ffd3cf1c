"""Every format through a cohort file: the same values by another road give the same cohort."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

from tl_jax.errors import InputError


def as_depmap(folder, table):
    text = table.rename(columns=lambda g: f"{g} ({1000 + int(g[1:])})")
    text.to_csv(folder / "Omics.csv")
    return 'path = "Omics.csv"\nformat = "depmap"'


def as_gct(folder, table):
    body = table.T
    body.insert(0, "Description", body.index)
    head = f"#1.2\n{len(body)}\t{len(table)}\n"
    (folder / "t.gct").write_text(head + body.rename_axis("Name").to_csv(sep="\t"))
    return 'path = "t.gct"\nformat = "gct"'


def as_series_matrix(folder, table):
    body = table.T.rename_axis("ID_REF").to_csv(sep="\t", quoting=2)
    names = '"\t"'.join(table.index)
    head = f'!Sample_title\t"{names}"\n!Sample_geo_accession\t"{names}"\n!series_matrix_table_begin\n'
    (folder / "GSE1_series_matrix.txt").write_text(f"{head}{body}!series_matrix_table_end\n")
    return 'path = "GSE1_series_matrix.txt"\nformat = "geo_series_matrix"\nsample_column = "title"'


def as_cellminer(folder, table):
    body = table.T.rename(columns=lambda s: f"CNS:{s}")
    body.insert(0, "Gene name d", body.index)
    rows = [["note", *[""] * len(table)], list(body.columns), *body.to_numpy().tolist()]
    pd.DataFrame(rows).to_excel(folder / "in.xlsx", index=False, header=False)
    with zipfile.ZipFile(folder / "nci60.zip", "w") as archive:
        archive.write(folder / "in.xlsx", "output/RNA.xlsx")
    return 'path = "nci60.zip"\nformat = "cellminer"\nsample_pattern = \':(.+)\''


def as_h5ad(folder, table):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "t.h5ad", "w") as file:
        file["X"] = table.to_numpy()
        for name, values in (("obs", table.index), ("var", table.columns)):
            group = file.create_group(name)
            group.attrs["_index"] = "_index"
            group["_index"] = list(values)
    return 'path = "t.h5ad"\nformat = "h5ad"'


def as_tenx(folder, table):
    mmwrite(folder / "matrix.mtx", sparse.coo_matrix(table.to_numpy().T))
    (folder / "genes.tsv").write_text("".join(f"ENSG{g}\t{g}\n" for g in table.columns))
    (folder / "barcodes.tsv").write_text("".join(f"{s}\n" for s in table.index))
    return 'path = "."\nformat = "tenx"'


def as_german_text(folder, table):
    text = "made by hand\n\n" + table.to_csv(sep=";", decimal=",")
    (folder / "t.csv").write_text(text)
    return 'path = "t.csv"\nseparator = ";"\ndecimal = ","\nheader_row = 3'


def as_sheet(folder, table):
    with pd.ExcelWriter(folder / "t.xlsx") as writer:
        pd.DataFrame({"note": ["x"]}).to_excel(writer, sheet_name="Notes")
        table.to_excel(writer, sheet_name="Values", startrow=3)
    return 'path = "t.xlsx"\nsheet = "Values"\nheader_row = 4'


def as_member(folder, table):
    with zipfile.ZipFile(folder / "t.zip", "w") as archive:
        archive.writestr("a/values.csv", table.to_csv())
        archive.writestr("a/readme.txt", "x")
    return 'path = "t.zip"\nmember = "values.csv"'


ROADS = [as_depmap, as_gct, as_series_matrix, as_cellminer, as_h5ad, as_tenx, as_german_text, as_sheet, as_member]


@pytest.mark.parametrize("road", ROADS)
def test_every_format_gives_the_same_cohort(load, own_files, road):
    plain = load()
    keys = road(load.folder, own_files.lines())
    other = load(('path = "lines.csv"', keys))
    for one, two in zip(plain.domains, other.domains, strict=True):
        np.testing.assert_allclose(one.x, two.x, rtol=1e-6)
        assert one.samples.tolist() == two.samples.tolist()
        np.testing.assert_array_equal(one.y, two.y)
    assert plain.genes.tolist() == other.genes.tolist()


CELLS = """path = "cells.h5ad"
format = "h5ad"
layer = "counts"
pool_by = "donor"
transform = "log_cpm"
[domain.annotation]
path = "cells.h5ad"
sample_column = "donor"
tissue_column = "tissue"
"""


def test_a_cohort_of_pooled_cells(load, own_files):
    """Cells of an .h5ad averaged by donor, with the response and the tissue from its own table of cells."""
    h5py = pytest.importorskip("h5py")
    counts = np.random.default_rng(0).poisson(9, (7, 60))
    donors = ["p1", "p2", "p1", "p3", "p2", "p1", "p3"]
    with h5py.File(load.folder / "cells.h5ad", "w") as file:
        file["layers/counts"] = counts
        obs = {"donor": donors, "auc": [0.1, 0.2, 0.1, 0.3, 0.2, 0.1, 0.3], "tissue": [f"T{d}" for d in donors]}
        for name, columns in (("obs", {"_index": list("abcdefg"), **obs}), ("var", {"_index": own_files.genes})):
            file.create_group(name).attrs["_index"] = "_index"
            for column, values in columns.items():
                file[name][column] = values
    changes = (
        ('path = "patients.csv"', CELLS),
        ('path = "patients_auc.csv"', 'path = "cells.h5ad"\nduplicates = "mean"'),
        ('sample_column = "patient"', 'sample_column = "donor"'),
    )
    target = load(*changes).domains[-1]
    sums = pd.DataFrame(counts).groupby(donors).sum().to_numpy()
    np.testing.assert_allclose(target.x, np.log2(sums / sums.sum(1, keepdims=True) * 1e6 + 1), rtol=1e-6)
    assert target.samples.tolist() == ["p1", "p2", "p3"]
    assert target.tissue.tolist() == ["Tp1", "Tp2", "Tp3"]
    np.testing.assert_allclose(target.response, [0.1, 0.2, 0.3])
    with h5py.File(load.folder / "cells.h5ad", "r+") as file:
        file["layers/log1p"] = np.log1p(counts)
    with pytest.raises(InputError, match=r"cells.h5ad: no value exceeds .* look like logarithms"):
        load(*changes, ('layer = "counts"', 'layer = "log1p"'))


def test_a_misspelt_format_and_a_wrong_decimal(load):
    with pytest.raises(InputError, match=r"key 'format' is 'depmapp'; write one of table, gdsc_rma, depmap, gct"):
        load(('path = "lines.csv"', 'path = "lines.csv"\nformat = "depmapp"'))
    with pytest.raises(InputError, match=r"key 'decimal' is ';'; write one of ., ,"):
        load(('path = "lines.csv"', 'path = "lines.csv"\ndecimal = ";"'))
    with pytest.raises(InputError, match="key 'header_row' must be a whole number above 0, not 0"):
        load(('path = "lines.csv"', 'path = "lines.csv"\nheader_row = 0'))
    with pytest.raises(InputError, match="the key 'pool_by' changes nothing with format = 'table'; remove it"):
        load(('path = "lines.csv"', 'path = "lines.csv"\npool_by = "x"'))
