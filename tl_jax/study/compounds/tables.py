"""The tables of a study between protein families."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.classification import calibration_table, score_classifier
from tl_jax.evaluation.draws.crossover import crossovers
from tl_jax.evaluation.draws.draw_comparisons import arm_intervals, compare_draws
from tl_jax.evaluation.draws.draw_verdict import FAULT
from tl_jax.evaluation.statistics.registry import get
from tl_jax.evaluation.statistics.source_test import floored
from tl_jax.report.tables import fixed_width, number
from tl_jax.study.compounds import looks
from tl_jax.study.compounds.settings import JUDGES
from tl_jax.study.compounds.study import DtiResults
from tl_jax.study.core.looks import charged, note


def predictions(results: DtiResults) -> pd.DataFrame:
    """source, arm, size, draw, compound_id, y_true, probability: a row for every prediction of a test compound."""
    setup, tables = results.setup, []
    ids, truth = setup.target.samples[setup.split.test], setup.truth
    for (source, arm, size), p in results.probabilities.items():
        draws, m = p.shape
        columns = {
            "draw": np.repeat(np.arange(draws), m),
            "compound_id": np.tile(ids, draws),
            "y_true": np.tile(truth, draws),
            "probability": p.ravel(),
        }
        tables.append(pd.DataFrame(columns).assign(source=source, arm=arm, size=size))
    return pd.concat(tables, ignore_index=True)


def metrics(results: DtiResults) -> pd.DataFrame:
    """source, arm, size asked for, n_train drawn, draw, metric, value: every metric of every draw."""
    published = results.settings.protocol == "as_published"
    rows = []
    for (source, arm, size), p in results.probabilities.items():
        n = len(results.setup.draws[size][0]) if size else 0
        for draw, values in enumerate(p):
            found = score_classifier(results.setup.truth, values, auroc_from_labels=published)
            rows += [(source, arm, size, n, draw, metric, value) for metric, value in found.items()]
    return pd.DataFrame(rows, columns=["source", "arm", "size", "n_train", "draw", "metric", "value"])


def clusters(results: DtiResults) -> dict[str, str] | None:
    """{test compound: scaffold} where whole scaffolds were held out; else compounds count one by one."""
    if results.settings.split != "scaffold":
        return None
    setup = results.setup
    return dict(zip(setup.target.samples[setup.split.test], setup.scaffolds, strict=True))


def references(results: DtiResults) -> list[str]:
    """Arms that the others are compared with: from scratch, and the first shallow classifier on raw features."""
    there = {arm for source, arm, size in results.probabilities if size and not source}
    return [name for name in looks.references(results.settings) if name in there]


def judged(results: DtiResults) -> dict[str, pd.DataFrame]:
    """{name: table}: arms (means with intervals), comparisons, crossovers, switches, calibration.

    The look at the compounds is counted, and comparisons and the source test are charged for it.
    """
    settings, setup = results.settings, results.setup
    table, groups = predictions(results), clusters(results)
    own = {"overlap": setup.overlap, "clusters": groups}
    plain = table[~table["arm"].str.contains(FAULT, regex=False)]
    found = {"arms": pd.concat([arm_intervals(table, metric=m, **own) for m in JUDGES], ignore_index=True)}
    compared, crossed = [], []
    for name in references(results):
        compared += [compare_draws(plain, name, metric=m, **own) for m in JUDGES]
        if len(setup.draws) > 1:
            crossed.append(crossovers(plain, name, metric=settings.metric, clusters=groups, seed=settings.seed))
    if compared:
        seen = looks.record(settings, setup)
        results.ledger.remark(note(seen, "p_holm", "compounds"))
        found["comparisons"] = charged(pd.concat(compared, ignore_index=True), len(seen), of="p_holm")
        if "source_test" in results.examined:
            tested = charged(results.examined["source_test"], len(seen), of="p_holm")
            found["source_test"] = tested
            results.ledger.remark(*floored(tested))
    if crossed:
        found["crossovers"] = pd.concat(crossed, ignore_index=True)
    if settings.switches:
        found["switches"] = worth(table, settings.metric, own)
    found["calibration"] = calibration(results)
    return found


def worth(table: pd.DataFrame, metric: str, own: dict) -> pd.DataFrame:
    """What each switch of the published code makes of each arm: the arm with it minus the same arm without."""
    rows = []
    plain = table["arm"].str.split(FAULT, regex=False).str[0]
    for arm, part in table.groupby(plain, sort=False):
        if part["arm"].nunique() > 1:
            rows.append(compare_draws(part, arm, metric=metric, **own))
    found = pd.concat(rows, ignore_index=True)
    # A source's own arm without the switch is its reference; arms without a source have theirs.
    names = found["arm"].str.extract(r"^(?P<method>.*)\[(?P<switch>.*)\]$")
    return pd.concat([names, found.drop(columns=["arm", "reference_source", "reference"])], axis=1)


def calibration(results: DtiResults) -> pd.DataFrame:
    """Predicted against observed share of actives, over all draws of an arm and size."""
    frames = []
    for (source, arm, size), p in results.probabilities.items():
        bins = calibration_table(np.tile(results.setup.truth, len(p)), p.ravel())
        frames.append(bins.assign(source=source, arm=arm, size=size))
    return pd.concat(frames, ignore_index=True)


def compounds(results: DtiResults) -> pd.DataFrame:
    """The test compounds: id, SMILES, label, scaffold, and how near each is to the nearest training compound."""
    setup = results.setup
    own = setup.compounds.rows(setup.split.test)
    names = {"compound_id": own.ids, "smiles": own.smiles, "key": own.keys, "label": own.y.astype(int)}
    near = {f"nearest_in_{name}": values for name, values in results.nearest.items()}
    return pd.DataFrame({**names, "scaffold": setup.scaffolds, **near})


def printed(results: DtiResults, arms: pd.DataFrame) -> str:
    """The mean of the metric by source and arm (rows) and size (columns)."""
    judged = get(results.settings.metric)
    rows = arms[arms["metric"] == judged.name]
    wide = rows.pivot(index=["source", "arm"], columns="size", values="value")
    order = rows[["source", "arm"]].drop_duplicates().itertuples(index=False, name=None)
    lines = [
        [source or "-", arm, *(number(wide.loc[(source, arm), size], ".3f") for size in wide.columns)]
        for source, arm in sorted(order, key=lambda key: key[0] != "")
    ]
    head = ("source", "arm", *(f"n={size}" if size else "untrained" for size in wide.columns))
    return "\n".join([f"mean {judged.label} on {len(results.setup.truth)} test compounds", *fixed_width(head, lines)])
