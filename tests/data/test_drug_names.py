"""Brands, codes and synonyms of drugs: one name, one drug, and the refusal names it."""

import csv
from collections import Counter

import pytest

from tl_jax.data.drugs.names import FILE, all_names, other_names, plain
from tl_jax.data.tables.cells import nearest_drug
from tl_jax.evaluation.predictors.markers import markers_of
from tl_jax.evaluation.predictors.mechanisms import acts_alike


def test_no_name_is_of_two_drugs():
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    written = [plain(name) for row in rows for name in (row["drug"], *row["others"].split(";"))]
    assert [name for name, times in Counter(written).items() if times > 1] == []
    assert all(written)
    assert all(row["others"] for row in rows)


@pytest.mark.parametrize(
    ("asked", "known", "hint"),
    [
        ("Tarceva", ["Gefitinib", "Erlotinib"], "it has 'Erlotinib', another name of that drug"),
        ("TMZ", ["Temozolomide"], "it has 'Temozolomide', another name of that drug"),
        ("Temozolomide", ["TMZ", "BCNU"], "it has 'TMZ', another name of that drug"),
        ("zd 1839", ["GEFITINIB"], "it has 'GEFITINIB', another name of that drug"),
        ("Gefitinip", ["Gefitinib"], "did you mean 'Gefitinib'?"),
        ("Tarceva", ["Gefitinib"], "there are: 'Gefitinib'"),
    ],
)
def test_an_unknown_drug_is_named_as_the_table_names_it(asked, known, hint):
    assert nearest_drug(asked, known) == hint


def test_a_name_that_is_not_listed_is_of_itself_alone():
    assert all_names("my compound-7") == {"mycompound7"}
    assert other_names("my compound-7", ["MY-COMPOUND 7", "another"]) == ["MY-COMPOUND 7"]


@pytest.mark.parametrize(
    ("brand", "generic"), [("TMZ", "temozolomide"), ("Temodal", "temozolomide"), ("17-AAG", "tanespimycin")]
)
def test_a_brand_has_the_markers_and_the_mechanism_of_its_drug(brand, generic):
    genes = [one.gene for one in markers_of(brand)]
    assert genes
    assert genes == [one.gene for one in markers_of(generic)]
    assert len(set(genes)) == len(genes)
    sources = ["Temozolomide", "Carmustine", "Tanespimycin", "Docetaxel"]
    assert acts_alike(brand, sources).drugs == acts_alike(generic, sources).drugs != ()
