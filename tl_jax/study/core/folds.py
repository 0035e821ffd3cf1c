"""The folds of a domain under a protocol, ready for every arm: the same rows, the same scaling."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.preprocessing.preprocess import Fitted
from tl_jax.data.scaling.scaling import ResponseScale, Scaler, fit_response_scale, fit_scaler, scaler_of
from tl_jax.data.seen import fit_rows, preprocessed
from tl_jax.data.splits import Fold
from tl_jax.errors import InputError
from tl_jax.keys import run_keys
from tl_jax.study.core.protocol import Protocol
from tl_jax.training.runs import Runs
from tl_jax.types import Hparams


@dataclass(frozen=True)
class ScaledFold:
    """One fold with the statistics its protocol allows: `train` scales the training rows, `test` the held-out ones.

    y: (n,) the response that this fold learns and is judged by, of all samples in the domain's order.
    draws: (initialisation, order) numbers that replace the repeat's in the run's keys, to vary them apart.
    prepare: the domain's preprocessing, fitted on the rows that the protocol allows and done before either scaler;
    None where the domain has none.
    lends: whose rows scale the held-out ones, as Protocol.expression_from.
    """

    fold: Fold
    train: Scaler
    test: Scaler
    response: ResponseScale
    y: np.ndarray
    draws: tuple[int, int] | None = None
    prepare: Fitted | None = None
    lends: str = "train"

    def rescaled(self, domain: Domain, kind: str, like: np.ndarray | None = None) -> ScaledFold:
        """The same fold with scalers of another kind on the same rows. like: (genes,) variances for "shrunken".

        A domain without scaling, such as fingerprints, stays without.
        """
        if domain.scaler in (kind, "none") and like is None:
            return self
        allowed = np.arange(len(domain)) if self.lends == "all" else self.fold.train
        train = fit_scaler(self.rows(domain, allowed), kind, like)
        test = fit_scaler(self.rows(domain, self.fold.test), kind, like) if self.lends == "own" else train
        return replace(self, train=train, test=test)

    def rows(self, domain: Domain, index: np.ndarray) -> np.ndarray:
        """(m, genes) preprocessed, unscaled expression of some rows of the domain."""
        return preprocessed(domain, self.prepare, index)

    def scaled_train(self, domain: Domain) -> np.ndarray:
        """(training rows, genes) as a model learns from them."""
        return self.train.apply(self.rows(domain, self.fold.train))

    def scaled_test(self, domain: Domain) -> np.ndarray:
        """(held-out rows, genes) as a model meets them."""
        return self.test.apply(self.rows(domain, self.fold.test))


def scale_folds(domain: Domain, folds: list[Fold], protocol: Protocol) -> list[ScaledFold]:
    """Statistics of each fold; under "honest" from its training rows only.

    Preprocessing is fitted on all rows under the two protocols that lend expression.
    """
    everything = np.arange(len(domain))
    scaled, shared = [], None if protocol.expression_from == "train" else fit_rows(domain, everything)
    for fold in folds:
        if protocol.expression_from == "own" and len(fold.test) < 2:
            raise InputError(
                f"protocol {protocol.name} scales a held-out fold by itself, which needs at least 2 samples; "
                f"fold {fold.fold} has {len(fold.test)}: use fewer --folds or --protocol=honest"
            )
        prepare = shared or fit_rows(domain, fold.train)

        def scaler(rows, prepare=prepare):
            return scaler_of(domain, preprocessed(domain, prepare, rows))

        train = scaler(fold.train if protocol.expression_from != "all" else everything)
        test = scaler(fold.test) if protocol.expression_from == "own" else train
        labelled = everything if protocol.response_from == "all" else fold.train
        response = fit_response_scale(domain.response[labelled], domain.direction, domain.unit)
        scaled.append(
            ScaledFold(fold, train, test, response, domain.response, prepare=prepare, lends=protocol.expression_from)
        )
    return scaled


def unscaled(domain: Domain, fold: Fold) -> ScaledFold:
    """A fold of a domain that is scaled neither in expression nor in response, such as fingerprints and labels."""
    same = fit_scaler(domain.x[:1], "none")
    response = fit_response_scale(domain.response[fold.train], domain.direction, domain.unit)
    return ScaledFold(fold, same, same, response, domain.response)


def build_runs(domain: Domain, folds: list[ScaledFold], seed: int, hparams: Hparams, start: int = 0) -> Runs:
    """The run axis of one arm. hparams: one setting for all runs; start: which of the program's starts it takes."""
    train_rows, train_w = padded([f.fold.train for f in folds])
    test_rows, test_w = padded([f.fold.test for f in folds])
    y = np.stack([f.response.to_network(f.y) for f in folds]).astype(np.float32)
    spread = jax.tree.map(lambda v: jnp.broadcast_to(v, (len(folds), *v.shape)), hparams.arrays())
    alike = all(f.test is f.train for f in folds)
    init, order = zip(*((f.draws or (f.fold.repeat, f.fold.repeat)) for f in folds), strict=True)
    numbers = [f.fold.fold for f in folds]
    return Runs(
        key=run_keys(seed, list(zip(order, numbers, strict=True))),
        init_key=run_keys(seed, list(zip(init, numbers, strict=True))) if any(f.draws for f in folds) else None,
        train_rows=train_rows,
        train_w=train_w,
        test_rows=test_rows,
        test_w=test_w,
        y=y,
        center=np.stack([f.train.center for f in folds]),
        scale=np.stack([f.train.scale for f in folds]),
        test_center=None if alike else np.stack([f.test.center for f in folds]),
        test_scale=None if alike else np.stack([f.test.scale for f in folds]),
        hparams=spread,
        start=np.full(len(folds), start, np.int32),
    )


def padded(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(runs, longest) indices and weights: row 0 at weight 0 where a run has fewer rows."""
    longest = max(len(r) for r in rows)
    index = np.zeros((len(rows), longest), np.int32)
    weight = np.zeros((len(rows), longest), np.float32)
    for i, r in enumerate(rows):
        index[i, : len(r)], weight[i, : len(r)] = r, 1
    return index, weight
