"""Stages of networks: all lanes as one run axis, kept as checkpoints, found by all that determines their weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tl_jax.checkpoint import OF_CELLS, load_stage, save_stage
from tl_jax.config import Recipe
from tl_jax.models.cell_net import CELLS, LINES, cell_network
from tl_jax.study.cells.nets import Lanes, Nets, go_on
from tl_jax.study.cells.settings import NetworkSettings
from tl_jax.study.core.beside import is_kept, keep, load
from tl_jax.study.core.code import code_of
from tl_jax.study.core.stages import brief, stage_name
from tl_jax.system.cluster import agree
from tl_jax.system.files import digest
from tl_jax.system.parts import parts_of
from tl_jax.system.progress import LOGGER, watched
from tl_jax.system.runtime import versions
from tl_jax.training.rebuilding import REBUILT
from tl_jax.training.runs import fit_runs
from tl_jax.training.terms import LEARNT, UNRAMPED, summed
from tl_jax.training.terms import PRETRAINING as REBUILDING
from tl_jax.trees import unflatten
from tl_jax.types import Variables

PRETRAINING, PREDICTOR, TRANSFER = "pretraining", "predictor", "transfer"
READINGS = 6  # evenly spaced epochs at which the lines held out may end a training
ADVERSARY = "dann_minmax"  # whose discriminator has a rate and steps of its own
SEEN = "seen.part"  # beside the weights: what the stage predicted


class Trained(NamedTuple):
    """A stage of all seeds. variables: stacked. seen: (seeds, readings, rows) what it predicted; of no rows where a
    stage predicts nothing. record: what its checkpoint says of it. path: where that is."""

    variables: Variables
    seen: np.ndarray
    record: dict
    path: Path


def stage(
    nets: Nets, name: str, terms: tuple[str, ...], start: Variables, lanes: Lanes, parent: Trained | None = None
) -> Trained:
    """One stage of all lanes from the stacked `start`, whose leaves are those of `parent` where that is named: found as
    a checkpoint, or trained and kept."""
    record = identity(nets, name, terms, lanes, parent)
    return found_or_made(nets.checkpoints, record, lambda: train(nets, name, terms, start, lanes, record))


def passing(
    nets: Nets, name: str, terms: tuple[str, ...], start: Variables, lanes: Lanes, parent: Trained | None = None
) -> Trained:
    """The same without a checkpoint: of a stage that only tells which settings to train with."""
    record = identity(nets, name, terms, lanes, parent)
    return Trained(*train(nets, name, terms, start, lanes, record), record, nets.checkpoints / stage_name(record))


def train(nets: Nets, name: str, terms: tuple[str, ...], source: Variables, lanes: Lanes, record: dict):
    """(stacked leaves of every lane, (lanes, readings, rows) what they predict) of one stage.

    record: the stage's, by whose id finished parts of a stopped run are found.
    """
    own, look = nets.own, "supervised" in terms
    runs, network = nets.runs(lanes, weights_of(own, terms, lanes.weight), look), cell_network(nets.sizes)
    recipe = Recipe(own.epochs, own.learning_rate, own.batch_size, optimizer="adam")
    config = recipe.fit_config(curves=False, read_at=readings(own.epochs)[:-1] if look else ())
    label = f"{nets.name} {record['stage']} {name}"
    # Batch norm needs the cells in every stage: their statistics follow the encoder.
    alone = set(terms) <= set(LEARNT) and not nets.sizes.batch_norm
    objective = summed(network, nets.sizes, terms, turns=own.discriminator_steps)
    with nets.how.ledger.timed(label), watched(len(lanes.draw), nets.how.label(label)) as progress:
        options = {"network": network, "config": config, "objective": objective, "progress": progress.advance}
        options |= {"domains": None if alone else {CELLS: nets.cells}, "keep_trained": True}
        options |= {"parts": parts_of(nets.how.work, record["id"])}
        found = fit_runs(runs, nets.rows.table if look else nets.rows.x, [(go_on, source)], **options)
    seen = found.prediction if look else np.zeros((len(lanes.draw), 0, 0), np.float32)
    return {"params": unflatten(found.trained)}, seen


def weights_of(own: NetworkSettings, terms: tuple[str, ...], weight) -> dict:
    """The numbers of a stage's objective. weight: of its transfer, one or (lanes,). Genes are masked in denoising and
    may be in a transfer; what a stage does not use is 0 or not there."""
    transfer = [term for term in terms if term not in UNRAMPED]
    rebuilds = set(terms) & set(REBUILDING)
    masked = own.masked if transfer or (rebuilds and own.pretraining == "denoising") else 0.0
    found = dict.fromkeys(transfer, weight) | {"masked": masked, "ramp": own.ramp if transfer else 0.0}
    if rebuilds:
        found |= {f"{REBUILT}{domain}": float(domain in own.rebuilt) for domain in (LINES, CELLS)}
    if ADVERSARY in terms:
        found |= {"discriminator_rate": own.discriminator_rate}
    return found


def readings(epochs: int) -> tuple[int, ...]:
    """Epochs after which held-out lines are looked at, the last one last."""
    found = dict.fromkeys(round(epochs * k / READINGS) for k in range(1, READINGS))
    return (*(epoch for epoch in found if 0 < epoch < epochs), epochs)


def identity(nets: Nets, name: str, terms: tuple[str, ...], lanes: Lanes, parent: Trained | None) -> dict:
    """The record of a stage: everything that determines its weights and what it predicts."""
    own, rows, look = nets.own, nets.rows, "supervised" in terms
    numbers = ("seeds", "hidden", "bottleneck", "predictor", "epochs", "batch_size", "learning_rate")
    numbers += ("dropout", "sampling") if look else ("pretraining", "pretrain_on")
    numbers += ("discriminator_steps",) if ADVERSARY in terms else ()
    sizes = nets.sizes if look else nets.sizes._replace(databases=1)  # genes alone have no heads
    about = {n: getattr(own, n) for n in numbers} | {"sizes": list(sizes), "smooth": nets.smooth}
    # A lane's weight is told as it was given, not as the nearest number of single precision.
    about |= {"terms": list(terms), "weights": weights_of(own, terms, float(str(lanes.weight[0])))}
    about |= {"lanes": digest(*lanes)} | ({"read_at": list(readings(own.epochs))} if look else {})
    # The order of the cells' names is that of mini-batches. Responses are no part of pre-training.
    learnt = rows.table, *rows.learnt, rows.y, *rows.held, rows.balance
    learnt += () if rows.measured is None else (rows.measured,)
    data = rows.by_name, *(learnt if look else (rows.x, *rows.train))
    code = code_of("tl_jax.training.runs", "tl_jax.training.terms", cell_network(nets.sizes).apply)
    known = {"samples": rows.train[0].shape[1], "strategy": name, "seed": nets.seed, "genes": nets.genes}
    after = parent.record["stage"] if parent else PRETRAINING
    kind = (PREDICTOR if after == PRETRAINING else TRANSFER) if look else PRETRAINING
    drug = nets.drug if look else "none"
    return record_of(kind, drug, about, code=code, parent=parent, data_fingerprint=digest(*data), **known)


def record_of(stage: str, drug: str, about: dict, *, code: str, parent: Trained | None = None, **own) -> dict:
    """What a checkpoint of all seeds says of itself.

    Args:
        stage, drug: names; of pre-training, which knows no response, the drug is "none". about: settings that
        determine the weights, epochs, learning_rate, hidden, bottleneck and seeds among them. code: its digest.
        parent: the stage that it starts from. own: samples, strategy, seed, genes, data_fingerprint.
    """
    learnt = {"direction": "sensitive", "unit": "standard deviations of the response"}
    nothing = {"direction": "none", "unit": "none"}
    own = {"stage": stage, "domain": "lines_and_cells", "drug": drug, "recipe": about, **own}
    own |= {"network": {"name": OF_CELLS, "hidden": [*about["hidden"], about["bottleneck"]]}}
    own |= {"note": f"{about['seeds']} seeds, stacked", "genes": [str(gene) for gene in own["genes"]]}
    more = {
        "transform": "",
        "scaler": {"kind": "none", "center": [], "scale": []},
        "response_scale": {"low": 0.0, "high": 1.0, **(nothing if stage == PRETRAINING else learnt)},
        "ancestors": [*parent.record["ancestors"], brief(parent.record)] if parent else [],
        "versions": versions(),
    }
    return {**own, **more, "id": digest(own, parent.record["id"] if parent else "", code)[:16]}


def found_or_made(folder: Path, record: dict, make: Callable[[], tuple[Variables, np.ndarray]]) -> Trained:
    """The stage of a checkpoint of the same identity, or make() and keep it."""
    path, identity = folder / stage_name(record), f"{record['id']} seen"
    there = agree(path.exists())
    if there and is_kept(path / SEEN, identity):
        LOGGER.info(f"reusing checkpoint {path}")
        variables = load_stage(path, genes=np.asarray(record["genes"]))[0]
        return Trained(
            variables, load(path / SEEN, record, "no predictions are kept", "train again")["seen"], record, path
        )
    variables, seen = make()
    if not there:
        save_stage(path, variables, record)
    keep(path / SEEN, identity, lambda: {"seen": seen})  # last: only with it is a stage complete
    LOGGER.info(f"saved {path}")
    return Trained(variables, seen, record, path)
