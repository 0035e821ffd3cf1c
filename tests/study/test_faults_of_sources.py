"""Source drugs are part of a study: what was resolved is compared, and a choice serves only what it was made for."""

import dataclasses
import json

import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort.choice import choice_path, flags_of, read_choice, write_choice
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare, scaled_as
from tl_jax.study.core.arms import Arm, How
from tl_jax.system.parts import differences, same_study

CHOOSER = EXPERIMENTS["exp3_source_to_intermediate"]


@pytest.fixture
def choose(cohort, small):
    """choose(drug, ...) writes the choice that experiment 3 would make with these settings."""

    def one(drug, within=None, **changes):
        settings, chain = CHOOSER.resolved(small(source_drugs=(), **changes)), within or cohort
        folder = prepare(EXPERIMENTS["exp4_target"], small(strategies=("scratch",)), cohort).folder
        return folder, write_choice(
            folder, scaled_as(settings, chain)[0], settings, [{"drug": drug, "rank": 1}], "copy_layer1"
        )

    return one


def read_as_planned(folder, chain, settings):
    """The choice as an experiment reads it, which scales its cohort before."""
    return read_choice(folder, scaled_as(settings, chain)[0], settings)


@pytest.mark.parametrize("name", ["exp6_source_to_target", "exp7_two_step"])
def test_a_stopped_run_does_not_go_on_with_another_source_drug(name, choose, small, cohort, tmp_path):
    """The choice changes between stop and resume, no flag does."""
    first, second = cohort.source_drugs[:2]
    settings, records = small(source_drugs=()), []
    for drug in (first, second):
        choose(drug)
        records.append(prepare(EXPERIMENTS[name], settings, cohort).identity())
    assert records[0]["sources"] == [first]
    assert {text.partition(":")[0] for text in differences(*records)} >= {"sources", "stages"}
    work = tmp_path / "work"
    same_study(work, records[0])
    (work / "parts").mkdir()
    (work / "parts" / "00000000.part").touch()
    with pytest.raises(InputError, match=f'cannot resume .*sources: .*"{first}".* -> .*"{second}"'):
        same_study(work, records[1])


def test_parts_are_kept_by_what_determines_them(small, cohort, tmp_path):
    """Neither two parents nor two protocols, seeds or labels share a part, whatever the arm is called."""
    plan = prepare(EXPERIMENTS["exp4_target"], small(strategies=("scratch",), repeats=1), cohort)
    problem, how = plan.groups[0].problem, How(plan.settings.network, 1, work=tmp_path)
    other_rows = problem.on([dataclasses.replace(f, y=f.y[::-1].copy()) for f in problem.folds])
    lent = prepare(
        EXPERIMENTS["exp4_target"], small(strategies=("scratch",), repeats=1, protocol="as_published"), cohort
    )
    arm = Arm("ridge", "Oxaliplatin", predict=lambda domain, f: None, parents=("one",))
    folders = {
        "as it is": how.parts(problem, arm),
        "another parent": how.parts(problem, dataclasses.replace(arm, parents=("two",))),
        "another seed": dataclasses.replace(how, seed=2).parts(problem, arm),
        "other labels": how.parts(other_rows, arm),
        "another protocol": how.parts(lent.groups[0].problem, arm),
        "fewer folds": how.parts(problem.on(problem.folds[1:]), arm),
    }
    assert len({parts.folder for parts in folders.values()}) == len(folders)
    assert how.parts(problem, dataclasses.replace(arm, source="as it is shown")).folder == folders["as it is"].folder


def test_a_choice_made_for_one_drug_does_not_serve_another(choose, small, cohort):
    target = cohort.domains[1]
    twice = [
        dataclasses.replace(d, y=d.y[:, [d.column(cohort.drug)] * 2], drugs=(cohort.drug, "Other"), replicate=None)
        for d in cohort.domains[1:]
    ]
    assert cohort.drug in target.drugs
    both = dataclasses.replace(cohort, domains=(cohort.domains[0], *twice))
    folder, path = choose(cohort.source_drugs[0], both)
    settings = small(source_drugs=())
    assert read_as_planned(folder, both, settings)["path"] == str(path)
    other = dataclasses.replace(both, drug="Other")
    with pytest.raises(
        InputError, match=rf"{path.name} was decided with --drug={cohort.drug.lower()}, not --drug=other"
    ):
        read_as_planned(folder, other, settings)
    _, second = choose(cohort.source_drugs[1], other)
    assert second != path
    assert read_as_planned(folder, both, settings)["drug"] == cohort.source_drugs[0]
    assert read_as_planned(folder, other, settings)["drug"] == cohort.source_drugs[1]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seed": 7}, "--seed=400, not --seed=7"),
        ({"hidden": (9, 4)}, "--hidden=8,4, not --hidden=9,4"),
        ({"optimizer": "adam"}, "--optimizer=keras_adam, not --optimizer=adam"),
        ({"quick": False}, "--quick, not --noquick"),
        ({"scaling": "standard"}, "the default --scaling, not --scaling=standard"),
    ],
)
def test_a_choice_about_other_models_is_refused_with_flag_and_remedy(choose, small, cohort, changes, text):
    folder, _ = choose(cohort.source_drugs[0])
    with pytest.raises(InputError, match=f"was decided with {text}; run .*exp3_source_to_intermediate.*--source_drug"):
        read_as_planned(folder, cohort, small(source_drugs=(), **changes))


def test_a_choice_by_other_folds_is_taken_and_told(choose, small, cohort):
    folder, _ = choose(cohort.source_drugs[0], repeats=4, epochs=3)
    found = read_as_planned(folder, cohort, small(source_drugs=()))
    assert found["notes"] == ["that choice was made with --repeats=4, --epochs=3"]
    choose(cohort.source_drugs[1])
    found = read_as_planned(folder, cohort, small(source_drugs=()))
    assert (found["drug"], found["notes"]) == (cohort.source_drugs[1], [])


def test_a_choice_is_named_by_all_that_decides(choose, small, cohort):
    folder, path = choose(cohort.source_drugs[0])
    record = json.loads(path.read_text())
    for flags in ({"seed": 7}, {"split": "plain"}, {"repeats": 5}, {"epochs": 9}):
        other = record | {"flags": flags_of(cohort, CHOOSER.resolved(small(**flags)))}
        assert choice_path(folder, other) != path
    assert choice_path(folder, record | {"strategy": "fine_tune"}) != path
