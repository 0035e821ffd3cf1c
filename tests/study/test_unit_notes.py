"""Domains in different units are named before any training, once for all protocols, and kept in the summary."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.study.cohort import study
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.many_targets import targets as many_targets


def mixed():
    """A chain whose target is in counts."""
    cohort, _ = simulate(genes=60, n_source=20, n_intermediate=15, n_target=12)
    raw = np.random.default_rng(0).negative_binomial(2, 0.001, (12, 60)).astype(np.float32)
    return replace(cohort, domains=(*cohort.domains[:2], replace(cohort.domains[2], x=raw)))


def test_a_study_says_it_first_and_once(monkeypatch, caplog, tmp_path):
    caplog.set_level("INFO", "tl_jax")

    def trained(plan, work, finals=True):
        results = Results(plan)
        results.ledger.remark("training")
        return results

    monkeypatch.setattr(study, "run_plan", trained)
    monkeypatch.setattr(study, "protocols", lambda *arguments: pd.DataFrame())
    name, cohort = "two_step_study", mixed()
    settings = study.with_extras(EXPERIMENTS[name], Settings(baselines=("ridge",), checkpoint_dir=str(tmp_path)))
    cohorts = {"honest": cohort, "as_published": cohort}
    results = study.run_study(study.prepare_study(EXPERIMENTS[name], settings, cohorts))
    assert caplog.messages[0].startswith("note: units of expression differ: source looks like log2")
    assert [text for text in caplog.messages[1:] if "units" in text] == []
    assert caplog.messages.count("training") == 2
    assert results.notes[0].endswith('set transform = "log_cpm" in [domain.expression] of target')
    assert [text for text in results.notes[1:] if "units" in text] == []


def test_a_study_over_many_targets_says_it_too(monkeypatch, caplog):
    caplog.set_level("INFO", "tl_jax")

    def stop(*arguments, **named):
        raise RuntimeError("training begins")

    monkeypatch.setattr(many_targets, "fit_sources", stop)
    settings = many_targets.ManySettings(repeats=1, min_lines=2).in_quick_mode()
    with pytest.raises(RuntimeError, match="training begins"):
        many_targets.run_many_targets(settings, mixed())
    assert any("units of expression differ" in text for text in caplog.messages)
