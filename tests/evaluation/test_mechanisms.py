"""Which drugs act alike: the shipped table, and a user's own."""

import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.mechanisms import FILE, acts_alike, listed

SOURCES = ("Cytarabine", "Gemcitabine", "Fludarabine", "Cisplatin", "SN-38", "Camptothecin", "XYZ-1")


def test_the_shipped_table_is_dated_and_sourced():
    head, *rows = FILE.read_text(encoding="utf-8").splitlines()
    assert head == "drug,synonyms,target,pathway,class,alike,source,as_of"
    assert len(rows) == len(listed()) > 200
    assert all(",general pharmacology,2026-" in row for row in rows)


@pytest.mark.parametrize(
    ("drug", "expected"),
    [
        ("gemcitabine", ("Cytarabine", "Gemcitabine")),
        ("Cytarabin Hydrochloride", ("Cytarabine", "Gemcitabine")),  # a synonym
        ("Carboplatin", ("Cisplatin",)),  # by its class
        ("Cladribine", ("Cytarabine", "Gemcitabine", "Fludarabine")),  # as the table names them
        ("sn38", ("SN-38", "Camptothecin")),
        ("Amifostine", ()),
        ("XYZ 1", ("XYZ-1",)),  # unknown, but measured in the source
    ],
)
def test_source_drugs_that_act_alike(drug, expected):
    assert acts_alike(drug, SOURCES).drugs == expected


def test_an_unknown_name_is_said():
    found = acts_alike("Wondercillin", SOURCES)
    assert (found.drugs, found.known) == ((), False)
    assert found.why.startswith(
        "Wondercillin is not in the table of mechanisms: no source drug counts as alike; add it"
    )
    assert acts_alike("Amifostine", SOURCES).why == "no source drug acts as Amifostine does (thiol protector)"
    assert acts_alike("Carboplatin", SOURCES).why == ""


def test_a_table_of_ones_own(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("drug,class,alike\nWondercillin,,Cisplatin; XYZ-1\nFoo,bar,none\n")
    assert acts_alike("wondercillin", SOURCES, str(own)).drugs == ("Cisplatin", "XYZ-1")
    assert acts_alike("Foo", SOURCES, str(own)).drugs == ()
    assert not acts_alike("Gemcitabine", ("Cisplatin",), str(own)).known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drug;class\na;b\n", "needs the columns drug and class"),
        ("drug,class\n", "needs the columns drug and class"),
        ("drug,class\n,x\n", "line 2 names no drug"),
        ("drug,synonyms,class\nA,B,x\nb,,y\n", "line 3 names 'b' as line 2 does"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(tmp_path, text, message):
    file = tmp_path / "own.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        listed(str(file))
    with pytest.raises(InputError, match="cannot be read"):
        listed(str(tmp_path / "absent.csv"))
