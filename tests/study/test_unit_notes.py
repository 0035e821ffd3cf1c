"""Domains in different units are named before any training, once for all protocols, and kept in the summary."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.study.cohort import study
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.many_targets import targets as many_targets


def mixed():
    """A chain whose target is in counts."""
    cohort, _ = simulate(genes=60, n_source=20, n_intermediate=15, n_target=12)
    raw = np.random.default_rng(0).negative_binomial(2, 0.001, (12, 60)).astype(np.float32)
    return replace(cohort, domains=(*cohort.domains[:2], replace(cohort.domains[2], x=raw)))


def test_a_study_says_it_first_and_once(monkeypatch):
    said = []

    def trained(experiment, settings, cohort, say, work, **rest):
        say("training")
        return SimpleNamespace(notes=["later"], remark=lambda text, say: None, join=lambda other: None,
                               table=lambda name: None, keep=lambda name, frame: None)  # fmt: skip

    monkeypatch.setattr(study, "run_experiment", trained)
    monkeypatch.setattr(study, "protocols", lambda *arguments: None)
    name, cohort = "two_step_study", mixed()
    settings = study.with_extras(EXPERIMENTS[name], Settings(baselines=("ridge",)))
    cohorts = {"honest": cohort, "as_published": cohort}
    results = study.run_study(EXPERIMENTS[name], settings, cohorts, said.append)
    assert said[0].startswith("note: units of expression differ: source looks like log2")
    assert said[1:] == ["training", "training"]
    assert len(results.notes) == 2
    assert results.notes[0].endswith('set transform = "log_cpm" in [domain.expression] of target')


def test_a_study_over_many_targets_says_it_too(monkeypatch, caplog):
    caplog.set_level("INFO", "tl_jax")

    def stop(*arguments, **named):
        raise RuntimeError("training begins")

    monkeypatch.setattr(many_targets, "fit_sources", stop)
    settings = many_targets.ManySettings(repeats=1, min_lines=2).in_quick_mode()
    with pytest.raises(RuntimeError, match="training begins"):
        many_targets.run_many_targets(settings, mixed())
    assert any("units of expression differ" in text for text in caplog.messages)
