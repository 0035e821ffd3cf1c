"""What is judged: a domain with folds that are ready for every arm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol as Interface

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold, partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import score
from tl_jax.study.core.folds import ScaledFold, scale_folds
from tl_jax.study.core.protocol import PROTOCOLS, Protocol
from tl_jax.study.core.stages import fingerprint
from tl_jax.system.files import digest


class Way(Interface):
    """How the folds of a problem came about: what draws others like them."""

    seed: int

    def inside(self, number: int, folds: int) -> Partition:
        """How the training rows of the problem's fold `number` are split once more."""

    def once(self, y: np.ndarray, groups: np.ndarray, number: int) -> list[Fold]:
        """The folds of one repeat on labels y, drawn as no other number draws them."""

    def exchanged(self, n: int) -> list[np.ndarray]:
        """Parts of n rows, inside which labels are shuffled."""


@dataclass(frozen=True)
class Partition:
    """How rows are split: `folds` of a `kind` (data/splits.py: KINDS), `repeats` times, from a seed."""

    folds: int
    repeats: int = 1
    seed: int = 400
    kind: str = "stratified"

    def draw(self, y: np.ndarray, groups: np.ndarray) -> list[Fold]:
        """Every fold of every repeat.

        Args:
            y: (n,) response. groups: (n,); samples of one group share a fold.
        Raises:
            InputError: there are too few samples.
        """
        return partitions(y, groups, folds=self.folds, repeats=self.repeats, seed=self.seed, kind=self.kind)

    def inside(self, number: int, folds: int) -> Partition:
        kind = "plain" if self.kind == "leave_one_out" else self.kind
        return replace(self, folds=folds, repeats=1, seed=self.seed + number, kind=kind)

    def once(self, y: np.ndarray, groups: np.ndarray, number: int) -> list[Fold]:
        # A seed of its own, so that the partitions of all numbers differ.
        return replace(self, repeats=1, seed=self.seed + number).draw(y, groups)

    def exchanged(self, n: int) -> list[np.ndarray]:
        return [np.arange(n)]


@dataclass(frozen=True)
class Problem:
    """One domain (one response) with its folds: all that an arm needs in order to be judged, and no more.

    Fields:
        domain: its rows, with one response. folds: scaled as the protocol says, in order of repeat, then fold.
        protocol: what held-out rows may lend. partition: how the folds were drawn; None where they are given, so that
        no others can be drawn like them. scale: what makes folds ready under a protocol.
        metric: the name in `scores` that decides where something is chosen or tested.
        scores: (y_true, y_pred) -> {metric: value} of one fold.
        name: what progress lines call it, "" where there is one problem only.
    Permutations, thinned training rows, inner folds and varied draws are all the same problem on other folds:
    `scaled` makes them, `on` puts them in place of these.
    """

    domain: Domain
    folds: tuple[ScaledFold, ...]
    protocol: Protocol = PROTOCOLS["honest"]
    partition: Way | None = None
    metric: str = "spearman"
    scores: Callable[[np.ndarray, np.ndarray], dict[str, float]] = score
    name: str = ""
    scale: Callable[[Domain, list[Fold], Protocol], Sequence[ScaledFold]] = scale_folds

    @classmethod
    def drawn(cls, domain: Domain, partition: Partition, protocol: Protocol, **more) -> Problem:
        """A problem whose folds a partition draws.

        Raises:
            InputError: the domain is too small for the partition or the protocol.
        """
        folds = partition.draw(domain.response, domain.groups)
        return cls(domain, tuple(scale_folds(domain, folds, protocol)), protocol, partition, **more)

    def scaled(self, folds: Iterable[Fold], y: np.ndarray | None = None) -> tuple[ScaledFold, ...]:
        """Other folds of the same domain under the same protocol.

        Args:
            folds: rows of the domain. y: (n,) labels to learn and judge instead of the domain's own.
        Raises:
            InputError: the protocol cannot scale them, such as one held-out sample by itself.
        """
        domain = self.domain if y is None else replace(self.domain, y=np.asarray(y, np.float64)[:, None])
        return tuple(self.scale(domain, list(folds), self.protocol))

    def on(self, folds: Sequence[ScaledFold]) -> Problem:
        """The same problem judged on other folds."""
        return replace(self, folds=tuple(folds))

    @property
    def way(self) -> Way:
        """How its folds were drawn; InputError where they were given."""
        if self.partition is None:
            raise InputError("its folds were given, and others cannot be drawn like them")
        return self.partition

    @property
    def repeats(self) -> list[int]:
        """Numbers of its repeats, ascending."""
        return sorted({f.fold.repeat for f in self.folds})

    @cached_property
    def identity(self) -> str:
        """Digest of all that a problem lends to the numbers of its arms: rows, labels, folds, draws, protocol."""
        folds = [part for f in self.folds for part in (f.fold.train, f.fold.test, f.y, key_of(f))]
        rules = [self.protocol.expression_from, self.protocol.response_from]
        return digest(fingerprint(self.domain), rules, *folds)


def key_of(f: ScaledFold) -> list:
    """What names a fold's random keys."""
    return [int(f.fold.repeat), int(f.fold.fold), f.draws]
