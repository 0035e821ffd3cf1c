"""Every way to the target as one study, ending in one report.

python -m experiments.two_step_study --cohort=simulated --quick
"""

from absl import flags

from experiments import _experiment, _flags
from experiments._lists import distinct, numbers
from tl_jax.errors import InputError
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.run import resolved
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.study import EXAMINED, FULL, NESTED, QUICK, with_extras
from tl_jax.study.core.protocol import PROTOCOLS

FLAGS = flags.FLAGS
NAME = "two_step_study"

flags.DEFINE_list(
    "examined", None, f"arms that are permuted, thinned and varied; 'none' for none; default: {','.join(EXAMINED)}"
)
flags.DEFINE_list("nested", None, f"candidates of the choice by inner folds; 'none'; default: {','.join(NESTED)}")
for _name, _help in (
    ("permutations", "permutations of the labels, to ask whether an arm predicts at all"),
    ("curve_repeats", "repeats whose training rows are thinned for the learning curves"),
    ("levels", "partitions, initialisations and orders of the variance split"),
):
    flags.DEFINE_integer(_name, None, f"{_help}; 0: none; default {FULL[_name]}, with --quick {QUICK[_name]}")
flags.DEFINE_list("curve_sizes", [], "training samples of the learning curves; default: 1/3, 1/2 and 3/4 of a fold's")
flags.DEFINE_enum(
    "beside", "as_published", [*PROTOCOLS, "none"], "a second protocol under which the arms run for comparison"
)
flags.DEFINE_list(
    "beside_strategy",
    None,
    "strategies that run under the second protocol too, or 'all'; default: those that do not train the wide "
    "first layer for 200 epochs",
)


def settings() -> Settings:
    """Settings from the shared flags and the study's own."""
    given = {name: FLAGS[name].value for name in ("permutations", "curve_repeats", "levels")}
    for name in ("examined", "nested"):
        value = FLAGS[name].value
        given[name] = None if value is None else () if value == ["none"] else tuple(dict.fromkeys(value))
    sizes, shared = distinct(numbers("curve_sizes")), _flags.settings()
    if FLAGS.beside_strategy is not None:
        run = resolved(EXPERIMENTS[NAME], shared).strategies
        given["beside"] = run if FLAGS.beside_strategy == ["all"] else tuple(dict.fromkeys(FLAGS.beside_strategy))
    if FLAGS.beside == FLAGS.protocol:
        raise InputError(f"--beside={FLAGS.beside} is the study's own protocol; name another, or none")
    return with_extras(EXPERIMENTS[NAME], shared, curve_sizes=sizes, **given)


def protocols() -> list[str]:
    """The study's own protocol, then the one beside it."""
    return [FLAGS.protocol, *([FLAGS.beside] if FLAGS.beside != "none" else [])]


if __name__ == "__main__":
    _experiment.run(NAME, settings, protocols)
