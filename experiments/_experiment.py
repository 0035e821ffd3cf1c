"""What experiments 1 to 7 do with their flags."""

from __future__ import annotations

import sys

from absl import flags

from experiments import _command, _flags
from tl_jax import runtime
from tl_jax.data.cohort_file import load_cohort
from tl_jax.files import refuse_existing
from tl_jax.progress import say
from tl_jax.study.outputs import printed, write_outputs
from tl_jax.study.plans import EXPERIMENTS
from tl_jax.study.run import run_experiment


def run(name: str) -> None:
    """Run one experiment as a script."""
    for flag in flags.FLAGS.flags_by_module_dict()[_flags.__name__]:  # so that --helpshort shows them
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    _command.run(lambda: main(name))


def main(name: str) -> None:
    settings, out = _flags.settings(), _flags.out_folder(name)
    refuse_existing(out, flags.FLAGS.overwrite)
    runtime.configure()
    cohort = load_cohort(settings.cohort, settings.data_dir, settings.protocol)
    coverage = ", ".join(f"{d} {share:.0%}" for d, share in cohort.coverage.items())
    say(f"cohort {cohort.name}: {len(cohort.genes):,} genes shared by the chain (of each domain's own: {coverage})")
    results = run_experiment(EXPERIMENTS[name], settings, cohort, say)
    notes = write_outputs(results, out, overwrite=flags.FLAGS.overwrite, flags=_flags.given_flags())
    print(printed(results))
    for note in notes:
        say(f"note: {note}")
    print(f"\ntables and pictures: {out}", file=sys.stdout)
