"""One small chain and one finished two-step experiment that the study tests share."""

import pytest

from tl_jax.data.simulate import simulate
from tl_jax.study.plans import EXPERIMENTS
from tl_jax.study.run import run_experiment
from tl_jax.study.settings import Settings

SMALL = {
    "hidden": (8, 4),
    "repeats": 2,
    "folds": 3,
    "quick": True,
    "source_drugs": ("oxaliplatin",),
    "strategies": ("scratch", "zero_shot", "copy_layer1", "freeze_layer1"),
    "baselines": ("mean", "marker_gene", "ridge"),
}


@pytest.fixture(scope="session")
def cohort():
    return simulate(seed=3, genes=60, n_source=60, n_intermediate=30, n_target=20)[0]


@pytest.fixture
def small(tmp_path):
    """Settings of a study of a second or two; its checkpoints in a folder of the test's own."""

    def make(**changes):
        return Settings(**{**SMALL, "checkpoint_dir": str(tmp_path / "checkpoints"), **changes})

    return make


@pytest.fixture(scope="session")
def two_step(cohort, tmp_path_factory):
    """(results, lines said) of experiment 7."""
    said = []
    settings = Settings(**SMALL, checkpoint_dir=str(tmp_path_factory.mktemp("two_step")))
    return run_experiment(EXPERIMENTS["exp7_two_step"], settings, cohort, said.append), said


@pytest.fixture
def run():
    """run(name, settings, cohort, say=...) an experiment, silently unless told otherwise."""

    def one(name, settings, cohort, say=lambda text: None):
        return run_experiment(EXPERIMENTS[name], settings, cohort, say)

    return one
