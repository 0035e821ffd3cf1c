"""Section on checkpoints: which model came from which."""

from __future__ import annotations

from pathlib import PurePath

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.blocks import Absent, Blocks, Code, Line, Node, Strong, Tree, paragraph
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import number

OF_ALL = "Each model began as the model that it stands under; all were trained on all rows of their domain."
OF_DRAWS = (
    "Each model began as the model that it stands under. A checkpoint holds the networks of all seeds, each trained on "
    "its own draw of the lines."
)


def lineage(study: Study, words: str = OF_ALL) -> Blocks:
    """Checkpoints as a tree, first ancestors outermost."""
    nodes = _from_table(study.table("lineage")) or _from_summary(study)
    if not nodes:
        raise Absent("no lineage.csv with rows in this folder, and no stages in summary.json")
    children: dict[str, list[str]] = {}
    for name, (parent, _) in nodes.items():
        children.setdefault(parent if parent in nodes else "", []).append(name)
    shown: set[str] = set()
    tree = _branch("", children, nodes, shown)
    if len(shown) < len(nodes):
        lost = next(name for name in nodes if name not in shown)
        raise InputError(f"lineage.csv: checkpoint {lost} is among its own ancestors; write it anew with the study")
    return [paragraph(words), Tree(tree)]


def _branch(parent: str, children: dict, nodes: dict, shown: set[str]) -> tuple[Node, ...]:
    """The models that began as `parent`."""
    branches = []
    for name in children.get(parent, []):
        shown.add(name)
        above, (*first, last) = nodes[name]
        note = f" (its parent {above} is not in the table)" if not parent and above else ""
        branches.append(Node((*first, (*last, note)), _branch(name, children, nodes, shown)))
    return tuple(branches)


def _from_table(rows: pd.DataFrame) -> dict[str, tuple[str, tuple[Line, ...]]]:
    """{id: (parent, what to show)} of lineage.csv."""
    return {row["id"]: (row["parent"], _checkpoint(row)) for row in rows.to_dict("records")}


def _checkpoint(row: dict) -> tuple[Line, ...]:
    """One checkpoint."""
    name = ", ".join(part for part in (row["domain"], row["drug"]) if part)
    training = f"{row['strategy']}, {number(row['samples'], ',.0f')} samples, {number(row['epochs'], '.0f')} epochs"
    return (
        (Strong(f"{row['stage']}: {name}"),),
        (f"{training}, learning rate {number(row['learning_rate'], 'g')}",),
        (Code(row["id"]), f", data {row['data_fingerprint'][:12]}" if row["data_fingerprint"] else ""),
    )


def _from_summary(study: Study) -> dict[str, tuple[str, tuple[Line, ...]]]:
    """The same from the stages of summary.json, whose folders are named STAGE-DOMAIN-DRUG-STRATEGY-ID."""
    stages = [one for one in study.entry("stages", kind=list) or [] if isinstance(one, dict) and one.get("id")]
    nodes = {}
    for stage in stages:
        ancestors = stage.get("ancestors") or [""]
        recipe = stage.get("recipe") if isinstance(stage.get("recipe"), dict) else {}
        name = PurePath(str(stage.get("path", ""))).name.removesuffix(f"-{stage['id']}")
        trained = [f"{key.replace('_', ' ')} {recipe[key]}" for key in ("epochs", "learning_rate") if key in recipe]
        trained += ["found as a checkpoint"] if stage.get("reused") else []
        shown = (Strong(name),), (", ".join(trained),), (Code(stage["id"]),)
        nodes[str(stage["id"])] = (str(ancestors[-1]), shown)
    return nodes
