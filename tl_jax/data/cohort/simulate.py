"""A simulated chain source -> intermediate -> target whose truth is known.

Expression is a sum of programmes: each gene belongs to one module and leans a little on another, so
genes correlate in blocks. A drug's response is a weighting of the programmes, noisy and squeezed into
an AUC. `relatedness` is the cosine between a drug's weights in the source or the
intermediate and those of the target's drug: at 1 they are the same, at 0 no label but the target's own helps.
Ranges and reliabilities imitate GDSC (temozolomide near the ceiling and nearly noise, oxaliplatin reliable).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from zlib import crc32

import numpy as np

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.tables.archives import size_limit
from tl_jax.errors import InputError

DRUG, DEFAULT_SOURCE, MARKER, TISSUE = "Temozolomide", "Oxaliplatin", "MGMT", "glioma"
MARKER_AT = 7  # column of the marker gene
ROLES = ("source", "intermediate", "target")
SHARES = ("relatedness", "intermediate_relatedness", "communality", "marker_effect", "missing")
TISSUES = 24
REPLICATED = 0.6  # share of the source's samples with a second measurement
SHARED = 0.3  # share of their unrelated variance that all source drugs have in common


@dataclass(frozen=True)
class Assay:
    """auc: response of a typical sample. slope: logit AUC per sd of true response.
    reliability: share of the labels' logit variance that is true."""

    auc: float
    slope: float
    reliability: float


SOURCE = {
    "Temozolomide": Assay(0.978, 0.29, 0.25),
    "Cyclophosphamide": Assay(0.95, 0.45, 0.45),
    "Bortezomib": Assay(0.45, 0.60, 0.75),
    "Oxaliplatin": Assay(0.92, 0.75, 0.82),
}
CULTURE = {DRUG: Assay(0.75, 0.70, 0.60)}
ASSAYS = {"source": SOURCE, "intermediate": CULTURE, "target": CULTURE}


@dataclass(frozen=True)
class Truth:
    """What no real cohort tells. Keys "domain/drug" unless said otherwise; the last programme is MGMT's own.

    response: {domain: (n, drugs)} noiseless AUC. weights: (programmes,) unit length, in response per sd.
    activities: {domain: (n, programmes)}. loadings: (programmes, genes), genes in units of their sd.
    oracle_spearman: noiseless against observed response in this draw, the most that a model can reach.
    noise_ceiling: the same as expected from the assay's reliability.
    """

    response: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    activities: dict[str, np.ndarray]
    loadings: np.ndarray
    oracle_spearman: dict[str, float]
    noise_ceiling: dict[str, float]


