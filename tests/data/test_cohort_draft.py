"""Cohort files drafted from tables: what is found, what is asked, and that the file reads as it was meant."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_jax.data.cohort.cohort_file import load_cohort, shipped_cohorts, shipped_content
from tl_jax.data.drafts.draft import Wishes, draft_cohort
from tl_jax.data.drafts.names import match_names
from tl_jax.data.drafts.toml_text import cohort_toml
from tl_jax.data.drafts.write import is_open, write_cohort
from tl_jax.data.genes import table as gene_table
from tl_jax.errors import InputError

N, GENES = 24, 60
SAMPLES = [f"GS.{100 + k}" for k in range(N)]
RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.poisson(np.exp(RANDOM.normal(4, 1.5, (N, GENES))))
AUC = RANDOM.random(N)
DRUG = Wishes("own", drug="Temozolomide")


def expression(folder: Path, samples=SAMPLES, x=COUNTS, name="counts.tsv") -> Path:
    frame = pd.DataFrame(x.T, index=[f"GENE{k}" for k in range(x.shape[1])], columns=samples)
    frame.to_csv(folder / name, sep="\t" if name.endswith("tsv") else ",")
    return folder / name


def response(folder: Path, file="response.csv", **columns) -> Path:
    pd.DataFrame(columns).to_csv(folder / file, index=False)
    return folder / file


def cohort_of(folder: Path, table: Path, wishes: Wishes = DRUG, **files):
    """The cohort of the written file, and what was said."""
    out = folder / "own.toml"
    written = write_cohort(
        out, folder, files.get("expression") or expression(folder), table, files.get("annotation"), wishes
    )
    assert not written.open, written.open
    return load_cohort(out, folder), written.lines, tomllib.loads(out.read_text(encoding="utf-8"))


def asked(folder: Path, table: Path, wishes: Wishes = DRUG, **files) -> list[str]:
    """The open points of a draft that does not load."""
    out = folder / "own.toml"
    written = write_cohort(out, folder, files.get("expression") or expression(folder), table, None, wishes)
    assert written.open
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# OPEN: ")
    assert is_open(out)
    tomllib.loads(text)
    with pytest.raises(InputError):
        load_cohort(out, folder)
    return written.open


def test_a_row_for_each_sample(tmp_path):
    cohort, said, content = cohort_of(tmp_path, response(tmp_path, sample=SAMPLES, AUC=AUC, age=range(N)))
    target = cohort.stage("target")
    assert target.samples.tolist() == SAMPLES
    np.testing.assert_allclose(target.response, AUC)
    assert (target.unit, target.direction, cohort.drug, target.transform) == (
        "AUC",
        "resistant",
        "Temozolomide",
        "log_cpm",
    )
    assert content["domain"][0]["expression"]["orientation"] == "genes"
    assert any("looks like counts" in line for line in said)
    assert any("check it" in line for line in said)


def test_samples_in_rows_give_the_same(tmp_path):
    table = response(tmp_path, sample=SAMPLES, AUC=AUC)
    first, *_ = cohort_of(tmp_path, table)
    rows = pd.DataFrame(COUNTS, columns=[f"GENE{k}" for k in range(GENES)])
    rows.insert(0, "name", SAMPLES)
    rows.insert(1, "comment", "text")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    second, said, _ = cohort_of(tmp_path, table, expression=tmp_path / "rows.csv")
    np.testing.assert_array_equal(first.stage("target").x, second.stage("target").x)
    assert any("text are left out" in line and "'comment'" in line for line in said)


def test_a_row_for_each_sample_and_drug(tmp_path):
    drugs = ["Temozolomide", "Lomustine"]
    names = [s for s in SAMPLES for _ in drugs]
    table = response(tmp_path, culture=names, compound=drugs * N, viability=RANDOM.random(2 * N))
    cohort, _, content = cohort_of(tmp_path, table, Wishes("own"))
    assert cohort.stage("target").drugs == ("Lomustine", "Temozolomide")
    assert content["domain"][0]["response"]["drug_column"] == "compound"
    cohort, *_ = cohort_of(tmp_path, table, Wishes("own", drug="temozolomide"))
    assert cohort.stage("target").drugs == ("Temozolomide",)
    twice = pd.concat([pd.read_csv(table)] * 2)
    twice.to_csv(tmp_path / "twice.csv", index=False)
    _, said, content = cohort_of(tmp_path, tmp_path / "twice.csv", Wishes("own"))
    assert content["domain"][0]["response"]["duplicates"] == "mean"
    assert any(f"{2 * N} repeated measurements" in line for line in said)


def test_a_column_for_each_drug(tmp_path):
    values = {name: RANDOM.random(N) for name in ("TMZ", "CCNU")}
    table = response(tmp_path, "viability.csv", sample=SAMPLES, **values)
    cohort, said, _ = cohort_of(tmp_path, table, Wishes("own", direction="resistant"))
    assert (cohort.drug, cohort.stage("target").drugs) == ("CCNU", ("TMZ", "CCNU"))
    assert any("the drug to predict is CCNU, of 2" in line for line in said)
    cohort, *_ = cohort_of(tmp_path, table, Wishes("own", drug="tmz", direction="resistant"))
    assert (cohort.drug, cohort.stage("target").drugs) == ("TMZ", ("TMZ",))


def test_what_counts_as_no_drug_is_said_and_a_drug_never_counts_so(tmp_path):
    """Mitotane was taken for a share of mitochondrial reads and left out, and nothing was said."""
    columns = ("Mitotane", "Mitoxantrone", "Mitomycin", "Vincristine", "age", "PSA", "percent_mito")
    values = {name: RANDOM.random(N) for name in columns}
    table = response(tmp_path, "viability.csv", sample=SAMPLES, **values)
    cohort, said, _ = cohort_of(tmp_path, table, Wishes("own", direction="resistant"))
    assert set(cohort.stage("target").drugs) == set(columns[:4])
    assert any("'age', 'PSA', 'percent_mito' are taken for no drugs and left out" in line for line in said)


def test_keys_of_the_response_say_what_flags_say(tmp_path):
    """Unit and direction were replaced by what the column's name suggests, and nothing was said."""
    table = response(tmp_path, sample=SAMPLES, AUC=AUC, other=AUC[::-1])
    keys = {"value_column": "other", "unit": "percent", "direction": "sensitive"}
    cohort, *_ = cohort_of(tmp_path, table, replace(DRUG, response_keys=keys))
    target = cohort.stage("target")
    assert (target.unit, target.direction) == ("percent", "sensitive")
    np.testing.assert_allclose(target.response, AUC[::-1])
    with pytest.raises(InputError, match="--direction=resistant, but --response_keys say direction = 'sensitive'"):
        cohort_of(tmp_path, table, replace(DRUG, response_keys=keys, direction="resistant"))
    table = response(tmp_path, "some.csv", sample=SAMPLES, A=AUC, B=AUC, age=AUC)
    said = Wishes("own", direction="resistant", response_keys={"drugs": ["age", "B"]})
    cohort, lines, _ = cohort_of(tmp_path, table, said)
    assert set(cohort.stage("target").drugs) == {"age", "B"}
    assert not any("no drugs" in line for line in lines)


