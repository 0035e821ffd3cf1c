"""One small chain, one of counts with batches, and one finished two-step experiment that the study tests share."""

import dataclasses
import logging
from contextlib import contextmanager

import numpy as np
import pytest
from sharing import chemistry_once

from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.preprocessing.preprocess import Preprocess
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.system.progress import LOGGER

SMALL = {
    "hidden": (8, 4),
    "repeats": 2,
    "folds": 3,
    "quick": True,
    "source_drugs": ("oxaliplatin",),
    "strategies": ("scratch", "zero_shot", "copy_layer1", "freeze_layer1"),
    "baselines": ("mean", "marker_gene", "ridge"),
}


@pytest.fixture(scope="module", autouse=True)
def chemistry():
    with chemistry_once():
        yield


@pytest.fixture(scope="session")
def cohort():
    return simulate(seed=3, genes=60, n_source=60, n_intermediate=30, n_target=20)[0]


COUNT_STEPS = ("tmm_cpm_log", "low_expression", "combat", "quantile")
WHAT = Preprocess(COUNT_STEPS, combat_reference="run1", low_expression_below=9.0)


def sequenced(domain, what=WHAT, seed=0):
    """A domain as counts from two runs, the second with other levels."""
    rng = np.random.default_rng(seed)
    batch = np.where(np.arange(len(domain)) % 3 == 0, "run2", "run1")
    moved = domain.x + np.outer(batch == "run2", rng.normal(0, 1, domain.x.shape[1]))
    x = rng.poisson(2.0**moved).astype(np.float32)
    return dataclasses.replace(domain, x=x, batch=batch, preprocess=what)


@pytest.fixture(scope="session")
def counted():
    """A chain whose three domains are each preprocessed in a way of their own."""
    cohort = simulate(seed=3, genes=60, n_source=60, n_intermediate=30, n_target=40)[0]
    source, middle, target = cohort.domains
    source = dataclasses.replace(source, preprocess=Preprocess(("rank_normal",)))
    middle = dataclasses.replace(middle, preprocess=Preprocess(("quantile",)))
    return dataclasses.replace(cohort, domains=(source, middle, sequenced(target)))


@pytest.fixture(scope="session")
def counted_target(counted):
    return counted.stage("target").for_drug(counted.drug)


@pytest.fixture
def small(tmp_path):
    """Settings of a study of a second or two; its checkpoints in a folder of the test's own."""

    def make(**changes):
        return Settings(**{**SMALL, "checkpoint_dir": str(tmp_path / "checkpoints"), **changes})

    return make


@pytest.fixture(scope="session")
def two_step(cohort, tmp_path_factory):
    """(results, lines said) of experiment 7."""
    settings = Settings(**SMALL, checkpoint_dir=str(tmp_path_factory.mktemp("two_step")))
    with heard() as said:
        results = run_plan(prepare(EXPERIMENTS["exp7_two_step"], settings, cohort))
    return results, said


@contextmanager
def heard():
    """Lines that the house says meanwhile, for fixtures, which may outlive a caplog."""
    lines, level, handler = [], LOGGER.level, logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    LOGGER.addHandler(handler)
    LOGGER.setLevel("INFO")
    try:
        yield lines
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


@pytest.fixture
def run():
    """run(name, settings, cohort) an experiment."""

    def one(name, settings, cohort):
        return run_plan(prepare(EXPERIMENTS[name], settings, cohort))

    return one
