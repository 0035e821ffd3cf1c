"""Looks at the samples of a cohort (`study/core/looks.py`)."""

from __future__ import annotations

from tl_jax.study.cohort.prepare import Plan
from tl_jax.study.core import looks

WHAT = ("repeats", "folds", "seed", "split")  # other partitions of the same samples
# Names and places of the same samples, and what is a question of its own: they make no other look.
ELSEWHERE = (*WHAT, "cohort", "protocol", "fold_models")


def record(plan: Plan) -> list[dict]:
    """Every look at the evaluated samples by this experiment and protocol, this one included.

    Samples are known by their ids and responses, whatever the cohort is called. A look is a set of partitions and a
    recipe: other repeats, epochs, rates, networks, arms or expression data are another look; the very same study
    again is none.
    """
    settings, domains = plan.settings, [group.problem.domain for group in plan.groups]
    samples = sorted(looks.known_by(domain.samples, domain.response) for domain in domains)
    data = sorted(one["fingerprint"] for one in plan.data.values())
    own = {name: getattr(settings, name) for name in WHAT}
    own["recipe"] = looks.recipe(settings.science(), ELSEWHERE, data)
    place = " ".join([plan.experiment.name, settings.protocol, *samples])
    return looks.record(settings.checkpoint_dir, place, own)