@dataclass(frozen=True)
class Settings:
    """Sizes and strengths of the chain; InputError when one is out of range.

    relatedness, intermediate_relatedness: 0..1, of every source drug and of the intermediate to the target
    (None: as the first). programmes: latent programmes beside MGMT's own (None: one per 20 genes).
    communality: 0..1, mean share of a gene's variance that programmes explain. marker_effect: 0..1, weight
    of MGMT in the target's drug. tissue_effect: variance between the source's tissues, within is 1.
    domain_shift: size of the per-gene shifts between domains, log2. related_pairs: pairs of target samples that
    share a group. missing: share of source labels left out. target_counts: target as log2(CPM + 1) of counts.
    """

    seed: int = 0
    genes: int = 2000
    n_source: int = 700
    n_intermediate: int = 83
    n_target: int = 22
    relatedness: float = 0.9
    intermediate_relatedness: float | None = None
    programmes: int | None = None
    communality: float = 0.5
    marker_effect: float = 0.4
    tissue_effect: float = 0.5
    domain_shift: float = 1.0
    related_pairs: int = 0
    missing: float = 0.05
    target_counts: bool = True

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not (value is None and "None" in field.type):
                self._check(field.name, field.type, value)
        if self.intermediate_relatedness is None:
            object.__setattr__(self, "intermediate_relatedness", self.relatedness)
        if self.programmes is None:
            object.__setattr__(self, "programmes", max(4, self.genes // 20))
        if self.programmes < 4 or self.genes < max(20, self.programmes + 1):
            raise InputError("simulate: use at least 4 programmes, 20 genes, and more genes than programmes")
        if min(self.size(role) for role in ROLES) < 2 or not 0 <= 2 * self.related_pairs <= self.n_target:
            raise InputError("simulate: each domain needs 2 samples or more, and related_pairs must fit in n_target")
        widest = max(self.programmes, *map(self.size, ROLES))
        if self.genes * widest * 8 > size_limit():
            limit = size_limit() / (1 << 30)
            raise InputError(f"simulate: {self.genes:,} genes x {widest:,} take over {limit:.3g} GB; write less")

    @staticmethod
    def _check(key, kind, value):
        wanted = (int,) if "int" in kind else (bool,) if kind == "bool" else (int, float)
        if type(value) not in wanted:
            raise InputError(f"simulate: {key} is {value!r}; write a value like {getattr(Settings, key) or 0!r}")
        if not 0 <= value <= (1 if key in SHARES else np.inf):
            raise InputError(f"simulate: {key} is {value}; it must " + ("lie in 0..1" if key in SHARES else "be >= 0"))

    def size(self, role: str) -> int:
        return getattr(self, f"n_{role}")

    def stream(self, *names: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one size does not reshuffle the rest."""
        return np.random.default_rng([self.seed, crc32("/".join(names).encode())])


def simulate(name: str = "simulated", **settings) -> tuple[Cohort, Truth]:
    """A Cohort of three domains and its Truth; `settings` are the fields of Settings.

    The same settings give the same numbers, and a smaller n the first rows of a larger one.
    Raises InputError for unknown settings and for values out of range.
    """
    known = [field.name for field in fields(Settings)]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise InputError(f"simulate: no setting '{unknown[0]}'; there are {', '.join(known)}")
    s = Settings(**settings)
    symbols = np.array([f"G{i:04d}" for i in range(s.genes)])
    symbols[MARKER_AT] = MARKER
    truth = Truth({}, _weights(s), {}, _loadings(s), {}, {})
    domains = []
    for role in ROLES:
        tissue, z, typical = _activities(s, role)
        y, second, clean = _responses(s, role, z - typical, truth)
        truth.activities[role], truth.response[role] = z, clean
        domains.append(_domain(s, role, tissue, _expression(s, role, z, truth.loadings), y, second, symbols))
    title, coverage = "Simulated chain with known truth", dict.fromkeys(ROLES, 1.0)
    return Cohort(name, title, tuple(domains), tuple(SOURCE), DEFAULT_SOURCE, DRUG, MARKER, coverage), truth


def _loadings(s: Settings):
    """(programmes + 1, genes): one main module and one weaker second programme per gene; MGMT stands alone."""
    rng = s.stream("loadings")
    loadings = np.zeros((s.genes, s.programmes + 1))
    # Modules of very different size: the few large ones dominate the variance, as in real tissue.
    share = 1 / np.arange(1, s.programmes + 1) ** 0.5
    for gene in range(s.genes):
        main, second = rng.choice(s.programmes, 2, replace=False, p=share / share.sum())
        loadings[gene, main] = rng.choice([1.0, -1.0], p=[0.8, 0.2])
        loadings[gene, second] = rng.uniform(-0.6, 0.6)
        explained = s.communality * rng.uniform(0.5, 1.5)
        loadings[gene] *= np.sqrt(min(explained, 0.95)) / np.linalg.norm(loadings[gene])
    loadings[MARKER_AT] = 0
    loadings[MARKER_AT, -1] = np.sqrt(0.8)
    return loadings.T


def _weights(s: Settings):
    """{domain/drug: (programmes + 1,)} unit vectors whose cosine with the target's is the relatedness."""
    target = _orthogonal(s.stream("weights", "target").standard_normal(s.programmes))
    target = np.append(np.sqrt(1 - s.marker_effect**2) * target, s.marker_effect)
    common = _orthogonal(s.stream("weights", "common").standard_normal(len(target)), target)
    weights = {}
    for role in ROLES:
        cosine = 1.0 if role == "target" else s.relatedness if role == "source" else s.intermediate_relatedness
        for drug in ASSAYS[role]:
            own = _orthogonal(s.stream("weights", role, drug).standard_normal(len(target)), target, common)
            if role == "source":
                own = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
            weights[f"{role}/{drug}"] = cosine * target + np.sqrt(1 - cosine**2) * own
    return weights


def _orthogonal(v, *others):
    """v of unit length, less its part along each of the others (orthonormal)."""
    for other in others:
        v = v - (v @ other) * other
    return v / np.linalg.norm(v)


def _activities(s: Settings, role):
    """Tissues (n,), activities (n, programmes + 1) with variance 1 within a tissue, and what a domain expects."""
    n, wide = s.size(role), s.programmes + 1
    z = s.stream("activities", role).standard_normal((n, wide))
    for i in range(s.related_pairs if role == "target" else 0):
        z[2 * i + 1] = 0.9 * z[2 * i] + np.sqrt(1 - 0.9**2) * z[2 * i + 1]
    means = np.sqrt(s.tissue_effect) * s.stream("tissues").standard_normal((TISSUES, wide))
    names = np.array([TISSUE] + [f"tissue{i:02d}" for i in range(1, TISSUES)])
    code = s.stream("tissue of", role).integers(0, TISSUES, n) if role == "source" else np.zeros(n, int)
    return names[code], z + means[code], (0.0 if role == "source" else means[0])


def _responses(s: Settings, role, z, truth):
    """Observed, second and noiseless AUC, each (n, drugs); fills truth's oracle and ceiling."""
    sd = np.sqrt(1 + (s.tissue_effect if role == "source" else 0.0))
    columns = []
    for drug, assay in ASSAYS[role].items():
        key = f"{role}/{drug}"
        true = z @ truth.weights[key] / sd
        level, noise = np.log(assay.auc / (1 - assay.auc)), np.sqrt(1 / assay.reliability - 1)
        errors = s.stream("label noise", role, drug).standard_normal((len(z), 2)) * noise
        values = level + assay.slope * (true[:, None] + np.column_stack([errors, np.zeros(len(z))]))
        auc = 1 / (1 + np.exp(-values))
        truth.oracle_spearman[key] = _rank_correlation(auc[:, 0], auc[:, 2])
        # Spearman of a bivariate normal with this Pearson correlation.
        truth.noise_ceiling[key] = float(6 / np.pi * np.arcsin(np.sqrt(assay.reliability) / 2))
        if role == "source":
            gaps = s.stream("gaps", drug).random((len(z), 2))
            auc[gaps[:, 0] < s.missing, 0] = np.nan
            auc[gaps[:, 1] >= REPLICATED, 1] = np.nan
        columns.append(auc)
    return tuple(np.stack([c[:, i] for c in columns], axis=1) for i in range(3))


def _rank_correlation(a, b):
    return float(np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1])


def _expression(s: Settings, role, z, loadings):
    """(n, genes) log2 expression on the domain's platform."""
    gene = s.stream("genes").standard_normal((s.genes, 2))
    level, spread = 7 + 1.5 * gene[:, 0], 0.8 * np.exp(0.3 * gene[:, 1])
    own = np.sqrt(np.maximum(1 - (loadings**2).sum(axis=0), 0))
    shift = s.domain_shift * s.stream("platform", role).standard_normal((s.genes, 2))
    noise = s.stream("expression", role).standard_normal((len(z), s.genes))
    x = level + shift[:, 0] + spread * np.exp(0.2 * shift[:, 1]) * (z @ loadings + own * noise)
    if role == "target" and s.target_counts:
        x = _log_counts(s, x)
    return x.astype(np.float32)


def _log_counts(s: Settings, x):
    """log2(CPM + 1) of negative binomial counts (dispersion 0.05) at about 1000 reads per gene and sample."""
    size = 1 / 0.05
    share = 2.0**x
    depth = 1000 * s.genes * np.exp(0.3 * s.stream("depth").standard_normal((len(x), 1)))
    expected = depth * share / share.sum(axis=1, keepdims=True)
    counts = s.stream("counts").poisson(expected * s.stream("dispersion").gamma(size, 1 / size, x.shape))
    return np.log2(counts / counts.sum(axis=1, keepdims=True) * 1e6 + 1)


def _domain(s: Settings, role, tissue, x, y, second, symbols):
    samples = np.array([f"{role[0].upper()}{i + 1:04d}" for i in range(len(x))])
    groups = samples.copy()
    if role == "target":
        groups[1 : 2 * s.related_pairs : 2] = samples[0 : 2 * s.related_pairs : 2]
    return Domain(
        role, x, y, samples, symbols, tuple(ASSAYS[role]), groups, tissue,
        scaler="robust" if role == "source" else "standard", replicate=second if role == "source" else None,
    )  # fmt: skip
