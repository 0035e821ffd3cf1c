"""One arm over several results folders: independent targets by a t-test, shared samples by the sample."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.report.sections.over_folders import over_folders


def write(folder, seed, names, gain=0.3):
    """A finished study of 15 samples, 2 x 3 folds, of ridge and of one arm from a source; returns its true gain."""
    rng, n = np.random.default_rng(seed), len(names)
    y, rows, values = rng.normal(size=n), [], []
    for repeat in range(2):
        fold = rng.permutation(n) % 3
        for arm, source, size in (("ridge", "", 0.5), ("moved", "drug", 0.5 + gain)):
            made = size * y + rng.normal(size=n)
            base = ("exp6", arm, source, "honest", repeat)
            rows += [(*base, fold[i], names[i], y[i], made[i]) for i in range(n)]
            for k in range(3):
                value = spearman(y[fold == k], made[fold == k])
                values.append((*base, k, "spearman", value, n - n // 3, n // 3))
    keys = ["experiment", "arm", "source", "protocol", "repeat", "fold"]
    folder.mkdir()
    pd.DataFrame(rows, columns=[*keys, "sample_id", "y_true", "y_pred"]).to_csv(folder / "predictions.csv", index=False)
    table = pd.DataFrame(values, columns=[*keys, "metric", "value", "n_train", "n_test"])
    table.to_csv(folder / "metrics.csv", index=False)
    means = table.groupby("arm")["value"].mean()
    return means["moved"] - means["ridge"]


def names(prefix):
    return [f"{prefix}{k}" for k in range(15)]


def test_independent_targets_are_tested_by_t(tmp_path):
    gains = [write(tmp_path / f"t{k}", k, names(f"c{k}-")) for k in range(5)]
    found = over_folders([tmp_path / f"t{k}" for k in range(5)], "moved")
    assert not found.shared
    assert found.gain == pytest.approx(np.mean(gains))
    assert found.p == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)
    assert "over targets" in found.text()
    assert "the power of 5 targets of 15 samples was not measured" in found.text()


def test_targets_that_share_samples_are_not_counted_as_targets(tmp_path):
    for k in range(3):
        write(tmp_path / f"t{k}", k, names("s"))
    found = over_folders([tmp_path / f"t{k}" for k in range(3)], "moved")
    assert found.shared
    assert "the targets share some, so they are not independent" in found.text()


def test_bad_input_is_one_line(tmp_path):
    for k in range(2):
        write(tmp_path / f"t{k}", k, names(f"c{k}-"))
    folders = [tmp_path / "t0", tmp_path / "t1"]
    for given, message in (
        ((folders[:1], "moved"), "several targets"),
        ((folders, "moved"), "needs at least 3"),
        ((folders, "other"), "has no arm other; it has: ridge, moved"),
        ((folders, "moved", None, "svr"), "has no arm svr"),
        ((folders, "moved", "elsewhere"), "has no arm moved from elsewhere"),
    ):
        with pytest.raises(InputError, match=message):
            over_folders(*given)
