"""What experiments 1 to 7 do with their flags."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from absl import flags

from experiments import _command, _flags
from tl_jax import cluster, runtime
from tl_jax.data.cohort_file import load_cohort
from tl_jax.errors import InputError
from tl_jax.files import folder_atomic, refuse_existing
from tl_jax.parts import RECORD, TABLES, clear, finished, same_study, workplace
from tl_jax.progress import say
from tl_jax.study.identity import identity
from tl_jax.study.outputs import printed, write_outputs
from tl_jax.study.plans import EXPERIMENTS
from tl_jax.study.settings import Settings
from tl_jax.study.study import run_study


def own_protocol() -> list[str]:
    return [flags.FLAGS.protocol]


def run(
    name: str, settings: Callable[[], Settings] = _flags.settings, protocols: Callable[[], list[str]] = own_protocol
) -> None:
    """Run one experiment as a script. settings, protocols: from the parsed flags, for a script with its own."""
    _command.run(lambda: main(name, settings, protocols), flags_of=(_flags,))


def main(
    name: str, settings: Callable[[], Settings] = _flags.settings, protocols: Callable[[], list[str]] = own_protocol
) -> None:
    FLAGS = flags.FLAGS
    settings, out = settings(), _flags.out_folder(name)
    runtime.configure()
    cluster.join(FLAGS.coordinator, FLAGS.processes, FLAGS.process)
    if FLAGS.resume and FLAGS.out is None:
        raise InputError("--resume needs the --out of the stopped run")
    out = Path(cluster.agree(str(out)))
    if FLAGS.resume and cluster.agree(finished(out)):
        if cluster.is_first():
            say(f"{out} is complete already")
            clear(out)
        return
    refuse_existing(out, FLAGS.overwrite)
    # One process holds the folder and writes; the others compute beside it.
    place = workplace(out, resume=FLAGS.resume, overwrite=FLAGS.overwrite) if cluster.is_first() else nullcontext()
    with place as work:
        results = study(name, settings, protocols(), work, say if cluster.is_first() else lambda text: None)
        if cluster.is_first():
            with folder_atomic(out, FLAGS.overwrite, staging=work / TABLES) as folder:
                for text in write_outputs(results, folder, flags=_flags.given_flags()):
                    say(f"note: {text}")
                shutil.copyfile(work / RECORD, folder / RECORD)
    cluster.barrier("written")
    if cluster.is_first():
        print(printed(results))
        print(f"\ntables and pictures: {out}")


def study(name: str, settings: Settings, protocols: list[str], work: Path | None, tell):
    """Read the cohort and run the experiment, or what is missing of it in `work`."""
    cohorts = {protocol: load_cohort(settings.cohort, settings.data_dir, protocol) for protocol in protocols}
    cohort = cohorts[settings.protocol]
    coverage = ", ".join(f"{domain} {share:.0%}" for domain, share in cohort.coverage.items())
    tell(f"cohort {cohort.name}: {len(cohort.genes):,} genes shared by the chain (of each domain's own: {coverage})")
    if work is not None:
        same_study(work, {**identity(EXPERIMENTS[name], settings, cohort), "protocols": protocols})
    return run_study(EXPERIMENTS[name], settings, cohorts, tell, work)
