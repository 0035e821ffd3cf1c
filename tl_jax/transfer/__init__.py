"""Strategies: how a stage starts from a source model, and what may move."""

from tl_jax.transfer import fine_tuning, layer_freezing, strategies

__all__ = ["fine_tuning", "layer_freezing", "strategies"]
