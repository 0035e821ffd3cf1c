"""Gene sets of a user's file: the arm on their scores, the scores of the own samples, and which sets the effects of
the recommended model lie in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.domain import Domain
from tl_jax.data.genes.sets import places, read_sets
from tl_jax.data.scaling.scaling import RESISTANT
from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import PATHWAYS
from tl_jax.evaluation.predictors.gene_sets import shares
from tl_jax.evaluation.statistics.enrichment import benjamini_hochberg, enriched
from tl_jax.system.files import digest

LEAST = 5  # genes of a set that a chain must measure
LEAST_READ = 100  # genes with an effect, or half of a smaller panel, below which effects are no ranking of all genes


class Known(NamedTuple):
    """Sets as far as a domain measures them: name, indices of the domain's genes, and how many the file names; `few`
    are those left out, with fewer than LEAST genes."""

    names: tuple[str, ...]
    places: tuple[np.ndarray, ...]
    named: tuple[int, ...]
    few: tuple[str, ...]

    @property
    def identity(self) -> str:
        return digest(list(self.names), *self.places)

    def remark(self) -> str:
        """What was left out; "" where nothing was."""
        if not self.few:
            return ""
        total = len(self.names) + len(self.few)
        return (
            f"{PATHWAYS}: {len(self.few)} of {total} sets have fewer than {LEAST} genes that the whole chain measures, "
            f"left out: {examples(self.few)}"
        )


def known_sets(path: str, domain: Domain) -> Known:
    """The sets of a GMT file in a domain; InputError where none has LEAST genes there."""
    sets, genes = read_sets(path, PATHWAYS), np.flatnonzero(domain.measured)
    found = {name: genes[own] for name, own in places(sets, domain.genes[genes]).items()}
    kept = [name for name, own in found.items() if LEAST <= len(own) < len(genes)]
    if not kept:
        first = next(iter(sets.values()))
        raise InputError(
            f"--{PATHWAYS}={path}: none of its {len(sets)} sets has {LEAST} of the cohort's {len(genes):,} genes "
            f"({examples(first)} there, {examples(domain.genes[genes].tolist())} here); give sets in the same names"
        )
    few = tuple(name for name in found if name not in set(kept))
    return Known(tuple(kept), tuple(found[name] for name in kept), tuple(len(sets[name]) for name in kept), few)


def scores(known: Known, domain: Domain, z: np.ndarray) -> pd.DataFrame:
    """sample_id, set, score: of the own samples, the mean of a set's genes in z (samples, genes), each of mean 0 and
    sd 1 over them."""
    found = z @ shares(known.places, z.shape[1])
    rows = {"sample_id": np.repeat(domain.samples, len(known.names)), "set": list(known.names) * len(domain)}
    return pd.DataFrame({**rows, "score": found.ravel()})


def enrichment(
    known: Known, effects: np.ndarray, genes: np.ndarray, domain: Domain, z: np.ndarray, arm: str
) -> pd.DataFrame | None:
    """set, genes, named, above, high_means, correlation, p, p_adjusted, sorted by p; None where the model reads too few
    genes to rank them.

    Args:
        effects: (genes,) of a model, in the unit of the response. z: (samples, domain.genes). arm: of the model; those
            of a model that is made of these very sets are told and not tested.
    """
    read = np.isin(domain.genes, genes)
    place = np.full(len(domain.genes), -1)
    place[read] = np.arange(int(read.sum()))
    if arm != PATHWAYS and np.count_nonzero(effects) < min(LEAST_READ, len(domain.genes) / 2):
        return None
    own = [found[found >= 0] for found in (place[one] for one in known.places)]
    kept = [k for k, one in enumerate(own) if LEAST <= len(one) < len(effects)]
    if not kept:
        return None
    own = [own[k] for k in kept]
    turned = np.asarray(effects) * (1 if domain.direction == RESISTANT else -1)
    found = enriched(turned, own, z[:, read])
    table = pd.DataFrame(found).assign(set=[known.names[k] for k in kept], named=[known.named[k] for k in kept])
    table["genes"] = [len(one) for one in own]
    table["p"] = np.nan if arm == PATHWAYS else table["p"]
    table["p_adjusted"] = np.nan if arm == PATHWAYS else benjamini_hochberg(table["p"])
    table["high_means"] = np.where(table["above"] > 0.5, "resistant", "sensitive")
    table["off"] = -(table["above"] - 0.5).abs()
    names = ["set", "genes", "named", "above", "high_means", "correlation", "p", "p_adjusted"]
    return table.sort_values(["p", "off", "set"], kind="stable", ignore_index=True)[names]
