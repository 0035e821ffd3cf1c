"""ComBat: batches moved onto a reference batch, with parameters from training samples alone.

Johnson, Li and Rabinovic 2007 (doi 10.1093/biostatistics/kxj037), parametric, without covariates: labels are never
seen, so where batch and response go together the correction removes the response's share too. The reference batch
stays as it is, and gives each gene's mean and spread, as in Zhang et al. 2018 (doi 10.1186/s12859-018-2263-6).
"""

from __future__ import annotations

import numpy as np

from tl_jax.errors import InputError

POOLED = ""  # stands for a batch that is not known
TOLERANCE, ROUNDS = 1e-8, 1000


def fit_combat(x: np.ndarray, batch: np.ndarray, options) -> dict[str, np.ndarray]:
    """batches: (k,) names, the reference first; center: (genes,); shift, spread: (k, genes) in units of x.

    A sample of batch b becomes center + (x - center - shift[b]) / spread[b]. Genes that are constant within a
    training batch of at least two samples stay as they are. A batch of one training sample is shifted, not rescaled.
    With options.combat_unknown "pooled" the last batch has no name: the mean over training samples of known batches.
    """
    names, sizes = known_batches(batch, options)
    center, spread = np.zeros(x.shape[1]), np.ones((len(names), x.shape[1]))
    shift = np.zeros_like(spread)
    used = adjustable(x, batch, names, sizes)
    own = x[batch == names[0]][:, used]
    center[used], unit = own.mean(axis=0), own.std(axis=0)
    for k, name in enumerate(names[1:], start=1):
        z = (x[batch == name][:, used] - center[used]) / unit
        location, scale = posterior(z)
        shift[k, used], spread[k, used] = location * unit, np.sqrt(scale)
    if options.combat_unknown == "pooled":
        names = [*names, POOLED]
        shift = np.concatenate([shift, np.average(shift, axis=0, weights=sizes)[None]])
        spread = np.concatenate([spread, np.average(spread, axis=0, weights=sizes)[None]])
    return {"batches": np.array(names), "center": center, "shift": shift, "spread": spread}


def apply_combat(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Each sample as a sample of the reference batch; InputError for a batch without parameters."""
    number = {str(name): k for k, name in enumerate(state["batches"])}
    spare = number.get(POOLED)
    code = np.array([number.get(str(name), spare if spare is not None else -1) for name in batch], int)
    if (code < 0).any():
        raise unknown_batch(batch[code < 0], state["batches"])
    center, shift, spread = state["center"], state["shift"][code], state["spread"][code]
    # The reference batch is not touched, not even by rounding.
    return np.where((code == 0)[:, None], x, center + (x - center - shift) / spread)


def unknown_batch(found: np.ndarray, known: np.ndarray) -> InputError:
    remedy = "or set combat_unknown = 'pooled' in the cohort file"
    if (found == POOLED).any():
        count = int((found == POOLED).sum())
        return InputError(f"combat: {count} samples have no batch; name it (batch_column, or --batch), {remedy}")
    return InputError(
        f"combat: batch '{found[0]}' ({int((found == found[0]).sum())} samples) has no training sample; known are "
        f"{', '.join(map(str, known))}; leave it out, {remedy}"
    )


def known_batches(batch: np.ndarray, options) -> tuple[list[str], np.ndarray]:
    """Names of the training batches, the reference first, and how many samples each has."""
    found, counts = np.unique(batch[batch != POOLED], return_counts=True)
    count = dict(zip(found.tolist(), counts.tolist(), strict=True))
    reference = options.combat_reference
    if count.get(reference, 0) < 2:
        sizes = ", ".join(f"{name} ({n})" for name, n in count.items()) or "none"
        raise InputError(
            f"combat: the reference batch '{reference}' has {count.get(reference, 0)} training samples and needs 2; "
            f"there are: {sizes}; choose another combat_reference or use more folds"
        )
    if options.combat_unknown != "pooled" and (batch == POOLED).any():
        raise unknown_batch(batch[batch == POOLED], found)
    names = [reference, *(name for name in count if name != reference)]
    return names, np.array([count[name] for name in names])


def adjustable(x: np.ndarray, batch: np.ndarray, names: list[str], sizes: np.ndarray) -> np.ndarray:
    """(genes,) bool: present, and varying within each batch of two samples or more."""
    used = ~np.isnan(x).any(axis=0)
    for name, size in zip(names, sizes, strict=True):
        if size > 1:
            rows = x[batch == name]
            used &= np.ptp(rows, axis=0) > 1e-9 * np.abs(rows).max(axis=0, initial=0)
    return used


def posterior(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(location, squared scale), each (genes,), of a batch's standardised rows (n, genes), shrunk over genes.

    The conditional means of Johnson et al., section 3.1, in turn until they agree; priors by the method of moments.
    """
    n, mean = len(z), z.mean(axis=0)
    variance = z.var(axis=0, ddof=1) if n > 1 else np.ones(z.shape[1])
    if z.shape[1] < 2:
        return mean, variance
    middle, between = mean.mean(), mean.var(ddof=1)
    if n == 1:
        return (between * mean + middle) / (between + 1), variance
    m, s2 = variance.mean(), variance.var(ddof=1)
    shape, rate = (2 * s2 + m**2) / max(s2, 1e-300), (m * s2 + m**3) / max(s2, 1e-300)
    location, scale = mean, variance
    for _ in range(ROUNDS):
        before = location, scale
        location = (n * between * mean + scale * middle) / (n * between + scale)
        squares = (n - 1) * variance + n * (mean - location) ** 2
        scale = (rate + squares / 2) / (n / 2 + shape - 1)
        step = max(np.abs(location - before[0]).max(), np.abs(scale / before[1] - 1).max())
        if step < TOLERANCE:
            break
    return location, scale
