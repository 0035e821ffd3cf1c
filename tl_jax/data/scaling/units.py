"""What unit an expression table is in, read off its numbers alone, and whether the domains of a chain agree.

A table of counts beside one of log2 intensities trains without any error and predicts nothing, so the scripts say so
before they train. The rules look at signs, whole numbers, range, zeros and means; none knows the platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tl_jax.data.domain import LABEL, Domain
from tl_jax.data.seen import seen
from tl_jax.data.tables.cells import examples

COUNTS, LINEAR, LOG, LOG_PLUS = "counts", "TPM or FPKM", "log2", "log2(TPM + 1)"
Z_GENES, Z_SAMPLES, FRACTION, UNKNOWN = "z-scores per gene", "z-scores per sample", "0 to 1", "unknown"
KINDS = (COUNTS, LINEAR, LOG, LOG_PLUS, Z_GENES, Z_SAMPLES, FRACTION, UNKNOWN)
# What a chain may hold side by side: two log scales differ by little beside a platform.
SCALES = {kind: kind for kind in KINDS} | {LOG: "log", LOG_PLUS: "log"}
REMEDY = {
    COUNTS: 'set transform = "log_cpm" in [domain.expression] of {name}',
    LINEAR: 'set transform = "log2" in [domain.expression] of {name}',
    Z_GENES: "give {name} the values before they were standardised: its held-out samples have shaped them",
    Z_SAMPLES: "give {name} the values before they were standardised",
    FRACTION: "give {name} expression instead of shares",
}
TOP = 30.0  # log2 of a thousand million: beyond it no value is a logarithm of an expression
WHOLE = 0.99  # share of whole numbers among values that are not 0, from which a table holds counts
FLOOR = 0.005  # share of values at the least one, from which it is what an absent transcript reads
NARROW = 4.0  # log2: expression spreads wider between its 1 % and 99 % quantiles unless it was logged twice


@dataclass(frozen=True)
class Units:
    """kind: one of KINDS. confidence: share of samples that by themselves look as the whole table does, 0 to 1.

    odd: rows of the samples that do not. evidence: the numbers it rests on, in the table's own unit: `low`, `high`,
    `q01`, `q99`, `mean`, `sd`; `whole` (share of whole numbers among values other than 0), `negative`, `zero` and
    `floor` (shares); `row_sum` (median sum of a sample) and `row_sum_spread` (range of sums / median; both of
    2^x - 1 for a log scale, and left out where values lie around 0); `column_mean_spread` and `row_mean_spread` (sd of
    means over genes, over samples).
    """

    kind: str
    confidence: float
    odd: tuple[int, ...]
    evidence: dict[str, float]

    @property
    def scale(self) -> str:
        """What must agree over a chain: the kind, with both log scales as one."""
        return SCALES[self.kind]

    def __str__(self) -> str:
        low, high = (f"{self.evidence[end]:,.4g}" for end in ("low", "high")) if self.evidence else ("?", "?")
        return f"{self.kind} ({low} to {high})"


def detect_units(x: np.ndarray) -> Units:
    """Units of (n, genes) expression; the order of samples and genes changes nothing.

    Values that are not finite are left out; a table that is empty or holds one value only is UNKNOWN.
    """
    x = np.asarray(x)
    if x.ndim != 2:
        raise ValueError(f"expression has shape {x.shape}, expected (n, genes)")
    whole_table = _facts(x.reshape(1, -1))
    if not whole_table or not whole_table["high"][0] > whole_table["low"][0]:
        return Units(UNKNOWN, 0.0, (), {})
    by_sample = _facts(x)
    evidence = {name: float(value[0]) for name, value in whole_table.items()} | _means(x)
    own = _scales(by_sample)
    scale = _common(own, str(_scales(whole_table)[0]))
    if scale not in ("z", UNKNOWN):
        evidence |= _sums(x, scale)
    # A single sample of a table standardised by gene need not lie around 0.
    alike = (own == scale) | ((scale == "z") & (by_sample["negative"] > 0) & (by_sample["high"] <= TOP))
    odd = np.flatnonzero(~alike)
    kind = _kind(scale, evidence)
    share = 0.0 if kind == UNKNOWN else 1 - len(odd) / len(x)
    return Units(kind, share, tuple(int(row) for row in odd), {k: float(f"{v:.6g}") for k, v in evidence.items()})


def _facts(x: np.ndarray) -> dict[str, np.ndarray]:
    """{fact: (rows,)} of each row; {} where there is no finite value."""
    finite = np.isfinite(x)
    if x.size == 0 or not finite.any():
        return {}
    # A gap counts as the row's own median would: it changes no share that decides.
    if not finite.all():
        x = x[:, finite.all(axis=0)] if finite.all(axis=0).any() else np.where(finite, x, x[finite].min())
    zero = (x == 0).sum(axis=1)
    whole = (x == np.rint(x)).sum(axis=1) - zero
    low, high = x.min(axis=1), x.max(axis=1)
    width = x.shape[1]
    return {
        "low": low,
        "high": high,
        "whole": whole / np.maximum(width - zero, 1),
        "negative": (x < 0).sum(axis=1) / width,
        "zero": zero / width,
        "floor": (x == low[:, None]).sum(axis=1) / width,
        "mean": x.mean(axis=1, dtype=np.float64),
        "sd": x.std(axis=1, dtype=np.float64),
    }


def _scales(facts: dict[str, np.ndarray]) -> np.ndarray:
    """(rows,) the scale of each row: counts, linear, log, fraction, "z" or unknown."""
    signed = facts["negative"] > 0
    bounded = (facts["high"] <= TOP) & (facts["low"] >= -TOP)
    centred = (np.abs(facts["mean"]) <= 0.5) & (facts["sd"] > 0.3) & (facts["sd"] < 3)
    rules = [
        (signed & centred, "z"),
        (signed & bounded & ((facts["mean"] > 0.5) | (facts["floor"] >= FLOOR)), "log"),
        (signed, UNKNOWN),
        (facts["high"] <= 1, FRACTION),
        ((facts["whole"] >= WHOLE) & (facts["high"] >= 2), COUNTS),
        (facts["high"] > TOP, LINEAR),
    ]
    return np.select([test for test, _ in rules], [name for _, name in rules], "log")


def _common(own: np.ndarray, pooled: str) -> str:
    """The scale of most samples, so that a few in another unit do not decide; the whole table's where two tie."""
    names, counts = np.unique(own, return_counts=True)
    most = names[counts == counts.max()]
    return str(most[0]) if len(most) == 1 else pooled


