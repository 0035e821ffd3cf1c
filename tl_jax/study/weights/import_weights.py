"""From a weight file and what its user says of it to a checkpoint and the lines that tell what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.scaling.scaling import Scaler
from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.study.weights.import_genes import part_of, reordered, scaler_of_file, scaler_of_table
from tl_jax.study.weights.imported import UNSCALED, Meaning, Opened, genes_of, keep_imported, open_weights, record_of
from tl_jax.system.files import check_writable

SAID = ("drug", "unit", "direction", "low", "high", "transform")  # what a file of export_weights says itself
EXPRESSION = (*SAID, "like", "scaler", "fit_scaler_on", "scale_by", "scaler_kind")  # of no use for compounds


@dataclass(frozen=True)
class Wishes:
    """What experiments.import_weights is told; see its flags. given: names of the flags that were set."""

    PLAIN: ClassVar[tuple[str, ...]] = (
        *("sha256", "genes", "activations", "layers", "bn_epsilon", "like", "data_dir", "missing_genes", "extra_genes"),
        *("scaler", "fit_scaler_on", "scale_by", "scaler_kind"),
    )

    weights: Path
    out: Path
    meaning: Meaning = field(default_factory=Meaning)
    given: frozenset[str] = frozenset()
    sha256: str = ""
    genes: str | None = None
    activations: tuple[str, ...] | list[str] = ()
    layers: tuple[str, ...] | list[str] = ()
    bn_epsilon: float | None = None
    like: str | None = None
    data_dir: str | None = None
    missing_genes: str = "refuse"
    extra_genes: str = "refuse"
    scaler: str | None = None
    fit_scaler_on: str | None = None
    scale_by: str | None = None
    scaler_kind: str = "standard"


def import_weights(wishes: Wishes) -> list[str]:
    """Write the checkpoint; lines that say what it is. Raises InputError before anything is written."""
    if wishes.out.exists():
        raise InputError(f"--out={wishes.out} exists; choose another")
    opened = open_weights(
        wishes.weights,
        activations=wishes.activations,
        layers=wishes.layers,
        bn_epsilon=wishes.bn_epsilon,
        sha256=wishes.sha256,
    )
    check_wishes(wishes, opened)
    genes, variables, counts = genes_of(opened, wishes.genes), opened.variables, {}
    wanted = genes
    if wishes.like:
        wanted = [str(gene) for gene in load_cohort(wishes.like, wishes.data_dir).genes]
        how = {"zero_missing": wishes.missing_genes == "zero_weight", "drop_extra": wishes.extra_genes == "drop"}
        variables, counts = reordered(variables, genes, wanted, **how)
    scaler, kind = scaler_for(wishes, opened, genes, wanted)
    opened.origin.update(counts)
    try:
        record = record_of(opened, variables, wanted, wishes.meaning, scaler, kind)
    except Refused as refused:
        raise InputError(f"{wishes.weights} {refused}") from refused
    check_writable(wishes.out.absolute().parent, "--out")
    path = keep_imported(wishes.out, variables, record)
    return [*report(opened, record, counts), f"saved {path}"]


def check_wishes(wishes: Wishes, opened: Opened) -> None:
    """Refuse flags that would change nothing, or contradict the file."""
    compounds = opened.network.name == "fc_layers"
    if opened.kept is not None:
        check_kept(wishes, opened.kept.meta)
    elif compounds:
        stray = [name for name in EXPRESSION if name in wishes.given and name != "drug"]
        if stray:
            raise InputError(f"--{stray[0]} changes nothing: a network with batch norms is one of compounds here")
    elif not wishes.meaning.drug:
        raise InputError("--drug is missing: what the model predicts the response to")
    for name in ("missing_genes", "extra_genes"):
        if name in wishes.given and not wishes.like:
            raise InputError(f"--{name} changes nothing without --like")
    if "data_dir" in wishes.given and not wishes.like:
        raise InputError("--data_dir changes nothing without --like")
    ways = [name for name in ("scaler", "fit_scaler_on", "scale_by") if getattr(wishes, name)]
    if len(ways) > 1 or not (ways or compounds or opened.kept is not None):
        raise InputError("one of --scaler, --fit_scaler_on and --scale_by must say how new samples are scaled")


def check_kept(wishes: Wishes, meta: dict) -> None:
    """Refuse flags that contradict a file of export_weights."""
    stray = [name for name in SAID if name in wishes.given]
    if stray:
        raise InputError(f"--{stray[0]}: a file of export_weights says this itself; leave it out")
    fixed = [name for name in ("like", "fit_scaler_on") if getattr(wishes, name)]
    if fixed and meta.get("preprocess"):
        raise InputError(f"--{fixed[0]}: the model's preprocessing was fitted on its own genes; leave it out")


def scaler_for(wishes: Wishes, opened: Opened, genes: list[str], wanted: list[str]) -> tuple[Scaler | None, str]:
    """(the scaler on the wanted genes, or None where new samples are scaled by themselves; its kind)."""
    unscaled = Scaler(np.zeros(len(wanted), np.float32), np.ones(len(wanted), np.float32))
    if opened.network.name == "fc_layers" and opened.kept is None:
        return unscaled, "none"
    if wishes.scale_by == "none":
        return unscaled, "none"
    if wishes.scaler:
        return scaler_of_file(wishes.scaler, wanted), wishes.scaler_kind
    if wishes.fit_scaler_on:
        transform = wishes.meaning.transform if opened.kept is None else opened.kept.meta["transform"]
        return scaler_of_table(wishes.fit_scaler_on, wanted, wishes.scaler_kind, transform), wishes.scaler_kind
    if wishes.scale_by == "cohort":
        return None, wishes.scaler_kind
    own = opened.kept
    return (None if own.scaler is None else part_of(own.scaler, genes, wanted)), own.meta["scaler"]["kind"]


def report(opened: Opened, record: dict, counts: dict[str, int]) -> list[str]:
    """What was read, what was changed on the way, and what the checkpoint lacks."""
    origin, scale = opened.origin, record["response_scale"]
    widths = " > ".join(map(str, (len(record["genes"]), *opened.network.hidden, 1)))
    lines = [f"{origin['file']}: {origin['format']}, network {opened.network.name} {widths}"]
    if "layers" in origin:
        lines.append(f"layers of the file in order: {', '.join(origin['layers'])}")
    lines += origin.get("converted", [])
    if counts:
        lines.append(
            f"{counts['genes_of_zero_weight']} genes of the cohort are not in the weights and add nothing; "
            f"{counts['genes_dropped']} genes of the weights are not in the cohort and count as average"
        )
    if not record["scaler"]["center"]:
        lines.append("no scaler: experiments.predict needs --scale_by=cohort, and experiments scale each fold as ever")
    if scale["unit"] == UNSCALED:
        lines.append("no response scale: predictions stay on the network's own scale, 0 to 10")
    return lines
