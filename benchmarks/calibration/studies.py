"""Simulated studies: two arms on one cohort by repeated cross-validation, and what is true of the two.

The arms are the project's own ridge on other features. In `twins` both see the same genes of the same samples, each
through a measurement of its own with independent noise of equal size; exchanging the two changes no probability, so
their expected performance is equal in every population, whatever one sample shows. In `halves` each sees a random
half of the genes. The halves are equal only on average over populations: within one population the half with the
better genes is better, by a little. In `disjoint` each arm sees genes of programmes of its own, with the same loadings
and weights: equally good in every population, and with nearly unrelated predictions. In `transfer` the first arm has
the prediction of a ridge model of the source as one more feature, and the truth is estimated on further cohorts of the
same population.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from tl_jax.data.cohort.simulate import DEFAULT_SOURCE, DRUG, Truth, simulate
from tl_jax.data.splits import partitions
from tl_jax.evaluation.predictors.baselines import ridge

GENES, N_SOURCE = 300, 300
TEST_ROWS, TRUTH_DRAWS = 400, 60
REPEATS = 10
Arm = Callable[[np.ndarray, np.ndarray], np.ndarray]  # rows of training, rows of test -> predictions


@dataclass(frozen=True)
class Study:
    """One cohort's cross-validation. y (n,); a, b (repeats, n) held-out predictions; fold (repeats, n) numbers."""

    y: np.ndarray
    a: np.ndarray
    b: np.ndarray
    fold: np.ndarray

    @property
    def ratio(self) -> float:
        """Held-out rows divided by training rows."""
        return 1 / self.fold.max()

    def per_fold(self) -> np.ndarray:
        """(repeats x folds,) difference of Spearman in each fold."""
        found = []
        for a, b, fold in zip(self.a, self.b, self.fold, strict=True):
            for number in range(fold.max() + 1):
                rows = fold == number
                found.append(correlation(self.y[rows], a[rows]) - correlation(self.y[rows], b[rows]))
        return np.array(found)

    def pooled(self) -> np.ndarray:
        """(repeats,) difference of the Spearman over all held-out rows of a repeat."""
        return correlation(self.y, self.a) - correlation(self.y, self.b)


