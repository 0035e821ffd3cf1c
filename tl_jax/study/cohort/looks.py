"""How often these samples were judged before: "one more run until it is significant" has a price, and it is charged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.domain import Domain
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.sequential import after_looks
from tl_jax.study.cohort.prepare import Plan
from tl_jax.system.cluster import agree, is_first
from tl_jax.system.files import digest, write_json

FILE = "looks.json"
WHAT = ("repeats", "folds", "seed", "split")  # other partitions of the same samples
# Names and places of the same samples, and what is a question of its own: they make no other look.
ELSEWHERE = (*WHAT, "cohort", "protocol", "fold_models")


def record(plan: Plan) -> list[dict]:
    """Every look at the evaluated samples by this experiment and protocol, this one included, in order; kept on disk.

    Samples are known by their ids and responses, whatever the cohort is called. A look is a set of partitions and a
    recipe: other repeats, epochs, rates, networks, arms or expression data are another look; the very same study
    again is none. InputError where the file cannot be read.
    """
    path = Path(plan.settings.checkpoint_dir) / FILE
    own = {**{name: getattr(plan.settings, name) for name in WHAT}, "recipe": recipe(plan)}
    samples = sorted(known_by(group.problem.domain) for group in plan.groups)
    place = " ".join([plan.experiment.name, plan.settings.protocol, *samples])

    def written() -> list[dict]:
        try:
            known = json.loads(path.read_text()) if path.exists() else {}
            looks = known.get(place, [])
            new = own not in looks
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be read ({type(error).__name__}); delete it to begin to count anew"
            ) from error
        if new:
            looks = [*looks, own]
            write_json(path, {**known, place: looks})
        return looks

    return agree(written() if is_first() else None)


def known_by(domain: Domain) -> str:
    """A digest of the ids and responses of samples, in whatever order they stand."""
    order = np.argsort(domain.samples)
    return digest([str(one) for one in domain.samples[order]], np.asarray(domain.response, float)[order])[:16]


def recipe(plan: Plan) -> str:
    """A digest of all else that a user may change in order to look again."""
    settings = {name: value for name, value in plan.settings.science().items() if name not in ELSEWHERE}
    return digest(settings, sorted(one["fingerprint"] for one in plan.data.values()))[:8]


def charged(comparisons: pd.DataFrame, looks: int, planned: int | None = None) -> pd.DataFrame:
    """`looks`, and `p_after_looks`: p_family corrected for all looks so far, the first one included.

    planned: number of looks that was fixed before the first (`sequential.after_looks`).
    """
    p = comparisons["p_family"] if "p_family" in comparisons else pd.Series(dtype=float)
    paid = p.map(lambda value: after_looks(value, looks, planned))
    return comparisons.assign(looks=looks, p_after_looks=paid)


def note(looks: list[dict]) -> str:
    """What the present look costs, and which looks were before it."""
    count = len(looks)
    cost = f"p_after_looks is p_family times {count * (count + 1)}"
    if count == 1:
        return (
            f"first look at these samples: {cost}, which leaves room for further ones (other repeats, recipes or arms "
            "on the same samples)"
        )
    earlier = "; ".join(", ".join(f"{name} {look.get(name)}" for name in (*WHAT, "recipe")) for look in looks[:-1])
    return (
        f"these samples were judged {count - 1} time(s) before with other partitions, recipes or arms ({earlier}): "
        f"they are no new data, so {cost}"
    )
