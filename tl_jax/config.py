"""Frozen, hashable settings: whatever changes shapes or control flow of a program."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from tl_jax.types import Hparams, named


@dataclass(frozen=True)
class FitConfig:
    """One training. Two equal configs share one compiled program."""

    epochs: int = 50
    batch_size: int = 32
    optimizer: str = "keras_adam"
    shuffle: bool = True
    curves: bool = True  # evaluate the held-out rows after each epoch, for curves only
    cache_prefix: bool = True  # evaluate a frozen prefix once per run instead of once per step
    skip_empty: bool = True  # guard against steps of padding alone; off where no run has any
    sees_held_out: bool = False  # a strategy's penalty sees the held-out rows' expression too (transductive)
    read_at: tuple[int, ...] = ()  # epochs at which held-out rows are predicted besides the last
    live_epochs: int | None = None  # epochs in which running statistics move; None: all
    noisy_evaluation: bool = False  # dropout also where held-out rows are predicted

    def __post_init__(self):
        wrong = [epoch for epoch in self.read_at if not 0 < epoch < self.epochs]
        if wrong:
            raise ValueError(
                f"read_at holds {wrong}; a training of {self.epochs} epochs can be read before its end only"
            )

    @property
    def reads(self) -> tuple[int, ...]:
        """Epochs at which held-out rows are predicted, the last one last."""
        return (*sorted(set(self.read_at)), self.epochs)


@dataclass(frozen=True)
class NetworkConfig:
    """Which network; hidden: units of each hidden layer; outputs: responses that it predicts, one head each."""

    name: str = "two_step"
    hidden: tuple[int, ...] = (1000, 100)
    outputs: int = 1


@dataclass(frozen=True)
class Recipe:
    """How a stage is trained. Numbers may be arrays, so that a vmapped `fit` takes one for each run.

    Args:
        epochs: passes over the training rows.
        learning_rate: of the optimizer.
        batch_size: rows per step; the last batch of an epoch may hold fewer.
        kernel_l2: times the sum of squares of each regularised kernel that is trained.
        activity_l1: times the mean over rows of the sum of |activation| of each regularised layer.
        dropout: share of units dropped after each hidden layer.
        optimizer: "keras_adam" or another name of training/optimizer.py.
        weight_decay: times each trained weight, added to its gradient; None: none.
        live_epochs: epochs in which running statistics move; None: all.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 32
    kernel_l2: float = 1e-4
    activity_l1: float = 1e-4
    dropout: tuple[float, ...] = (0.3, 0.1)
    optimizer: str = "keras_adam"
    weight_decay: float | None = None
    live_epochs: int | None = None

    def __repr__(self) -> str:
        return named("Recipe", **{f.name: getattr(self, f.name) for f in fields(self)})

    def hparams(self) -> Hparams:
        numbers = (self.learning_rate, self.kernel_l2, self.activity_l1, self.dropout)
        return Hparams(*numbers, weight_decay=self.weight_decay)

    def fit_config(self, **changes) -> FitConfig:
        own = {name: getattr(self, name) for name in ("epochs", "batch_size", "optimizer", "live_epochs")}
        return FitConfig(**{**own, **changes})

    def as_dict(self) -> dict:
        return asdict(self)


# Ju et al. 2025: experiments 1 to 4 train from scratch, 5 to 7 from a source model.
SCRATCH = Recipe(epochs=50, learning_rate=1e-3)
TRANSFER = Recipe(epochs=200, learning_rate=1e-4)
