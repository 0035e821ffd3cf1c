"""GEO: series matrices with what they say of their samples, and supplementary tables as authors upload them."""

import gzip

import pandas as pd
import pytest

from tl_jax.data.cohort.readers import read
from tl_jax.data.cohort.responses import annotation_frame, response_frame
from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.errors import InputError

MATRIX = """!Series_title\t"A study; of cells"
!Series_summary\t"With a ""quoted"" word"

!Sample_title\t"GS.149"\t"GS.186"\t"GS.201"
!Sample_geo_accession\t"GSM1"\t"GSM2"\t"GSM3"
!Sample_source_name_ch1\t"culture"\t"culture"\t"culture"
!Sample_characteristics_ch1\t"tissue: brain"\t"tissue: brain"\t"age: 61"
!Sample_characteristics_ch1\t"donor: P1"\t"donor: P1"\t"tissue: skin"
!Sample_characteristics_ch1\t"auc: 0.5"\t"auc: 0.75"\t"auc: 0.9"
!Sample_supplementary_file\t"ftp://a"\t"ftp://b"\t"ftp://c"
!Sample_supplementary_file\t"ftp://d"\t"ftp://e"\t"ftp://f"
!series_matrix_table_begin
"ID_REF"\t"GSM1"\t"GSM2"\t"GSM3"
"MGMT"\t1.5\t2\tnull
"TP53"\t4\t5\t6
!series_matrix_table_end
"""


@pytest.fixture(name="path", params=["\n", "\r\n"])
def series_matrix(request, tmp_path):
    path = tmp_path / "GSE1_series_matrix.txt.gz"
    path.write_bytes(gzip.compress(MATRIX.replace("\n", request.param).encode()))
    return path


def test_values(path):
    x, samples, genes = read_expression(path, format="geo_series_matrix", missing_values="drop_genes")
    assert (x.tolist(), samples.tolist(), genes.tolist()) == ([[4], [5], [6]], ["GSM1", "GSM2", "GSM3"], ["TP53"])
    with pytest.raises(InputError, match="1 missing values in 1 genes, first in gene 'MGMT' of sample 'GSM3'"):
        read_expression(path, format="geo_series_matrix")


def test_titles_may_name_the_samples(path):
    keys = {"format": "geo_series_matrix", "missing_values": "drop_genes", "sample_pattern": r"(\d+)"}
    assert read_expression(path, sample_column="title", **keys)[1].tolist() == ["149", "186", "201"]
    with pytest.raises(InputError, match=r"has no line !Sample_name .sample_column.; there are: 'title', 'geo_acc"):
        read_expression(path, sample_column="name", **keys)


def test_characteristics_stand_under_their_own_names(path):
    table = AnnotationTable(path=path.name, sample_column="geo_accession", tissue_column="tissue", group_column="donor")
    notes = annotation_frame(read(path, table), path, table)
    assert notes.to_dict("index") == {
        "GSM1": {"tissue": "brain", "group": "P1", "batch": ""},
        "GSM2": {"tissue": "brain", "group": "P1", "batch": ""},
        "GSM3": {"tissue": "skin", "group": "", "batch": ""},
    }
    frame = read(path, table)
    assert frame["age"].tolist() == ["", "", "61"]
    assert frame["supplementary_file.1"].tolist() == ["ftp://d", "ftp://e", "ftp://f"]


def test_a_response_among_the_characteristics(path):
    table = ResponseTable(path=path.name, format="wide", sample_column="title", value_column="auc", drug="Temozolomide")
    found = response_frame(read(path, table), path, table)
    assert found["Temozolomide"].to_dict() == {"GS.149": 0.5, "GS.186": 0.75, "GS.201": 0.9}


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("!series_matrix_table_end\n", "", "ends before !series_matrix_table_end; fetch it again"),
        ("!series_matrix_table_begin", "!begin", "is no GEO series matrix, for it has no line !series_matrix_table_be"),
        ('"MGMT"\t1.5\t2\tnull\n"TP53"\t4\t5\t6\n', "", "the table of the series matrix is empty, as for RNA-seq; use"),
        ('"TP53"\t4\t5\t6\n', '"TP53"\t4\t5\t6\t7\n', "is not a regular table"),
        ("!Series_title", "<html>", "is a web page, not a table; fetch it again"),
    ],
)
def test_faulty_series_matrices(tmp_path, old, new, match):
    path = tmp_path / "GSE1_series_matrix.txt"
    path.write_text(MATRIX.replace(old, new, 1))
    with pytest.raises(InputError, match=match) as error:
        read_expression(path, format="geo_series_matrix")
    assert path.name in str(error.value)


def test_faulty_sample_lines(tmp_path):
    path = tmp_path / "GSE1_series_matrix.txt"
    table = AnnotationTable(path=path.name, sample_column="title")
    for old, new in (('"GS.149"\t', ""), ("!Sample_geo_accession", "!Sample_other")):
        path.write_text(MATRIX.replace(old, new, 1))
        with pytest.raises(InputError, match="its lines !Sample_ lack the accession, or differ in length; fetch it ag"):
            read(path, table)


def test_expression_must_say_what_it_is(path):
    with pytest.raises(InputError, match="is no plain table; set format = 'geo_series_matrix'"):
        read_expression(path, orientation="genes")


SUPPLEMENTS = {
    "counts.txt.gz": '"GS.149"\t"GS.186"\n"MGMT"\t0\t3\n"TP53"\t7\t12\n',
    "tpm.csv.gz": ",GS.149,GS.186\nMGMT,0,3\nTP53,7,12\n",
    "fpkm.csv": '\ufeff"gene","GS.149","GS.186"\r\n"MGMT",0,3\r\n"TP53",7,12\r\n',
    "count_data.tsv": "gene_id\tGS.149\tGS.186\t\nMGMT\t0\t3\t\nTP53\t7\t12\t\n",
    "r_blanks.txt": "GS.149 GS.186\nMGMT 0 3\nTP53 7 12\n",
}


@pytest.mark.parametrize("name", SUPPLEMENTS)
def test_supplements(tmp_path, name):
    content = SUPPLEMENTS[name].encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    x, samples, genes = read_expression(tmp_path / name, known_samples=["GS.149"])
    assert (x.tolist(), samples.tolist(), genes.tolist()) == ([[0, 7], [3, 12]], ["GS.149", "GS.186"], ["MGMT", "TP53"])


def test_cell_info_with_its_heading_in_row_four(tmp_path):
    """As GSE110894_SingleCellInfo.xlsx: three lines of notes, then `Plate#`, `Well`, `Sample name`."""
    rows = [["GSE110894", "", ""], ["Single cells", "", ""], ["", "", ""], ["Plate#", "Well", "Sample name"]]
    rows += [["SLX1", "A1", "RESISTANT 1"], ["SLX1", "A2", "Parental"]]
    pd.DataFrame(rows).to_excel(tmp_path / "info.xlsx", index=False, header=False)
    keys = {"sample_column": "Well", "tissue_column": "Sample name", "header_row": 4}
    table = AnnotationTable(path="info.xlsx", **keys)
    notes = annotation_frame(read(tmp_path / "info.xlsx", table), tmp_path / "info.xlsx", table)
    assert notes["tissue"].to_dict() == {"A1": "RESISTANT 1", "A2": "Parental"}
