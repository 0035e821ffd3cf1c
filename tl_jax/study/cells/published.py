"""scDEAL as published on a study's lines and cells: seeds of all its quirks, and what each quirk is worth."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from tl_jax.data.cells.neighbours import nearest
from tl_jax.data.cells.resampling import UP, resampled
from tl_jax.data.cells.shared import dense
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.line_models import sensitive
from tl_jax.keys import run_key
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup, at_one_depth, read_pair
from tl_jax.study.core.arms import How
from tl_jax.study.core.code import code_of
from tl_jax.system.files import digest
from tl_jax.system.parts import parts_of
from tl_jax.system.progress import watched
from tl_jax.training.published import QUIRKS, Scores, Sizes, Tables, run, scaled, split, streams

NEIGHBOURS = 10  # of the cluster term's graph
SEPARATE, CLUSTERS = "separate_genes", "cluster_term"  # quirks that change the program
ALL, NONE = dict.fromkeys(QUIRKS, True), dict.fromkeys(QUIRKS, False)


def spread_of(hidden: np.ndarray, genes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """scDEAL's cluster term of one batch, a number: Louvain on 10 neighbours of `hidden`, weighed by distance; for each
    cluster the sum over pairs of (1 - cosine of genes), over 2 n^2 - n. Rows of weight 0 are left out."""
    import igraph

    real = np.asarray(weight) > 0
    hidden, genes = np.asarray(hidden)[real], np.asarray(genes, np.float64)[real]
    if len(hidden) < 3:
        return np.float32(0)
    found = nearest(hidden, NEIGHBOURS + 1)[:, 1:]
    pairs = {(min(a, b), max(a, b)) for a, row in enumerate(found) for b in row if a != b}
    graph = igraph.Graph(n=len(hidden), edges=sorted(pairs))
    graph.es["weight"] = [float(np.linalg.norm(hidden[a] - hidden[b])) for a, b in sorted(pairs)]
    label = np.asarray(graph.community_multilevel(weights="weight").membership)
    unit = genes / np.maximum(np.linalg.norm(genes, axis=1, keepdims=True), 1e-12)
    total = 0.0
    for k in np.unique(label):
        own = unit[label == k]
        total += (len(own) ** 2 - np.square(own.sum(axis=0)).sum()) / (2 * len(own) ** 2 - len(own))
    return np.float32(total)


def called_back(hidden, genes, weight):
    """spread_of within a compiled program."""
    return jax.pure_callback(
        spread_of, jax.ShapeDtypeStruct((), jnp.float32), hidden, genes, weight, vmap_method="sequential"
    )


@partial(jax.jit, static_argnames=("sizes", "clusters"))
def all_runs(keys, quirks, rate, tables: Tables, *, sizes: Sizes, clusters: bool) -> Scores:
    """Runs one after another in one program; keys and quirks have a leading axis."""
    spread = called_back if clusters else None

    def one(own):
        return run(jax.random.wrap_key_data(own[0], impl="threefry2x32"), own[1], rate, tables, sizes, spread)

    return jax.lax.map(one, (keys, quirks))


def own_genes(settings: CellSettings, setup: Setup):
    """(lines that train, cells that passed), each on all genes that it has."""
    lines, cells, _ = read_pair(settings)
    place = {name: k for k, name in enumerate(lines.samples)}
    cells = cells.rows(setup.kept)  # those that passed: filters that draw are not asked again
    return lines.rows(np.array([place[name] for name in setup.lines.samples])), at_one_depth(cells, settings)[0]


def tables_of(setup: Setup, settings: CellSettings, shared: bool) -> Tables:
    """Labels of the lowest fifth, or of the lower of two classes; genes of both, or all genes that each domain has."""
    lines, cells = (setup.lines, setup.cells) if shared else own_genes(settings, setup)
    return Tables(
        jnp.asarray(dense(lines.x)), jnp.asarray(sensitive(setup.y), jnp.float32), jnp.asarray(dense(cells.x))
    )


def picked(tables: Tables, key, quirks: dict[str, bool], kind: str, seed: int) -> Tables:
    """With the training lines of the split that a seed's key draws resampled, as they are scaled there."""
    rows = np.asarray(split(streams(key)["split"], tables)[0]["train"])
    x = np.asarray(scaled(tables.lines, rows, quirks))[rows]
    labels = np.asarray(tables.y)[rows] > 0.5
    index, made = resampled(kind, x, labels, seed)
    rare = float(labels.mean() <= 0.5)
    return tables._replace(
        picked=jnp.asarray(rows[index]), made=jnp.asarray(made), made_y=jnp.full(len(made), rare, jnp.float32)
    )


