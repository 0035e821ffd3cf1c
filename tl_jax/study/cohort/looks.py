"""How often these samples were judged before: "more repeats until it is significant" has a price, and it is charged."""

from __future__ import annotations

import json

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.sequential import after_looks
from tl_jax.study.cohort.prepare import Plan
from tl_jax.system.cluster import agree, is_first
from tl_jax.system.files import write_json

FILE = "looks.json"
WHAT = ("repeats", "folds", "seed", "split")  # what a look may change to draw other partitions of the same samples


def record(plan: Plan) -> list[dict]:
    """Every look at the evaluated samples by this experiment and protocol, this one included, in order; kept on disk.

    A look is a set of partitions: the same study again, or with other arms, is the same look (arms are counted by
    Holm's correction). InputError where the file cannot be read.
    """
    path = plan.folder / FILE
    own = {name: getattr(plan.settings, name) for name in WHAT}
    place = " ".join(
        [plan.experiment.name, plan.settings.protocol, *sorted(d["fingerprint"] for d in plan.data.values())]
    )

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


def charged(comparisons: pd.DataFrame, looks: int) -> pd.DataFrame:
    """`looks`, and `p_after_looks`: p_holm corrected for all looks so far; the first one costs nothing."""
    p = comparisons["p_holm"] if "p_holm" in comparisons else pd.Series(dtype=float)
    paid = p if looks == 1 else p.map(lambda value: after_looks(value, looks))
    return comparisons.assign(looks=looks, p_after_looks=paid)


def note(looks: list[dict]) -> str | None:
    """What to tell about earlier looks."""
    if len(looks) < 2:
        return None
    earlier = "; ".join(", ".join(f"{name} {look[name]}" for name in WHAT) for look in looks[:-1])
    return (
        f"these samples were judged {len(looks) - 1} time(s) before with other partitions ({earlier}): more repeats "
        f"are no new data, so p_after_looks is p_holm times {len(looks) * (len(looks) + 1)}"
    )
