"""Strategies: how a stage starts from a source model, and what may move; a new file in this folder is found."""

from tl_jax.registry import load

load("transfer")
