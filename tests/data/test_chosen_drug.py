"""Another drug of the target than the cohort file names, and source drugs beyond its short list."""

import pytest

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.errors import InputError
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings

TWO = ('value_column = "auc"\ndrug = "Cisplatin"\nunit', "unit")


@pytest.fixture
def two_drugs(load):
    """The user's own cohort with two drugs measured in its target; given a drug, or its own."""
    rows = "\n".join(f"p{i},{i / 10},{i / 5}" for i in range(1, 5))
    (load.folder / "patients_auc.csv").write_text(f"patient,Cisplatin,Olaparib\n{rows}\n")
    load(TWO)
    return lambda drug=None: load_cohort(load.folder / "own.toml", load.folder, drug=drug)


def test_the_target_is_judged_on_the_drug_asked_for(two_drugs):
    assert two_drugs().drug == "Cisplatin"
    chosen = two_drugs("olaparib")
    assert chosen.drug == "Olaparib"
    assert chosen.stage("target").for_drug(chosen.drug).response.tolist() == [0.2, 0.4, 0.6]
    assert chosen.source_drugs == two_drugs().source_drugs


@pytest.mark.parametrize(("drug", "hint"), [("Olaparip", "did you mean 'Olaparib'"), ("", "there are: 'Cisplatin'")])
def test_a_drug_that_the_target_lacks_is_one_line(two_drugs, drug, hint):
    with pytest.raises(InputError, match=f"--drug={drug}: domain patients has no such drug; {hint}") as caught:
        two_drugs(drug)
    assert "\n" not in str(caught.value)


def test_a_simulated_target_has_its_one_drug():
    with pytest.raises(InputError, match="--drug=Olaparib: domain target has no such drug"):
        load_cohort("simulated", drug="Olaparib")


def test_source_drugs_beyond_the_short_list_are_taken_by_name(tmp_path, small_cohort):
    (tmp_path / "small.toml").write_text(small_cohort)
    whole = load_cohort(tmp_path / "small.toml")
    short = whole.__class__(**{**vars(whole), "source_drugs": ("Oxaliplatin",), "default_source": "Oxaliplatin"})
    options = {"strategies": (), "baselines": ("mean",), "repeats": 1, "checkpoint_dir": str(tmp_path)}

    def sources(*asked):
        settings = Settings(source_drugs=asked, **options)
        found = run_plan(prepare(EXPERIMENTS["exp1_gdsc"], settings, short))
        return set(found.table("metrics").source)

    assert sources() == sources("all") == {"Oxaliplatin"}
    assert sources("bortezomib") == {"Bortezomib"}
    with pytest.raises(InputError, match="has no such drug; did you mean 'Bortezomib'"):
        sources("bortesomib")
