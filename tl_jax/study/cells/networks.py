"""Networks from bulk lines to cells: pre-training, a predictor on lines, and transfer, all seeds as one run axis."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import numpy as np

from tl_jax.config import Recipe
from tl_jax.data.cells.modules import Modules, correlated, from_gmt
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.keys import purpose, run_keys
from tl_jax.models.cell_net import CellNet, cell_network
from tl_jax.study.cells.network_rows import Rows, rows_of
from tl_jax.study.cells.pretrained import found_or_made, record_of
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.core.arms import How
from tl_jax.study.core.code import code_of
from tl_jax.system.files import digest
from tl_jax.system.parts import parts_of
from tl_jax.system.progress import watched
from tl_jax.training.runs import Runs, RunsResult, fit_runs
from tl_jax.training.terms import CELLS, UNRAMPED, get_term, summed
from tl_jax.trees import unflatten
from tl_jax.types import Batch, Hparams, Transfer, Variables

READINGS = 6  # evenly spaced epochs at which the lines held out may end a training
GENE_TOKENS = 512  # A3
PREDICTOR = ("predictor", "head")  # what lines alone teach


def go_on(source: Variables, fresh: Variables) -> Transfer:
    """The network as it is, fresh or trained; all of it trains. One start for all stages: they share programs."""
    return Transfer.fresh({"params": {m: source["params"][m] for m in fresh["params"]}})


@dataclass(frozen=True)
class Nets:
    """What all stages of the networks of one study share."""

    rows: Rows
    own: NetworkSettings
    sizes: CellNet
    seed: int
    smooth: bool
    how: How
    genes: np.ndarray
    checkpoints: Path

    @property
    def name(self) -> str:
        """The beginning of its arms' names."""
        return f"attention_{self.sizes.attention}" if self.sizes.attention else "network"

    @property
    def cells(self) -> Batch:
        """The target's rows, without labels: smoothed where scores are; by name, whatever the order of the file."""
        both = self.rows.x[self.rows.of_cells]
        x = (both[self.rows.cells :] if self.smooth else both[: self.rows.cells])[self.rows.by_name]
        return Batch(x, None, np.ones(len(x), np.float32))

    def runs(self, weights: dict[str, float], look: bool) -> Runs:
        """One run per seed; seed k learns from draw k of the lines, counted around."""
        rows, own, seeds = self.rows, self.own, np.arange(self.own.seeds)
        draw = seeds % len(rows.train)
        cells = np.broadcast_to(rows.of_cells, (own.seeds, len(rows.of_cells)))
        held = np.concatenate([rows.held[draw], cells], axis=1) if look else rows.held[draw][:, :1]
        numbers = Hparams(own.learning_rate, 0.0, 0.0, (own.dropout,), weights=weights).arrays()
        spread = jax.tree.map(lambda v: np.broadcast_to(v, (own.seeds, *v.shape)), numbers)
        spread = spread._replace(weights={**spread.weights, "balance": rows.balance[draw]})
        genes = rows.x.shape[1]
        nothing, one = np.zeros((own.seeds, genes), np.float32), np.ones((own.seeds, genes), np.float32)
        return Runs(
            key=run_keys(self.seed, [(int(k), 0) for k in seeds]),
            train_rows=rows.train[draw].astype(np.int32),
            train_w=np.ones((own.seeds, rows.train.shape[1]), np.float32),
            test_rows=held.astype(np.int32),
            test_w=np.ones(held.shape, np.float32),
            y=rows.y[draw],
            center=nothing,
            scale=one,
            test_center=None,
            test_scale=None,
            hparams=spread,
            source=seeds.astype(np.int32),
        )


def fresh(nets: Nets) -> Variables:
    """Networks drawn for every seed, stacked."""
    init, genes = cell_network(nets.sizes).init, nets.rows.x.shape[1]
    keys = run_keys(nets.seed, [(k, 0) for k in range(nets.own.seeds)])
    return jax.jit(jax.vmap(lambda key: init(purpose(key, "init"), genes)))(keys)


def under_fresh_predictor(nets: Nets, pretrained: Variables) -> Variables:
    """The pre-trained encoders, each under the predictor that the seed draws."""
    new = fresh(nets)["params"]
    return {"params": {m: new[m] if m.startswith(PREDICTOR) else pretrained["params"][m] for m in new}}


def train(nets: Nets, name: str, terms: tuple[str, ...], source: Variables, weight: float = 1.0):
    """(stacked leaves of every seed, RunsResult) of one stage, which starts from the stacked `source`."""
    own, look = nets.own, "supervised" in terms
    weights = {term: float(weight) for term in terms if term not in UNRAMPED}
    weights |= {"masked": own.masked, "ramp": own.ramp if set(terms) - set(UNRAMPED) else 0.0}
    runs, network = nets.runs(weights, look), cell_network(nets.sizes)
    recipe = Recipe(own.epochs, own.learning_rate, own.batch_size, optimizer="adam")
    readings = [round(own.epochs * k / READINGS) for k in range(1, READINGS)] if look else []
    config = recipe.fit_config(curves=False, read_at=tuple(e for e in dict.fromkeys(readings) if 0 < e < own.epochs))
    label = f"{nets.name} {name}"
    about = digest(
        asdict(own), nets.sizes._asdict(), nets.seed, nets.smooth, name, terms, float(weight), nets.rows.x, nets.rows.y
    )
    parts = parts_of(nets.how.work, digest(about, code_of("tl_jax.training.terms", network.apply)))
    with nets.how.ledger.timed(label), watched(own.seeds, nets.how.label(label)) as progress:
        domains = {CELLS: nets.cells} if set(terms) - {"supervised"} else None
        options = {"network": network, "config": config, "objective": summed(network, nets.sizes, terms)}
        options |= {"domains": domains, "keep_trained": True, "parts": parts, "progress": progress.advance}
        found = fit_runs(runs, nets.rows.x, [(go_on, source)], **options)
    return {"params": unflatten(found.trained)}, found


