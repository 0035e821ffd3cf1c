"""The pictures of the experiments; each function writes `stem.svg` and `stem.png` and returns both paths."""

from tl_jax.report.plots.loss import loss_curves
from tl_jax.report.plots.rows import arm_comparison, source_ranking
from tl_jax.report.plots.scatter import predicted_observed

__all__ = ["arm_comparison", "loss_curves", "predicted_observed", "source_ranking"]
