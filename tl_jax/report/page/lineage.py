"""Section on checkpoints: which model came from which."""

from __future__ import annotations

from pathlib import PurePath

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.page.study import Absent, Study
from tl_jax.report.page.tags import Html, join, paragraph, tag
from tl_jax.report.tables import number


def lineage(study: Study) -> Html:
    """Checkpoints as a tree, first ancestors outermost."""
    nodes = _from_table(study.table("lineage")) or _from_summary(study)
    if not nodes:
        raise Absent("no lineage.csv with rows in this folder, and no stages in summary.json")
    children: dict[str, list[str]] = {}
    for name, (parent, _) in nodes.items():
        children.setdefault(parent if parent in nodes else "", []).append(name)
    shown: set[str] = set()
    tree = _branch("", children, nodes, shown, class_="tree")
    if len(shown) < len(nodes):
        lost = next(name for name in nodes if name not in shown)
        raise InputError(f"lineage.csv: checkpoint {lost} is among its own ancestors; write it anew with the study")
    text = "Each model began as the model that it stands under; all were trained on all rows of their domain."
    return join([paragraph(text), tree])


def _branch(parent: str, children: dict, nodes: dict, shown: set[str], **look) -> Html:
    """The models that began as `parent`."""
    items = []
    for name in children.get(parent, []):
        shown.add(name)
        missing = nodes[name][0] if not parent and nodes[name][0] else ""
        note = f" (its parent {missing} is not in the table)" if missing else ""
        inner = _branch(name, children, nodes, shown) if name in children else ""
        items.append(tag("li", nodes[name][1], note, inner))
    return tag("ul", *items, **look)


def _from_table(rows: pd.DataFrame) -> dict[str, tuple[str, Html]]:
    """{id: (parent, what to show)} of lineage.csv."""
    return {row["id"]: (row["parent"], _checkpoint(row)) for row in rows.to_dict("records")}


def _checkpoint(row: dict) -> Html:
    """One checkpoint."""
    name = ", ".join(part for part in (row["domain"], row["drug"]) if part)
    training = f"{row['strategy']}, {number(row['samples'], ',.0f')} samples, {number(row['epochs'], '.0f')} epochs"
    return join(
        [
            tag("b", f"{row['stage']}: {name}"),
            tag("br"),
            f"{training}, learning rate {number(row['learning_rate'], 'g')}",
            tag("br"),
            tag("code", row["id"]),
            f", data {row['data_fingerprint'][:12]}" if row["data_fingerprint"] else "",
        ]
    )


def _from_summary(study: Study) -> dict[str, tuple[str, Html]]:
    """The same from the stages of summary.json, whose folders are named STAGE-DOMAIN-DRUG-STRATEGY-ID."""
    stages = [one for one in study.entry("stages", kind=list) or [] if isinstance(one, dict) and one.get("id")]
    nodes = {}
    for stage in stages:
        ancestors = stage.get("ancestors") or [""]
        recipe = stage.get("recipe") if isinstance(stage.get("recipe"), dict) else {}
        name = PurePath(str(stage.get("path", ""))).name.removesuffix(f"-{stage['id']}")
        trained = [f"{key.replace('_', ' ')} {recipe[key]}" for key in ("epochs", "learning_rate") if key in recipe]
        trained += ["found as a checkpoint"] if stage.get("reused") else []
        shown = join([tag("b", name), tag("br"), ", ".join(trained), tag("br"), tag("code", stage["id"])])
        nodes[str(stage["id"])] = (str(ancestors[-1]), shown)
    return nodes
