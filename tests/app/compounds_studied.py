"""A kept model of compounds for the pages that use one."""

from pathlib import Path

import jax

from tl_jax.checkpoint import save_stage
from tl_jax.data.compounds.fingerprints import bit_names, ecfp
from tl_jax.data.compounds.simulate_compounds import simulate_compounds
from tl_jax.models import build
from tl_jax.study.compounds.known import keep_known
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.compounds.setup import as_domain
from tl_jax.study.core.stages import StagePlan, TrainedStage, describe
from tl_jax.transfer import strategies


def settled_model(folder: Path) -> Path:
    """An untrained model of 200 simulated compounds."""
    own = simulate_compounds(size=200)["alpha"]
    domain = as_domain(own.with_features(ecfp(own.smiles, 256), bit_names(256)))
    settings = DtiSettings(hidden=(8, 4), bits=256)
    plan = StagePlan("source", domain, strategies.get("scratch"), settings.source_recipe)
    variables = build(settings.network).init(jax.random.key(0), 256)
    meta = describe(plan, settings.network, 1, None)[0]
    path = save_stage(folder, variables, meta)
    keep_known(TrainedStage(plan, variables, path, meta, False), settings)
    return path
