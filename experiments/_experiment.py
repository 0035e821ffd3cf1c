"""What experiments 1 to 7 do with their flags."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments import _flags, _output, _processes
from experiments._declared import FLAGS
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.gene_report import gene_lines, gene_report
from tl_jax.study.cohort.identity import identity
from tl_jax.study.cohort.outputs import printed, write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.study import run_study
from tl_jax.system import runtime
from tl_jax.system.parts import same_study


def own_protocol() -> list[str]:
    return [FLAGS.protocol]


def main(
    name: str, settings: Callable[[], Settings] = _flags.settings, protocols: Callable[[], list[str]] = own_protocol
) -> None:
    chosen = settings()
    runtime.configure()
    _processes.join()
    compute = partial(study, name, chosen, protocols())
    _output.keep(name, compute, partial(write_outputs, flags=_flags.given_flags()), printed)


def study(name: str, settings: Settings, protocols: list[str], work: Path | None, tell: Callable[[str], None]):
    """Read the cohort and run the experiment, or what is missing of it in `work`."""
    load = partial(load_cohort, settings.cohort, settings.data_dir, drug=settings.drug)
    cohorts = {protocol: load(protocol=protocol) for protocol in protocols}
    cohort = cohorts[settings.protocol]
    coverage = ", ".join(f"{domain} {share:.0%}" for domain, share in cohort.coverage.items())
    tell(f"cohort {cohort.name}: {len(cohort.genes):,} genes shared by the chain (of each domain's own: {coverage})")
    for line in gene_lines(cohort, gene_report(cohort)):
        tell(line)
    if work is not None:
        same_study(work, {**identity(EXPERIMENTS[name], settings, cohort), "protocols": protocols})
    return run_study(EXPERIMENTS[name], settings, cohorts, tell, work)