def _means(x: np.ndarray) -> dict[str, float]:
    """How far the means of genes, and of samples, differ, and the middle 98 % of values (of at most 1e5)."""
    columns, rows = (np.nanmean(np.where(np.isfinite(x), x, np.nan), axis=a, dtype=np.float64) for a in (0, 1))
    every = np.sort(x[np.isfinite(x)], axis=None)
    low, high = np.quantile(every, [0.01, 0.99])
    spread = {"column_mean_spread": float(np.std(columns)), "row_mean_spread": float(np.std(rows))}
    return spread | {"q01": float(low), "q99": float(high)}


def _sums(x: np.ndarray, scale: str) -> dict[str, float]:
    """Median sum of a sample and the range of sums in medians; of 2^x - 1 for a log scale."""
    linear = np.exp2(np.minimum(x, TOP), dtype=np.float64) - 1 if scale == "log" else x
    sums = np.nansum(linear, axis=1, dtype=np.float64)
    middle = float(np.median(sums))
    return {"row_sum": middle, "row_sum_spread": float(np.ptp(sums) / abs(middle)) if middle else float("inf")}


def _kind(scale: str, evidence: dict[str, float]) -> str:
    """The kind within a scale."""
    if scale == "z":
        if evidence["column_mean_spread"] <= 0.5:
            return Z_GENES
        return Z_SAMPLES if evidence["row_mean_spread"] <= 0.25 else UNKNOWN
    if scale == "log":
        # Samples that sum to the same, before logarithms, were counts per million.
        same_sum = evidence["row_sum_spread"] < 0.01
        # log2(0 + 1) is 0; with a smaller constant, such as .001, the floor lies below 0.
        floor = "floor" if evidence["low"] < 0 else "zero"
        return LOG_PLUS if evidence[floor] >= FLOOR or same_sum else LOG
    return scale


