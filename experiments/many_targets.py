"""All source drugs as one source, judged on every drug of a target.

python -m experiments.many_targets --cohort=nci60 --targets=nci60_almanac_31drugs.csv
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, choice, group, integer, switch, text, texts
from experiments._groups import CHECKPOINTS, COHORT, MECHANISMS, METRIC, OUTPUT, PROTOCOLS, REGISTERED, SCALING, SPLITS
from tl_jax.errors import InputError

FINE_TUNED = ["freeze_layer12", "fine_tune"]

TARGETS = group(
    "data",
    text(
        "targets",
        None,
        "table in the data folder: samples in its first column, a drug's response in each other; "
        "default: every drug of the cohort's own target",
    ),
    text("unit", "AUC", "unit of the table of targets"),
    choice("direction", "resistant", ["resistant", "sensitive"], "what a high value in that table means"),
    integer("min_lines", 100, "leave out source drugs that were measured on fewer source samples"),
)
ARMS = group(
    "arms",
    texts("arms", [], "of the arms in closed form these only; the source models of the others are then not trained"),
    texts("fine_tuned", [], f"also train networks from the source network, which is slow: {', '.join(FINE_TUNED)}"),
    switch("known_drugs", False, "also arms that read responses to the other drugs, by what --apart says"),
    texts(
        "apart",
        ["cells"],
        "with --known_drugs, an arm for each: cells (a held-out sample's other drugs are known: a gap), samples (none "
        "of its responses is known: a new sample), drugs (no response to the judged drug is known: a new drug)",
    ),
    MECHANISMS,
    integer(
        "source_permutations",
        0,
        "of the source's labels, to ask whether the profile_gp arms use them; each takes a fit of all source drugs and "
        "every fold again; 0: none",
    ),
)
FOLDS = group(
    "protocol and folds",
    texts("protocol", ["honest"], f"one or several of: {', '.join(PROTOCOLS)}"),
    integer("repeats", 10, "repeats of cross-validation"),
    integer("folds", 3, "folds"),
    SCALING,
    choice("split", "stratified", SPLITS, "how folds are drawn, for each drug by its own median"),
    integer("seed", 400, "seed of partitions, initialisation and shuffles; repeat r splits with seed + 100 r"),
    METRIC,
)
TRAINING = group(
    "training",
    texts("hidden", ["1000", "100"], "widths of the source network's two hidden layers"),
    switch("quick", False, "a small study: 2 repeats, --hidden=100,20, 1/5 of the epochs, 5 x the rate"),
)


KEPT = group("output", CHECKPOINTS)


def settings():
    """Settings from the parsed flags."""
    from experiments._lists import distinct, numbers
    from tl_jax.study.many_targets.targets import ManySettings

    plain = (
        *("cohort", "data_dir", "targets", "unit", "direction", "min_lines"),
        *("repeats", "folds", "split", "seed", "metric", "scaling", "mechanisms", "known_drugs", "checkpoint_dir"),
        "source_permutations",
        "register",
    )
    hidden = numbers("hidden")
    if FLAGS.targets is None and (FLAGS["unit"].present or FLAGS["direction"].present):
        raise InputError("--unit and --direction describe the table of --targets, which is missing")
    if FLAGS["apart"].present and not FLAGS.known_drugs:
        raise InputError("--apart says what arms that read other drugs keep apart: add --known_drugs")
    given = ManySettings(
        **{name: FLAGS[name].value for name in plain},
        protocols=distinct(FLAGS.protocol),
        hidden=hidden,
        fine_tuned=distinct(FLAGS.fine_tuned),
        apart=distinct(FLAGS.apart),
        arms=distinct(FLAGS.arms),
    )
    if not FLAGS.quick:
        return given
    kept = {"repeats": FLAGS.repeats, "hidden": hidden}
    return given.in_quick_mode(**{name: value for name, value in kept.items() if FLAGS[name].present})


def work() -> None:
    from experiments import _output
    from tl_jax.study.many_targets.outputs import write_many
    from tl_jax.study.many_targets.settings import NAME
    from tl_jax.study.many_targets.tables import printed
    from tl_jax.system import runtime

    chosen = settings()
    runtime.configure()
    _output.keep(
        NAME,
        partial(plan, chosen),
        lambda found, folder: write_many(*found, folder),
        lambda found: printed(found[1], chosen.metric),
    )


def plan(chosen) -> tuple[dict, Callable[[Path | None], tuple]]:
    """Read the cohort: (what determines the numbers, how to compute them and compare over all targets)."""
    from tl_jax.data.cohort.cohort_file import load_cohort
    from tl_jax.data.cohort.gene_report import gene_lines, gene_report
    from tl_jax.data.cohort.targets import Targets
    from tl_jax.study.many_targets.outputs import many_identity
    from tl_jax.system.progress import LOGGER

    targets = Targets(chosen.targets, chosen.unit, chosen.direction) if chosen.targets else None
    cohort = load_cohort(chosen.cohort, chosen.data_dir, targets=targets)
    for line in gene_lines(cohort, gene_report(cohort)):
        LOGGER.info(line)
    return many_identity(chosen, cohort), partial(study, chosen, cohort)


def study(chosen, cohort, work: Path | None) -> tuple:
    """Run what is missing in `work`, and compare over all targets: (results, comparison)."""
    from tl_jax.study.many_targets.tables import over_targets
    from tl_jax.study.many_targets.targets import run_many_targets

    results = run_many_targets(chosen, cohort, work)
    return results, over_targets(results)


main = Script(__doc__, (COHORT, TARGETS, ARMS, FOLDS, REGISTERED, TRAINING, OUTPUT, KEPT), work)

if __name__ == "__main__":
    main.run()