def read(nets: Nets, found: RunsResult) -> np.ndarray:
    """(seeds, held-out lines + cells + smoothed cells): each seed at the epoch whose held-out lines it ranks best."""
    lines = nets.rows.held.shape[1]
    draw = np.arange(nets.own.seeds) % len(nets.rows.train)
    truth = np.take_along_axis(nets.rows.y[draw], nets.rows.held[draw], axis=1)
    ranked = np.stack([spearman_rows(truth, found.prediction[:, k, :lines]) for k in range(found.prediction.shape[1])])
    best = np.argmax(ranked, axis=0)
    return found.prediction[np.arange(len(best)), best]


def network_scores(setup: Setup, settings: CellSettings, how: How) -> dict[str, np.ndarray]:
    """{arm: (seeds, held-out lines + cells + smoothed cells)} of every network asked for, high = sensitive."""
    own = settings.networks
    rows, scores = rows_of(setup, settings, own), {}
    for attention in own.attention:
        sizes = CellNet(own.hidden, own.bottleneck, own.predictor, own.binary, attention)
        sizes = sizes._replace(modules=modules_of(setup, rows, own, attention, settings.seed))
        place = Path(settings.checkpoint_dir) / "cells"
        genes = setup.lines.genes[rows.columns]
        scores |= scores_of(Nets(rows, own, sizes, settings.seed, settings.smooth > 1, how, genes, place))
    return scores


def modules_of(setup: Setup, rows: Rows, own: NetworkSettings, attention: str, seed: int) -> Modules:
    """What an attention's tokens stand for, as indices of the networks' genes."""
    if attention == "A3":
        varying = np.argsort(-setup.lines.x[:, rows.columns].var(axis=0), kind="stable")[:GENE_TOKENS]
        return (tuple(map(int, np.sort(varying))),)
    if attention == "A2" and own.gmt:
        return from_gmt(own.gmt, setup.lines.genes[rows.columns])
    return correlated(setup.lines.x[:, rows.columns], seed) if attention == "A2" else ()


def record(nets: Nets) -> dict:
    """What the pre-trained networks of all seeds are; responses are no part of it."""
    own = nets.own
    numbers = ("seeds", "hidden", "bottleneck", "predictor", "epochs", "batch_size", "learning_rate", "masked")
    about = {name: getattr(own, name) for name in numbers} | {"sizes": list(nets.sizes)}
    code = code_of("tl_jax.training.terms", cell_network(nets.sizes).apply)
    lines, data = nets.rows.train.shape[1], digest(nets.rows.x, nets.rows.train, nets.smooth)
    note = f"{own.seeds} seeds, stacked"
    return record_of(about, code, lines=lines, seed=nets.seed, genes=nets.genes, fingerprint=data, note=note)


def scores_of(nets: Nets) -> dict[str, np.ndarray]:
    """Pre-training, a predictor with and without it, and every transfer from the predictor."""
    pretrained = found_or_made(
        nets.checkpoints, record(nets), lambda: train(nets, "pre-training", ("reconstruction",), fresh(nets))[0]
    )
    before, found = train(nets, "predictor", ("supervised",), under_fresh_predictor(nets, pretrained))
    scores = {f"{nets.name}_pretransfer": read(nets, found)}
    _, found = train(nets, "without pre-training", ("supervised",), fresh(nets))
    scores[f"{nets.name}_unpretrained"] = read(nets, found)
    for name, weight in nets.own.transfers:
        terms = ("supervised",) if name == "none" else ("supervised", name)
        _, found = train(nets, f"{name} {weight:g}", terms, before, weight)
        scores[arm_name(nets.name, name, weight)] = read(nets, found)
    return scores


def before(arm: str) -> str:
    """The same network before transfer; "" for one that had none."""
    prefix = "network" if arm.startswith("network") else "_".join(arm.split("_")[:2])
    stage = arm.removeprefix(f"{prefix}_")
    return "" if stage in ("pretransfer", "unpretrained") else f"{prefix}_pretransfer"


def arm_name(prefix: str, name: str, weight: float) -> str:
    """As tables call it."""
    return f"{prefix}_{name}" if weight == 1 else f"{prefix}_{name}_{weight:g}"


def check_networks(own: NetworkSettings, setup: Setup) -> None:
    """Refuse an unknown transfer, and modules that cannot be read, before any work."""
    for name, _ in own.transfers:
        if name in UNRAMPED:
            raise InputError(f"--transfer={name}: that is a stage, no transfer")
        if name != "none":
            get_term(name)
    if own.gmt:
        if "A2" not in own.attention:
            raise InputError("--modules changes nothing without --attention=A2; leave it out")
        from_gmt(own.gmt, setup.lines.genes)
