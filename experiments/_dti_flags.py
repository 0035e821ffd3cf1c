"""What the flags of the studies between protein families mean."""

from __future__ import annotations

from experiments._compound_groups import PLAIN
from experiments._declared import FLAGS
from experiments._lists import distinct, numbers, parsed
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.core.settings import Extras

OWN = (
    *("target", "repeats", "frozen_bn", "after_activation", "protocol", "epoch", "similarity", "balance_below"),
    *(
        "epochs",
        "source_epochs",
        "learning_rate",
        "batch_size",
        "dropout",
        "final_source",
        "metric",
        "source_permutations",
        "register",
    ),
)


def names(flag: str) -> tuple[str, ...]:
    """A list without repeats; 'none' for none."""
    values = FLAGS[flag].value
    return () if values == ["none"] else distinct(values)


def settings() -> DtiSettings:
    """Settings from the parsed flags."""
    lists = {
        "sources": names("source"),
        "strategies": names("strategy"),
        **{name: names(name) for name in ("methods", "shallow", "mode3", "switches", "final", "source_test")},
        **{name: distinct(numbers(name)) for name in ("sizes", "layers")},
        "freeze": tuple(distinct(parsed("freeze", list(part))) for part in distinct(FLAGS.freeze)),
        "hidden": numbers("hidden"),
        "extras": Extras(
            **{name: names(name) for name in ("examined", "nested")},
            **{name: FLAGS[name].value for name in ("permutations", "levels")},
        ),
    }
    given = DtiSettings(**{name: FLAGS[name].value for name in (*PLAIN, *OWN)}, **lists)
    if not FLAGS.quick:
        return given
    kept = ("repeats", "sizes", "hidden", "epochs", "source_epochs", "learning_rate")
    return given.in_quick_mode(**{name: getattr(given, name) for name in kept if FLAGS[name].present})
