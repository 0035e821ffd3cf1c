"""What source models say of a target's rows, for methods in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaling import fit_response_scale
from tl_jax.evaluation.predictors.source_methods import SourceView, source_coefficients
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.stages import TrainedStage, scaled_rows
from tl_jax.types import Network, Variables


@partial(jax.jit, static_argnames="network")
def look(variables: Variables, x, network: Network):
    """((n, units) last hidden layer, (n,) predictions) of scaled rows, dropout off."""
    hidden = network.prefix(variables, x, len(network.layers) - 1).prediction
    return hidden, network.apply(variables, x).prediction


@dataclass
class Viewer:
    """The views of the last of a way's stages; its ridge is fitted once."""

    stages: tuple[TrainedStage, ...]
    network: Network

    @cached_property
    def coefficients(self) -> np.ndarray:
        """(genes,) of a ridge on the last stage's samples, shrunk towards the stage before; only where asked for."""
        found = None
        for stage in self.stages:
            domain = stage.plan.domain
            response = fit_response_scale(domain.response, domain.direction, domain.unit)
            found = source_coefficients(scaled_rows(stage), response.to_network(domain.response), found)
        return found

    def hidden(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """((n, units), (n,)): last hidden layer and prediction of scaled rows."""
        hidden, prediction = look(self.stages[-1].variables, jnp.asarray(x), self.network)
        return np.asarray(hidden), np.asarray(prediction)

    def view(self, domain: Domain, f: ScaledFold) -> SourceView:
        """Of one fold's training and held-out rows, each scaled as the protocol scales it."""
        n = len(f.fold.train)
        x = np.concatenate([f.scaled_train(domain), f.scaled_test(domain)])
        (hidden, prediction), linear = self.hidden(x), x @ self.coefficients
        return SourceView(hidden[:n], hidden[n:], prediction[:n], prediction[n:], linear[:n], linear[n:])
