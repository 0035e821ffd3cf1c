"""Preprocessing inside folds: what is fitted on which rows, and that every arm meets it."""

import dataclasses

import numpy as np
import pytest

from tl_jax.data.preprocessing.preprocess import Preprocess
from tl_jax.data.scaling.scaled import prepare
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.study.core.aligned import aligned
from tl_jax.study.core.blocks import in_program
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.leak_audit import preprocessing
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.stages import fingerprint
from tl_jax.training.multitask import masked_batch
from tl_jax.transfer.alignment import match_covariance


@pytest.fixture(name="target")
def of_counts(counted_target):
    return counted_target


def folds_of(domain, protocol="honest"):
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    return scale_folds(domain, folds, PROTOCOLS[protocol])


def changed(domain, row):
    x = domain.x.copy()
    x[row] = x[row][::-1] * 3 + 1
    return dataclasses.replace(domain, x=x)


def test_a_held_out_row_changes_no_other_row(target):
    before = folds_of(target)
    row = before[0].fold.test[1]
    after = folds_of(changed(target, row))
    np.testing.assert_array_equal(before[0].scaled_train(target), after[0].scaled_train(changed(target, row)))
    others = before[0].fold.test != row
    one, two = (f[0].scaled_test(d) for f, d in ((before, target), (after, changed(target, row))))
    np.testing.assert_array_equal(one[others], two[others])
    assert not np.allclose(one[~others], two[~others])


@pytest.mark.parametrize("protocol", ["as_published", "transductive"])
def test_protocols_that_lend_expression_fit_on_all_rows(target, protocol):
    before = folds_of(target, protocol)
    assert len({id(f.prepare) for f in before}) == 1
    after = folds_of(changed(target, before[0].fold.test[1]), protocol)
    assert not np.array_equal(before[0].scaled_train(target), after[0].scaled_train(target))
    everything = np.arange(len(target))
    np.testing.assert_array_equal(
        before[0].rows(target, everything), prepare(target)[0].fitted.apply(target.x, target.batch)
    )


def test_labels_shape_nothing(target):
    other = dataclasses.replace(target, y=target.y[::-1] * 7 + 1)
    for one, two in zip(folds_of(target), folds_of(target), strict=True):
        assert one.prepare.record() == two.prepare.record()
    assert prepare(other)[0].fitted.record() == prepare(target)[0].fitted.record()


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_the_program_gets_every_folds_own_rows(target, protocol):
    folds = folds_of(target, protocol)
    domain, own = in_program(target, folds)
    for f, g in zip(folds, own, strict=True):
        np.testing.assert_allclose(g.train.apply(domain.x[g.fold.train]), f.scaled_train(target), rtol=1e-6)
        np.testing.assert_allclose(g.test.apply(domain.x[g.fold.test]), f.scaled_test(target), rtol=1e-6)
        np.testing.assert_array_equal(domain.samples[g.fold.test], target.samples[f.fold.test])
        np.testing.assert_array_equal(domain.batch[g.fold.train], target.batch[f.fold.train])
        np.testing.assert_array_equal(g.y[g.fold.train], target.response[f.fold.train])
    assert len(domain) == (3 if protocol == "honest" else 1) * len(target)


def test_alignment_moves_preprocessed_rows(target):
    source_rows = np.random.default_rng(0).normal(size=(50, 60))
    folds = folds_of(target)
    domain, own = aligned(target, folds, match_covariance, source_rows, False)
    move = match_covariance(source_rows)(folds[1].scaled_train(target))
    np.testing.assert_array_equal(domain.x[own[1].fold.test], move(folds[1].scaled_test(target)))


def test_without_preprocessing_nothing_is_touched(cohort):
    domain = cohort.stage("target").for_drug(cohort.drug)
    folds = folds_of(domain)
    same, own = in_program(domain, folds)
    assert same is domain
    assert own is folds
    rows = folds[0].fold.train
    np.testing.assert_array_equal(folds[0].scaled_train(domain), folds[0].train.apply(domain.x[rows]))
    batched = dataclasses.replace(domain, batch=np.full(len(domain), "run1"))
    assert fingerprint(batched) == fingerprint(domain)
    assert fingerprint(dataclasses.replace(batched, preprocess=Preprocess(("rank",)))) != fingerprint(domain)


def audited(domain, protocol, folds=None):
    """What the audit says of a domain's preprocessing under a protocol, whose folds these are unless told otherwise."""
    return list(preprocessing(Problem(domain, tuple(folds or folds_of(domain, protocol)), PROTOCOLS[protocol])))


def test_the_audit_says_what_preprocessing_has_seen(target, cohort):
    (honest,) = audited(target, "honest")
    assert (honest.held_out, honest.result) == ("nothing", "equal in 3 of 3 folds")
    (lent,) = audited(target, "transductive")
    assert (lent.held_out, lent.result) == ("expression", "equal in 0 of 3 folds")
    (leaky,) = audited(target, "honest", folds_of(target, "transductive"))
    assert leaky.result == "3 DIFFER"
    plain = cohort.stage("target").for_drug(cohort.drug)
    assert not audited(plain, "honest")


def test_a_fold_without_enough_of_the_reference_is_refused(target):
    batch = np.full(len(target), "run2")
    batch[0] = "run1"
    with pytest.raises(InputError, match=r"domain target: combat: the reference batch 'run1' has \d training samples"):
        folds_of(dataclasses.replace(target, batch=batch))


def test_a_network_of_many_drugs_learns_from_preprocessed_rows(counted):
    source = counted.stage("source")
    np.testing.assert_array_equal(masked_batch(source).x, prepare(source)[1])
    assert not np.allclose(masked_batch(dataclasses.replace(source, preprocess=Preprocess())).x, prepare(source)[1])


def test_batches_go_with_their_samples(target):
    picked = target.rows([3, 0])
    assert picked.batch.tolist() == [target.batch[3], target.batch[0]]
    with pytest.raises(ValueError, match="batch has shape"):
        dataclasses.replace(target, batch=np.array(["a"]))
