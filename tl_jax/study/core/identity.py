"""What determines the numbers of a study: a stopped run is resumed, and a finished one called complete, where all of
it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import tl_jax
from tl_jax.data.domain import Domain
from tl_jax.evaluation.statistics.metrics import METRICS
from tl_jax.study.core.code import code_of
from tl_jax.study.core.settings import StudySettings
from tl_jax.study.core.stages import fingerprint
from tl_jax.system.files import digest
from tl_jax.system.runtime import device, processor, versions
from tl_jax.transfer.strategies import Registered


def identity(
    name: str, settings: StudySettings, domains: Mapping[str, Domain], strategies: Iterable[Registered] = (), **resolved
) -> dict:
    """A record to compare, written as study.json.

    Args:
        domains: the data by name. strategies: those that shape a model. resolved: what was decided from files when
        the study was planned, such as source drugs and the ids of parent stages.
    Returns:
        JSON-able: options by name, data, code, versions and kind of device.
    """
    return {
        "experiment": name,
        "flags": settings.science(),
        "data": {name: fingerprint(domain) for name, domain in domains.items()},
        "annotation": {name: annotated(domain) for name, domain in domains.items()},
        "strategies": {strategy.name: code_of(strategy.function) for strategy in strategies},
        **({"metrics": own} if (own := own_metrics()) else {}),
        **resolved,
        **circumstances(),
    }


def annotated(domain: Domain) -> dict[str, str]:
    """Digests of what is noted of a domain's samples: training does not see it, but groups decide the folds, and
    batches, tissues and second measurements stand in what is said of the results."""
    notes = {name: getattr(domain, name) for name in ("groups", "tissue", "batch", "replicate")}
    return {name: digest(values)[:16] for name, values in notes.items() if values is not None}


def own_metrics() -> dict[str, str]:
    """{name: digest of the code} of the metrics that are none of this package's: every study computes them too."""
    ours = f"{tl_jax.__name__}."
    theirs = {name: one.function for name, one in METRICS.items() if not one.function.__module__.startswith(ours)}
    return {name: code_of(function) for name, function in theirs.items()}


def circumstances() -> dict:
    """What the numbers of a study depend on beside its settings and data: all code, versions, kind of device."""
    root = Path(tl_jax.__file__).parent
    return {
        "code": digest(*(path.read_text() for path in sorted(root.rglob("*.py")))),
        "versions": versions(),
        "device": {"platform": device()["platform"], "kind": device()["kind"], "processor": processor()},
    }
