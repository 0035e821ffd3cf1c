"""A drug that another table calls otherwise: found, said, and kept out where its own response is held out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cells.databases import by_one_name, filled
from tl_jax.data.cells.labels import without_general
from tl_jax.data.drafts.draft import Wishes
from tl_jax.data.drugs.names import same_drug, same_drugs, taken_for
from tl_jax.data.genes.table import symbols
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.direction import direction
from tl_jax.evaluation.checks.parts import stages
from tl_jax.evaluation.predictors.line_models import related_drugs
from tl_jax.evaluation.predictors.mechanisms import acts_alike, listed
from tl_jax.study.answer.tables import Tables, drafted
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.many_targets.known_drugs import others_of

RANDOM = np.random.default_rng(7)


def called(cohort, role, *drugs):
    """A cohort whose domain of a role calls its drugs so."""
    place = {"source": 0, "intermediate": 1, "target": 2}[role]
    domains = list(cohort.domains)
    y = domains[place].y[:, [k % domains[place].y.shape[1] for k in range(len(drugs))]]
    domains[place] = replace(domains[place], drugs=drugs, y=y)
    return replace(cohort, domains=tuple(domains), drug=domains[2].drugs[0])


@pytest.mark.parametrize(
    ("drug", "known", "found", "line"),
    [
        ("TMZ", ["temozolomide", "TMZ", "tmz"], "TMZ", ""),
        ("tmz", ["Temozolomide", "TMZ"], "TMZ", ""),
        ("5 FU", ["Fluorouracil", "5-FU"], "5-FU", "5 FU is '5-FU' in x (the same name)"),
        (
            "TMZ",
            ["Cisplatin", "Temozolomide"],
            "Temozolomide",
            "TMZ is 'Temozolomide' in x (another name of that drug)",
        ),
        ("TMZ", ["Cisplatin"], None, None),
        ("-", ["+", ""], None, None),
    ],
)
def test_the_name_that_is_written_most_alike_is_found(drug, known, found, line):
    assert same_drug(drug, known) == found
    assert found is None or taken_for(drug, found, "x") == line


@pytest.mark.parametrize("drug", ["TMZ", "temo-zolomide"])
def test_the_source_is_read_for_the_drug_by_the_name_it_has_there(tmp_path, drug):
    """It was the first drug of the source by name, and nothing was said."""
    genes = [name for name in sorted(symbols()) if name.isalnum()][:60]
    for name, count, drugs in (("lines", 40, ["Afatinib", "Temozolomide"]), ("mine", 12, [drug, "Foo", "Bar"])):
        samples = pd.Index([f"{name}{k}" for k in range(count)], name="sample")
        pd.DataFrame(RANDOM.normal(7, 2, (count, 60)), samples, genes).to_csv(tmp_path / f"{name}.csv")
        pd.DataFrame(RANDOM.random((count, len(drugs))), samples, drugs).to_csv(tmp_path / f"{name}_y.csv")
    (tmp_path / "own.toml").write_text(
        'name = "own"\ndrug = "Temozolomide"\n[[domain]]\nname = "lines"\n[domain.expression]\npath = "lines.csv"\n'
        '[domain.response]\npath = "lines_y.csv"\nformat = "wide"\nsample_column = "sample"\n'
        'unit = "AUC"\ndirection = "resistant"\n'
    )
    wishes = replace(Wishes("answer"), direction="resistant")
    paths = tmp_path / "mine.csv", tmp_path / "mine_y.csv"
    tables = Tables(*paths, drugs=(drug,), source=str(tmp_path / "own.toml"), wishes=wishes)
    lines, (cohort,) = drafted(tables, tmp_path / "cohort.toml")
    assert (cohort.drug, cohort.default_source) == (drug, "Temozolomide")
    assert sum(f"{drug} is 'Temozolomide' in the source lines" in line for line in lines) == 1
    assert 'default_source = "Temozolomide"' in (tmp_path / "cohort.toml").read_text()
    lines, found = drafted(replace(tables, drugs=("Foo", drug)), tmp_path / "cohort.toml")
    assert [one.default_source for one in found] == ["Afatinib", "Temozolomide"]
    assert sum(f"{drug} is 'Temozolomide' in the source lines" in line for line in lines) == 1
    lines, found = drafted(replace(tables, drugs=("f-o-o", drug)), tmp_path / "cohort.toml")
    assert found[0].drug == "Foo"
    assert "- f-o-o is 'Foo' in the table (the same name)" in lines
    with pytest.raises(InputError, match=r"--drug=Fluorouracil: .* has no such drug"):
        drafted(replace(tables, drugs=("Foo", "Fluorouracil")), tmp_path / "cohort.toml")


def test_a_domain_on_the_way_is_read_by_its_own_name(cohort, tmp_path):
    """It was refused, though the table has the drug."""
    there = called(called(cohort, "target", "Temozolomide"), "intermediate", "Other", "TMZ")
    settings = Settings(source_drugs=there.source_drugs[:1], repeats=1, folds=2, checkpoint_dir=str(tmp_path))
    plan = prepare(EXPERIMENTS["exp3_source_to_intermediate"], settings, there)
    assert plan.groups[0].problem.domain.drugs == ("TMZ",)
    assert any("Temozolomide is 'TMZ' in" in note for note in plan.notes)
    assert [stage.drugs for stage in stages(there)[1:]] == [("TMZ",), ("Temozolomide",)]


def test_two_domains_are_compared_on_the_drug_whatever_they_call_it(cohort):
    both = called(called(cohort, "target", "Temozolomide"), "intermediate", "TMZ")
    same = called(called(cohort, "target", "Temozolomide"), "intermediate", "Temozolomide")
    found, wanted = (direction(one).tables[-1][1] for one in (both, same))
    pd.testing.assert_frame_equal(found, wanted)
    assert len(found) == 3


def test_the_judged_drug_is_kept_out_under_each_of_its_names(cohort):
    """A held-out sample's own response came in as that to another drug."""
    whole = called(cohort, "target", "TMZ", "Cisplatin", "Temozolomide").stage("target")
    names, found = others_of(whole, whole.for_drug("TMZ"))
    assert names == ("Cisplatin",)
    np.testing.assert_array_equal(found, whole.y[:, [1]])


