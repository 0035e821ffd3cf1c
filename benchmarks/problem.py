"""What is trained: data, folds and first weights from a seed, equal in every process.

Must import neither jax nor a rival: every side imports it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

# The two-step network and its training (Ju et al. 2025); tl_jax.config says the same, but importing it would bring jax
# into the rivals' processes.
KERNEL_L2, ACTIVITY_L1, DROPOUT = 1e-4, 1e-4, (0.3, 0.1)
BETAS, EPSILON = (0.9, 0.999), 1e-7
LAYERS = ("layer1", "layer2", "head")


@dataclass(frozen=True)
class Problem:
    """`fits` trainings of one cohort: the first folds of repeated cross-validation.

    epochs: of a training. after: a second, shorter training of so many epochs is measured too and its time
    subtracted, so that what is done once per training does not count; 0 for none. strategy: "scratch", "copy_layer1"
    (layer 1 copied and trained) or "freeze_layer1" (copied and frozen).
    """

    samples: int
    genes: int
    folds: int = 3
    fits: int = 1
    epochs: int = 200
    after: int = 0
    strategy: str = "copy_layer1"
    hidden: tuple[int, int] = (1000, 100)
    batch: int = 32
    learning_rate: float = 1e-4
    seed: int = 0

    @classmethod
    def from_dict(cls, content: dict) -> Problem:
        """The problem that `as_dict` wrote down, also after a journey as JSON."""
        return cls(**{**content, "hidden": tuple(content["hidden"])})

    def as_dict(self) -> dict:
        return asdict(self)

    @property
    def frozen(self) -> bool:
        """Whether layer 1 does not move."""
        return self.strategy == "freeze_layer1"

    @property
    def counted_epochs(self) -> int:
        """Epochs that a measured time stands for."""
        return self.epochs - self.after

    @property
    def steps(self) -> int:
        """Optimizer steps of one epoch of the first training."""
        return -(-len(self.splits()[0][0]) // self.batch)

    @property
    def batch_rows(self) -> int:
        """Rows of a full batch of the first training."""
        return min(self.batch, len(self.splits()[0][0]))

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """((samples, genes) expression, (samples,) response from 0 to 10, explained by twenty genes), both float32."""
        rng = np.random.default_rng(self.seed)
        x = rng.standard_normal((self.samples, self.genes), dtype=np.float32)
        signal = x[:, :20].sum(axis=1) + rng.standard_normal(self.samples, dtype=np.float32)
        return x, (10 * (signal - signal.min()) / np.ptp(signal)).astype(np.float32)

    def splits(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(training rows, held-out rows) of each training."""
        found = []
        for repeat in range(-(-self.fits // self.folds)):
            order = np.random.default_rng((self.seed, repeat)).permutation(self.samples)
            tests = [np.sort(order[fold :: self.folds]) for fold in range(self.folds)]
            found += [(np.setdiff1d(order, test), test) for test in tests]
        return found[: self.fits]

    def padded_rows(self, part: int) -> tuple[np.ndarray, np.ndarray]:
        """(fits, longest) row numbers and weights of all trainings; part: 0 training rows, 1 held-out rows.

        Shorter ones are filled up with row 0 at weight 0.
        """
        rows = [split[part] for split in self.splits()]
        index = np.zeros((self.fits, max(map(len, rows))), np.int32)
        weight = np.zeros(index.shape, np.float32)
        for fit, own in enumerate(rows):
            index[fit, : len(own)], weight[fit, : len(own)] = own, 1
        return index, weight

    def statistics(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(fits, genes) centre and scale of each training's own rows of x."""
        center, scale = zip(*(statistics(x[train]) for train, _ in self.splits()), strict=True)
        return np.stack(center), np.stack(scale)

    def training_set(self, fit: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(x, y) of training number `fit`, its genes scaled by the training rows."""
        x, y = self.data()
        rows = self.splits()[fit][0]
        center, scale = statistics(x[rows])
        return (x[rows] - center) / scale, y[rows]

    def first_weights(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """{layer: (kernel (inputs, units), bias (units,))}, kernels uniform in (-.05, .05), biases zero."""
        rng = np.random.default_rng((self.seed, 1))
        units = (self.genes, *self.hidden, 1)
        return {
            layer: (rng.random((inputs, outputs), dtype=np.float32) * 0.1 - 0.05, np.zeros(outputs, np.float32))
            for layer, inputs, outputs in zip(LAYERS, units, units[1:], strict=False)
        }


def statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(genes,) mean and standard deviation; 1 where a gene does not vary."""
    deviation = x.std(axis=0)
    return x.mean(axis=0), np.where(deviation > 0, deviation, 1).astype(np.float32)
