"""Looks at the compounds of a target family (`study/core/looks.py`), and what of a study is registered before it."""

from __future__ import annotations

from tl_jax.study.compounds.settings import NAME, DtiSettings
from tl_jax.study.compounds.setup import Setup
from tl_jax.study.core import looks
from tl_jax.study.core.stages import fingerprint

WHAT = ("repeats", "seed", "split", "sizes")  # other draws of the same compounds
# What stands in the place, names files whose content is counted, or changes no number of the comparisons.
ELSEWHERE = (*WHAT, "data", "target", "protocol", "final", "final_source")


def record(settings: DtiSettings, setup: Setup) -> list[dict]:
    """Every look at the target's compounds under this protocol, this one included.

    Compounds are known by their ids and labels, whatever the table or the family is called. Other draws, another test
    set and another recipe are looks; the very same study again is none.
    """
    target = setup.target
    data = sorted(fingerprint(domain) for domain in (target, *setup.sources.values()))
    own = {name: getattr(settings, name) for name in WHAT}
    own["recipe"] = looks.recipe(settings.science(), ELSEWHERE, data)
    place = " ".join([NAME, settings.protocol, looks.known_by(target.samples, target.response)])
    return looks.record(settings.checkpoint_dir, place, own)


def to_register(settings: DtiSettings, setup: Setup) -> dict:
    """What a registration says: who is compared with whom, on which compounds, by which settings."""
    return {
        "experiment": NAME,
        "metric": settings.metric,
        "expect": "either",
        "references": references(settings),
        "arms": [*settings.methods, *settings.strategies],
        "sources": list(setup.sources),
        "settings": settings.science(),
        "data": {name: fingerprint(one) for name, one in {setup.target.name: setup.target, **setup.sources}.items()},
    }


def references(settings: DtiSettings) -> list[str]:
    """Arms that the others are compared with: from scratch, and a shallow classifier on raw features."""
    shallow = [name for name in ("random_forest", *settings.shallow) if name in settings.shallow]
    own = shallow[:1] if "shallow" in settings.methods else []
    return [*(["scratch"] if "scratch" in settings.methods else []), *own]
