"""The ancestry of a checkpoint as text."""

from __future__ import annotations

from pathlib import Path

from tl_jax.checkpoint import load_stage
from tl_jax.data.domain import LABEL
from tl_jax.study.core.stages import brief, stage_name


def lineage_text(path: Path) -> str:
    """First ancestor first, one block per stage; the checkpoint itself is verified, weights included."""
    _, meta = load_stage(path)
    folder = Path(path).absolute().parent
    lines = []
    for depth, stage in enumerate([*meta["ancestors"], brief(meta)]):
        here = folder / stage_name(stage)
        known = "" if here.exists() or stage["id"] == meta["id"] else "  (its checkpoint is not in this folder)"
        indent = "   " * (depth + 1)
        lines += [
            f"{'   ' * depth}{'└─ ' if depth else ''}{stage['stage']}: {stage['domain']}, {stage['drug']}{known}",
            f"{indent}{identified(stage)}",
            f"{indent}{stage['strategy']}, {trained(stage)}",
        ]
        if stage.get("note"):
            lines.append(f"{indent}{stage['note']}")
    steps = [part["step"] for part in meta.get("preprocess", [])]
    if steps:
        lines.append(f"preprocessed by {', '.join(steps)}, fitted on its {meta['samples']} samples")
    scale = meta["response_scale"]
    if scale["unit"] == LABEL:
        lines.append(f"{len(meta['genes']):,} features of compounds, response 1 (active) or 0, verified")
        return "\n".join(lines)
    scaling = f"{meta['scaler']['kind']} scaling" if meta["scaler"]["center"] else "no scaler of its own"
    lines.append(
        f"{len(meta['genes']):,} genes, {scaling}, response {scale['unit']} "
        f"{scale['low']:g} to {scale['high']:g} (high = {scale['direction']}), verified"
    )
    return "\n".join(lines)


def identified(stage: dict) -> str:
    """A stage's id and data; of weights from outside neither samples nor data are known."""
    if stage["samples"] is None:
        return f"id {stage['id']}, samples and data not known"
    return f"id {stage['id']}, {stage['samples']} samples, data {stage['data_fingerprint'][:12]}"


def trained(stage: dict) -> str:
    """How a stage was trained, or where its weights come from."""
    recipe, origin = stage["recipe"], stage.get("origin")
    if recipe:
        return f"{recipe['epochs']} epochs, learning rate {recipe['learning_rate']:g}, seed {stage['seed']}"
    if not origin and stage["data_fingerprint"]:
        return f"fitted in closed form, seed {stage['seed']}"
    if not origin:
        return "training not known"
    return f"{origin['format']} file {origin['file']}, sha256 {origin['sha256'][:12]}, imported {origin['imported']}"
