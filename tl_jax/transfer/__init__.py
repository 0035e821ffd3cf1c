"""Strategies: how a stage starts from a source model, and what may move."""
