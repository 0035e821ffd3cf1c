"""How often these samples were judged before: "one more run until it is significant" has a price, and it is charged.

Every study keeps count in one file beside its checkpoints, and says what its samples, partitions and recipe are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.sequential import after_looks
from tl_jax.system.cluster import agree, is_first
from tl_jax.system.files import digest, write_json

FILE = "looks.json"


def record(folder: str | Path, place: str, own: Mapping) -> list[dict]:
    """Every look at the samples of `place`, this one included, in order; kept on disk.

    own: names and values of a set of partitions, and "recipe"; the very same again is no further look. InputError where
    the file cannot be read.
    """
    path, own = Path(folder) / FILE, json.loads(json.dumps(dict(own)))

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


def known_by(samples: Iterable, response: np.ndarray) -> str:
    """A digest of the ids and responses of samples, in whatever order they stand."""
    names = np.array([str(one) for one in samples])
    order = np.argsort(names, kind="stable")
    return digest(names[order].tolist(), np.asarray(response, float)[order])[:16]


def recipe(science: Mapping, elsewhere: Collection[str], *data) -> str:
    """A digest of all else that a user may change in order to look again.

    science: settings, of which `elsewhere` stand in the place or among the partitions. data: what was read.
    """
    return digest({name: value for name, value in science.items() if name not in elsewhere}, *data)[:8]


def charged(table: pd.DataFrame, looks: int, planned: int | None = None, of: str = "p_family") -> pd.DataFrame:
    """`looks`, and `p_after_looks`: the column `of` corrected for all looks so far, the first one included.

    planned: number of looks that was fixed before the first (`sequential.after_looks`).
    """
    p = table[of] if of in table else pd.Series(dtype=float)
    return table.assign(looks=looks, p_after_looks=p.map(lambda value: after_looks(value, looks, planned)))


def note(looks: list[dict], of: str = "p_family", what: str = "samples") -> str:
    """What the present look costs, and which looks were before it."""
    count = len(looks)
    cost = f"p_after_looks is {of} times {count * (count + 1)}"
    if count == 1:
        return (
            f"first look at these {what}: {cost}, which leaves room for further ones (other repeats, recipes or arms "
            f"on the same {what})"
        )
    earlier = "; ".join(", ".join(f"{name} {value}" for name, value in look.items()) for look in looks[:-1])
    return (
        f"these {what} were judged {count - 1} time(s) before with other partitions, recipes or arms ({earlier}): "
        f"they are no new data, so {cost}"
    )
