"""What arms give on a problem: predictions, metrics and histories under the same keys in every study."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics import metrics
from tl_jax.study.core.problem import Problem

# A row's keys. split: number of the fold (compounds: size of the draw), or "pooled" over all of a draw's folds;
# draw: number of the repeat, that is of the partition or of the drawn training rows.
KEYS = ("domain", "arm", "source", "protocol", "split", "draw")
BY_REPEAT = {"split": "fold", "draw": "repeat"}  # as the statistics and the files of an experiment name them


class ArmResult(NamedTuple):
    """One arm on one problem. Its frames name `repeat` and `fold`, as the statistics take them.

    predictions: repeat, fold, sample_id, y_true, y_pred (the response's own unit).
    metrics: repeat, fold (a number or "pooled"), metric, value, n_train, n_test.
    history: epoch, train_loss, test_loss, ... averaged over runs, with the 10th and 90th percentiles; may be empty.
    gene_weights: (runs, genes) sums of |weights| in a trained first layer, or None.
    """

    domain: str
    arm: str
    source: str
    protocol: str
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    history: pd.DataFrame
    gene_weights: np.ndarray | None = None

    def keyed(self, name: str) -> pd.DataFrame:
        """The frame `name` with the columns that tell which arm it is of."""
        of = {key: getattr(self, key) for key in KEYS[:4]}
        return getattr(self, name).assign(**of)


@dataclass(frozen=True)
class ResultTable:
    """Results of any arms on any problems, in their order; `one + other` joins two.

    predictions, metrics, history: all arms' rows as one frame under KEYS (history has no split and draw).
    """

    results: tuple[ArmResult, ...] = ()

    def __iter__(self) -> Iterator[ArmResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __add__(self, other: ResultTable) -> ResultTable:
        return ResultTable((*self.results, *other.results))

    def of(self, arm: str, source: str = "") -> ArmResult:
        """The first result of an arm; KeyError where there is none."""
        found = next((one for one in self.results if (one.arm, one.source) == (arm, source)), None)
        if found is None:
            raise KeyError(f"no arm {arm!r} from {source!r}; there are: {sorted(self.arms)}")
        return found

    def only(self, arms: Collection[tuple[str, str]]) -> ResultTable:
        """The results of some (arm, source)."""
        return ResultTable(tuple(one for one in self.results if (one.arm, one.source) in arms))

    @property
    def arms(self) -> list[tuple[str, str]]:
        """(arm, source) of every result, each once."""
        return list(dict.fromkeys((one.arm, one.source) for one in self.results))

    @property
    def predictions(self) -> pd.DataFrame:
        return self._frame("predictions")

    @property
    def metrics(self) -> pd.DataFrame:
        return self._frame("metrics")

    @property
    def history(self) -> pd.DataFrame:
        return self._frame("history")

    def by_repeat(self, name: str) -> pd.DataFrame:
        """The frame `name` with `repeat` and `fold` instead of `draw` and `split`."""
        frames = [one.keyed(name) for one in self.results if len(getattr(one, name))]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _frame(self, name: str) -> pd.DataFrame:
        frame = self.by_repeat(name).rename(columns={new: old for old, new in BY_REPEAT.items()})
        keys = [key for key in KEYS if key in frame]
        return frame[[*keys, *(column for column in frame if column not in keys)]]


def result_of(
    problem: Problem, arm: str, source: str, predicted: Sequence[np.ndarray], history: dict, gene_weights=None
) -> ArmResult:
    """The tables of one arm.

    Args:
        predicted: for each fold of the problem, (m,) predictions of its held-out rows in the response's own unit.
        history: {curve: (runs, epochs)} of the training, {} where there was none.
    """
    frames = [
        pd.DataFrame(
            {
                "repeat": f.fold.repeat,
                "fold": f.fold.fold,
                "sample_id": problem.domain.samples[f.fold.test],
                "y_true": f.y[f.fold.test],
                "y_pred": y_pred,
            }
        )
        for f, y_pred in zip(problem.folds, predicted, strict=True)
    ]
    predictions = pd.concat(frames, ignore_index=True)
    measured = measure(problem, predictions)
    keys = (problem.domain.name, arm, source, problem.protocol.name)
    return ArmResult(*keys, predictions, measured, average(history), gene_weights)


def measure(problem: Problem, predictions: pd.DataFrame) -> pd.DataFrame:
    """Every metric per fold, and "pooled": over all held-out predictions of a repeat together."""
    trained_on = {(f.fold.repeat, f.fold.fold): len(f.fold.train) for f in problem.folds}
    rows = []

    def add(repeat, fold, part, n_train):
        for metric, value in problem.scores(part.y_true.to_numpy(), part.y_pred.to_numpy()).items():
            rows.append((repeat, fold, metric, value, n_train, len(part)))

    for repeat, whole in predictions.groupby("repeat", sort=False):
        for fold, part in whole.groupby("fold", sort=False):
            add(repeat, fold, part, trained_on[repeat, fold])
        add(repeat, "pooled", whole, round(np.mean([n for (r, _), n in trained_on.items() if r == repeat])))
    return pd.DataFrame(rows, columns=["repeat", "fold", "metric", "value", "n_train", "n_test"])


def average(history: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per epoch: each curve's mean over runs, the losses' 10th and 90th percentiles. Empty if untrained."""
    if not history:
        return pd.DataFrame()
    columns = {"epoch": np.arange(1, len(next(iter(history.values()))[0]) + 1)}
    for name, curves in history.items():
        columns[name] = np.asarray(curves).mean(axis=0)
        if name.endswith("_loss"):
            columns[f"{name}_low"], columns[f"{name}_high"] = np.percentile(curves, (10, 90), axis=0)
    return pd.DataFrame(columns)


def per_fold(problem: Problem, one: ArmResult) -> pd.DataFrame:
    """The rows of a result that hold one fold's value of the metric that judges the problem."""
    return metrics.per_fold(one.metrics, problem.metric)


def mean_by_repeat(problem: Problem, one: ArmResult) -> pd.Series:
    """Mean over folds of the metric that judges the problem, for each repeat."""
    return metrics.mean_per_repeat(one.metrics, problem.metric)