def correlation(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Spearman along the last axis; 0 where the predictions are constant, which rank nothing."""
    one, other = (rankdata(v, axis=-1) for v in (y, prediction))
    one, other = (v - v.mean(axis=-1, keepdims=True) for v in (one, other))
    scale = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    return np.divide((one * other).sum(axis=-1), scale, out=np.zeros_like(scale), where=scale > 0)


@dataclass(frozen=True)
class Population:
    """Studies of one population, its true difference a - b, and the standard error with which that is known."""

    studies: tuple[Study, ...]
    difference: float
    error: float


def folds_of(n: int) -> int:
    """3 folds for cohorts of about 20 samples, 5 above, as in the published study."""
    return 3 if n < 40 else 5


def cross_validate(y: np.ndarray, arms: Sequence[Arm], seed: int, repeats: int = REPEATS) -> Study:
    """Both arms on the same partitions, drawn as the studies draw them."""
    (a, b), fold = cross_validated(y, np.arange(len(y)), arms, folds_of(len(y)), repeats, seed)
    return Study(y, a, b, fold)


def cross_validated(
    y: np.ndarray, groups: np.ndarray, arms: Sequence[Arm], folds: int, repeats: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(arms, repeats, n) held-out predictions and (repeats, n) numbers of folds; groups (n,) share a fold."""
    made, number = np.empty((len(arms), repeats, len(y))), np.empty((repeats, len(y)), int)
    for fold in partitions(y, groups, folds=folds, repeats=repeats, seed=seed):
        number[fold.repeat, fold.test] = fold.fold
        for k, arm in enumerate(arms):
            made[k, fold.repeat, fold.test] = arm(fold.train, fold.test)
    return made, number


def ridge_arm(
    x: np.ndarray, y: np.ndarray, source: np.ndarray | None = None, groups: np.ndarray | None = None, fit=ridge
) -> Arm:
    """Ridge on x (n, genes), scaled by the training rows. source: (genes,) coefficients of a model whose prediction
    joins the genes as a feature with as much variance as all of them together. groups: (n,) left out together when
    the penalty is chosen. fit: the package's ridge, or its twin in `quick.py`."""

    def predict(train, test):
        center, spread = x[train].mean(axis=0), x[train].std(axis=0) + 1e-9
        scaled, held = (x[train] - center) / spread, (x[test] - center) / spread
        if source is not None:
            scaled, held = with_source(scaled, held, source)
        return fit(scaled, y[train], held, **({} if groups is None else {"groups": groups[train]}))

    return predict


def with_source(train: np.ndarray, test: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both tables with one more column: the source model's prediction."""
    of_train, of_test = train @ source, test @ source
    size = np.sqrt(train.shape[1]) / (of_train.std() + 1e-9)
    return tuple(np.column_stack([x, (v - of_train.mean()) * size]) for x, v in ((train, of_train), (test, of_test)))


def twins(n: int, programmes: int, seed: int, repeats: int = REPEATS) -> Study:
    """Two arms that are equally good in every population: two measurements of the same samples and genes."""
    y, _, tables = same_samples(n, programmes, seed)
    return cross_validate(y, [ridge_arm(x, y) for x in tables], partition_seed(seed), repeats)


def same_samples(n: int, programmes: int, seed: int, arms: int = 2, pairs: int = 0):
    """y (n,), groups (n,) and a measurement (n, genes) for each arm of `twins`. pairs: of related samples."""
    cohort, truth = chain(n, programmes, seed, related_pairs=pairs)
    rng, target = np.random.default_rng([seed, 1]), cohort.domains[-1].for_drug(DRUG)
    return target.response, target.groups, [measured(truth, rng) for _ in range(arms)]


def nothing_shared(n: int, programmes: int, seed: int, arms: int = 2, pairs: int = 0):
    """y (n,), groups (n,) and the genes (n, genes) of each arm of `disjoint`: the response is the sum of as many sets
    of programmes as there are arms, with the same weights, whose genes have the same loadings."""
    cohort, truth = chain(n, programmes, seed, related_pairs=pairs)
    rng, target = np.random.default_rng([seed, 4]), cohort.domains[-1].for_drug(DRUG)
    clean, weights = truth.response["target"][:, 0], truth.weights[f"target/{DRUG}"]
    activities = [rng.standard_normal((n, len(weights))) for _ in range(arms)]
    for z in activities:
        own, mate = z[1 : 2 * pairs : 2], z[0 : 2 * pairs : 2]
        own[:] = 0.9 * mate + np.sqrt(1 - 0.9**2) * own  # as the simulator relates samples
    spread = float(np.std(target.response - clean) / np.std(clean))
    y = sum(z @ weights for z in activities) + spread * np.sqrt(arms) * rng.standard_normal(n)
    return y, target.groups, [expressed(z, truth.loadings, rng) for z in activities]


def measured(truth: Truth, rng: np.random.Generator) -> np.ndarray:
    """(n, genes) expression of the target's samples, measured once more."""
    return expressed(truth.activities["target"], truth.loadings, rng)


def expressed(z: np.ndarray, loadings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, genes) expression of activities (n, programmes), with noise of its own."""
    own = np.sqrt(np.maximum(1 - (loadings**2).sum(axis=0), 0))
    return z @ loadings + own * rng.standard_normal((len(z), len(own)))


def halves(n: int, programmes: int, seed: int, draws: int = TRUTH_DRAWS) -> Population:
    """Two arms that are equally good on average over populations only: two random halves of the genes."""
    cohort, _ = chain(rows_needed(n, 1, draws), programmes, seed)
    domain = cohort.domains[-1]
    order = np.random.default_rng([seed, 2]).permutation(GENES)
    x, y = domain.x.astype(np.float64), domain.for_drug(DRUG).response

    def arms(rows):
        return [ridge_arm(x[rows][:, genes], y[rows]) for genes in np.split(order, 2)]

    return population(n, 1, draws, y, arms, seed)


def transfer(
    n: int, programmes: int, relatedness: float, seed: int, cohorts: int = 1, draws: int = TRUTH_DRAWS, fit=ridge
) -> Population:
    """With the source model's prediction, and without, in `cohorts` cohorts of one population."""
    related = {"relatedness": relatedness, "n_source": N_SOURCE}
    cohort, _ = chain(rows_needed(n, cohorts, draws), programmes, seed, **related)
    domain, source = cohort.domains[-1], source_model(cohort)
    x, y = domain.x.astype(np.float64), domain.for_drug(DRUG).response

    def arms(rows):
        return [ridge_arm(x[rows], y[rows], source, fit=fit), ridge_arm(x[rows], y[rows], fit=fit)]

    return population(n, cohorts, draws, y, arms, seed)


def chain(n: int, programmes: int, seed: int, **more):
    """A simulated cohort whose upstream domains are as small as they may be unless `more` says otherwise."""
    sizes = {"genes": GENES, "n_source": 2, "n_intermediate": 2, "n_target": n}
    return simulate(seed=seed, programmes=programmes, **{**sizes, **more})


def partition_seed(seed: int, cohort: int = 0) -> int:
    """Far apart, since repeats of a study count up from it."""
    return 10_000 * seed + cohort


def source_model(cohort) -> np.ndarray:
    """(genes,) coefficients of ridge on the source, genes scaled by it: what ridge predicts for each gene alone."""
    domain = cohort.domains[0].for_drug(DEFAULT_SOURCE)
    x = domain.x.astype(np.float64)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    predicted = ridge(x, domain.response, np.vstack([np.eye(x.shape[1]), np.zeros(x.shape[1])]))
    return predicted[:-1] - predicted[-1]


def training_rows(n: int) -> int:
    return round(n * (folds_of(n) - 1) / folds_of(n))


def rows_needed(n: int, cohorts: int, draws: int) -> int:
    """Target samples to simulate: the cohorts, the training sets of the truth, and its test rows."""
    return cohorts * n + draws * training_rows(n) + TEST_ROWS


def population(n: int, cohorts: int, draws: int, y: np.ndarray, arms: Callable, seed: int) -> Population:
    """Studies of the first cohorts * n rows, and the truth from the rows after them. arms(rows) -> two Arms.

    The truth is what repeated cross-validation estimates: the mean difference of Spearman in held-out groups of a
    fold's size, after training on as many rows as a fold trains on, over training sets drawn from the population.
    """
    studies = []
    for k in range(cohorts):
        rows = np.arange(k * n, (k + 1) * n)
        studies.append(cross_validate(y[rows], arms(rows), partition_seed(seed, k)))
    later = np.arange(cohorts * n, len(y))
    both, train, size = arms(later), training_rows(n), round(n / folds_of(n))
    test = np.arange(len(later) - TEST_ROWS, len(later))[: TEST_ROWS // size * size]
    drawn = []
    for k in range(draws):
        rows = np.arange(k * train, (k + 1) * train)
        made = [arm(rows, test).reshape(-1, size) for arm in both]
        one, other = (correlation(y[later[test]].reshape(-1, size), v).mean() for v in made)
        drawn.append(one - other)
    return Population(tuple(studies), float(np.mean(drawn)), float(np.std(drawn, ddof=1) / np.sqrt(draws)))
