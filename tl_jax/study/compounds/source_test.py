"""Do networks use what the labels of a source family carry? Each size of training set by itself, compounds as units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import expit

from tl_jax.errors import InputError
from tl_jax.evaluation.draws.classification import score_classifier
from tl_jax.evaluation.statistics.metrics import sign
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.evaluation.statistics.source_test import RETRAINED, needed, sequential
from tl_jax.study.compounds.networks import Method, arms_of, buckets, logits_on
from tl_jax.study.compounds.settings import DtiSettings, Switches
from tl_jax.study.compounds.setup import Setup
from tl_jax.study.core.arms import How
from tl_jax.study.core.permuted_stages import block_size, retrain
from tl_jax.study.core.source_test import PURPOSE, kept, until_settled
from tl_jax.study.core.stages import TrainedStage

COLUMNS = ("size", "source", "arm", "method", "observed", "permutations", "at_least", "p", "null_mean")
Key = tuple[str, int]  # arm, size


def methods_tested(settings: DtiSettings, methods: Sequence[Method]) -> list[Method]:
    """The networks whose sources are tested; InputError, before any training, for what cannot be."""
    able = [m for m in methods if m.strategy.needs_source and m.switches == settings.rules]
    wrong = [name for name in settings.source_test if name not in {method.name for method in able}]
    if wrong:
        names = ", ".join(method.name for method in able) or "none"
        raise InputError(f"--source_test={wrong[0]}: no network here that starts from a source; there are: {names}")
    if settings.source_test and (settings.rules != Switches() or settings.epoch != "fixed"):
        raise InputError("--source_test needs --protocol=honest and --epoch=fixed")
    return [method for method in able if method.name in settings.source_test]


def source_tests(
    settings: DtiSettings,
    setup: Setup,
    methods: Sequence[Method],
    stages: Mapping[str, TrainedStage],
    probabilities: Mapping[tuple[str, str, int], np.ndarray],
    how: How,
) -> pd.DataFrame:
    """One row for each source, arm and size; the score is the mean over draws of the judging metric.

    Args:
        methods: of `methods_tested`. probabilities: (draws, m) of every arm on true labels.
    Holm's correction (`p_holm`) goes over all sources and sizes of an arm.
    """
    rows = []
    count = settings.source_permutations or needed(len(stages) * len(setup.draws))
    for source, stage in stages.items():
        keys = [(method.name, size) for method in methods for size in setup.draws]
        observed = {(arm, size): score(setup, settings, probabilities[source, arm, size]) for arm, size in keys}
        problem = setup.on((size, draw) for size in setup.draws for draw in range(settings.repeats))
        label = f"{PURPOSE} of {', '.join(settings.source_test)} from {source}"
        run = partial(block, settings, setup, methods, source, stage, how)
        keep = partial(kept, problem=problem, label=label, parents=(stage.meta["id"],), how=how)
        scores = until_settled(observed, count, block_size([stage]), run, keep, how.label(label))
        for arm, size in keys:
            p = sequential(observed[arm, size], scores[arm, size])
            used = sign(settings.metric) * np.asarray(scores[arm, size][: p.permutations])
            seen = sign(settings.metric) * observed[arm, size]
            rows.append((size, source, arm, RETRAINED, seen, *p, float(np.nanmean(used))))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(p_holm=table.groupby("arm", sort=False)["p"].transform(lambda p: holm(p)))


def block(settings, setup: Setup, methods, source: str, stage, how: How, keys: Sequence[Key], numbers) -> np.ndarray:
    """(keys, permutations) scores of networks from a source that has learnt permuted labels."""
    found: dict[Key, list[float]] = {key: [] for key in keys}
    own = [method for method in methods if method.name in {arm for arm, _ in keys}]
    arms = []
    for number, (again,) in zip(numbers, retrain((stage,), numbers, how), strict=True):
        meta = {**stage.meta, "id": f"{stage.meta['id']} on permuted labels {number}"}
        arms += [arm for _, arm in arms_of(settings, own, {source: replace(again, meta=meta)})]
    for sizes in buckets(setup, settings.batch_size):
        open_ = [size for size in sizes if any(one == size for _, one in keys)]
        if not open_:
            continue
        problem = setup.on(((size, draw) for size in open_ for draw in range(settings.repeats)), f"{PURPOSE}:")
        for arm, logits in zip(arms, logits_on(problem, arms, how, PURPOSE), strict=True):
            p = expit(logits[:, -1])
            for k, size in enumerate(open_):
                if (arm.name, size) in found:
                    part = p[k * settings.repeats : (k + 1) * settings.repeats]
                    found[arm.name, size].append(score(setup, settings, part))
    return np.asarray([found[key] for key in keys])


def score(setup: Setup, settings: DtiSettings, p: np.ndarray) -> float:
    """The mean over draws of the judging metric of probabilities (draws, m), more being better."""
    values = [score_classifier(setup.truth, one)[settings.metric] for one in p]
    return sign(settings.metric) * float(np.mean(values))
