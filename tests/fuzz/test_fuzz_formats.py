"""Broken files of the public formats: one line, or the numbers that a slow reader finds in the same bytes."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from judged import judged_each
from mutations import damaged
from twin import MISSING, NUMBER

from tl_jax.data.cohort.readers import read
from tl_jax.data.cohort.responses import response_frame
from tl_jax.data.cohort.schema import ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.formats import registry

MATRIX = """!Series_title\t"A study"
!Sample_title\t"GS.149"\t"GS.186"\t"GS.201"
!Sample_geo_accession\t"GSM1"\t"GSM2"\t"GSM3"
!Sample_characteristics_ch1\t"tissue: brain"\t"tissue: brain"\t"tissue: skin"
!series_matrix_table_begin
"ID_REF"\t"GSM1"\t"GSM2"\t"GSM3"
"MGMT"\t1.5\t2\t3.25
"TP53"\t4\t5\t6
!series_matrix_table_end
"""
RMA = "GENE_SYMBOLS\tGENE_title\tDATA.1\tDATA.2\tDATA.2.1\nTP53\tt\t1\t2\t3\n\tq\t1\t2\t3\nMGMT\tt\t4\t5\t6\n"
FITTED = (
    "COSMIC_ID,DRUG_NAME,DRUG_ID,AUC\n1,Cisplatin,7,0.5\n2,Cisplatin,7,0.75\n1,Olaparib,8,0.25\n2,Olaparib,9,0.125\n"
)
# kind: (file, content, format, where its numbers begin, as a set of all numbers that may come out, means included)
EXPRESSION = {
    "series matrix": ("GSE1_series_matrix.txt", MATRIX, "geo_series_matrix"),
    "gct": ("a.gct", "#1.2\n2\t2\nName\tDescription\tA\tB\n1\tMGMT\t1\t2\n2\tTP53\t3\t4\n", "gct"),
    "gdsc_rma": ("a.txt", RMA, "gdsc_rma"),
    "depmap": ("a.csv", "ModelID,TP53 (7157),MGMT (4255)\nACH-1,1,2\nACH-2,3,4.5\n", "depmap"),
}
RESPONSE = {
    "gdsc_fitted": ("a.csv", FITTED, "gdsc_fitted"),
    "hgcc": ("a.txt", "\tU3008\tU3008.1\tU3009\nDrugA\t0.1\t0.2\t0.3\nDrugB\t0.4\t0.5\t0.6\n", "hgcc_auc"),
}


def fields_of(path: Path) -> list[float]:
    """Every field of the file that is a number, whatever stands around it."""
    text = (
        path.read_text(encoding="utf-8-sig", errors="replace")
        .replace("\r", "\n")
        .replace("\n", "\t")
        .replace(",", "\t")
    )
    fields = [field.strip().strip('"').strip() for field in text.split("\t")]
    return [float(f) for f in fields if NUMBER.fullmatch(f) and f not in MISSING]


def all_in_the_file(path, values) -> None:
    """No number comes out that is in the file neither itself nor as the mean of two or three of its numbers."""
    held = np.array(fields_of(path))
    assert held.size < 60
    pairs = (held[:, None] + held) / 2
    means = np.concatenate([held, pairs.ravel(), ((pairs * 2)[..., None] + held).ravel() / 3])
    for value in np.asarray(values, float).ravel():
        assert np.isnan(value) or np.isclose(means, value, rtol=1e-6, atol=1e-38).any(), value


@pytest.mark.parametrize("kind", list(EXPRESSION))
def test_expression(tmp_path, slow, kind):
    name, text, form = EXPRESSION[kind]

    def make(rng):
        (tmp_path / name).write_bytes(damaged(text.encode(), rng))
        return tmp_path / name

    def call(path):
        return read_expression(path, format=form, duplicate_genes="mean")

    judged_each(kind, slow, make, call, name, place=tmp_path, same=lambda path, found: all_in_the_file(path, found[0]))


@pytest.mark.parametrize("kind", list(RESPONSE))
def test_response(tmp_path, slow, kind):
    name, text, form = RESPONSE[kind]
    table = ResponseTable(path=name, format=form, **registry.RESPONSE[form].presets)

    def make(rng):
        (tmp_path / name).write_bytes(damaged(text.encode(), rng))
        return tmp_path / name

    def call(path):
        return response_frame(read(path, table), path, table)

    judged_each(kind, slow, make, call, name, place=tmp_path, same=lambda path, found: all_in_the_file(path, found))


def test_folders_of_10x(tmp_path, slow):
    from test_tenx import folder_of

    folder = folder_of(tmp_path / "tenx", packed=False)
    sound = {path: path.read_bytes() for path in sorted(folder.iterdir())}

    def make(rng):
        for path, content in sound.items():
            path.write_bytes(content)
        path = rng.choice(list(sound))
        path.write_bytes(damaged(sound[path], rng))
        return folder

    def same(folder, found):
        features = (folder / "features.tsv").read_bytes().decode(errors="replace").split("\n")
        kinds = [(*line.rstrip("\r").split("\t"), "", "")[2] for line in features if line.strip()]
        text = (folder / "matrix.mtx").read_bytes().decode(errors="replace").split("\n")
        cells = [line.split() for line in text if line[:1] != "%" and len(line.split()) == 3][1:]
        # Antibodies and guides are left out, and so is a feature whose kind is spoiled.
        stored = [float(value) for row, _, value in cells if kinds[int(row) - 1] in ("", "Gene Expression")]
        assert np.isclose(np.sort(found[0][found[0] != 0]), np.sort([v for v in stored if v])).all()

    call = lambda folder: read_expression(folder, format="tenx")  # noqa: E731
    judged_each("tenx", slow, make, call, "tenx", "sample", "gene", "cell", place=tmp_path, same=same)


def test_hdf5(tmp_path, slow):
    """Each takes a process of its own, since the library may crash or hang on damage."""
    pytest.importorskip("h5py")
    packed = Path(__file__).parents[1] / "data" / "files" / "anndata_0_12_csr.h5ad.gz"
    content = gzip.decompress(packed.read_bytes())
    place = tmp_path / "t.h5ad"

    def make(rng):
        place.write_bytes(damaged(content, rng))
        return place

    def same(_, found):
        assert np.isfinite(found[0]).all()

    call = lambda path: read_expression(path, format="h5ad")  # noqa: E731
    judged_each("hdf5", slow, make, call, "t.h5ad", place=tmp_path, same=same)