def logged_twice(units: Units, transform: str) -> bool:
    """Whether a table that the cohort file has put on a log scale seems to have been on one before."""
    return transform != "none" and units.scale == "log" and units.evidence["q99"] - units.evidence["q01"] < NARROW


class UnitNote(NamedTuple):
    """One thing wrong with units. where: the domains. severe: models would learn one unit and predict in another."""

    where: str
    text: str
    remedy: str
    severe: bool

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}"


def unit_notes(domains: Sequence[Domain], units: Sequence[Units] | None = None) -> list[UnitNote]:
    """What is wrong with the units of a chain; empty where the domains agree on a log scale.

    units: of the domains where they are known already. Domains of compounds (labels, or no scaling) have no units, nor
    have ranks, which somebody chose. Preprocessing counts as done.
    """
    domains = [seen(domain) for domain in domains]
    known = list(units) if units is not None else [detect_units(d.x) for d in domains]
    pairs = [(d, u) for d, u in zip(domains, known, strict=True) if has_units(d)]
    return [*_differing(pairs), *(note for domain, found in pairs for note in _own_notes(domain, found))]


def has_units(domain: Domain) -> bool:
    """Whether expression of the domain is in a unit that others may share."""
    return domain.unit != LABEL and domain.scaler != "none" and "rank" not in domain.transform


def _differing(pairs: list[tuple[Domain, Units]]) -> list[UnitNote]:
    """A note where the domains are on different scales, or all on one that is no logarithm."""
    sure = [(d, u) for d, u in pairs if u.kind != UNKNOWN]
    scales = {u.scale for _, u in sure}
    # Networks and baselines are made for a log scale; domains that all stand on another are asked for it too, but
    # tables standardised on purpose are left alone where they agree.
    wrong = [(d, u) for d, u in sure if u.scale != "log"]
    if not wrong or (len(scales) == 1 and scales.isdisjoint((COUNTS, LINEAR))):
        return []
    seen = ", ".join(f"{d.name} looks like {u}" for d, u in sure)
    lead = "units of expression differ" if len(scales) > 1 else "expression is not on a log scale"
    severe = len(scales) > 1 and not scales.isdisjoint((COUNTS, LINEAR))
    remedy = "; ".join(REMEDY[u.kind].format(name=d.name) for d, u in wrong)
    return [UnitNote(", ".join(d.name for d, _ in sure), f"{lead}: {seen}", remedy, severe)]


def _own_notes(domain: Domain, units: Units) -> list[UnitNote]:
    """Notes on one domain: logged twice, or samples in another unit than the rest."""
    notes = []
    if logged_twice(units, domain.transform):
        width = units.evidence["q99"] - units.evidence["q01"]
        text = f"expression of {domain.name} spreads over {width:.1f} log2 only, as if it had been a logarithm before"
        notes.append(UnitNote(domain.name, text, f'remove transform = "{domain.transform}"', True))
    if units.kind != UNKNOWN and units.odd:
        first = examples(str(domain.samples[row]) for row in units.odd)
        text = f"{len(units.odd)} of {len(domain)} samples of {domain.name} do not look like {units.kind} ({first})"
        remedy = "put them in the unit of the others or leave them out (exclude_samples)"
        notes.append(UnitNote(domain.name, text, remedy, False))
    return notes
