"""Coverage of the intervals over draws by simulation: a few studies here, the recorded ones of docs/draws.md slow.

python -m pytest -n 0 -s -m slow tests/evaluation/test_draw_coverage.py
"""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from tl_jax.evaluation.draws import draws as d
from tl_jax.evaluation.draws.classification import resampled
from tl_jax.evaluation.statistics.paired import corrected_t

FEATURES, POOL, TESTS, DRAWS = 40, 2000, 466, 10
DIRECTION = np.random.default_rng(99).standard_normal(FEATURES) / 2
METHODS = ("naive t over draws", "t over draws, overlap", "crossed t")


def linear(x, y, new, seed):
    """Probability-like scores of a ridge on -1 and 1."""
    middle = x.mean(axis=0)
    x = x - middle
    slope = np.linalg.solve(x.T @ x + 20 * np.eye(FEATURES), x.T @ (2 * y - 1))
    return 1 / (1 + np.exp(-3 * (new - middle) @ slope))


def radial(x, y, new, seed):
    """The same with a radial kernel."""
    distance = lambda a, b: (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T  # noqa: E731
    within, across = (np.exp(-distance(rows, x) / (2 * FEATURES)) for rows in (x, new))
    return 1 / (1 + np.exp(-3 * across @ np.linalg.solve(within + 0.3 * np.eye(len(x)), 2 * y - 1)))


def forest(x, y, new, seed):
    """The share of 25 trees."""
    return RandomForestClassifier(25, random_state=seed).fit(x, y).predict_proba(new)[:, 1]


LEARNERS = {"linear": linear, "radial": radial, "forest": forest}


def study(rng, n, learner, noise):
    """(truth of the test compounds, (2, draws, tests) probabilities of both arms, overlap of draws).

    Both arms see the same compounds, each through a measurement of its own with noise of its own size: of equal size,
    the arms are equally good, since exchanging them changes no probability.
    """
    z = rng.standard_normal((POOL + TESTS, FEATURES))
    signal = z @ DIRECTION + 0.7 * (z[:, 0] * z[:, 1] + z[:, 2] * z[:, 3])
    y = (signal + rng.standard_normal(len(z)) > 0.3).astype(float)
    seen = [z + size * rng.standard_normal(z.shape) for size in noise]
    classes = [np.flatnonzero(y[:POOL] == label) for label in (0, 1)]
    found = np.empty((2, DRAWS, TESTS))
    for k in range(DRAWS):
        rows = np.concatenate([rng.choice(part, n // 2, replace=False) for part in classes])
        for arm, x in enumerate(seen):
            found[arm, k] = LEARNERS[learner](x[rows], y[rows], x[POOL:], int(rng.integers(2**31)))
    return y[POOL:], found, d.mean_overlap([n // 2] * 2, [len(part) for part in classes])


def intervals(metric, truth, arms, overlap):
    """{method: (point, low, high)}."""
    per_draw, without = (
        resampled(metric, truth, arms[0], weights) - resampled(metric, truth, arms[1], weights)
        for weights in (np.ones((1, TESTS)), 1 - np.eye(TESTS))
    )
    naive, overlapping = corrected_t(per_draw[0], 0.0), corrected_t(per_draw[0], overlap / (1 - overlap))
    crossed = d.crossed_t(per_draw[0], without, overlap)
    point = per_draw.mean()
    bounds = [(naive.low, naive.high), (overlapping.low, overlapping.high), crossed[1:3]]
    return {method: (point, *pair) for method, pair in zip(METHODS, bounds, strict=True)}


def simulated(n, learner, noise, studies, metric="mcc"):
    """({method: (coverage, mean width)}, standard deviation of the point, truth: 0, or the mean over all studies)."""
    found = []
    for number in range(studies):
        rng = np.random.default_rng([number, n])
        found.append(intervals(metric, *study(rng, n, learner, noise)))
    points = np.asarray([one[METHODS[0]][0] for one in found])
    truth = 0.0 if noise[0] == noise[1] else points.mean()
    values = {method: np.asarray([one[method] for one in found]) for method in METHODS}
    judged = {
        m: (np.mean((v[:, 1] <= truth) & (truth <= v[:, 2])), np.mean(v[:, 2] - v[:, 1])) for m, v in values.items()
    }
    return judged, points.std(), truth


def test_a_few_studies():
    found, _, _ = simulated(400, "linear", (1.0, 1.0), 40)
    assert found["naive t over draws"][0] < 0.8
    assert found["crossed t"][0] > 0.85


SETTINGS = [
    *(("linear", noise, n, 500, "mcc") for noise in ((1.0, 1.0), (2.0, 2.0), (0.5, 1.5)) for n in (12, 96, 400, 1000)),
    *(("radial", noise, n, 400, "mcc") for noise in ((1.0, 1.0), (0.5, 1.5)) for n in (12, 96, 400)),
    ("forest", (1.0, 1.0), 96, 150, "mcc"),
    ("linear", (1.0, 1.0), 96, 100, "auroc"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("learner", "noise", "n", "studies", "metric"), SETTINGS)
def test_recorded_coverage(learner, noise, n, studies, metric):
    found, spread, truth = simulated(n, learner, noise, studies, metric)
    cells = " | ".join(f"{found[m][0]:.3f} ({found[m][1]:.3f})" for m in METHODS)
    arms = "equal" if noise[0] == noise[1] else f"{truth:.2f} apart"
    print(
        f"\n| {learner}, {noise[0]:g} and {noise[1]:g} | {arms} | {metric} | {n} | {3.92 * spread:.3f} | {cells} |",
        end="",
    )
    assert found["crossed t"][0] >= 0.93 - 2 * np.sqrt(0.95 * 0.05 / studies)


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 96, 400])
def test_recorded_coverage_of_one_arm(n):
    """The mean MCC of an arm instead of a difference; its true value is the mean over all studies."""
    found = []
    for number in range(300):
        truth, (arm, _), overlap = study(np.random.default_rng([number, n]), n, "linear", (1.0, 1.0))
        per_draw = resampled("mcc", truth, arm, np.ones((1, TESTS)))[0]
        naive, crossed = corrected_t(per_draw, 0.0), d.crossed_t(per_draw, d.left_out("mcc", truth, arm), overlap)
        found.append((per_draw.mean(), naive.low, naive.high, *crossed[1:3]))
    point, *bounds = np.asarray(found).T
    naive, crossed = (np.mean((low <= point.mean()) & (point.mean() <= high)) for low, high in (bounds[:2], bounds[2:]))
    print(f"\n| one arm, MCC {point.mean():.2f} | {n} | {naive:.3f} | {crossed:.3f} |", end="")
    assert crossed >= 0.93 - 2 * np.sqrt(0.95 * 0.05 / 300)