def trained(tables: Tables, settings: CellSettings, quirks: dict[str, bool], how: How, name: str) -> Scores:
    """All seeds with some quirks on: (seeds, cells) scores before and after transfer. tables: with the genes that
    these quirks ask for."""
    own = settings.published
    numbers = (getattr(own, name) for name in Sizes._fields[:-2])
    sizes = Sizes(*numbers, up=own.sampling == UP, shared=not quirks[SEPARATE])
    about = digest(sizes._asdict(), quirks, own.rate, settings.seed, *map(np.asarray, tables[:3]), *own.resampling)
    parts = parts_of(how.work, digest(about, code_of("tl_jax.training.published", spread_of)))
    found = {int(part["run"][0]): part for part in parts.saved()} if parts else {}
    with how.ledger.timed(name), watched(own.seeds, how.label(name)) as progress:
        progress.advance(len(found))
        for k in range(own.seeds):
            if k in found:
                continue
            # One seed per call: a stopped run loses one, and all calls share the program.
            key = run_key(settings.seed, k)
            keys = jax.random.key_data(key)[None]
            switches = {quirk: np.asarray([float(on)], np.float32) for quirk, on in quirks.items()}
            lines = picked(tables, key, quirks, own.sampling, settings.seed + k) if own.resampling else tables
            seen = all_runs(keys, switches, np.float32(own.rate), lines, sizes=sizes, clusters=quirks[CLUSTERS])
            found[k] = {"run": np.asarray([k]), **{n: np.asarray(v)[0] for n, v in seen._asdict().items()}}
            if parts:
                parts.save(k, found[k])
            progress.advance(1)
    return Scores(*(np.stack([found[k][n] for k in range(own.seeds)]) for n in Scores._fields))


def published_scores(setup: Setup, settings: CellSettings, how: How) -> dict[str, np.ndarray]:
    """{arm: (seeds, cells)}: scDEAL with all quirks that are not repaired, before and after transfer; with
    `quirk_table` also with each quirk repaired alone, and with each alone in the repaired one."""
    repaired = settings.published.repaired
    asked = {"paper": {name: name not in repaired for name in QUIRKS}}
    if settings.published.quirk_table:
        asked |= {f"paper without {name}": {**ALL, name: False} for name in QUIRKS}
        asked |= {"repaired": NONE} | {f"repaired with {name}": {**NONE, name: True} for name in QUIRKS}
    found, read = {}, {}
    for name, quirks in asked.items():
        shared = not quirks[SEPARATE]
        if shared not in read:
            read[shared] = tables_of(setup, settings, shared)
        seen = trained(read[shared], settings, quirks, how, name)
        found |= {f"{name} before": seen.before, name: seen.after}
    return found


def check_published(repaired: Collection[str], quirk_table: bool = False) -> None:
    """Refuse unknown quirks, and a cluster term without its package, before any work. quirk_table: it runs all."""
    wrong = [name for name in repaired if name not in QUIRKS]
    if wrong:
        raise InputError(f"--repaired={wrong[0]}: there are: {', '.join(QUIRKS)}")
    if CLUSTERS in repaired and not quirk_table:
        return
    if find_spec("igraph") is None:
        without = f"{'leave --quirk_table out and ' if quirk_table else ''}give --repaired={CLUSTERS}"
        raise InputError(f"--mode=paper needs igraph for scDEAL's cluster term: pip install 'tl_jax[sc]', or {without}")


def quirk_table(arms: pd.DataFrame) -> pd.DataFrame:
    """quirk, what it is, and AUROC mean and sd over seeds without it in the paper's and with it alone in the repaired
    one. arms: as `summarised` gives them."""
    table = arms[arms["metric"] == "auroc"].set_index("arm")
    rows = []
    for name, what in QUIRKS.items():
        row = {"quirk": name, "what": what}
        for column, arm in (("paper without", f"paper without {name}"), ("repaired with", f"repaired with {name}")):
            if arm in table.index:
                row |= {f"{column}: mean": table.loc[arm, "mean"], f"{column}: sd": table.loc[arm, "sd"]}
        rows.append(row)
    return pd.DataFrame(rows)
