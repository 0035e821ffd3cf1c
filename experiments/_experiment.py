"""What experiments 1 to 7 do with their flags."""

from __future__ import annotations

import sys

from absl import flags

from experiments import _command, _flags
from tl_jax import runtime
from tl_jax.data.cohort_file import load_cohort
from tl_jax.files import folder_atomic
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
    runtime.configure()
    with folder_atomic(out, flags.FLAGS.overwrite) as folder:
        cohort = load_cohort(settings.cohort, settings.data_dir, settings.protocol)
        coverage = ", ".join(f"{domain} {share:.0%}" for domain, share in cohort.coverage.items())
        say(f"cohort {cohort.name}: {len(cohort.genes):,} genes shared by the chain (of each domain's own: {coverage})")
        results = run_experiment(EXPERIMENTS[name], settings, cohort, say)
        for text in write_outputs(results, folder, flags=_flags.given_flags()):
            say(f"note: {text}")
    print(printed(results))
    print(f"\ntables and pictures: {out}")
