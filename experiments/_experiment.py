"""What experiments 1 to 7 do with their flags."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments import _flags, _output
from experiments._declared import FLAGS
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.gene_report import gene_lines, gene_report
from tl_jax.evaluation.checks.samples import repeats
from tl_jax.study.cohort.duration import words
from tl_jax.study.cohort.outputs import printed, write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.study import StudyPlan, prepare_study, run_study
from tl_jax.system import cluster, runtime
from tl_jax.system.progress import LOGGER


def main(
    name: str,
    settings: Callable[[], Settings] = _flags.settings,
    protocols: Callable[[], list[str]] = lambda: [FLAGS.protocol],
    plan_only: Callable[[], bool] = lambda: False,
) -> None:
    chosen, given = settings(), {flag: FLAGS[flag].value for flag in FLAGS}
    runtime.configure()
    # The other processes are joined before any array exists.
    cluster.join(FLAGS.coordinator, FLAGS.processes, FLAGS.process)
    if plan_only():
        say_plan(name, chosen, protocols())
        return
    _output.keep(name, partial(plan, name, chosen, protocols()), partial(write_outputs, flags=given), printed)


def say_plan(name: str, settings: Settings, protocols: list[str]) -> None:
    """Print what would be run and how long it takes; nothing is trained or written."""
    planned = plan_of(name, settings, protocols)
    print(words([planned.own, *planned.beside]))
    print("nothing was trained")


def plan(name: str, settings: Settings, protocols: list[str]) -> tuple[dict, Callable[[Path | None], object]]:
    """Read the cohort and plan the experiment: (what determines its numbers, how to compute them)."""
    planned = plan_of(name, settings, protocols)
    return planned.identity(), partial(run_study, planned)


def plan_of(name: str, settings: Settings, protocols: list[str]) -> StudyPlan:
    """Read the cohort, say what was found in it, and plan the experiment."""
    load = partial(load_cohort, settings.cohort, settings.data_dir, drug=settings.drug)
    cohorts = {protocol: load(protocol=protocol) for protocol in protocols}
    cohort = cohorts[settings.protocol]
    coverage = ", ".join(f"{domain} {share:.0%}" for domain, share in cohort.coverage.items())
    LOGGER.info(
        f"cohort {cohort.name}: {len(cohort.genes):,} genes shared by the chain (of each domain's own: {coverage})"
    )
    for line in gene_lines(cohort, gene_report(cohort)):
        LOGGER.info(line)
    for finding in repeats(cohort.domains[-1]):
        LOGGER.info(f"{finding.text}: a model may be tested on what it has trained on; {finding.remedy}")
    return prepare_study(EXPERIMENTS[name], settings, cohorts)