def test_a_drug_outside_the_table_of_mechanisms_acts_as_itself_by_each_name(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("drug,class\nCisplatin,platinum\n")
    assert acts_alike("TMZ", ["Temozolomide", "Cisplatin"], str(table)).drugs == ("Temozolomide",)
    table.write_text("drug,class,alike\nCisplatin,platinum,TMZ\n")
    assert acts_alike("CDDP", ["Temozolomide", "Cisplatin"], str(table)).drugs == ("Temozolomide",)
    table.write_text("drug,class\nTMZ,alkylating\nTemozolomide,other\n")
    with pytest.raises(InputError, match="line 3 names 'Temozolomide' as line 2 does; keep one"):
        listed(str(table))


def test_the_other_drugs_of_lines_leave_out_the_drug_by_each_name():
    y = pd.DataFrame(RANDOM.random((50, 4)), columns=["TMZ", "A", "B", "C"])
    assert set(related_drugs(y.assign(Temozolomide=y["TMZ"]), "TMZ")) == {"TMZ", "A", "B", "C"}
    wanted = without_general(y)["TMZ"]
    pd.testing.assert_series_equal(without_general(y.assign(Temozolomide=y["TMZ"]))["TMZ"], wanted)
    assert same_drugs("TMZ", ["Temozolomide", "TMZ"]) == ["TMZ", "Temozolomide"]


def test_databases_that_call_a_drug_otherwise_are_joined_on_it():
    one = pd.DataFrame({"Temozolomide": [1.0, np.nan], "A": [3.0, 4.0]}, index=["x", "y"])
    two = pd.DataFrame({"TMZ": [5.0, 2.0], "B": [1.0, 1.0]}, index=["x", "y"])
    parts, lines = by_one_name([one, two])
    assert lines == ["TMZ is 'Temozolomide' in an earlier database (another name of that drug)"]
    assert filled(parts)["Temozolomide"].to_list() == [1.0, 2.0]
    kept, lines = by_one_name([one, two.assign(Temozolomide=0.0)])
    assert list(kept[1].columns) == ["TMZ", "B", "Temozolomide"]
    assert lines == []
