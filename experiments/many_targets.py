"""All source drugs as one source, judged on every drug of a target.

python -m experiments.many_targets --cohort=nci60 --targets=nci60_almanac_31drugs.csv
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from absl import flags

from experiments import _command, _output
from experiments._lists import distinct, numbers
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.gene_report import gene_lines, gene_report
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.splits import KINDS
from tl_jax.errors import InputError
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.many_targets.outputs import many_identity, write_many
from tl_jax.study.many_targets.tables import OverTargets, over_targets, printed
from tl_jax.study.many_targets.targets import FINE_TUNED, NAME, ManyResults, ManySettings, run_many_targets
from tl_jax.system import runtime
from tl_jax.system.parts import same_study

FLAGS = flags.FLAGS

flags.DEFINE_string("cohort", "simulated", "simulated, gdsc, nci60, glioblastoma, or a path to your own .toml")
flags.DEFINE_string("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA")
flags.DEFINE_string(
    "targets",
    None,
    "table in the data folder: samples in its first column, a drug's response in each other; "
    "default: every drug of the cohort's own target",
)
flags.DEFINE_string("unit", "AUC", "unit of the table of targets")
flags.DEFINE_enum("direction", "resistant", ["resistant", "sensitive"], "what a high value in that table means")
flags.DEFINE_list("protocol", ["honest"], f"one or several of: {', '.join(PROTOCOLS)}")
flags.DEFINE_integer("repeats", 10, "repeats of cross-validation")
flags.DEFINE_integer("folds", 3, "folds")
flags.DEFINE_enum("split", "stratified", list(KINDS), "how folds are drawn, for each drug by its own median")
flags.DEFINE_integer("seed", 400, "seed of partitions, initialisation and shuffles; repeat r splits with seed + 100 r")
flags.DEFINE_list("hidden", ["1000", "100"], "widths of the source network's two hidden layers")
flags.DEFINE_integer("min_lines", 100, "leave out source drugs that were measured on fewer source samples")
flags.DEFINE_list(
    "fine_tuned", [], f"also train networks from the source network, which is slow: {', '.join(FINE_TUNED)}"
)
flags.DEFINE_bool("quick", False, "a small study: 2 repeats, --hidden=100,20, 1/5 of the epochs, 5 x the rate")


def settings() -> ManySettings:
    """Settings from the parsed flags."""
    plain = ("cohort", "data_dir", "targets", "unit", "direction", "repeats", "folds", "split", "seed", "min_lines")
    hidden = numbers("hidden")
    if FLAGS.targets is None and (FLAGS["unit"].present or FLAGS["direction"].present):
        raise InputError("--unit and --direction describe the table of --targets, which is missing")
    given = ManySettings(
        **{name: FLAGS[name].value for name in plain},
        protocols=distinct(FLAGS.protocol),
        hidden=hidden,
        fine_tuned=distinct(FLAGS.fine_tuned),
    )
    if not FLAGS.quick:
        return given
    kept = {"repeats": FLAGS.repeats, "hidden": hidden}
    return given.in_quick_mode(**{name: value for name, value in kept.items() if FLAGS[name].present})


def main() -> None:
    chosen = settings()
    runtime.configure()
    _output.keep(
        NAME,
        partial(study, chosen),
        lambda found, folder: write_many(*found, folder),
        lambda found: printed(found[1]),
    )


def study(chosen: ManySettings, work: Path, tell: Callable[[str], None]) -> tuple[ManyResults, OverTargets]:
    """Read the cohort, run what is missing in `work`, and compare over all targets."""
    targets = Targets(chosen.targets, chosen.unit, chosen.direction) if chosen.targets else None
    cohort = load_cohort(chosen.cohort, chosen.data_dir, targets=targets)
    for line in gene_lines(cohort, gene_report(cohort)):
        tell(line)
    same_study(work, many_identity(chosen, cohort))
    results = run_many_targets(chosen, cohort, work)
    return results, over_targets(results)


if __name__ == "__main__":
    _command.run(main, flags_of=(_output,))
