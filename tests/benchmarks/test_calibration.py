"""The calibration: its studies, verdicts and summary on small cases, and a reduced run of it."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.calibration import jobs, studies, summary, verdicts
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.evaluation.statistics.paired import corrected_t, naive_wilcoxon

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def study():
    return studies.twins(22, 10, 1)


def test_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    y, made = rng.integers(0, 5, (3, 1, 9)), rng.integers(0, 5, (3, 4, 9))
    slow = [[stats.spearmanr(y[i, 0], made[i, j]).statistic for j in range(4)] for i in range(3)]
    np.testing.assert_allclose(studies.correlation(y, made), slow, atol=1e-12)
    assert studies.correlation(np.arange(4), np.ones(4)) == 0


def test_a_study_holds_each_sample_out_once_a_repeat(study):
    assert study.a.shape == study.b.shape == (10, 22)
    assert all((np.bincount(fold) >= 7).all() and len(np.bincount(fold)) == 3 for fold in study.fold)
    assert study.ratio == 0.5
    differences, k = study.per_fold(), 0
    for a, b, fold in zip(study.a, study.b, study.fold, strict=True):
        for number in range(3):
            rows = fold == number
            expected = spearman(study.y[rows], a[rows]) - spearman(study.y[rows], b[rows])
            assert differences[k] == pytest.approx(expected)
            k += 1
    np.testing.assert_allclose(study.pooled()[3], spearman(study.y, study.a[3]) - spearman(study.y, study.b[3]))


def test_twins_are_two_measurements_of_the_same_size():
    _, truth = studies.chain(2000, 10, 5)
    rng = np.random.default_rng(0)
    one, other = studies.measured(truth, rng), studies.measured(truth, rng)
    np.testing.assert_allclose(one.std(axis=0), other.std(axis=0), rtol=0.12)
    explained = (truth.loadings**2).sum(axis=0)
    shared = [np.cov(one[:, g], other[:, g])[0, 1] for g in range(one.shape[1])]
    np.testing.assert_allclose(shared, explained, atol=0.15)


def test_no_arm_sees_the_rows_that_it_predicts():
    x, y = np.random.default_rng(0).standard_normal((20, 6)), np.arange(20.0)
    arm = studies.ridge_arm(x, y, np.ones(6))
    train, test = np.arange(14), np.arange(14, 20)
    before = arm(train, test)
    x[test[1:]] += 9
    y[test] = -5
    assert arm(train, test)[0] == pytest.approx(before[0])


def test_related_sources_help_and_unrelated_ones_harm():
    helped = [studies.transfer(22, 10, 1.0, seed, draws=8) for seed in range(3)]
    harmed = [studies.transfer(22, 10, 0.0, seed, draws=8) for seed in range(3)]
    assert min(one.difference for one in helped) > 0.1
    assert max(one.difference for one in harmed) < 0
    assert all(len(one.studies) == 1 and 0 < one.error < 0.1 for one in helped + harmed)


def test_verdicts_are_the_packages_own(study):
    found = verdicts.verdict(study)
    assert found["corrected_t"] == corrected_t(study.per_fold(), 0.5).p
    assert found["wilcoxon_repeats"] == naive_wilcoxon(study.pooled())
    assert found["t_folds"] == pytest.approx(corrected_t(study.per_fold(), 0.0).p)
    assert found["better"] + found["same"] + found["worse"] == pytest.approx(1)
    seen = verdicts.looks(study, (5, 10))
    assert seen["corrected_t"][1] == found["corrected_t"]
    assert seen["wilcoxon_repeats"][0] == naive_wilcoxon(study.pooled()[:5])


def test_tests_over_samples_at_both_ends(study):
    rng = np.random.default_rng(0)
    same = studies.Study(study.y, study.a, study.a, study.fold)
    assert verdicts.resampled(same, rng) == {"swap": 1, "bootstrap": 1}
    truth = np.tile(study.y, (10, 1))
    sure = studies.Study(study.y, truth, -truth, study.fold)
    assert max(verdicts.resampled(sure, rng).values()) <= 0.02


def test_no_two_jobs_share_a_seed_and_a_job_repeats():
    todo = list(jobs.jobs(jobs.FULL))
    assert len({job.seed for job in todo}) == len(todo)
    assert {job.n for job in todo} == {22, 83}
    job = next(jobs.jobs(jobs.QUICK))
    assert jobs.run_job(job) == jobs.run_job(job)


def test_rates_and_bins_by_hand():
    found = summary.rate([True] * 3 + [False] * 7)
    interval = stats.binomtest(3, 10).proportion_ci(method="exact")
    assert found == {"rate": 0.3, "low": interval.low, "high": interval.high, "studies": 10}
    rows = pd.DataFrame(
        {"truth": [0.0, 0.01, 0.12, 0.12, -0.2], "better": [0.05, 0.95, 0.95, 0.95, 0.02], "same": 0.0, "worse": 0.0}
        | {"difference": [0.1, 0.1, 0.1, -0.1, 0.1]}
        | {test: [0.5, 0.05, 0.01, 0.01, 0.01] for test in ("corrected_t", "bayes", "wilcoxon_repeats")}
    )
    bins = {(line["event"], line["from"]): line for line in summary.reliability(22, rows)}
    assert (bins["better", 0.9]["studies"], bins["better", 0.9]["rate"]) == (3, pytest.approx(2 / 3))
    assert (bins["better", 0]["studies"], bins["better", 0]["rate"]) == (2, 0)
    power = {line["from"]: line for line in summary.power(22, rows) if line["test"] == "corrected_t"}
    assert {low: (line["studies"], line["rate"], line["wrong_side"]) for low, line in power.items()} == {
        -np.inf: (1, 1, 1),
        -0.02: (2, 0.5, 0),
        0.1: (2, 1, 1),
    }


@pytest.fixture(scope="module")
def recorded():
    return json.loads((DOCS / "calibration.json").read_text())


def test_what_is_recorded_is_a_whole_run(recorded):
    assert not recorded["quick"]
    assert min(line["studies"] for line in recorded["null"] if line["kind"] == "twins") >= 300
    assert {line["test"] for line in recorded["null"]} == set(verdicts.TESTS)


def test_the_page_prints_what_is_recorded(recorded):
    page = (DOCS / "calibration.md").read_text()
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in page.splitlines() if line.startswith("| ")}
    for test, words in verdicts.TESTS.items():
        lines = [line for line in recorded["null"] if line["test"] == test and line["kind"] == "twins"]
        for n, cells in ((22, rows[words][:4]), (83, rows[words][4:])):
            printed = [f"{line['rate']:.3f}".lstrip("0") for line in lines if line["n"] == n]
            assert [cell.split()[0] for cell in cells] == printed


@pytest.mark.slow
def test_a_reduced_run_keeps_its_bounds():
    plan = jobs.Plan(twins=60, halves=2, looked=60, populations=2, cohorts=2, draws=20)
    report = summary.summarise(jobs.collect(plan, 2, sizes=(22,)))
    rates = {line["test"]: line["rate"] for line in report["null"] if line["signal"] == "all"}
    assert rates["corrected_t"] <= 0.08
    assert rates["bayes"] <= 0.08
    for test in ("wilcoxon_repeats", "t_repeats", "t_folds", "wilcoxon_folds"):
        assert rates[test] > 0.35
    looks = {(line["test"], line["looks"]): line["rate"] for line in report["looks"]}
    assert looks["corrected_t", "any, corrected"] <= 0.06
    assert looks["wilcoxon_repeats", "any, uncorrected"] > 0.5
    truth = report["truths"][0]
    assert truth["coverage"]["rate"] > 0.9
    assert abs(truth["bias"]) < 0.05
