"""Looking again at the same samples is counted and charged."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort.looks import record
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.core.looks import FILE, charged, known_by, note


def test_every_look_is_charged_the_first_one_too():
    table = pd.DataFrame({"p_family": [0.01, 0.2, np.nan]})
    np.testing.assert_allclose(charged(table, 1).p_after_looks, [0.02, 0.4, np.nan])
    np.testing.assert_allclose(charged(table, 2).p_after_looks, [0.06, 1, np.nan])
    np.testing.assert_allclose(charged(table, 3).p_after_looks, [0.12, 1, np.nan])
    np.testing.assert_allclose(charged(table, 1, planned=1).p_after_looks, [0.01, 0.2, np.nan])
    assert "p_after_looks is p_family times 2" in note([{}])


def test_other_repeats_arms_and_recipes_are_looks_and_the_same_study_is_none(small, cohort):
    def looks(chain=cohort, **more):
        given = {"strategies": (), "baselines": ("mean", "ridge"), **more}
        return record(prepare(EXPERIMENTS["exp4_target"], small(**given), chain))

    assert len(looks()) == len(looks()) == 1
    more = looks(repeats=3)
    assert len(more) == 2
    assert "judged 1 time(s) before" in note(more)
    assert "repeats 2" in note(more)
    assert "p_family times 6" in note(more)
    assert len(looks(baselines=("mean", "ridge", "marker_gene"))) == 3
    assert len(looks(epochs=7)) == 4
    assert len(looks(reference="mean")) == 5
    assert len(looks(protocol="transductive")) == 1
    # The same samples in a cohort of another name; then other responses of them.
    renamed = dataclasses.replace(cohort, name="another")
    assert len(looks(renamed, seed=5)) == 6
    target = renamed.domains[-1]
    moved = dataclasses.replace(target, y=target.y + 1)
    assert len(looks(dataclasses.replace(renamed, domains=(*renamed.domains[:-1], moved)))) == 1


def test_a_study_charges_its_look(run, small, cohort):
    found = run("exp4_target", small(strategies=(), baselines=("mean", "ridge", "marker_gene")), cohort)
    rows = found.comparisons[found.comparisons.metric == "spearman"]
    assert set(rows.looks) == {1}
    assert set(rows.reference) == {"ridge"}
    assert set(rows.test) == {"influence"}
    held = rows[rows.p_family.notna()]
    assert set(held.arm_a) | set(held.arm_b) == {"marker_gene", "mean", "ridge"}
    np.testing.assert_allclose(held.p_after_looks, np.minimum(1, 2 * held.p_family))
    assert (held.p_family >= held.p).all()
    assert any("first look at these samples" in line for line in found.notes)


def test_samples_are_known_by_ids_and_responses_in_any_order(cohort):
    def known(one):
        return known_by(one.samples, one.response)

    domain = cohort.stage("target").for_drug(cohort.drug)
    order = np.random.default_rng(0).permutation(len(domain))
    rows = {name: getattr(domain, name)[order] for name in ("x", "y", "samples", "groups", "tissue")}
    assert known(dataclasses.replace(domain, **rows)) == known(domain)
    assert known(dataclasses.replace(domain, y=domain.y[::-1])) != known(domain)


def test_a_broken_record_is_one_line(run, small, cohort, tmp_path):
    place = tmp_path / "checkpoints"
    place.mkdir()
    (place / FILE).write_text("{")
    with pytest.raises(InputError, match="delete it to begin to count anew"):
        run("exp4_target", small(strategies=(), baselines=("mean",)), cohort)
    (place / FILE).write_text(json.dumps([1]))
    with pytest.raises(InputError, match="delete it to begin to count anew"):
        run("exp4_target", small(strategies=(), baselines=("mean",)), cohort)
