"""Further members of the kinds of docs/cases.md, found by writing variants of each."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.drafts.draft import Wishes
from tl_jax.data.drafts.write import write_cohort
from tl_jax.data.tables.numbers import remedy_for

GENES = ["TP53", "EGFR", "PTEN", "MGMT", "KRAS", "BRAF", "MYC", "ESR1", "NRAS", "CDK4"]
SAMPLES = [f"P{k:02d}" for k in range(1, 9)]
X = pd.DataFrame(np.random.default_rng(1).normal(7, 2, (8, 10)).clip(2).round(3), index=SAMPLES, columns=GENES)
COUNTS = np.exp2(X).round().astype(int)
Y = [56.1, 58.2, 54.3, 58.6, 48.4, 65.5, 50.3, 58.9]


def drafted(folder, x=X, y=None, drug="Temozolomide"):
    """(target or None, lines said, open points) of two frames."""
    answers = pd.DataFrame({"sample": SAMPLES, "viability": Y}) if y is None else y
    x.T.rename_axis("gene").to_csv(folder / "x.csv")
    answers.to_csv(folder / "y.csv", index=False)
    return again(folder, drug)


def again(folder, drug="Temozolomide", x="x.csv", y="y.csv", **said):
    files = folder / "own.toml", folder, folder / x, folder / y
    written = write_cohort(*files, None, Wishes("own", drug=drug, **said))
    return written.cohort and written.cohort.stage("target"), "\n".join(written.lines), "\n".join(written.open)


def of_drugs(names):
    return pd.DataFrame({"sample": SAMPLES, "drug": names, "AUC": Y})


@pytest.mark.parametrize("name", ["ERCC-00002", "SIRV1", "Total", "Grand total", "too_low_aQual", "library.size"])
def test_spike_ins_and_sums_are_no_genes(tmp_path, name):
    target, said, _ = drafted(tmp_path, COUNTS.assign(**{name: 5_000}))
    assert name not in target.genes
    assert f"'{name}'" in said


@pytest.mark.parametrize("name", ["gleason", "ki67_percent", "PSA"])
def test_clinical_values_are_no_genes(tmp_path, name):
    target, said, _ = drafted(tmp_path, X.assign(**{name: 7.5}))
    assert name not in target.genes
    assert f"'{name}'" in said


def test_rows_that_name_no_gene_are_left_out(tmp_path):
    x = X.assign(**{"": 5.0})
    target, said, _ = drafted(tmp_path, x)
    assert sorted(target.genes) == sorted(GENES)
    assert "1 of 11 rows (9%) name no gene ('data row 11'), left out" in said


def test_a_drug_whose_name_could_be_a_number_is_asked_about(tmp_path):
    _, _, asked = drafted(tmp_path, y=of_drugs(["5-FU", "5 FU", "5FU", "5 FU"] * 2), drug="5-fluorouracil")
    assert "has no drug '5-fluorouracil' (--drug); it has '5-FU', '5 FU', '5FU', another name of that drug" in asked


def test_names_that_hold_the_drug_are_named(tmp_path):
    _, said, _ = drafted(tmp_path, y=of_drugs(["Doxorubicin"] * 6 + ["Doxorubicin HCl"] * 2), drug="Doxorubicin")
    assert "'Doxorubicin HCl' of y.csv hold the name Doxorubicin and count as other drugs" in said


def test_a_recurrence_is_no_repeat_of_the_first_tumour(tmp_path):
    names = [f"TCGA-06-01{k:02d}-0{kind}A" for k in range(4) for kind in (1, 2)]
    y = pd.DataFrame({"sample": sorted({n[:12] for n in names}), "AUC": Y[:4]})
    _, _, asked = drafted(tmp_path, X.set_axis(names), y)
    assert "8 samples would fall together and be averaged" in asked


def test_a_table_that_a_spreadsheet_saved_as_unicode_text(tmp_path):
    drafted(tmp_path)
    (tmp_path / "x.csv").write_bytes(X.T.rename_axis("gene").to_csv(sep="\t").encode("utf-16"))
    np.testing.assert_allclose(again(tmp_path)[0].x[:, 0], X[min(GENES)], rtol=1e-6)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("1 234", "set thousands = ' '"),
        ("1'234", "save the table without marks"),
        ("failed QC", "if it means a missing value, set missing = ['failed QC']"),
    ],
)
def test_what_to_do_about_a_cell(cell, remedy):
    assert remedy in remedy_for(cell)


def test_a_row_of_units_below_the_heading(tmp_path):
    drafted(tmp_path)
    rows = "".join(f"{s},{y}\n" for s, y in zip(SAMPLES, Y, strict=True))
    (tmp_path / "y.csv").write_text(f"sample,viability\n,(percent)\n{rows}")
    target, _, asked = again(tmp_path)
    assert not asked
    np.testing.assert_allclose(target.response, Y)


def gct(folder, names, notes):
    """x.gct of the samples: rows called by `names`, beside a column Description of `notes`."""
    lines = ["#1.2", f"{len(GENES)}\t{len(SAMPLES)}", "\t".join(["NAME", "Description", *SAMPLES])]
    for name, note, gene in zip(names, notes, GENES, strict=True):
        lines.append("\t".join([name, note, *X[gene].astype(str)]))
    (folder / "x.gct").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("names", "notes"), [(GENES, ["na"] * len(GENES)), ([f"{k}_at" for k in range(len(GENES))], GENES)]
)
def test_the_genes_of_a_gct_stand_where_names_differ(tmp_path, names, notes):
    drafted(tmp_path)
    gct(tmp_path, names, notes)
    assert sorted(again(tmp_path, x="x.gct")[0].genes) == sorted(GENES)


def series_matrix(folder):
    accessions = [f"GSM{k}" for k in range(len(SAMPLES))]
    lines = ["!Sample_title\t" + "\t".join(SAMPLES), "!Sample_geo_accession\t" + "\t".join(accessions)]
    lines += ["!series_matrix_table_begin", "\t".join(["ID_REF", *accessions])]
    lines += ["\t".join([gene, *X[gene].astype(str)]) for gene in GENES]
    (folder / "own_series_matrix.txt").write_text("\n".join([*lines, "!series_matrix_table_end"]) + "\n")


def test_samples_called_by_the_titles_of_a_series_matrix(tmp_path):
    drafted(tmp_path)
    series_matrix(tmp_path)
    target, said, _ = again(tmp_path, x="own_series_matrix.txt")
    assert "samples are called by 'title'" in said
    np.testing.assert_allclose(target.x[:, 0], X[min(GENES)], rtol=1e-6)


def test_signs_beside_the_numbers_say_which_are_limits(tmp_path):
    y = pd.DataFrame({"sample": SAMPLES, "IC50_uM": Y, "relation": [*"=><====="]})
    _, _, asked = drafted(tmp_path, y=y)
    assert "2 of 8 values of 'IC50_uM' are limits by the column 'relation', such as '>'" in asked
    for keys, left in (({"censored": "clip"}, 8), ({"filter": {"relation": "="}}, 6)):
        target, _, asked = again(tmp_path, response_keys=keys)
        assert (len(target), asked) == (left, "")


def test_signs_of_other_drugs_are_not_asked_about(tmp_path):
    y = pd.concat([of_drugs(["Temozolomide"] * 8).assign(sign="="), of_drugs(["Lomustine"] * 8).assign(sign=">")])
    assert drafted(tmp_path, y=y)[2] == ""


def test_shares_among_percentages_are_named(tmp_path):
    y = [0.561, *Y[1:]]
    assert "1 of 8 values of 'viability' are at most 0.561" in drafted(tmp_path, y=response(y))[1]
    assert "shares among percentages" not in drafted(tmp_path, y=response([1.3, 0.2, *Y[2:]]))[1]  # no gap between


def response(values):
    return pd.DataFrame({"sample": SAMPLES, "viability": values})


def test_a_sample_in_another_unit_is_asked_about(tmp_path):
    x = X.copy()
    x.loc["P03"] = np.exp2(x.loc["P03"])
    _, _, asked = drafted(tmp_path, x)
    assert "1 of 8 samples do not look like log2 as the others do ('P03')" in asked
    assert "P03" not in again(tmp_path, expression_keys={"leave_out": "^(P03)$"})[0].samples


def test_a_logarithm_among_counts_is_asked_about(tmp_path):
    genes = [f"GENE{k}" for k in range(300)]
    counts = pd.DataFrame(np.random.default_rng(2).poisson(9000, (8, 300)), index=SAMPLES, columns=genes)
    mixed = counts.astype(float)
    mixed.loc["P02"] = np.log2(mixed.loc["P02"] + 1)
    assert drafted(tmp_path, counts)[2] == ""
    assert "do not look like counts as the others do ('P02')" in drafted(tmp_path, mixed)[2]


def test_a_sample_of_one_value_is_asked_about(tmp_path):
    x = X.copy()
    x.loc["P05"] = 0.0
    assert "1 of 8 samples hold one value alone ('P05')" in drafted(tmp_path, x)[2]


@pytest.mark.parametrize("quote", ["'", '"', "`"])
def test_quotes_within_the_cells_are_no_part_of_names(tmp_path, quote):
    quoted = X.rename(lambda n: quote + n + quote, axis=0).rename(lambda n: quote + n + quote, axis=1)
    target, _, _ = drafted(tmp_path, quoted)
    assert sorted(target.genes) == sorted(GENES)
    assert sorted(target.samples) == SAMPLES


def test_names_that_r_has_made(tmp_path):
    theirs = [f"{k}-A" for k in range(8)]
    target, _, _ = drafted(tmp_path, X.set_axis([f"X{k}.A" for k in range(8)]), response(Y).assign(sample=theirs))
    assert target.samples.tolist() == [f"{k}.A" for k in range(8)]
    np.testing.assert_allclose(target.y[:, 0], Y)


def test_two_columns_that_name_the_samples_in_another_order(tmp_path):
    y = response(Y).assign(tube=SAMPLES[::-1])
    assert "the columns 'sample' and 'tube' both name samples, and differ ('P01' and 'P08'" in drafted(tmp_path, y=y)[2]
    target, _, asked = again(tmp_path, response_keys={"sample_column": "tube"})
    assert asked == ""
    np.testing.assert_allclose(target.y[:, 0], Y[::-1])
    assert drafted(tmp_path, y=response(Y).assign(tube=SAMPLES))[2] == ""


@pytest.mark.parametrize("beside", ["viability_sd", "viability_lower", "SEM of viability"])
def test_what_says_how_sure_a_value_is_is_no_response(tmp_path, beside):
    y = response(Y)
    y.insert(1, beside, 2.5)
    np.testing.assert_allclose(drafted(tmp_path, y=y)[0].y[:, 0], Y)


@pytest.mark.parametrize("minus", ["\u2212", "\u2013"])
def test_a_minus_of_a_word_processor(tmp_path, minus):
    y = pd.DataFrame({"sample": SAMPLES, "LN_IC50": [f"{v - 55:.1f}".replace("-", minus) for v in Y]})
    np.testing.assert_allclose(drafted(tmp_path, y=y)[0].y[:, 0], np.subtract(Y, 55), atol=1e-9)


def test_two_sheets_of_one_workbook(tmp_path):
    drafted(tmp_path)
    with pd.ExcelWriter(tmp_path / "both.xlsx") as book:
        response(Y).to_excel(book, sheet_name="response", index=False)
        X.T.rename_axis("gene").to_excel(book, sheet_name="expression")
    target, _, _ = again(tmp_path, x="both.xlsx", y="both.xlsx")
    np.testing.assert_allclose(target.y[:, 0], Y)
    assert sorted(target.genes) == sorted(GENES)


def test_a_row_above_the_heading_is_named(tmp_path):
    drafted(tmp_path)
    table = (tmp_path / "x.csv").read_text()
    (tmp_path / "x.csv").write_text("," + ",".join(["run1", "run2"] * 4) + "\n" + table)
    asked = again(tmp_path)[2]
    assert 'add --expression_keys="header_row = 2"' in asked
    assert again(tmp_path, expression_keys={"header_row": 2})[0] is not None


def test_words_of_response_are_to_be_numbers(tmp_path):
    y = pd.DataFrame({"sample": SAMPLES, "best_response": ["PD", "PR"] * 4})
    assert "if 'best_response' is the response ('PD', 'PR'), write its words as numbers" in drafted(tmp_path, y=y)[2]


def test_a_mark_in_every_column_is_one_question(tmp_path):
    asked = drafted(tmp_path, X.map(lambda v: f"{v:.3f}".replace(".", ",")))[2]
    assert asked.count("is not a number") == 1


def test_several_units_of_one_column_are_asked_about(tmp_path):
    y = pd.DataFrame({"sample": SAMPLES, "IC50": Y, "IC50_unit": ["uM"] * 6 + ["nM"] * 2})
    assert (
        "the values of 'IC50' are in several units by the column 'IC50_unit' ('uM', 'nM')" in drafted(tmp_path, y=y)[2]
    )
    assert len(again(tmp_path, response_keys={"filter": {"IC50_unit": "uM"}})[0]) == 6
    assert drafted(tmp_path, y=y.assign(IC50_unit="uM"))[2] == ""


@pytest.mark.parametrize("ending", ["_d{}", ".day{}", "-T{}", "_24h{}"])
def test_times_in_names_are_no_repeats(tmp_path, ending):
    both = [x.rename(lambda n, k=k: n + ending.format(k)) for k, x in enumerate((X, X + 1))]
    assert "16 samples would fall together and be averaged" in drafted(tmp_path, pd.concat(both))[2]


def test_gaps_that_would_cost_most_genes_are_asked_about(tmp_path):
    x = X.mask(np.random.default_rng(3).random(X.shape) < 0.1)
    assert x.isna().any().mean() <= 0.5
    _, said, asked = drafted(tmp_path, x)
    assert asked == ""
    assert f"{int(x.isna().any().sum())} of 10 genes" in said
    x.loc["P04"] = np.nan
    asked = drafted(tmp_path, x)[2]
    assert "10 of 10 genes (100%) have a missing value" in asked
    assert "sample 'P04' has most of them (10): leave it out" in asked


@pytest.mark.parametrize("which", ["x.csv", "y.csv"])
def test_a_table_without_a_heading(tmp_path, which):
    drafted(tmp_path)
    text = (tmp_path / which).read_text()
    (tmp_path / which).write_text(text.partition("\n")[2])
    assert f"{which} has no heading, for its first row holds the value" in again(tmp_path)[2]


def test_row_numbers_that_begin_elsewhere_are_no_names(tmp_path):
    y = response(Y).assign(sample=range(8))
    asked = drafted(tmp_path, X.set_axis([str(k) for k in range(1, 9)]), y)[2]
    assert "row numbers that begin at another number" in asked
    assert drafted(tmp_path, X.set_axis([str(k) for k in range(8)]), y)[2] == ""


def test_gene_names_that_nobody_knows_are_said(tmp_path):
    x = pd.DataFrame(np.random.default_rng(4).normal(7, 2, (8, 40)), index=SAMPLES)
    said = drafted(tmp_path, x.set_axis([f"{k}_s_at" for k in range(40)], axis=1))[1]
    assert "genes such as '0_s_at'" in said
    assert "neither current symbols nor known ids" in said


def test_one_row_of_many_is_no_share_of_nothing(tmp_path):
    x = pd.DataFrame(np.random.default_rng(5).normal(7, 2, (8, 300)), index=SAMPLES).rename(columns=lambda k: f"G{k}")
    assert "1 of 301 rows (under 1%) name no gene" in drafted(tmp_path, x.assign(**{"": 5.0}))[1]
