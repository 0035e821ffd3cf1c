"""A target family split into a training pool and a test set, and source families that never saw the test set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from tl_jax.data.compounds.chemical_splits import (
    Split,
    balanced_draws,
    listed_split,
    random_split,
    scaffold_split,
    without_compounds,
)
from tl_jax.data.compounds.compounds import Compounds, left_out, read_compounds, reading
from tl_jax.data.compounds.fingerprints import bit_names, ecfp
from tl_jax.data.compounds.molecules import scaffolds
from tl_jax.data.compounds.simulate_compounds import simulate_compounds
from tl_jax.data.compounds.vectors import described
from tl_jax.data.domain import LABEL, Domain
from tl_jax.data.scaling.scaling import NETWORK_TOP, RESISTANT, ResponseScale
from tl_jax.data.splits import Fold
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.classification import score_classifier
from tl_jax.evaluation.draws.draws import mean_overlap
from tl_jax.study.compounds.settings import ALL, POOLED, SIMULATED, SIZES, DtiSettings
from tl_jax.study.core.folds import ScaledFold, unscaled
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.protocol import Protocol
from tl_jax.system.progress import LOGGER


@dataclass(frozen=True)
class Setup:
    """target: all its compounds, with `split` into pool and test set. sources: {name: domain} without the test set's.

    draws: {size asked for: training rows of each draw}. overlap: {size: share of rows that two draws have in common}.
    scaffolds: (m,) of the test compounds. read, left_out: what became of the table's rows. notes: remarks.
    """

    target: Domain
    split: Split
    sources: dict[str, Domain]
    draws: dict[int, list[np.ndarray]]
    overlap: dict[int, float]
    scaffolds: np.ndarray
    compounds: Compounds
    read: pd.DataFrame
    left_out: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def truth(self) -> np.ndarray:
        """(m,) labels of the test compounds."""
        return self.target.response[self.split.test]

    def on(self, draws: Iterable[tuple[int, int]], name: str = "") -> Problem:
        """The test compounds judged on some draws, each (size, number): one fold a draw, its repeat the number."""
        test = self.split.test
        rows = ((size, draw, self.draws[size][draw]) for size, draw in draws)
        return problem_of(self.target, (Fold(draw, size, train, test) for size, draw, train in rows), name)


class Logits(ResponseScale):
    """Labels as a network's scale has them: its output is a logit, what it predicts a probability."""

    def from_network(self, v: np.ndarray) -> np.ndarray:
        return expit(np.asarray(v, np.float64))


LOGITS = Logits(0.0, NETWORK_TOP, RESISTANT, LABEL)  # the ends leave 0 and 1 as they are on the way in


def problem_of(domain: Domain, folds: Iterable[Fold], name: str = "") -> Problem:
    """Compounds with folds, neither of them scaled; arms predict probabilities, judged as classifiers are."""
    scaled = tuple(as_logits(domain, folds))
    return Problem(domain, scaled, metric="mcc", scores=score_classifier, name=name, scale=as_logits)


def as_logits(domain: Domain, folds: Iterable[Fold], _protocol: Protocol | None = None) -> list[ScaledFold]:
    """Folds whose rows and labels stand as they are."""
    return [replace(unscaled(domain, fold), response=LOGITS) for fold in folds]


def as_domain(compounds: Compounds) -> Domain:
    """Compounds of one family as a domain: fingerprints as they are, 1 for active and 0 for inactive."""
    return Domain(
        name=compounds.name,
        x=compounds.x,
        y=compounds.y[:, None],
        samples=compounds.keys,
        genes=compounds.features,
        drugs=("active",),
        groups=compounds.keys,
        tissue=np.full(len(compounds), ""),
        unit=LABEL,
        scaler="none",
        transform="none",
    )


def make_setup(settings: DtiSettings, cache: Path | None) -> Setup:
    """Read the table, describe the compounds, split the target and draw its training sets.

    cache: a folder for canonical SMILES, scaffolds and fingerprints. Raises InputError for an unknown family and for a
    size that the pool does not allow.
    """
    families = families_of(settings, cache)
    target, names = chosen(settings, families)
    needed = {name: families[name] for name in dict.fromkeys((target, *(n for part in names.values() for n in part)))}
    LOGGER.info(f"target {target}, sources {', '.join(names)}: describing {sum(map(len, needed.values())):,} compounds")
    needed = {name: with_features(compounds, settings, cache) for name, compounds in needed.items()}
    own = needed[target]
    split = split_of(own, settings, cache)
    notes: list[str] = []
    test = own.rows(split.test)
    sources = {
        name: source_domain(name, [needed[n] for n in part], test, settings, notes) for name, part in names.items()
    }
    draws = drawn(own.y, split, settings, notes)
    return Setup(
        as_domain(own),
        split,
        sources,
        draws,
        {size: overlap_of(own.y, split, rows) for size, rows in draws.items()},
        scaffolds(list(test.smiles), cache=cache),
        own,
        reading(families),
        left_out(families),
        tuple(notes),
    )


def families_of(settings: DtiSettings, cache: Path | None) -> dict[str, Compounds]:
    """{family: compounds} of the table."""
    if settings.data == SIMULATED:
        return simulate_compounds()
    return read_compounds(settings.data, threshold=settings.threshold, stereo=settings.stereo, cache=cache)


