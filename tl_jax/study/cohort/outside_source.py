"""A source model that was not trained here: any checkpoint of the cohort's genes, in place of the source stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tl_jax.checkpoint import load_network
from tl_jax.config import SCRATCH
from tl_jax.data.chain import Cohort
from tl_jax.data.domain import LABEL, Domain
from tl_jax.data.scaling.scaling import ResponseScale
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.study.cohort.plans import SCRATCH_ARM, Experiment
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.respond import refuse_closed
from tl_jax.study.core.stages import StagePlan, TrainedStage
from tl_jax.transfer import strategies
from tl_jax.transfer.strategies import Registered

FLAG = "--source_checkpoint"


def check_outside(experiment: Experiment, settings: Settings, chosen: Sequence[Registered]) -> None:
    """Refuse what a model without its samples cannot serve. chosen: the strategies."""
    if settings.extras or not any("source" in route for route in experiment.routes):
        raise InputError(f"{FLAG} is for experiments that start from the source (3, 6 and 7), not {experiment.name}")
    if settings.source_drugs:
        raise InputError(f"--source_drug and {FLAG} both say which source model to start from; leave one out")
    needing = [one.name for one in chosen if one.source_rows or one.align]
    needing += [name for name in settings.strategies if name in METHODS and not METHODS[name].drugs]
    if needing:
        raise InputError(f"strategy '{needing[0]}' needs samples of its source, which {FLAG} does not bring")
    if not any(one.needs_source for one in chosen):
        raise InputError(f"{FLAG} changes nothing: no strategy of this study starts from a source model")


def load_outside(path: str | Path, cohort: Cohort, settings: Settings) -> TrainedStage:
    """The checkpoint as the source stage of every route; its domain has no samples, since they are not known here.

    Raises InputError unless it has the cohort's genes in their order and the network of the settings.
    """
    path = Path(path).absolute()
    variables, meta = load_network(path)
    refuse_closed(meta, path, f"{FLAG} starts from networks")
    genes, own = cohort.genes.tolist(), meta["genes"]
    if meta["response_scale"]["unit"] == LABEL:
        raise InputError(f"{FLAG}={path} is a model of compounds; give one of expression")
    if genes != own:
        shared = len(set(genes) & set(own))
        raise InputError(
            f"{FLAG}={path} has {len(own)} genes, cohort {cohort.name} {len(genes)} ({shared} shared); bring it onto "
            f"the cohort's genes: experiments.export_weights, then experiments.import_weights --like={settings.cohort}"
        )
    network = meta["network"]
    if (network["name"], tuple(network["hidden"])) != (settings.network.name, settings.network.hidden):
        widths = ",".join(map(str, network["hidden"]))
        given = ",".join(map(str, settings.hidden))
        raise InputError(f"{FLAG}={path} is a {network['name']} of --hidden={widths}, this study has --hidden={given}")
    scale, nobody = ResponseScale(**meta["response_scale"]), np.array([], dtype=str)
    domain = Domain(
        name=meta["domain"],
        x=np.zeros((0, len(genes)), np.float32),
        y=np.zeros((0, 1)),
        samples=nobody,
        genes=cohort.genes,
        drugs=(f"{meta['drug']} of {meta['domain']} {meta['id']}",),
        groups=nobody,
        tissue=nobody,
        unit=scale.unit,
        direction=scale.direction,
    )
    plan = StagePlan("source", domain, strategies.get(SCRATCH_ARM), SCRATCH)
    return TrainedStage(plan, variables, path, meta, reused=True)