def test_drugs_in_rows(tmp_path):
    table = pd.DataFrame(RANDOM.random((2, N)), index=["Temozolomide", "Lomustine"], columns=SAMPLES)
    table.to_csv(tmp_path / "auc.csv")
    cohort, *_ = cohort_of(tmp_path, tmp_path / "auc.csv", Wishes("own", drug="lomustine", direction="resistant"))
    np.testing.assert_allclose(cohort.stage("target").response, table.loc["Lomustine"])


@pytest.mark.parametrize(
    ("ours", "theirs", "key"),
    [
        (SAMPLES, [s[3:] for s in SAMPLES], "sample_pattern"),
        ([f"X{s[3:]}" for s in SAMPLES], [s[3:] for s in SAMPLES], "sample_pattern"),
        ([f"U{s[3:]}MG_rna" for s in SAMPLES], [f"U{s[3:]}MG_drug" for s in SAMPLES], "sample_pattern"),
    ],
)
def test_names_that_agree_in_part(tmp_path, ours, theirs, key):
    table = response(tmp_path, sample=theirs, AUC=AUC)
    cohort, said, content = cohort_of(tmp_path, table, expression=expression(tmp_path, ours))
    assert key in content["domain"][0]["expression"]
    np.testing.assert_allclose(cohort.stage("target").response, AUC)
    assert any("are cut by sample_" in line for line in said)


def test_ids_are_translated_and_symbols_left(tmp_path):
    rows = [row for row in gene_table.rows()[1] if row[0].isalnum() and row[2].isalnum()][:GENES]
    table = response(tmp_path, sample=SAMPLES, AUC=AUC)
    for column, translated in ((0, False), (2, True)):
        pd.DataFrame(COUNTS.T, index=[row[column] for row in rows], columns=SAMPLES).to_csv(tmp_path / "named.csv")
        cohort, said, content = cohort_of(tmp_path, table, expression=tmp_path / "named.csv")
        assert sorted(cohort.genes) == sorted(row[0] for row in rows)
        assert ("gene_ids" in content["domain"][0]["expression"]) == translated
        assert any("named by ensembl" in line for line in said) == translated


