"""Kernels of training rows and new rows."""

from __future__ import annotations


def centred_kernels(within, across):
    """Both kernels with the training rows' mean feature removed, which is what an unpenalised intercept does."""
    columns = within.mean(axis=0)
    total = columns.mean()
    across = across - columns - across.mean(axis=1, keepdims=True) + total
    return within - columns - columns[:, None] + total, across
