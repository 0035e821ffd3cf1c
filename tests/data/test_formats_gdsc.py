"""GDSC and HGCC as releases and mirrors differ: columns, ids as text, blanks, replicates, trailing tabs."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.readers import read
from tl_jax.data.cohort.responses import annotation_frame, response_frame
from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.formats.registry import RESPONSE
from tl_jax.errors import InputError

RELEASE = (
    *("DATASET", "NLME_RESULT_ID", "NLME_CURVE_ID", "COSMIC_ID", "CELL_LINE_NAME", "SANGER_MODEL_ID", "TCGA_DESC"),
    *("DRUG_ID", "DRUG_NAME", "PUTATIVE_TARGET", "PATHWAY_NAME", "COMPANY_ID", "WEBRELEASE"),
    *("MIN_CONC", "MAX_CONC", "LN_IC50", "AUC", "RMSE", "Z_SCORE"),
)
PORTAL = {
    **{"DRUG_NAME": "Drug Name", "DRUG_ID": "Drug ID", "CELL_LINE_NAME": "Cell Line Name", "COSMIC_ID": "Cosmic ID"},
    **{"TCGA_DESC": "TCGA Classification", "LN_IC50": "IC50", "RMSE": "RMSE", "Z_SCORE": "Z score", "AUC": "AUC"},
}
# cell line, COSMIC id, SIDM, drug id, drug, AUC
ROWS = [
    ("A172", 905949, "SIDM00625", 1089, "Oxaliplatin", 0.8),
    ("A172", 905949, "SIDM00625", 1806, "Oxaliplatin", 0.6),
    ("KNS-42", 907313, "SIDM00605", 1089, "Oxaliplatin ", 0.9),
    ("A172", 905949, "SIDM00625", 2000, 123829, 0.7),
    ("KNS-42", 907313, "SIDM00605", 1375, " Temozolomide", 0.95),
]


def curves():
    names = ("CELL_LINE_NAME", "COSMIC_ID", "SANGER_MODEL_ID", "DRUG_ID", "DRUG_NAME", "AUC")
    rows = [{"DATASET": "GDSC2", **dict(zip(names, row, strict=True)), "LN_IC50": row[-1] * 10} for row in ROWS]
    return pd.DataFrame(rows, columns=RELEASE)


def response(path, **keys):
    table = ResponseTable(path=str(path), format="gdsc_fitted", **{**RESPONSE["gdsc_fitted"].presets, **keys})
    return response_frame(read(path, table), path, table)


def as_25feb20(folder):
    curves().to_excel(folder / "GDSC2_fitted_dose_response_25Feb20.xlsx", index=False)
    return folder / "GDSC2_fitted_dose_response_25Feb20.xlsx"


def as_csv_with_text_ids(folder):
    table = curves().astype({"COSMIC_ID": float, "DRUG_ID": float})
    table.loc[len(table)] = table.loc[0]
    # One line without an id makes pandas write floats; one odd id makes it read text.
    table["COSMIC_ID"] = [*(f"{v:.1f}" for v in table["COSMIC_ID"][:-1]), ""]
    table.to_csv(folder / "GDSC2_fitted_dose_response_24Jul22.csv", index=False)
    return folder / "GDSC2_fitted_dose_response_24Jul22.csv"


def as_portal_csv(folder):
    curves().rename(columns=PORTAL)[list(PORTAL.values())].to_csv(folder / "PANCANCER_IC.csv", index=False)
    return folder / "PANCANCER_IC.csv"


def as_lower_case_gz(folder):
    curves().rename(columns=str.lower).to_csv(folder / "gdsc.csv.gz", index=False)
    return folder / "gdsc.csv"


@pytest.mark.parametrize("write", [as_25feb20, as_csv_with_text_ids, as_portal_csv, as_lower_case_gz])
def test_every_release_gives_the_same_table(tmp_path, write):
    table = response(write(tmp_path), drug_ids={"Oxaliplatin": (1089,)})
    expected = pd.DataFrame(
        {"123829": [0.7, np.nan], "Oxaliplatin": [0.8, 0.9], "Temozolomide": [np.nan, 0.95]}, ["905949", "907313"]
    )
    pd.testing.assert_frame_equal(table, expected, check_names=False)


def test_both_ids_of_a_drug_are_averaged_unless_one_is_chosen(tmp_path):
    path = as_25feb20(tmp_path)
    assert response(path, drugs=("oxaliplatin",))["Oxaliplatin"].tolist() == pytest.approx([0.7, 0.9])
    chosen = response(path, drugs=("oxaliplatin",), drug_ids={"Oxaliplatin": (1806,)})
    assert chosen["Oxaliplatin"].to_dict() == {"905949": 0.6}


@pytest.mark.parametrize(
    ("column", "names"), [("SANGER_MODEL_ID", ["SIDM00605", "SIDM00625"]), ("CELL_LINE_NAME", ["A172", "KNS-42"])]
)
def test_other_ids_of_the_lines(tmp_path, column, names):
    table = response(
        as_25feb20(tmp_path), sample_column=column, value_column="LN_IC50", drugs=("Temozolomide", "Oxaliplatin")
    )
    assert sorted(table.index) == names
    assert table.loc[names[1] if column == "CELL_LINE_NAME" else names[0], "Temozolomide"] == pytest.approx(9.5)


def test_a_column_that_no_release_has(tmp_path):
    with pytest.raises(InputError, match=r"25Feb20.xlsx has no column 'AUCC' .value_column.; did you mean 'AUC'"):
        response(as_25feb20(tmp_path), value_column="AUCC")
    with pytest.raises(InputError, match=r"no column 'SAMPLE' .sample_column."):
        response(as_25feb20(tmp_path), sample_column="SAMPLE")


def test_annotation_by_ids_that_came_as_text(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text("COSMIC_ID,tissue\n905949.0,CNS\nunknown,Lung\n")
    table = AnnotationTable(path="lines.csv", sample_column="COSMIC_ID", tissue_column="tissue")
    assert annotation_frame(read(path, table), path, table)["tissue"].to_dict() == {"905949": "CNS", "unknown": "Lung"}


def test_expression_with_quoted_titles_empty_symbols_and_second_arrays(tmp_path):
    path = tmp_path / "rma.txt"
    path.write_text(
        "GENE_SYMBOLS\tGENE_title\tDATA.906826\tDATA.906826.1\tDATA.683667\t\n"
        'TP53\t"tumour ""protein"" 53, [Source:HGNC]"\t2\t4\t1\t\n'
        "\t5'-title\t9\t9\t9\t\nMGMT\t\t5\t5\t8\t\nTP53\tagain\t4\t6\t3\t\n"
    )
    x, samples, genes = read_expression(path, format="gdsc_rma")
    assert (samples.tolist(), genes.tolist()) == (["906826", "683667"], ["TP53", "MGMT"])
    assert x.tolist() == [[4, 5], [2, 8]]


def test_a_key_that_a_format_does_not_take(tmp_path):
    path = tmp_path / "rma.txt"
    path.write_text("GENE_SYMBOLS\tDATA.1\nMGMT\t1\n")
    with pytest.raises(InputError, match="the key 'orientation' changes nothing with format = 'gdsc_rma'; remove it"):
        read_expression(path, format="gdsc_rma", orientation="genes")


@pytest.mark.parametrize(
    "text",
    [
        "\tU3008MG\tU3008MG.1\tU3020MG\nTemozolomide\t0.8\t0.6\t0.9\nBortezomib\t0.1\t0.3\tNA\n",
        "\tU3008MG\tU3008MG\tU3020MG\nTemozolomide\t0.8\t0.6\t0.9\nBortezomib\t0.1\t0.3\tNA\n",
        '"U3008MG"\t"U3008MG.1"\t"U3020MG"\n"Temozolomide"\t0.8\t0.6\t0.9\n"Bortezomib"\t0.1\t0.3\tNA\n',
        "drug\tU3008MG\tU3008MG.1\tU3020MG\t\nTemozolomide \t0.8\t0.6\t0.9\t\nBortezomib\t0.1\t0.3\t\t\n",
        "cell.line\tAUC_Temozolomide\tAUC_Bortezomib\nU3008MG\t0.8\t0.1\nU3008MG\t0.6\t0.3\nU3020MG\t0.9\t\n",
        '"cell.line"\t"AUC_Temozolomide"\t"AUC_Bortezomib"\t\n"U3008MG"\t0.7\t0.2\t\n"U3020MG"\t0.9\tNA\t\n',
    ],
)
def test_hgcc_layouts(tmp_path, text):
    path = tmp_path / "HGCC_drug_response_AUC.txt"
    path.write_text(text)
    table = ResponseTable(path=path.name, format="hgcc_auc", duplicates="mean", sample_prefix_length=5)
    found = response_frame(read(path, table), path, table)
    expected = pd.DataFrame({"Bortezomib": [0.2, np.nan], "Temozolomide": [0.7, 0.9]}, ["U3008", "U3020"])
    pd.testing.assert_frame_equal(found, expected, check_names=False)
