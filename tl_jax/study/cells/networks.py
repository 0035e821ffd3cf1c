"""Networks from bulk lines to cells: pre-training, a predictor on lines, and transfer, all seeds as one run axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_jax.data.cells.databases import FEWEST_SHARED
from tl_jax.data.cells.modules import Modules, correlated, from_gmt
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.models.cell_net import DOMAIN, CellNet
from tl_jax.study.cells.nets import Nets, fresh, under_fresh_predictor
from tl_jax.study.cells.network_rows import Rows, rows_of
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.cells.stages import Trained, stage
from tl_jax.study.core.arms import How
from tl_jax.training.terms import UNRAMPED, get_term

GENE_TOKENS = 512  # A3


def read(nets: Nets, seen: np.ndarray) -> np.ndarray:
    """(seeds, held-out lines + cells + smoothed cells): each seed at the epoch whose held-out lines it ranks best.

    seen: (seeds, readings, the same) what it predicted.
    """
    held, draw = nets.rows.held[0], nets.seeds().draw
    lines = held.shape[1]
    truth = np.take_along_axis(nets.rows.y[draw], held[draw], axis=1)
    ranked = np.stack([spearman_rows(truth, seen[:, k, :lines]) for k in range(seen.shape[1])])
    best = np.argmax(ranked, axis=0)
    return seen[np.arange(len(best)), best]


@dataclass(frozen=True)
class NetArm:
    """One network at the end of a stage. scores: (seeds, held-out lines + cells + smoothed cells), high = sensitive.
    path, record: its checkpoint, with the leaves of all seeds at the end of their training."""

    nets: Nets
    scores: np.ndarray
    path: Path
    record: dict

    @classmethod
    def of(cls, nets: Nets, trained: Trained) -> NetArm:
        return cls(nets, read(nets, trained.seen), trained.path, trained.record)

    @property
    def of_cells(self) -> np.ndarray:
        """(seeds, cells) of the cells that the network was transferred to: smoothed where scores are."""
        cells = self.nets.rows.cells
        return self.scores[:, -cells:] if self.nets.smooth else self.scores[:, -2 * cells : -cells]


def network_arms(setup: Setup, settings: CellSettings, how: How) -> dict[str, NetArm]:
    """{arm: what came of it} of every network asked for."""
    return {arm: own for nets in networks_of(setup, settings, how) for arm, own in arms_of(nets).items()}


def networks_of(setup: Setup, settings: CellSettings, how: How) -> Iterator[Nets]:
    """The kinds of networks: plain and with each attention."""
    own = settings.networks
    rows = rows_of(setup, settings, own)
    for attention in own.attention:
        yield nets_of(setup, settings, own, rows, attention, how)


def nets_of(setup: Setup, settings: CellSettings, own: NetworkSettings, rows: Rows, attention: str, how: How) -> Nets:
    """Networks of one kind on some rows."""
    sizes = CellNet(own.hidden, own.bottleneck, own.predictor, own.binary, attention)
    sizes = sizes._replace(modules=modules_of(setup, rows, own, attention, settings.seed), batch_norm=own.batch_norm)
    if own.database_head:
        sizes = sizes._replace(databases=len(setup.lines.databases))
    if own.batch_norm == DOMAIN:
        sizes = sizes._replace(last_cells=2 * rows.cells)
    genes, place = setup.lines.genes[rows.columns], Path(settings.checkpoint_dir) / "cells"
    return Nets(rows, own, sizes, settings.seed, settings.smooth > 1, how, genes, place, setup.drug)


def modules_of(setup: Setup, rows: Rows, own: NetworkSettings, attention: str, seed: int) -> Modules:
    """What an attention's tokens stand for, as indices of the networks' genes."""
    if attention == "A3":
        varying = np.argsort(-setup.lines.x[:, rows.columns].var(axis=0), kind="stable")[:GENE_TOKENS]
        return (tuple(map(int, np.sort(varying))),)
    if attention == "A2" and own.gmt:
        return from_gmt(own.gmt, setup.lines.genes[rows.columns])
    return correlated(setup.lines.x[:, rows.columns], seed) if attention == "A2" else ()


def arms_of(nets: Nets) -> dict[str, NetArm]:
    """Pre-training, a predictor with and without it, and every transfer from the predictor."""
    seeds, begin = nets.seeds(), fresh(nets, nets.seeds())
    pretrained = stage(nets, "pretrained", nets.own.rebuilding, begin, seeds)
    start = under_fresh_predictor(nets, pretrained.variables, seeds)
    first = stage(nets, "pretrained", nets.learning, start, seeds, pretrained)
    alone = stage(nets, "unpretrained", nets.learning, begin, seeds)
    found = {f"{nets.name}_pretransfer": NetArm.of(nets, first), f"{nets.name}_unpretrained": NetArm.of(nets, alone)}
    for name, weight in nets.own.transfers:
        lanes = nets.seeds(weight)
        trained = stage(nets, f"{name}_{weight:g}", transfer_terms(nets, name), first.variables, lanes, first)
        found[arm_name(nets.name, name, weight)] = NetArm.of(nets, trained)
    return found


def transfer_terms(nets: Nets, name: str) -> tuple[str, ...]:
    """What a transfer minimises."""
    return nets.learning if name == "none" else (*nets.learning, name)


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
    if own.database_head:
        check_databases(setup)
    for name, _ in own.transfers:
        if name in UNRAMPED:
            raise InputError(f"--transfer={name}: that is a stage, no transfer")
        if name != "none":
            get_term(name)
    if own.gmt:
        if "A2" not in own.attention:
            raise InputError("--modules changes nothing without --attention=A2; leave it out")
        from_gmt(own.gmt, setup.lines.genes)


def check_databases(setup: Setup) -> None:
    """Refuse heads of databases where not two of them measured enough lines with the drug."""
    lines = setup.lines
    own = [table.reindex(index=lines.samples, columns=[setup.drug]) for table in lines.databases]
    counts = [int(table.notna().to_numpy().sum()) for table in own]
    if sum(count >= FEWEST_SHARED for count in counts) < 2 or counts[0] < FEWEST_SHARED:
        told = ", ".join(map(str, counts)) or "no"
        raise InputError(
            f"--database_head needs --databases that measured {setup.drug} in {FEWEST_SHARED} lines or more, the first "
            f"and another; here in {told} lines"
        )
