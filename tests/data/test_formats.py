"""The public formats, written small and exactly, through to the whole glioblastoma cohort."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.preprocessing.transforms import tmm_log_cpm
from tl_jax.errors import InputError

GENES = ["MGMT", *(f"G{i:03d}" for i in range(59))]
AUC_FILE = "tmz paper_screening data and survival data_IN_12Nov21.csv"
RMA_FILE = "Cell_line_RMA_proc_basalExp.txt"
FITTED = (
    *("DATASET", "NLME_RESULT_ID", "NLME_CURVE_ID", "COSMIC_ID", "CELL_LINE_NAME", "SANGER_MODEL_ID", "TCGA_DESC"),
    *("DRUG_ID", "DRUG_NAME", "PUTATIVE_TARGET", "PATHWAY_NAME", "COMPANY_ID", "WEBRELEASE"),
    *("MIN_CONC", "MAX_CONC", "LN_IC50", "AUC", "RMSE", "Z_SCORE"),
)
# COSMIC id, TCGA label, DRUG_ID, drug, AUC
CURVES = [
    (906826, "GBM", 1375, "Temozolomide", 0.97),
    (906826, "GBM", 1089, "Oxaliplatin", 0.90),
    (906826, "GBM", 1806, "Oxaliplatin", 0.50),
    (683667, "MB", 1375, "Temozolomide", 0.98),
    (683667, "MB", 1512, "Cyclophosphamide", 0.99),
    (683667, "MB", 1191, "Bortezomib", 0.20),
    (683667, "MB", 9999, "Bortezomib", 0.40),
    (111111, "LUAD", 1375, "Temozolomide", 0.91),
    (683667, "MB", 1003, "Camptothecin", 0.60),
]


def fitted(curves):
    rows = [
        {"DATASET": "GDSC2", "COSMIC_ID": c, "TCGA_DESC": t, "DRUG_ID": i, "DRUG_NAME": d, "AUC": a}
        for c, t, i, d, a in curves
    ]
    return pd.DataFrame(rows, columns=FITTED)


def rma():
    """Two lines, one with a second array (DATA.906826.1), and a row without a symbol."""
    values = np.arange(len(GENES), dtype=float)
    table = {
        "GENE_SYMBOLS": [*GENES, np.nan],
        "GENE_title": ["title, with a comma"] * (len(GENES) + 1),
        "DATA.906826": [*(values + 2), 9.0],
        "DATA.683667": [*(values + 5), 9.0],
        "DATA.906826.1": [*(values + 4), 9.0],
    }
    return pd.DataFrame(table)


def counts():
    rng = np.random.default_rng(0)
    table = rng.poisson(50, (len(GENES) + 1, 4))
    return pd.DataFrame(table, index=[*GENES[::-1], "EXTRA"], columns=["GS.149", "GS.186", "GS.201", "GS.999"])


@pytest.fixture
def folder(tmp_path):
    rma().to_csv(tmp_path / RMA_FILE, sep="\t", index=False)
    fitted(CURVES).to_excel(tmp_path / "GDSC2_fitted_dose_response_27Oct23.xlsx", index=False)
    hgcc = pd.DataFrame(np.outer(np.ones(60), [1.0, 3.0, 7.0, 8.0]), index=GENES)
    hgcc.columns = ["U3008.1", "U3008", "U3020.1", "U3999.1"]
    hgcc.to_csv(tmp_path / "HGCC_RNA_expression.txt", sep="\t")
    (tmp_path / "HGCC_drug_response_AUC.txt").write_text(
        "\tU3008MG\tU3008MG.1\tU3020MG\tU3017MG\nTemozolomide\t0.8\t0.6\t0.9\t0.7\nBortezomib\t0.1\t0.2\tNA\t0.3\n"
    )
    counts().to_csv(tmp_path / "count_data_24_cells.txt", sep="\t")
    (tmp_path / "metadata_EMC_24_cells.txt").write_text("sample\tbatch\nGS.149\t1\n")
    (tmp_path / AUC_FILE).write_text("GS.number,AUC,survival\n149,0.85,12\n186,0.75,10\n201,0.95,8\n555,0.5,7\n")
    return tmp_path


def test_glioblastoma_source(folder):
    source = load_cohort("glioblastoma", folder).stage("source")
    assert source.samples.tolist() == ["683667", "906826"]
    assert source.drugs == ("Temozolomide", "Cyclophosphamide", "Bortezomib", "Oxaliplatin")
    np.testing.assert_allclose(source.y, [[0.98, 0.99, 0.30, np.nan], [0.97, np.nan, np.nan, 0.90]])
    assert source.tissue.tolist() == ["MB", "GBM"]
    assert source.scaler == "robust"
    assert source.replicate is None
    # MGMT is the first row of the file: 5 for the one line, the mean of 2 and 4 for the other.
    np.testing.assert_allclose(source.x[:, source.genes == "MGMT"].ravel(), [5, 3])


def test_glioblastoma_intermediate(folder):
    cultures = load_cohort("glioblastoma", folder).stage("intermediate")
    assert cultures.samples.tolist() == ["U3008", "U3020"]
    np.testing.assert_allclose(cultures.response, [0.7, 0.9])
    np.testing.assert_allclose(cultures.x, np.outer([2, 7], np.ones(60)))


def test_glioblastoma_target_under_both_protocols(folder):
    cohort = load_cohort("glioblastoma", folder)
    target = cohort.stage("target")
    assert target.samples.tolist() == ["149", "186", "201"]
    np.testing.assert_allclose(target.response, [0.85, 0.75, 0.95])
    raw = counts()[["GS.149", "GS.186", "GS.201"]]
    expected = np.log2(raw / raw.sum() * 1e6 + 1).loc[sorted(GENES)].T
    np.testing.assert_allclose(target.x, expected, rtol=1e-6)
    assert cohort.coverage == {"gdsc": 1.0, "hgcc": 1.0, "gse232173": 60 / 61}
    assert cohort.genes.tolist() == sorted(GENES)
    assert (cohort.default_source, cohort.drug, cohort.marker) == ("Oxaliplatin", "Temozolomide", "MGMT")

    published = load_cohort("glioblastoma", folder, protocol="as_published").stage("target")
    tmm = pd.DataFrame(tmm_log_cpm(raw.T.to_numpy()), columns=raw.index)  # over all genes of the file
    np.testing.assert_allclose(published.x, tmm[sorted(GENES)], rtol=1e-6)
    assert not np.allclose(published.x, target.x)


def test_second_screen_gives_the_replicate(folder):
    curves = [(683667, "MB", 1375, "Temozolomide", 0.96), (683667, "MB", 1191, "Bortezomib", 0.25)]
    fitted(curves).to_excel(folder / "GDSC1_fitted_dose_response_27Oct23.xlsx", index=False)
    source = load_cohort("glioblastoma", folder).stage("source")
    np.testing.assert_allclose(source.replicate, [[0.96, np.nan, 0.25, np.nan], [np.nan] * 4])


def test_packed_expression_and_derived_response(folder):
    (folder / RMA_FILE).unlink()
    rma().to_csv(folder / f"{RMA_FILE}.zip", sep="\t", index=False)
    (folder / "HGCC_drug_response_AUC.txt").write_text("cell.line\tAUC_Temozolomide\nU3008\t0.61\nU3020MG\t0.62\n")
    cohort = load_cohort("glioblastoma", folder)
    np.testing.assert_allclose(cohort.stage("intermediate").response, [0.61, 0.62])
    assert len(cohort.stage("source")) == 2


def test_gdsc_rma_needs_its_columns(tmp_path):
    path = tmp_path / "rma.txt"
    path.write_text("SYMBOL\tDATA.1\nMGMT\t1\n")
    with pytest.raises(InputError, match=r"rma.txt has no column 'GENE_SYMBOLS'.*did you mean 'SYMBOL'"):
        read_expression(path, format="gdsc_rma")
    path.write_text("GENE_SYMBOLS\tHELA\nMGMT\t1\n")
    with pytest.raises(InputError, match=r"rma.txt has no columns DATA.*set format = 'table'"):
        read_expression(path, format="gdsc_rma")


def test_gdsc_rma_names_text_by_symbol(tmp_path):
    path = tmp_path / "rma.txt"
    path.write_text("GENE_SYMBOLS\tGENE_title\tDATA.1\n\t\t1\nMGMT\t\tx\n")
    with pytest.raises(InputError, match=r"rma.txt: 'x' in column 'DATA.1', row 'MGMT' is not a number"):
        read_expression(path, format="gdsc_rma")


def test_hgcc_faults(folder):
    file = folder / "HGCC_drug_response_AUC.txt"
    file.write_text("cell.line\tTemozolomide\nU3008\t0.6\n")
    with pytest.raises(InputError, match=r"HGCC_drug_response_AUC.txt has a column 'cell.line'.*name it AUC_<drug>"):
        load_cohort("glioblastoma", folder)
    file.write_text("\tU3008\nTemozolomide\t0.6\nTemozolomide\t0.5\n")
    with pytest.raises(InputError, match=r"drug 'Temozolomide' has 2 rows; drop or rename"):
        load_cohort("glioblastoma", folder)


def test_unknown_drug_id(folder):
    curves = [c for c in CURVES if c[2] != 1089]
    fitted(curves).to_excel(folder / "GDSC2_fitted_dose_response_27Oct23.xlsx", index=False)
    with pytest.raises(
        InputError, match=r"27Oct23.xlsx: drug 'Oxaliplatin' has no DRUG_ID 1089 .drug_ids.; there are: '1806'"
    ):
        load_cohort("glioblastoma", folder)


def test_a_missing_public_file_is_named(folder):
    (folder / AUC_FILE).unlink()
    with pytest.raises(InputError, match=r"there is no file .*tmz paper_screening"):
        load_cohort("glioblastoma", folder)
