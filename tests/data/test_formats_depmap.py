"""DepMap, CCLE, PRISM and CellMiner, written small in the portals' own forms."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.readers import read
from tl_jax.data.cohort.responses import annotation_frame, response_frame
from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.formats.registry import RESPONSE
from tl_jax.data.tables.losses import heard
from tl_jax.errors import InputError

OMICS = "OmicsExpressionProteinCodingGenesTPMLogp1.csv"
GCT = "#1.2\n2\t3\t\t\nName\tDescription\tA_LUNG\tB_CNS\tC_SKIN\nENSG1.3\tTP53\t1\t2\t3\nENSG2.1\tMGMT\t4\t5\t6.5\n"
GCT3 = "#1.3\n2\t2\t1\t1\nid\tDescription\ts1\ts2\ntissue\tna\tlung\tskin\nENSG1\tTP53\t1.5\t2\nENSG2\tMGMT\t4\t5\n"


def refused(path, match, **options):
    with pytest.raises(InputError, match=match) as error:
        read_expression(path, **options)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


def write(folder, text, name):
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    "text",
    [
        ",TP53 (7157),MGMT (4255)\nACH-1,1,2\nACH-2,3,4\n",
        "ModelID,TP53 (7157),MGMT (ENSG00000170430)\nACH-1,1,2\nACH-2,3,4\n",
        ",SequencingID,ModelID,IsDefaultEntryForModel,ModelConditionID,IsDefaultEntryForMC,TP53 (7157),MGMT (4255)\n"
        "0,CDS-1,ACH-1,Yes,MC-1,Yes,1,2\n1,CDS-9,ACH-1,No,MC-2,Yes,8,8\n2,CDS-2,ACH-2,Yes,MC-3,No,3,4\n",
        "SequencingID,ModelID,IsDefaultEntryForModel,TP53 (7157),MGMT (4255)\n"
        "CDS-1,ACH-1,True,1,2\nCDS-2,ACH-2,True,3,4\n",
    ],
)
def test_depmap_releases(tmp_path, text):
    x, samples, genes = read_expression(write(tmp_path, text, OMICS), format="depmap")
    assert (x.tolist(), samples.tolist(), genes.tolist()) == ([[1, 2], [3, 4]], ["ACH-1", "ACH-2"], ["TP53", "MGMT"])


def test_depmap_faults(tmp_path):
    two = "ModelID,IsDefaultEntryForModel,TP53 (1)\nACH-1,{0},1\nACH-1,{0},2\n"
    refused(write(tmp_path, two.format("Yes"), OMICS), "sample 'ACH-1' occurs 2 times; rename", format="depmap")
    refused(write(tmp_path, two.format("No"), OMICS), "no row is a default entry .IsDefaultEntry", format="depmap")
    refused(
        write(tmp_path, "a,TP53\nx,1\n", OMICS), "has no columns such as 'TP53 .7157.'; set format", format="depmap"
    )
    same = write(tmp_path, ",X (1),X (2)\nACH-1,1,3\n", OMICS)
    refused(same, "gene 'X' occurs 2 times; keep one row.*duplicate_genes = 'mean'", format="depmap")
    assert read_expression(same, format="depmap", duplicate_genes="mean")[0].tolist() == [[2]]


def test_model_annotation_groups_lines_of_one_donor(tmp_path):
    text = "ModelID,PatientID,OncotreeLineage\nACH-1,PT-1,Lung\nACH-2,PT-1,Lung\nACH-3,PT-2,\n"
    path = write(tmp_path, text, "Model.csv")
    keys = {"sample_column": "ModelID", "tissue_column": "OncotreeLineage", "group_column": "PatientID"}
    table = AnnotationTable(path="Model.csv", **keys)
    assert annotation_frame(read(path, table), path, table)["group"].tolist() == ["PT-1", "PT-1", "PT-2"]


def test_prism_secondary_screen(tmp_path):
    text = (
        "broad_id,depmap_id,ccle_name,screen_id,auc,ec50,name\n"
        "BRD-1,ACH-1,A_LUNG,HTS002,0.8,1,temozolomide\nBRD-1,ACH-1,A_LUNG,MTS010,0.6,1,temozolomide\n"
        'BRD-2,ACH-1,A_LUNG,HTS002,0.9,,"6-mercaptopurine, hydrate"\nBRD-1,,FAILED,HTS002,0.1,1,temozolomide\n'
        "BRD-1,ACH-2,B_CNS,HTS002,0.5,1,temozolomide\n"
    )
    path = write(tmp_path, text, "secondary-screen-dose-response-curve-parameters.csv")

    def response(**keys):
        table = ResponseTable(path=path.name, format="prism", **{**RESPONSE["prism"].presets, **keys})
        return response_frame(read(path, table), path, table)

    expected = {"6-mercaptopurine, hydrate": [0.9, np.nan], "temozolomide": [0.7, 0.5]}
    pd.testing.assert_frame_equal(response(), pd.DataFrame(expected, ["ACH-1", "ACH-2"]), check_names=False)
    assert response(filter={"screen_id": ("HTS002",)}, drug="Temozolomide")["temozolomide"].tolist() == [0.8, 0.5]


def test_gct(tmp_path):
    path = write(tmp_path, GCT, "CCLE_RNAseq_genes_rpkm.gct")
    x, samples, genes = read_expression(path, format="gct", sample_pattern="([^_]+)")
    assert (samples.tolist(), genes.tolist()) == (["A", "B", "C"], ["TP53", "MGMT"])
    assert x.tolist() == [[1, 4], [2, 5], [3, 6.5]]
    assert read_expression(path, format="gct", gene_column="Name")[2].tolist() == ["ENSG1.3", "ENSG2.1"]
    refused(path, "no column 'symbol' .gene_column.", format="gct", gene_column="symbol")
    x, samples, genes = read_expression(write(tmp_path, GCT3, "b.gct"), format="gct")
    assert (x.tolist(), samples.tolist(), genes.tolist()) == ([[1.5, 4], [2, 5]], ["s1", "s2"], ["TP53", "MGMT"])


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("#1.2", "#1.9", "is no .gct file: it must begin with #1.2 or #1.3 and a line of sizes"),
        ("2\t3\t\t", "two", "is no .gct file"),
        ("2\t3\t\t", "2\t999999999999", "announces 2 rows and 999999999999 samples but holds 2 rows and 3"),
        ("ENSG2.1\tMGMT\t4\t5\t6.5\n", "ENSG2.1\tMGMT\t4", "t.gct"),  # cut short within a row
        (GCT[GCT.index("ENSG1.3") :], "", "announces 2 rows and 3 samples but holds 0 rows"),
        ("6.5", "high", "'high' in column 'C_SKIN', row 'MGMT' is not a number"),
    ],
)
def test_faulty_gct(tmp_path, old, new, match):
    refused(write(tmp_path, GCT.replace(old, new), "t.gct"), match, format="gct")


def test_a_gct_whose_rows_somebody_chose(tmp_path):
    """pandas and `head` leave the sizes of the whole file above fewer rows."""
    path = write(tmp_path, GCT.replace("2\t3\t\t", "5778\t3\t\t"), "t.gct")
    with heard() as lines:
        assert read_expression(path, format="gct")[0].tolist() == [[1, 4], [2, 5], [3, 6.5]]
    assert "announces 5,778 rows and holds 2; if nobody chose among them, fetch it again" in lines[0]


def cellminer(folder, rows, name="nci60_RNA__Affy.zip", inside="output/RNA__Affy_HG_U133.xlsx", more=()):
    pd.DataFrame(rows).to_excel(folder / "inside.xlsx", index=False, header=False)
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.write(folder / "inside.xlsx", inside)
        for other in more:
            archive.writestr(other, "x")
    return folder / name


NOTES = [["CellMiner Database Version: 2.2", *[""] * 5], ["", *[""] * 5], ["Note: '-' is missing", *[""] * 5]]
HEADING = ["Probe id b", "Gene name c", "Entrez gene id d", "BR:MCF7", "BR:MDA-MB-231/ATCC", "CNS:SF-268"]
PROBES = [
    ["p1", "TP53", 7157, 2.0, 4.0, "-"],
    ["p2", "TP53", 7157, 4.0, "na", 6.0],
    ["p3", "-", "", 9.0, 9.0, 9.0],
    ["p4", "MGMT", 4255, 1.0, 2.0, 3.0],
]


def test_cellminer(tmp_path):
    path = cellminer(tmp_path, [*NOTES, HEADING, *PROBES])
    x, samples, genes = read_expression(path, format="cellminer", sample_pattern=":(.+)")
    assert (samples.tolist(), genes.tolist()) == (["MCF7", "MDA-MB-231/ATCC", "SF-268"], ["TP53", "MGMT"])
    # Several probes of a gene are averaged, missing values left out.
    assert x.tolist() == [[3, 1], [4, 2], [6, 3]]
    assert read_expression(path, format="cellminer")[1].tolist() == HEADING[3:]
    assert read_expression(path, format="cellminer", gene_column="Probe id b", missing_values="drop_genes")[
        2
    ].tolist() == [
        "p3",
        "p4",
    ]


def test_cellminer_faults(tmp_path):
    path = cellminer(tmp_path, [*NOTES, HEADING, *PROBES], more=["output/second.xlsx"])
    refused(path, "packs 2 files .*name the one table with member", format="cellminer")
    member = {"format": "cellminer", "member": "RNA__Affy_HG_U133.xlsx"}
    assert read_expression(path, **member)[0].shape == (3, 2)
    refused(
        cellminer(tmp_path, [*NOTES, PROBES[0]]), "has no row of cell lines such as 'BR:MCF7'; name", format="cellminer"
    )
    other = ["Probe", "Locus", "Id", *HEADING[3:]]
    refused(
        cellminer(tmp_path, [other, *PROBES]),
        "no column 'Gene name'; set gene_column to one of 'Pro",
        format="cellminer",
    )
    text = [*PROBES[:3], ["p4", "MGMT", 4255, "high", 2.0, 3.0]]
    refused(
        cellminer(tmp_path, [HEADING, *text]),
        "'high' in column 'BR:MCF7', row 'MGMT' is not a number",
        format="cellminer",
    )
    refused(
        cellminer(tmp_path, [HEADING], inside="a.pdf"),
        "holds no workbook but '.pdf'; name the .xls",
        format="cellminer",
    )
