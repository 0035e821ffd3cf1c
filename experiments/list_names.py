"""What can be named in flags: strategies, baselines, optimizers and more, each with what it does.

python -m experiments.list_names strategies
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from experiments._command import Script
from experiments._declared import found
from tl_jax.errors import InputError

# {kind: where its names stand and the flags that take them}
KINDS = {
    "strategies": (
        ("tl_jax.transfer.strategies:STRATEGIES", "tl_jax.evaluation.predictors.source_methods:METHODS"),
        "--strategy of experiments",
    ),
    "baselines": (("tl_jax.evaluation.predictors.baselines:BASELINES",), "--baselines of experiments"),
    "classifiers": (("tl_jax.evaluation.predictors.shallow:SHALLOW",), "--shallow and --mode3 of compounds"),
    "optimizers": (("tl_jax.training.optimizer:OPTIMIZERS",), "--optimizer of experiments"),
    "metrics": (("tl_jax.evaluation.statistics.metrics:METRICS",), "--metric of studies"),
    "protocols": (("tl_jax.study.core.protocol:PROTOCOLS",), "--protocol"),
    "cohorts": (("tl_jax.data.cohort.cohort_file:shipped_cohorts",), "--cohort"),
}


def work(kinds: list[str]) -> None:
    for kind in kinds:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(KINDS)}"
            raise InputError(f"no list of '{kind}'; {hint}")
    for kind in kinds or KINDS:
        places, flag = KINDS[kind]
        print(f"{kind} ({flag}):")
        for name, what in (entry for place in places for entry in entries(found(place))):
            print(f"  {name:24}{what}".rstrip())


def entries(names) -> list[tuple[str, str]]:
    """(name, first line of its description) of a registry, or of a function that returns names."""
    held = names() if callable(names) else names
    pairs = held.items() if isinstance(held, Mapping) else ((name, "") for name in held)
    return [(name, first_line(thing)) for name, thing in pairs]


def first_line(thing) -> str:
    """The first line of a function's docstring; of a record, that of its function."""
    function = getattr(thing, "function", None) or getattr(thing, "of", None) or thing
    doc = function.__doc__ if callable(function) else ""
    return (doc or "").strip().partition("\n")[0]


main = Script(__doc__, (), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
