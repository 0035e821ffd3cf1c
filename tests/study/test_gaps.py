"""Screens with gaps: what is kept apart never reaches a prediction, and each arm is what its page says."""

from dataclasses import replace

import numpy as np
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.domain import SHRUNKEN
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.drug_profile import fit_drug_profile
from tl_jax.evaluation.predictors.profile_gp import profile_gp
from tl_jax.evaluation.predictors.ranked import rankit
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.many_targets.drugs import scaled_rows
from tl_jax.study.many_targets.known_drugs import APART, KNOWN_DRUGS, NEW_DRUG, NEW_SAMPLES, Gaps, with_gaps
from tl_jax.study.many_targets.new_drug import Screen, predict_new_drug, weighed
from tl_jax.study.many_targets.settings import ManySettings
from tl_jax.study.many_targets.targets import gaps_of, run_many_targets

# The shipped table knows all but the last; the first two and the third and fourth act alike.
DRUGS = ("Vincristine", "Vinblastine", "Gemcitabine", "Cytarabine", "Erlotinib", "Nobody knows it")


def chain():
    return simulate(seed=4, genes=50, n_source=60, n_intermediate=30, n_target=30)[0]


@pytest.fixture(scope="module")
def screen():
    """(target of 30 samples and six drugs with gaps, profile of a source with those drugs)."""
    rng, source, target = np.random.default_rng(0), chain().stage("source"), chain().stage("target")
    weights = rng.normal(size=(50, 6))
    weights[:, 1] = weights[:, 0] + 0.2 * weights[:, 1]
    y = target.x @ weights + rng.normal(size=(30, 6)) + rng.normal(size=(30, 1))
    y[[1, 5, 9], 1], y[[0, 2], 3] = np.nan, np.nan
    labels = source.x @ weights + rng.normal(size=(len(source), 6))
    profile = fit_drug_profile(source.x, labels, DRUGS, source.tissue)
    return replace(target, y=y, drugs=DRUGS), profile


def predictions(whole, profile, drug=DRUGS[0], apart=tuple(APART), order=None):
    """{arm: {sample: prediction}} of the first fold. order: of the samples, whose folds stay the same."""
    domain = whole.for_drug(drug)
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=400)
    fold = folds[0]
    if order is not None:
        place = np.argsort(order)
        fold = replace(fold, train=np.sort(place[fold.train]), test=np.sort(place[fold.test]))
        whole = whole.rows(order)
        domain = whole.for_drug(drug)
    (scaled,) = scale_folds(domain, [fold], PROTOCOLS["honest"])
    z = scaled_rows(domain, scaled.rescaled(domain, SHRUNKEN, profile.variance))
    found = with_gaps(Gaps(whole, apart), domain, z, scaled, profile, None)
    names = domain.samples[fold.test].tolist()
    return {arm: dict(zip(names, one.tolist(), strict=True)) for arm, one in found.items()}, fold


def changed(whole, rows, columns):
    y = whole.y.copy()
    y[np.ix_(rows, columns)] = y[np.ix_(rows, columns)][::-1] * 3 + 7
    return replace(whole, y=y)


def test_nothing_that_is_kept_apart_reaches_a_prediction(screen):
    """cells: the judged cells of held-out samples. samples: every cell of them. drugs: every cell of the drug."""
    whole, profile = screen
    before, fold = predictions(whole, profile)
    every, held, judged = range(6), fold.test, [0]
    assert set(before) == {KNOWN_DRUGS, NEW_SAMPLES, NEW_DRUG}

    def after(rows, columns):
        return moved(whole, changed(whole, rows, columns), profile)

    for arm, rows, columns in (
        (KNOWN_DRUGS, held, judged),
        (NEW_SAMPLES, held, every),
        (NEW_DRUG, range(30), judged),
    ):
        assert after(rows, columns)[arm] == before[arm], arm
    # What may be read is read.
    assert after(held, [1])[KNOWN_DRUGS] != before[KNOWN_DRUGS]
    assert after(fold.train, [2])[NEW_SAMPLES] != before[NEW_SAMPLES]
    assert after(held, [1])[NEW_DRUG] != before[NEW_DRUG]


def moved(whole, other, profile, drug=DRUGS[0]):
    """Predictions on the responses of `other`, in the first fold that those of `whole` draw: it would draw others."""
    domain = whole.for_drug(drug)
    fold = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=400)[0]
    own = other.for_drug(drug)
    (scaled,) = scale_folds(own, [fold], PROTOCOLS["honest"])
    z = scaled_rows(own, scaled.rescaled(own, SHRUNKEN, profile.variance))
    found = with_gaps(Gaps(other, tuple(APART)), own, z, scaled, profile, None)
    return {arm: dict(zip(own.samples[fold.test].tolist(), one.tolist(), strict=True)) for arm, one in found.items()}


def test_a_held_out_sample_moves_no_other(screen):
    """Where its own other drugs are read, they move its own prediction alone."""
    whole, profile = screen
    before, fold = predictions(whole, profile)
    row = fold.test[0]
    after = moved(whole, changed(whole, [row], range(1, 6)), profile)
    for arm in (KNOWN_DRUGS, NEW_DRUG):
        moves = {name for name in before[arm] if before[arm][name] != after[arm][name]}
        assert moves == {str(whole.samples[row])}, arm


