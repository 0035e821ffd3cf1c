"""Metrics, comparisons of arms, intervals, the verdict."""
