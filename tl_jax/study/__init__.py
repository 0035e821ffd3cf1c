"""Experiments put together: stages, folds, arms, tables."""
