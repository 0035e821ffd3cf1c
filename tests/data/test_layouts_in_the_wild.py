"""Layouts that once gave silently wrong numbers: each is read right, or asked about in one line (docs/cases.md)."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.directions import direction_of, is_measured
from tl_jax.data.drafts.draft import Wishes
from tl_jax.data.drafts.write import write_cohort
from tl_jax.data.genes.others import no_genes
from tl_jax.data.tables import numbers
from tl_jax.data.tables.cells import as_ids
from tl_jax.data.tables.excel_dates import date_names
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.losses import heard
from tl_jax.data.tables.numbers import as_numbers, placeholders, typed
from tl_jax.data.tables.raw_tables import read_table
from tl_jax.data.tables.same_names import normal, renamed, spellings, with_id
from tl_jax.errors import InputError

GENES = ["TP53", "EGFR", "PTEN", "MGMT", "KRAS", "BRAF", "MYC", "ESR1", "NRAS", "CDK4"]
N = 8
SAMPLES = [f"P{k:02d}" for k in range(1, N + 1)]
X = np.round(np.random.default_rng(1).normal(7, 2, (N, len(GENES))).clip(2), 3)
Y = [56.1, 58.2, 54.3, 58.6, 48.4, 65.5, 50.3, 58.9]
DRUG = Wishes("own", drug="Temozolomide")


def genes_in_rows(folder: Path, samples=SAMPLES, genes=GENES, x=X, name="x.csv") -> Path:
    pd.DataFrame(x.T, index=pd.Index(genes, name="gene"), columns=samples).to_csv(folder / name)
    return folder / name


def text(folder: Path, content: str, name="y.csv") -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def answers(folder: Path, samples=SAMPLES, column="viability", values=Y) -> Path:
    return text(folder, f"sample,{column}\n" + "".join(f"{s},{v}\n" for s, v in zip(samples, values, strict=True)))


def drafted(folder: Path, x: Path, y: Path, wishes: Wishes = DRUG):
    """(target of the written cohort or None, lines said, open points)."""
    written = write_cohort(folder / "own.toml", folder, x, y, None, wishes)
    target = None if written.open else load_cohort(folder / "own.toml", folder).stage("target")
    return target, "\n".join(written.lines), "\n".join(written.open)


def assert_right(target, samples=SAMPLES, values=Y):
    order = np.argsort(samples)
    assert target.samples.tolist() == [samples[i] for i in order]
    np.testing.assert_allclose(target.response, np.asarray(values, float)[order])


@pytest.mark.parametrize(
    "heading",
    [" ".join(SAMPLES), ",".join(SAMPLES), ";".join(SAMPLES), '"gene" ' + " ".join(f'"{s}"' for s in SAMPLES)],
)
def test_a_heading_split_otherwise_than_its_rows(tmp_path, heading):
    rows = "\n".join("\t".join([g, *map(str, X[:, i])]) for i, g in enumerate(GENES))
    target, *_ = drafted(tmp_path, text(tmp_path, f"{heading}\n{rows}\n", "x.txt"), answers(tmp_path))
    assert_right(target)
    np.testing.assert_allclose(target.x[:, target.genes.tolist().index("TP53")], X[:, 0], rtol=1e-6)


@pytest.mark.parametrize("index", ["", "Unnamed: 0", "index", "X"])
@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_are_no_genes(tmp_path, index, start):
    frame = pd.DataFrame(X.T, columns=SAMPLES)
    frame.insert(0, "gene", GENES)
    frame.index = pd.RangeIndex(start, start + len(GENES), name=index)
    frame.to_csv(tmp_path / "x.csv")
    target, *_ = drafted(tmp_path, tmp_path / "x.csv", answers(tmp_path))
    assert sorted(target.genes) == sorted(GENES)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (("Lomustine_9", "Temozolomide_1375"), "Temozolomide_1375"),
        (("ERLOTINIB (GDSC2:1168)", "TEMOZOLOMIDE (GDSC2:1375)"), "TEMOZOLOMIDE (GDSC2:1375)"),
        (("AUC_Lomustine", "AUC_Temozolomide"), "AUC_Temozolomide"),
        (("temozolomide", "Lomustine"), "temozolomide"),
        (("CCNU", "TMZ"), ""),
        (("Temozolomide_1375", "Temozolomide_1800"), ""),
    ],
)
def test_a_stated_drug_is_met_or_refused(tmp_path, columns, found):
    frame = pd.DataFrame({"sample": SAMPLES, columns[0]: np.arange(N) + 1.0, columns[1]: Y})
    order = ["sample", *columns] if columns[0] != found else ["sample", *columns[::-1]]
    frame = frame.rename(columns={columns[0]: columns[1], columns[1]: columns[0]}) if columns[0] == found else frame
    frame[order].to_csv(tmp_path / "y.csv", index=False)
    wishes = Wishes("own", drug="Temozolomide", direction="resistant")
    target, said, asked = drafted(tmp_path, genes_in_rows(tmp_path), tmp_path / "y.csv", wishes)
    if found:
        assert_right(target)
        assert target.drugs == (found,)
        assert f"--drug=Temozolomide is '{found}'" in said
    else:
        assert "--drug" in asked
        assert f"'{columns[1]}'" in asked


@pytest.mark.parametrize(
    ("name", "high"),
    [
        *[(n, "resistant") for n in ("AUC", "LN_IC50", "viability (%)", "GI50", "fit_auc", "surviving_fraction")],
        *[(n, "sensitive") for n in ("AAC", "1-AUC", "1 - AUC", "pIC50", "-log10(IC50)", "neg_log10_EC50", "DSS")],
        *[(n, "sensitive") for n in ("ActArea", "area_above_curve", "percent_inhibition", "growth_inhibition")],
        *[(n, "sensitive") for n in ("100-viability", "reduction_in_viability", "GR_AOC", "aac_recomputed")],
        *[(n, "") for n in ("overall_survival_days", "OS", "survival", "Drug_sensitivity_AUC", "inhibition_IC50")],
        *[(n, "") for n in ("score", "value", "X1.AUC", "PFS_months", "Temozolomide", "DSS.time")],
    ],
)
def test_what_a_high_value_means(name, high):
    assert direction_of(name).high == high


@given(st.sampled_from(["AUC", "AAC", "IC50", "viability", "inhibition", "GI50"]))
def test_a_sign_turns_the_meaning(name):
    plain = direction_of(name).high
    for turned in (f"1-{name}", f"-{name}", f"neg_{name}", f"minus_{name}", f"inverse {name}"):
        assert {plain, direction_of(turned).high} == {"resistant", "sensitive"}
    assert is_measured(name)


@pytest.mark.parametrize("what", ["dose_uM", "time_h", "metric", "drug2", "screen"])
@pytest.mark.parametrize("drug_column", [True, False])
def test_rows_that_a_column_tells_apart_are_asked_about(tmp_path, what, drug_column):
    levels = {"metric": ["AUC", "IC50"], "drug2": ["Olaparib", "none"], "screen": ["A", "B"]}.get(what, [1, 10])
    lines = [f"sample,{'drug,' * drug_column}{what},viability"]
    lines += [f"{s},{'Temozolomide,' * drug_column}{v},{y}" for s, y in zip(SAMPLES, Y, strict=True) for v in levels]
    y = text(tmp_path, "\n".join(lines) + "\n")
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path), y)
    assert f"differ in {what}: no repeats" in asked
    assert f"--response_keys=\"filter = {{ {what} = '{levels[0]}' }}\"" in asked
    keys = {"filter": {what: levels[0]}}
    target, *_ = drafted(tmp_path, genes_in_rows(tmp_path), y, Wishes("own", drug="Temozolomide", response_keys=keys))
    assert_right(target)


def test_repeats_are_averaged_and_said(tmp_path):
    lines = ["sample,drug,replicate,viability"]
    lines += [f"{s},Temozolomide,{r},{y + r}" for s, y in zip(SAMPLES, Y, strict=True) for r in (-1, 1)]
    target, said, _ = drafted(tmp_path, genes_in_rows(tmp_path), text(tmp_path, "\n".join(lines) + "\n"))
    assert_right(target)
    assert f"{N} repeated measurements" in said


@pytest.mark.parametrize("special", ["__no_feature", "N_unmapped", "Unassigned_Ambiguity", "__alignment_not_unique"])
def test_what_a_counter_sums_is_no_gene(tmp_path, special):
    counts = np.concatenate([np.round(np.exp2(X)), np.full((N, 1), 9e6)], axis=1)
    x = genes_in_rows(tmp_path, genes=[*GENES, special], x=counts.astype(int))
    target, said, _ = drafted(tmp_path, x, answers(tmp_path))
    assert (special in target.genes, f"'{special}'" in said, target.transform) == (False, True, "log_cpm")
    np.testing.assert_allclose(np.exp2(target.x).sum(axis=1) - len(GENES), 1e6, rtol=1e-4)


def test_spellings_of_a_drug_are_one(tmp_path):
    names = ["Temozolomide", "temozolomide", "TEMOZOLOMIDE ", "Temo-zolomide"] * 2
    lines = ["sample,drug,AUC", *(f"{s},{d},{y}" for s, d, y in zip(SAMPLES, names, Y, strict=True))]
    target, said, _ = drafted(tmp_path, genes_in_rows(tmp_path), text(tmp_path, "\n".join(lines) + "\n"))
    assert_right(target)
    assert "spellings of one drug" in said


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([f"{k:03d}" for k in range(5, 5 + N)], None),
        ([f"{k // 2}.{'1' if k % 2 else '10'}" for k in range(2, 2 + N)], None),
        ([str(906800 + k) for k in range(N)], [f"{906800 + k}.0" for k in range(N)]),
        (SAMPLES, [s.lower() for s in SAMPLES]),
        (["MCF7", "SKMEL2", "NCIH460", "U87MG", "HL60(TB)", "7860", "T47D", "A549"], None),
        (SAMPLES, [f"{s[0]}-{s[1:]}" for s in SAMPLES]),
        (["007", "012", "101", "102", "103", "104", "105", "106"], ["7", "12", *map(str, range(101, 107))]),
    ],
)
def test_names_are_texts_and_meet_in_their_normal_form(tmp_path, ours, theirs):
    if ours[0] == "MCF7":
        theirs = ["MCF-7", "SK-MEL-2", "NCI-H460", "U-87 MG", "HL-60(TB)", "786-0", "T-47D", "A549"]
    target, said, _ = drafted(tmp_path, genes_in_rows(tmp_path, ours), answers(tmp_path, theirs or ours))
    assert_right(target, ours)
    assert ("without regard to case" in said) == bool(theirs and as_ids(theirs) != ours)


@pytest.mark.parametrize(
    ("tumour", "normal_one"), [("TCGA-06-{}-01A", "TCGA-06-{}-11A"), ("TCGA.06.{}.01A", "TCGA.06.{}.10B")]
)
def test_normal_tissue_is_not_averaged_with_the_tumour(tmp_path, tumour, normal_one):
    patients = [f"0{120 + k}" for k in range(N)]
    names = [tumour.format(p) for p in patients] + [normal_one.format(p) for p in patients[:3]]
    x = genes_in_rows(tmp_path, names, x=np.concatenate([X, X[:3] + 5]))
    target, said, _ = drafted(tmp_path, x, answers(tmp_path, [tumour.format(p)[:12] for p in patients]))
    np.testing.assert_allclose(target.x[:, target.genes.tolist().index("TP53")], X[:, 0], rtol=1e-6)
    assert "3 samples of normal tissue are left out" in said


def test_before_and_after_are_no_repeats(tmp_path):
    names = [f"{s}_{w}" for s in SAMPLES for w in ("pre", "post")]
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path, names, x=np.repeat(X, 2, axis=0)), answers(tmp_path))
    assert "would fall together and be averaged" in asked


def test_repeats_by_name_share_a_fold(tmp_path):
    names = [f"{s}_rep{r}" for r in (1, 2) for s in SAMPLES[: N // 2]]
    target, said, _ = drafted(tmp_path, genes_in_rows(tmp_path, names), answers(tmp_path, names))
    assert len(set(target.groups)) == N // 2
    assert "share a fold" in said


@pytest.mark.parametrize("value", ["-999", "-99.0", "9999", "-9"])
def test_a_value_that_stands_for_a_gap_is_asked_about(tmp_path, value):
    values = [value, *Y[1:-1], value]
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path), answers(tmp_path, values=values))
    assert f"add --response_keys=\"missing = ['{float(value):g}']\"" in asked
    keys = {"missing": [f"{float(value):g}"]}
    wishes = Wishes("own", drug="Temozolomide", response_keys=keys)
    target, *_ = drafted(tmp_path, genes_in_rows(tmp_path), answers(tmp_path, values=values), wishes)
    assert_right(target, SAMPLES[1:-1], Y[1:-1])


def test_no_measured_value_stands_for_a_gap():
    assert placeholders(np.array(Y)) == []
    assert placeholders(np.array([0.0, 1, 5, 9, 99, 120, 400])) == []
    assert placeholders(np.random.default_rng(0).normal(size=400)) == []


def test_clinical_columns_are_no_genes(tmp_path):
    frame = pd.DataFrame(X, columns=GENES)
    frame.insert(0, "sample", SAMPLES)
    frame.insert(1, "age", range(50, 50 + N))
    frame.insert(2, "sex", ["M", "F"] * (N // 2))
    frame.insert(3, "OS.time", range(900, 900 + N))
    frame.to_csv(tmp_path / "x.csv", index=False)
    target, said, _ = drafted(tmp_path, tmp_path / "x.csv", answers(tmp_path))
    assert sorted(target.genes) == sorted(GENES)
    assert "'age', 'OS.time'" in said
    assert not set(no_genes(["MGMT", "AR", "IDH1", "MSI2", "RAN", "DSP", "KIT", "SET", "MET"]))


@pytest.mark.parametrize("cell", ["#DIV/0!", "-", "ND", "n.d.", "not done", "#VALUE!", "?"])
def test_one_cell_costs_no_sample_and_no_column(tmp_path, cell):
    lines = genes_in_rows(tmp_path).read_text().splitlines()
    lines[3] = lines[3].replace(f",{X[3, 2]},", f",{cell},")
    x = text(tmp_path, "\n".join(lines) + "\n", "x.csv")
    target, said, _ = drafted(tmp_path, x, answers(tmp_path, values=[cell, *Y[1:]]))
    assert_right(target, SAMPLES[1:], Y[1:])
    assert "PTEN" not in target.genes
    assert f"'{cell}' (column 'P04', row 'PTEN')" in said
    assert f"'{cell}' (column 'viability', row 'P01')" in said


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("prior_treatment", ["yes", "no"]),
        ("treatment_naive", ["TRUE", "FALSE"]),
        ("previous_drug", ["cisplatin", "none"]),
        ("drug_class", ["alkylating", "other"]),
    ],
)
def test_such_a_column_names_no_drug(tmp_path, column, values):
    lines = [f"sample,viability,{column}"]
    lines += [f"{s},{y},{values[k % 2]}" for k, (s, y) in enumerate(zip(SAMPLES, Y, strict=True))]
    target, *_ = drafted(tmp_path, genes_in_rows(tmp_path), text(tmp_path, "\n".join(lines) + "\n"))
    assert_right(target)
    assert target.drugs == ("Temozolomide",)


def test_thousands_are_asked_about_and_taken_as_stated(tmp_path):
    values = [f'"{5 + k},{609 + k}"' for k in range(N)]
    y = answers(tmp_path, column="IC50_nM", values=values)
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path), y)
    assert "'5,609' in column 'IC50_nM', row 'P01'" in asked
    assert "add --response_keys=\"thousands = ','\"" in asked
    for key, factor in (("thousands", 1000), ("decimal", 1)):
        wishes = Wishes("own", drug="Temozolomide", response_keys={key: ","})
        target, *_ = drafted(tmp_path, genes_in_rows(tmp_path), y, wishes)
        np.testing.assert_allclose(target.response[0], 5.609 * factor)


def test_values_beyond_a_limit_are_asked_about_and_clipped(tmp_path):
    y = answers(tmp_path, column="IC50_uM", values=[">1000", "<0.01", *Y[2:]])
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path), y)
    assert "'>1000' in column 'IC50_uM', row 'P01'" in asked
    assert "censored = 'clip'" in asked
    wishes = Wishes("own", drug="T", response_keys={"censored": "clip", "transform": "log10"})
    target, said, _ = drafted(tmp_path, genes_in_rows(tmp_path), y, wishes)
    assert target.unit == "log10 of IC50_uM"
    np.testing.assert_allclose(target.response[:3], np.log10([1000, 0.01, Y[2]]))
    assert "2 of 8 values are limits" in said


def test_featurecounts(tmp_path):
    names = [f"/data/run/{s}Aligned.sortedByCoord.out.bam" for s in SAMPLES]
    head = "# Program:featureCounts v2; Command: x\nGeneid\tChr\tStart\tEnd\tStrand\tLength\t" + "\t".join(names)
    counts = np.round(np.exp2(X)).astype(int)
    rows = ["\t".join([g, "7;7", "1;2", "3;4", "+;+", "5000", *map(str, counts[:, i])]) for i, g in enumerate(GENES)]
    x = text(tmp_path, head + "\n" + "\n".join(rows) + "\n", "counts.txt")
    target, *_ = drafted(tmp_path, x, answers(tmp_path))
    assert_right(target)
    assert sorted(target.genes) == sorted(GENES)


def test_expression_in_long_form(tmp_path):
    lines = ["gene,tpm,sample", *(f"{g},{X[k, i]},{s}" for k, s in enumerate(SAMPLES) for i, g in enumerate(GENES))]
    target, *_ = drafted(tmp_path, text(tmp_path, "\n".join(lines) + "\n", "x.csv"), answers(tmp_path))
    assert_right(target)
    np.testing.assert_allclose(target.x[:, target.genes.tolist().index("EGFR")], X[:, 1], rtol=1e-6)


def test_one_table_for_both(tmp_path):
    frame = pd.DataFrame(X, columns=GENES)
    frame.insert(0, "sample", SAMPLES)
    frame.insert(1, "viability", Y)
    frame.to_csv(tmp_path / "x.csv", index=False)
    target, said, _ = drafted(tmp_path, tmp_path / "x.csv", tmp_path / "x.csv")
    assert_right(target)
    assert "viability" not in target.genes
    assert "are one table" in said


def test_days_that_a_spreadsheet_counts(tmp_path):
    assert date_names(["TP53", "44256", "EGFR", *GENES, "1. Mrz", "3-sept."]) == ["44256", "1. Mrz", "3-sept."]
    assert date_names(["44256", "7157", "1956"]) == []  # ids of Entrez
    target, said, _ = drafted(tmp_path, genes_in_rows(tmp_path, genes=["44256", *GENES[1:]]), answers(tmp_path))
    assert "44256" not in target.genes
    assert "into dates" in said


def test_losses_are_one_line_and_refused_above_a_share(tmp_path):
    x = genes_in_rows(tmp_path)
    y = text(tmp_path, answers(tmp_path).read_text() + ",50\n,60\n")
    _, said, _ = drafted(tmp_path, x, y)
    assert "2 of 10 rows (20%) name no sample ('data row 9', 'data row 10'), left out" in said
    text(tmp_path, (tmp_path / "y.csv").read_text() + ",1\n" * 9)
    with pytest.raises(InputError, match=r"11 of 19 rows .58%. name no sample .*more than 50%"):
        load_cohort(tmp_path / "own.toml", tmp_path)
    with heard() as lines:
        pass
    assert lines == []


NAME = st.from_regex(r"[0-9]{1,4}|0[0-9]{1,3}|[0-9]{1,2}\.[0-9]{1,2}|[A-Z]{1,3}[-_. ]?[0-9]{1,3}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(NAME, min_size=2, max_size=8, unique=True))
def test_no_name_is_changed_by_reading(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("names") / "t.csv"
    path.write_text("id,value\n" + "".join(f"{name},{k}.50\n" for k, name in enumerate(names)))
    frame = read_table(path)
    assert as_ids(frame["id"]) == [n[:-2] if n.endswith(".0") and n[:-2].isdecimal() else n for n in names]
    assert as_numbers(frame["value"]).tolist() == [k + 0.5 for k in range(len(names))]


@settings(max_examples=60, deadline=None)
@given(st.lists(NAME, max_size=8, unique=True), st.lists(NAME, max_size=8, unique=True))
def test_matched_names_are_pairs_of_one_form(theirs, ours):
    found = renamed(theirs, ours)
    assert len(set(found.values())) == len(found)
    for name, other in found.items():
        assert name not in ours
        assert other not in theirs
        assert normal(name) == normal(other)


def test_what_is_no_match():
    assert renamed(["P1-1"], ["P11", "P1"]) == {}
    assert renamed(["1.1"], ["11"]) == {}
    assert renamed(["a-b", "ab"], ["AB"]) == {}
    assert with_id("Temozolomide", ["Temozolomide + Lomustine", "Temozolomide-d3"]) == []
    assert spellings("5-FU", ["5FU", "FU"]) == ["5FU"]


@given(st.lists(st.one_of(st.integers(-999, 999).map(str), st.floats(-1e6, 1e6).map(repr)), min_size=1, max_size=9))
def test_numbers_are_read_as_written(texts):
    column = typed(pd.Series(texts, dtype=object))
    assert as_numbers(column).tolist() == [float(t) for t in texts]


def test_a_draft_is_a_cohort_file(tmp_path):
    drafted(tmp_path, genes_in_rows(tmp_path), answers(tmp_path))
    content = tomllib.loads((tmp_path / "own.toml").read_text(encoding="utf-8"))
    assert content["domain"][0]["expression"]["gene_column"] == "gene"


def test_rows_of_texts_above_the_genes(tmp_path):
    lines = genes_in_rows(tmp_path).read_text().splitlines()
    lines[1:1] = ["sex," + ",".join("MF" * (N // 2)), "tumor_stage," + ",".join(["II"] * N)]
    target, said, _ = drafted(tmp_path, text(tmp_path, "\n".join(lines) + "\n", "x.csv"), answers(tmp_path))
    assert_right(target)
    assert sorted(target.genes) == sorted(GENES)
    assert "2 rows are no genes" in said


@pytest.mark.parametrize("ours", [[f"BR:{s}" for s in SAMPLES], [f"{s}_BREAST" for s in SAMPLES]])
def test_names_with_a_tissue(tmp_path, ours):
    target, *_ = drafted(tmp_path, genes_in_rows(tmp_path, ours), answers(tmp_path))
    assert_right(target)


def test_european_thousands(tmp_path):
    lines = ["sample;IC50_nM", *(f"{s};{1 + k}.{200 + k},5" for k, s in enumerate(SAMPLES))]
    y = text(tmp_path, "\n".join(lines) + "\n")
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path), y)
    assert "if it means 1200.5, add --response_keys=\"thousands = '.'\"" in asked
    wishes = Wishes("own", drug="T", response_keys={"thousands": ".", "decimal": ","})
    target, *_ = drafted(tmp_path, genes_in_rows(tmp_path), y, wishes)
    np.testing.assert_allclose(target.response, [1000 * (1 + k) + 200.5 + k for k in range(N)])


@pytest.mark.parametrize("cell", ["56.1 %", "5.6 uM", "56±2"])
def test_units_beside_numbers_are_named(tmp_path, cell):
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path), answers(tmp_path, values=[cell] * N))
    assert "write the number alone" in asked
    assert "row 'P01'" in asked


def test_a_negative_count_is_named(tmp_path):
    counts = np.round(np.exp2(X)).astype(int)
    counts[2, 3] = -5
    _, _, asked = drafted(tmp_path, genes_in_rows(tmp_path, x=counts), answers(tmp_path))
    assert "1 of 80 values are negative among whole numbers, first -5 of gene 'MGMT'" in asked


def test_gaps_and_marks_in_a_wide_table(tmp_path):
    names = [f"G{k}" for k in range(60)]
    frame = pd.DataFrame(np.full((3, 60), 1.5), columns=names, index=pd.Index(["a", "b", "c"], name="s"))
    frame.iloc[1, 50] = -999.0
    frame.to_csv(tmp_path / "w.csv")
    found = read_table(tmp_path / "w.csv", layout=Layout(missing=("-999",)))
    assert np.isnan(found.loc[1, "G50"])
    frame.iloc[1, 50] = 1234.5
    frame.to_csv(tmp_path / "w.csv", sep=";", decimal=",")
    assert read_table(tmp_path / "w.csv").loc[1, "G50"] == 1234.5


CELLS = ["0", "-3", "12", "0.5", "-0.25", "5.0", "7.10", "007", "1e3", "2E10", "", "NA", "a", " 4", "1,5", "+2", "1\n2",
         "123456789012345", "1234567890123456", "-0", ".5", "5.", "nan", None]  # fmt: skip


def test_plain_columns_are_read_at_one_look_as_cell_by_cell(monkeypatch):
    """The short way gives what the long one does, values and kinds, for columns of any mixture of cells."""
    rng = np.random.default_rng(0)
    plain = CELLS[:6]
    columns = [
        pd.Series(rng.choice(np.array(pool, object), 5), dtype=object) for pool in (CELLS, plain) for _ in range(300)
    ]
    columns += [pd.Series([*plain, cell], dtype=object) for cell in CELLS] + [pd.Series(CELLS[:3], dtype=object)]
    short = [typed(column) for column in columns]
    assert sum(column.dtype.kind in "if" for column in short) > 250
    monkeypatch.setattr(numbers, "_plainly", lambda texts: None)
    for column, one in zip(columns, short, strict=True):
        pd.testing.assert_series_equal(one, typed(column))