def test_replicates_fall_together_and_are_said(tmp_path):
    copies = [f"{name}.{k}" for name in (f"U{3000 + k}MG" for k in range(12)) for k in (1, 2)]
    table = response(tmp_path, sample=[f"U{3000 + k}MG" for k in range(12)], AUC=AUC[:12])
    cohort, said, _ = cohort_of(tmp_path, table, expression=expression(tmp_path, copies))
    assert len(cohort.stage("target")) == 12
    assert any("12 fall together and are averaged" in line for line in said)


def test_counts_are_never_names(tmp_path):
    """Ages among whole numbers once looked like samples called by their counts."""
    table = response(tmp_path, number=[s[3:] for s in SAMPLES], age=COUNTS[:, 3], AUC=AUC)
    match = match_names(pd.read_csv(expression(tmp_path), sep="\t"), pd.read_csv(table))
    assert (match.side, match.other) == ("genes", "number")


def test_patients_share_a_fold(tmp_path):
    patients = [f"P{k // 2}" for k in range(N)]
    table = response(tmp_path, sample=SAMPLES, AUC=AUC, patient=patients)
    cohort, *_ = cohort_of(tmp_path, table)
    assert cohort.stage("target").groups.tolist() == patients
    other = response(tmp_path, "notes.csv", who=SAMPLES, donor=patients, tumour_type=["a", "b"] * (N // 2))
    cohort, *_ = cohort_of(tmp_path, response(tmp_path, sample=SAMPLES, AUC=AUC), annotation=other)
    target = cohort.stage("target")
    assert (target.groups.tolist(), target.tissue[:2].tolist()) == (patients, ["a", "b"])


@pytest.mark.parametrize("source", [name for name in shipped_cohorts() if "domain" in shipped_content(name)])
def test_a_shipped_source_stands_first(tmp_path, source):
    draft = draft_cohort(
        tmp_path, expression(tmp_path), response(tmp_path, sample=SAMPLES, AUC=AUC), None, Wishes("own", source, "TMZ")
    )
    assert draft.content["domain"][0] == shipped_content(source)["domain"][0]
    assert tomllib.loads(cohort_toml(draft.content, draft.remarks)) == draft.content


@pytest.mark.parametrize(
    ("columns", "wishes", "words"),
    [
        ({"sample": SAMPLES, "AUC": AUC}, Wishes("own"), "which drug does the column 'AUC' measure? Add --drug"),
        ({"sample": SAMPLES, "value": AUC}, DRUG, "add --direction=resistant or --direction=sensitive"),
        ({"sample": SAMPLES, "AUC": AUC, "IC50": AUC}, DRUG, "'AUC', 'IC50' could each be the response; add --value"),
        ({"sample": SAMPLES, "AUC": AUC}, Wishes("own", drug="T", value="AU"), "did you mean 'AUC'?"),
        ({"sample": SAMPLES, "AUC": ["high"] * N}, DRUG, "no column of numbers beside 'sample'"),
        ({"sample": SAMPLES * 2, "AUC": [*AUC, *AUC]}, DRUG, "sample 'GS.100' has several rows"),
        ({"sample": [f"other{k}x" for k in range(N)], "AUC": AUC}, DRUG, "share no sample names"),
        ({"sample": SAMPLES, "drug": ["a"] * N, "AUC": AUC}, DRUG, "has no drug 'Temozolomide' (--drug)"),
    ],
)
def test_what_the_tables_do_not_say_is_asked(tmp_path, columns, wishes, words):
    points = asked(tmp_path, response(tmp_path, "table.csv", **columns), wishes)
    assert any(words in point for point in points), points


def test_tables_outside_the_data_folder(tmp_path):
    (tmp_path / "data").mkdir()
    table = response(tmp_path, sample=SAMPLES, AUC=AUC)
    with pytest.raises(InputError, match="is not in the data folder"):
        draft_cohort(tmp_path / "data", expression(tmp_path / "data"), table, None, DRUG)


def test_a_high_value_by_the_name_of_its_column(tmp_path):
    for name, meaning in (("percent_inhibition", "sensitive"), ("ActArea", "sensitive"), ("LN_IC50", "resistant")):
        cohort, *_ = cohort_of(tmp_path, response(tmp_path, sample=SAMPLES, **{name: AUC}))
        assert cohort.stage("target").direction == meaning


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUE = st.one_of(TEXT, st.integers(-(2**53), 2**53), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
KEYS = st.dictionaries(TEXT, st.one_of(VALUE, st.lists(TEXT), st.dictionaries(TEXT, VALUE, max_size=3)), max_size=4)


@given(KEYS, KEYS, KEYS, st.lists(TEXT, max_size=3))
def test_tomllib_reads_what_was_written(top, domain, table, remarks):
    top, domain = ({k: v for k, v in part.items() if k not in ("domain", "response")} for part in (top, domain))
    content = {**top, "domain": [{**domain, "response": table}]}
    assert tomllib.loads(cohort_toml(content, remarks)) == content