def test_samples_in_another_order_are_predicted_the_same(screen):
    whole, profile = screen
    order = np.random.default_rng(1).permutation(30)
    before, after = predictions(whole, profile)[0], predictions(whole, profile, order=order)[0]
    for arm in APART.values():
        assert after[arm] == pytest.approx(before[arm], rel=1e-5), arm


def test_new_samples_without_other_drugs_are_those_of_profile_gp(screen):
    whole, profile = screen
    alone = replace(whole, y=whole.y[:, [0]], drugs=DRUGS[:1])
    found, fold = predictions(alone, profile, apart=("samples",))
    domain = whole.for_drug(DRUGS[0])
    (scaled,) = scale_folds(domain, [fold], PROTOCOLS["honest"])
    z = scaled_rows(domain, scaled.rescaled(domain, SHRUNKEN, profile.variance))
    own = profile_gp(z[fold.train], domain.response[fold.train], z[fold.test], profile)
    np.testing.assert_allclose(list(found[NEW_SAMPLES].values()), own, rtol=1e-9)


def test_a_new_drug_by_hand(screen):
    """Three numbers for each sample, weighed by least squares over the drugs that are known; ranks as they come."""
    whole, profile = screen
    train, test = np.arange(20), np.arange(20, 30)
    z = (whole.x - whole.x[train].mean(axis=0)).astype(np.float64)
    values = np.nan_to_num(whole.y[:, 1:], nan=0.3)
    scores = np.column_stack([rankit(column) for column in values.T])
    found = predict_new_drug(DRUGS[0], Screen(DRUGS[1:], scores, values), z, train, test, profile, True)

    alike = {0: [1], 1: [0], 2: [3], 3: [2], 4: [], 5: []}  # of the table of targets
    listed = {0: [0, 1], 1: [0, 1], 2: [2, 3], 3: [2, 3], 4: [4], 5: [5]}  # of the source
    full = np.column_stack([np.full(30, np.nan), scores])

    def three(k):
        rest = [j for j in range(1, 6) if j != k]
        near = [j for j in alike[k] if j in rest]
        mean = [np.mean([full[:, j] for j in own], axis=0) if own else np.zeros(30) for own in (rest, near)]
        own = [profile.reliability[j] * profile.scores(z)[:, j] for j in listed[k]]
        return np.column_stack([*mean, 1.25 * np.mean(own, axis=0)])

    tasks, truth = np.vstack([three(k)[train] for k in range(1, 6)]), np.concatenate(scores[train].T)
    # Non-negative least squares by trying every set of weights that are not nought.
    best, least = None, np.inf
    for mask in np.ndindex(2, 2, 2):
        own, weights = np.flatnonzero(mask), np.zeros(3)
        if len(own):
            weights[own] = np.linalg.lstsq(tasks[:, own], truth, rcond=None)[0]
        error = np.sum((truth - tasks @ weights) ** 2)
        if (weights >= 0).all() and error < least:
            best, least = weights, error
    np.testing.assert_allclose(weighed(Screen(DRUGS[1:], scores, values), z, train, profile, True)[0], best, atol=1e-9)
    assert (np.argsort(found) == np.argsort(three(0)[test] @ best)).all()
    assert values[train].min() <= found.min() < found.max() <= values[train].max()


def test_a_new_drug_is_forecast_from_its_like(screen):
    """Two drugs with nearly the same weights: the one says what the other does."""
    whole, profile = screen
    found, fold = predictions(whole, profile, apart=("drugs",))
    truth = whole.y[fold.test, 0]
    assert np.corrcoef(truth, list(found[NEW_DRUG].values()))[0, 1] > 0.5


def test_what_cannot_be_kept_apart_is_refused(screen):
    whole, _ = screen
    with pytest.raises(InputError, match="--apart=rows: there are: cells, samples, drugs"):
        ManySettings(known_drugs=True, apart=("rows",))
    with pytest.raises(InputError, match="--apart is empty"):
        ManySettings(known_drugs=True, apart=())
    with pytest.raises(InputError, match="has one: give several by --targets"):
        gaps_of(ManySettings(known_drugs=True), replace(whole, y=whole.y[:, [0]], drugs=DRUGS[:1]))
    assert gaps_of(ManySettings(), whole) is None


def test_a_study_judges_an_arm_for_each(tmp_path, screen):
    cohort = chain()
    cohort = replace(cohort, domains=(*cohort.domains[:-1], screen[0]), drug=DRUGS[0])
    settings = ManySettings(
        repeats=1, quick=True, min_lines=20, arms=("ridge",), known_drugs=True, apart=("drugs", "samples")
    )
    settings = replace(settings, checkpoint_dir=str(tmp_path))
    table = run_many_targets(settings, cohort).table("metrics")
    assert set(table["arm"]) == {"ridge", NEW_DRUG, NEW_SAMPLES}
    assert set(table["target"]) == set(DRUGS)
