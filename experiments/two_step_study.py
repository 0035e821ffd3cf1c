"""Every way to the target as one study, ending in one report.

python -m experiments.two_step_study --cohort=simulated --quick
"""

from __future__ import annotations

from experiments._declared import FLAGS, choice, group, integer, texts
from experiments._groups import PLAN_ONLY, PROTOCOLS
from experiments._scripts import experiment
from tl_jax.errors import InputError

NAME = "two_step_study"
EXAMINED = "scratch,freeze_layer1,feature_ridge,profile_gp,ridge,repaired_ridge"
NESTED = (
    "scratch,freeze_layer1,feature_ridge,shrunken_ridge,profile_gp,profile_gp_mechanism,ridge,repaired_ridge,"
    "kernel_ridge"
)

ARMS = group(
    "arms",
    texts("examined", None, f"arms that are permuted, thinned and varied; 'none' for none; default: {EXAMINED}"),
    texts("nested", None, f"candidates of the choice by inner folds; 'none'; default: {NESTED}"),
    texts(
        "beside_strategy",
        None,
        "strategies that run under the second protocol too, or 'all'; default: those that do not train the wide "
        "first layer for 200 epochs",
    ),
)
FOLDS = group(
    "protocol and folds",
    choice("beside", "as_published", [*PROTOCOLS, "none"], "a second protocol under which the arms run for comparison"),
    *(
        integer(name, None, f"{what}; 0: none; default {full}, with --quick {quick}")
        for name, what, full, quick in (
            ("permutations", "permutations of the labels, to ask whether an arm predicts at all", 99, 19),
            ("curve_repeats", "repeats whose training rows are thinned for the learning curves", 5, 2),
            ("levels", "partitions, initialisations and orders of the variance split", 3, 2),
        )
    ),
    texts("curve_sizes", [], "training samples of the learning curves; default: 1/3, 1/2 and 3/4 of a fold's"),
)
PLAN = group("plan", PLAN_ONLY)


def settings():
    """Settings from the shared flags and the study's own."""
    from experiments import _flags
    from experiments._lists import distinct, numbers
    from tl_jax.study.cohort.plans import EXPERIMENTS
    from tl_jax.study.cohort.study import with_extras

    given = {name: FLAGS[name].value for name in ("permutations", "curve_repeats", "levels")}
    for name in ("examined", "nested"):
        value = FLAGS[name].value
        given[name] = None if value is None else () if value == ["none"] else tuple(dict.fromkeys(value))
    sizes, shared = distinct(numbers("curve_sizes")), _flags.settings()
    if FLAGS.beside_strategy is not None:
        run = EXPERIMENTS[NAME].resolved(shared).strategies
        given["beside"] = run if FLAGS.beside_strategy == ["all"] else tuple(dict.fromkeys(FLAGS.beside_strategy))
    if FLAGS.beside == FLAGS.protocol:
        raise InputError(f"--beside={FLAGS.beside} is the study's own protocol; name another, or none")
    return with_extras(EXPERIMENTS[NAME], shared, curve_sizes=sizes, **given)


def protocols() -> list[str]:
    """The study's own protocol, then the one beside it."""
    return [FLAGS.protocol, *([FLAGS.beside] if FLAGS.beside != "none" else [])]


def plan_only() -> bool:
    return FLAGS.plan_only


main = experiment(NAME, __doc__, (ARMS, FOLDS, PLAN), settings=settings, protocols=protocols, plan_only=plan_only)

if __name__ == "__main__":
    main.run()
