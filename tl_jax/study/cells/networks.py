"""Networks from bulk lines to cells: pre-training, a predictor on lines, and transfer, all seeds as one run axis."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tl_jax.data.cells.modules import Modules, correlated, from_gmt
from tl_jax.errors import InputError
from tl_jax.models.cell_net import DOMAIN, CellNet, cell_network
from tl_jax.study.cells.nets import Nets, fresh, read, train, under_fresh_predictor
from tl_jax.study.cells.network_rows import Rows, rows_of
from tl_jax.study.cells.pretrained import found_or_made, record_of
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.core.arms import How
from tl_jax.study.core.code import code_of
from tl_jax.system.files import digest
from tl_jax.training.terms import UNRAMPED, get_term

GENE_TOKENS = 512  # A3


def network_scores(setup: Setup, settings: CellSettings, how: How) -> dict[str, np.ndarray]:
    """{arm: (seeds, held-out lines + cells + smoothed cells)} of every network asked for, high = sensitive."""
    own = settings.networks
    rows, scores = rows_of(setup, settings, own), {}
    for attention in own.attention:
        scores |= scores_of(nets_of(setup, settings, own, rows, attention, how))
    return scores


def nets_of(setup: Setup, settings: CellSettings, own: NetworkSettings, rows: Rows, attention: str, how: How) -> Nets:
    """Networks of one kind on some rows."""
    sizes = CellNet(own.hidden, own.bottleneck, own.predictor, own.binary, attention)
    sizes = sizes._replace(modules=modules_of(setup, rows, own, attention, settings.seed), batch_norm=own.batch_norm)
    if own.batch_norm == DOMAIN:
        sizes = sizes._replace(last_cells=2 * rows.cells)
    genes, place = setup.lines.genes[rows.columns], Path(settings.checkpoint_dir) / "cells"
    return Nets(rows, own, sizes, settings.seed, settings.smooth > 1, how, genes, place)


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
    numbers += ("pretraining", "pretrain_on")
    about = {name: getattr(own, name) for name in numbers} | {"sizes": list(nets.sizes)}
    code = code_of("tl_jax.training.terms", cell_network(nets.sizes).apply)
    lines, data = nets.rows.train[0].shape[1], digest(nets.rows.x, nets.rows.train[0], nets.smooth)
    note = f"{own.seeds} seeds, stacked"
    return record_of(about, code, lines=lines, seed=nets.seed, genes=nets.genes, fingerprint=data, note=note)


def scores_of(nets: Nets) -> dict[str, np.ndarray]:
    """Pre-training, a predictor with and without it, and every transfer from the predictor."""
    seeds, begin = nets.seeds(), fresh(nets, nets.seeds())
    pretrained = found_or_made(
        nets.checkpoints, record(nets), lambda: train(nets, "pre-training", nets.own.rebuilding, begin, seeds)[0]
    )
    before, found = train(nets, "predictor", ("supervised",), under_fresh_predictor(nets, pretrained, seeds), seeds)
    scores = {f"{nets.name}_pretransfer": read(nets, found)}
    _, found = train(nets, "without pre-training", ("supervised",), begin, seeds)
    scores[f"{nets.name}_unpretrained"] = read(nets, found)
    for name, weight in nets.own.transfers:
        _, found = train(nets, f"{name} {weight:g}", transfer_terms(name), before, nets.seeds(weight))
        scores[arm_name(nets.name, name, weight)] = read(nets, found)
    return scores


def transfer_terms(name: str) -> tuple[str, ...]:
    """What a transfer minimises."""
    return ("supervised",) if name == "none" else ("supervised", name)


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