def target_of(settings: DtiSettings, families: dict[str, Compounds], flag: str) -> str:
    """The target family, named by a flag; the simulated set's first stands in for the default, which it lacks."""
    if (settings.data, settings.target) == (SIMULATED, DtiSettings.target):
        return next(iter(families))
    if settings.target not in families:
        raise InputError(f"--{flag}={settings.target}: no family of {settings.data}; there are: {', '.join(families)}")
    return settings.target


def chosen(settings: DtiSettings, families: dict[str, Compounds]) -> tuple[str, dict[str, tuple[str, ...]]]:
    """(target, {source: families in it})."""
    target = target_of(settings, families, "target")
    others = tuple(name for name in families if name != target)
    names: dict[str, tuple[str, ...]] = {}
    for name in settings.sources:
        if name == ALL:
            names |= {other: (other,) for other in others}
        elif name == POOLED:
            names[POOLED] = others
        elif name in others:
            names[name] = (name,)
        else:
            there = ", ".join((*others, ALL, POOLED))
            raise InputError(f"--source={name}: no family beside {target}; there are: {there}")
    if not names or not others:
        raise InputError(f"{settings.data} holds the family {target} alone; transfer needs another to start from")
    return target, names


def with_features(compounds: Compounds, settings: DtiSettings, cache: Path | None) -> Compounds:
    """Fingerprints, or the vectors of a file."""
    if settings.vectors:
        return described(compounds, settings.vectors)
    x = ecfp(list(compounds.smiles), settings.bits, settings.radius, settings.counts, cache)
    return compounds.with_features(x, bit_names(settings.bits, settings.radius))


def split_of(compounds: Compounds, settings: DtiSettings, cache: Path | None) -> Split:
    """The test set as listed, at random or by scaffold."""
    if settings.test_ids:
        return listed_split(compounds, settings.test_ids)
    if settings.split == "scaffold":
        return scaffold_split(list(compounds.smiles), settings.test_share, settings.seed, cache)
    return random_split(len(compounds), settings.test_share, settings.seed)


def source_domain(
    name: str, parts: list[Compounds], test: Compounds, settings: DtiSettings, notes: list[str]
) -> Domain:
    """One source: its families together (active if active in any), without the test compounds, balanced if lopsided."""
    keys = np.concatenate([part.keys for part in parts])
    active = pd.Series(np.concatenate([part.y for part in parts])).groupby(keys).transform("max").to_numpy()
    _, first = np.unique(keys, return_index=True)
    first.sort()
    x = np.concatenate([part.x for part in parts])[first]
    keys, y = keys[first], active[first]
    kept = without_compounds(keys, test.keys, similarity=settings.similarity, x_source=x, x_test=test.x)
    removed = len(keys) - len(kept)
    if removed:
        notes.append(f"source {name}: {removed} compounds of the target's test set taken out")
    kept = balanced(y, kept, settings, name, notes)
    shared = {"smiles": keys[kept], "ids": keys[kept], "keys": keys[kept], "features": test.features}
    return as_domain(Compounds(name, x[kept], y[kept], stereo=test.stereo, **shared))


def balanced(y: np.ndarray, rows: np.ndarray, settings: DtiSettings, name: str, notes: list[str]) -> np.ndarray:
    """All rows, or as many of either class where one is rare."""
    rare = min(y[rows].mean(), 1 - y[rows].mean())
    if rare == 0:
        raise InputError(f"source {name} holds one class only; choose another source or --threshold")
    if rare >= settings.balance_below:
        return rows
    half = int(min((y[rows] == 1).sum(), (y[rows] == 0).sum()))
    notes.append(f"source {name}: {rare:.0%} in the rarer class, so {half} compounds of either class are used")
    return balanced_draws(y, rows, 2 * half, 1, settings.seed)[0]


def drawn(y: np.ndarray, split: Split, settings: DtiSettings, notes: list[str]) -> dict[int, list[np.ndarray]]:
    """{size: rows of each draw}; published sizes that the pool does not allow are left out with a remark."""
    most = 2 * int(min((y[split.train] == label).sum() for label in (0, 1)))
    sizes = sorted(dict.fromkeys(settings.sizes or (size for size in SIZES if size <= most)))
    beyond = [size for size in SIZES if size > most]
    if beyond and not settings.sizes:
        notes.append(f"sizes {', '.join(map(str, beyond))} left out: the largest balanced draw has {most} compounds")
    return {size: balanced_draws(y, split.train, size, settings.repeats, settings.seed) for size in sizes}


def overlap_of(y: np.ndarray, split: Split, rows: list[np.ndarray]) -> float:
    """Mean overlap of two draws, class by class."""
    counts = [[int((y[part] == label).sum()) for label in (0, 1)] for part in (rows[0], split.train)]
    return mean_overlap(*counts)


def quickly(setup: Setup, most: int, seed: int) -> Setup:
    """The same setup with at most so many compounds in each source."""
    rng = np.random.default_rng(seed)
    smaller = {
        name: domain if len(domain) <= most else domain.rows(np.sort(rng.choice(len(domain), most, replace=False)))
        for name, domain in setup.sources.items()
    }
    return replace(setup, sources=smaller)
