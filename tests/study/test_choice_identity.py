"""A choice of the source drug belongs to the flags and data that it was made with: others are refused, or told."""

import dataclasses
import json

import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort.choice import read_choice, write_choice
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare, scaled_as

THIRD = EXPERIMENTS["exp3_source_to_intermediate"]
SIXTH = EXPERIMENTS["exp6_source_to_target"]


@pytest.fixture
def choose(small, cohort, tmp_path):
    """choose(drug, arm, cohort, **flags): write the choice that experiment 3 would, with these flags; its path."""

    def one(drug="Bortezomib", arm="copy_layer1", of=cohort, **flags):
        ranking = [{"drug": drug, "rank": 1, "chosen": False}]
        settings = THIRD.resolved(small(source_drugs=(), **flags))
        return write_choice(tmp_path / "checkpoints" / of.name, scaled_as(settings, of)[0], settings, ranking, arm)

    return one


@pytest.fixture
def read(small, cohort, tmp_path):
    """read(cohort, **flags): the choice as experiment 6 finds it with these flags."""

    def one(of=cohort, **flags):
        settings = small(source_drugs=(), **flags)
        return read_choice(tmp_path / "checkpoints" / of.name, scaled_as(settings, of)[0], settings)

    return one


def with_drug(cohort, drug):
    """The same chain, judged on another drug of its intermediate and target; the tables hold both."""
    added = [dataclasses.replace(d, drugs=(*d.drugs, drug), y=d.y[:, [0, 0]]) for d in cohort.domains[1:]]
    return dataclasses.replace(cohort, domains=(cohort.domains[0], *added), drug=drug)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"hidden": (9, 4)}, "decided with --hidden=9,4, not --hidden=8,4"),
        ({"seed": 401}, "decided with --seed=401, not --seed=400"),
        ({"optimizer": "adam"}, "decided with --optimizer=adam, not --optimizer=keras_adam"),
        ({"quick": False}, "decided with --noquick, not --quick"),
        ({"metric": "rmse"}, "decided with --metric=rmse, not --metric=spearman"),
    ],
)
def test_a_choice_among_other_models_is_refused(choose, read, flags, words):
    path = choose(**flags)
    with pytest.raises(InputError, match=rf"{path.name} was {words}; run .*exp3.*--source_drug"):
        read()
    assert read(**flags)["drug"] == "Bortezomib"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"epochs": 3}, "--epochs=3"),
        ({"repeats": 5}, "--repeats=5"),
        ({"split": "plain"}, "--split=plain"),
        ({"folds": 4}, "--folds=4"),
        ({"learning_rate": (0.5,)}, "--learning_rate=0.5"),
    ],
)
def test_a_choice_known_less_or_better_is_told(choose, read, flags, words):
    choose(**flags)
    assert read()["notes"] == [f"that choice was made with {words}"]
    assert read(**flags)["notes"] == []
    choose("Oxaliplatin")
    assert (read()["drug"], read()["notes"]) == ("Oxaliplatin", [])
    assert (read(**flags)["drug"], read(**flags)["notes"]) == ("Bortezomib", [])


def test_another_deciding_strategy_is_named(choose, read):
    choose("Bortezomib", "fine_tune")
    assert "of fine_tune on intermediate" in read()["decided_by"]
    choose("Oxaliplatin", "copy_layer1")
    with pytest.raises(InputError, match=r"holds several choices .*\((Bortezomib|Oxaliplatin)\), .*--source_drug"):
        read()


def test_the_choice_for_one_drug_is_not_that_for_another(choose, read, cohort):
    """Each drug has a choice of its own; where only another drug's stands, it is refused by name."""
    other, own = with_drug(cohort, "Lomustine"), with_drug(cohort, "Lomustine")
    own = dataclasses.replace(own, drug=cohort.drug)
    choose("Bortezomib", of=own)
    with pytest.raises(InputError, match="decided with --drug=temozolomide, not --drug=lomustine"):
        read(other)
    choose("Oxaliplatin", of=other)
    assert (read(own)["drug"], read(other)["drug"]) == ("Bortezomib", "Oxaliplatin")


def test_an_experiment_starts_from_the_choice_for_its_own_drug(choose, small, cohort):
    """Choice x drug, as an experiment plans it: its sources, its stages, and the origin that final models keep."""
    settings = small(source_drugs=(), strategies=("freeze_layer1",), baselines=())
    other = with_drug(cohort, "Lomustine")
    own = dataclasses.replace(other, drug=cohort.drug)
    choose("Bortezomib", of=own)
    choose("Oxaliplatin", of=other)
    plans = [prepare(SIXTH, settings, one) for one in (own, other)]
    assert [plan.sources.drugs for plan in plans] == [("Bortezomib",), ("Oxaliplatin",)]
    assert [plan.groups[0].ways[0].stages[0].domain.drugs for plan in plans] == [("Bortezomib",), ("Oxaliplatin",)]
    first, second = (plan.identity() for plan in plans)
    assert first["sources"] != second["sources"]
    assert first["stages"] != second["stages"]
    assert plans[0].sources.origin.startswith("source drug Bortezomib, chosen by mean per-fold Spearman of copy_layer1")


def test_a_choice_on_other_data_is_refused(choose, read, cohort):
    choose()
    source, middle, target = cohort.domains
    for moved in (dataclasses.replace(source, y=source.y + 0.01), dataclasses.replace(middle, y=middle.y + 0.01)):
        domains = tuple(moved if d.name == moved.name else d for d in cohort.domains)
        with pytest.raises(InputError, match="decided on other data than this cohort's"):
            read(dataclasses.replace(cohort, domains=domains))
    other_target = dataclasses.replace(cohort, domains=(source, middle, dataclasses.replace(target, y=1 - target.y)))
    assert read(other_target)["drug"] == "Bortezomib"  # the choice never saw it


def test_a_record_that_does_not_say_how_it_was_made_is_refused(choose, read):
    """Such as those of former versions, which kept neither drug nor epochs."""
    path = choose()
    record = json.loads(path.read_text())
    for part in ("flags", "data", "strategy"):
        path.write_text(json.dumps({key: value for key, value in record.items() if key != part}))
        with pytest.raises(InputError, match=r"or is of an older version; delete it and run .*exp3"):
            read()
    for name in ("drug", "epochs"):
        flags = {key: value for key, value in record["flags"].items() if key != name}
        path.write_text(json.dumps({**record, "flags": flags}))
        with pytest.raises(InputError, match=f"does not say with which --{name}; delete it"):
            read()
