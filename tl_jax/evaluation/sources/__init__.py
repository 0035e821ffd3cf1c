"""Scores of a source before training."""
