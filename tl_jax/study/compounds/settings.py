"""What a user may set for transfer between protein families, resolved and hashable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.shallow import check_names
from tl_jax.study.core.settings import Extras, StudySettings

NAME = "dti_transfer"
SIMULATED = "simulated"
ALL, POOLED = "all", "pooled"
# Both published lists: 2022 (shares of 7,970 compounds) and 2023.
SIZES = (2, 5, 6, 12, 35, 48, 75, 96, 395, 400, 795, 1000, 1985)
METHODS = ("scratch", "shallow", "mode1", "mode2", "mode3", "zero_shot")
SPLITS = ("random", "scaffold")
JUDGES = ("mcc", "auroc")  # whose intervals over draws are known (evaluation/draws)
EPOCH_CHOICES = ("fixed", "validation", "best_test")


@dataclass(frozen=True)
class Switches:
    """Known faults of the published code, each by its name; all off is the correct behaviour.

    stopped_batchnorm: running statistics move in the first epoch only and are used from the second on (defect 2).
    noisy_evaluation: dropout while predicting (defect 1). best_test: the epoch with the best test MCC (defect 3).
    """

    stopped_batchnorm: bool = False
    noisy_evaluation: bool = False
    best_test: bool = False


PROTOCOLS = {"honest": Switches(), "as_published": Switches(True, True, True)}


def as_tuple(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True)
class DtiSettings(StudySettings):
    """Resolved options of a study between protein families; every field goes into summary.json.

    data: a table with the columns family, smiles and label (or pchembl with a threshold), or "simulated". sources:
    families, "all" for each of them, "pooled" for all together. draws of `sizes` training compounds from the target's
    pool, shared by all methods. freeze: sets of layers that mode 2 freezes; frozen_bn: their batch norms as well.
    layers, after_activation: whose output mode 3 hands to the classifiers `mode3`. stereo: stereoisomers are compounds
    of their own. similarity: sources also lose compounds that reach this Tanimoto similarity to a test compound.
    balance_below: a source whose rarer class is a smaller share than this gives as many compounds of either class.
    final: networks of the study, by the name of their arm, that are trained on the target's whole pool in the end and
    kept; final_source: what they start from, the first source where none is named. extras: what is examined beside.
    metric: that judges, of JUDGES.
    """

    NO_SCIENCE: ClassVar[tuple[str, ...]] = (*StudySettings.NO_SCIENCE, "register")

    data: str = SIMULATED
    sources: tuple[str, ...] = (ALL,)
    target: str = "transporter"
    sizes: tuple[int, ...] = ()  # (): both published lists, as far as the data allow
    repeats: int = 10
    methods: tuple[str, ...] = METHODS
    strategies: tuple[str, ...] = ()  # further registered strategies, by name
    freeze: tuple[tuple[int, ...], ...] = ((1,), (1, 2))
    frozen_bn: bool = False
    layers: tuple[int, ...] = (1,)
    after_activation: bool = False
    shallow: tuple[str, ...] = ("svc", "random_forest", "gradient_boosting", "logistic")
    mode3: tuple[str, ...] = ("svc", "random_forest")
    protocol: str = "honest"
    switches: tuple[str, ...] = ()  # each tried alone beside the correct behaviour, to show what it is worth
    epoch: str = "fixed"
    split: str = "random"
    test_share: float = 1 / 6
    test_ids: str | None = None
    threshold: float | None = None
    stereo: bool = False
    similarity: float | None = None
    balance_below: float = 0.25
    bits: int = 1024
    radius: int = 2
    counts: bool = False
    vectors: str | None = None
    hidden: tuple[int, ...] = (1200, 300)
    epochs: int = 50
    source_epochs: int = 50
    learning_rate: float = 1e-4
    batch_size: int = 256
    dropout: float = 0.1
    weight_decay: float = 1e-5
    seed: int = 101
    final: tuple[str, ...] = ()
    final_source: str = ""
    extras: Extras = field(default_factory=Extras)
    metric: str = "mcc"
    source_test: tuple[str, ...] = ()  # networks whose sources are trained again on permuted labels
    source_permutations: int | None = None  # None: as many as Holm's correction over sources and sizes needs
    register: str | None = None  # file of a plan that is written before the run, or was

    def __post_init__(self):
        words = {"methods": METHODS, "switches": tuple(vars(Switches())), "protocol": tuple(PROTOCOLS)}
        for name, known in {**words, "split": SPLITS, "epoch": EPOCH_CHOICES, "metric": JUDGES}.items():
            wrong = [value for value in as_tuple(getattr(self, name)) if value not in known]
            if wrong:
                raise InputError(f"--{name}={wrong[0]}: there are: {', '.join(known)}")
        check_names((*self.shallow, *self.mode3))
        numbers = ("repeats", "epochs", "source_epochs", "batch_size", "learning_rate", "hidden", "sizes", "layers")
        self.check_numbers((*numbers, "at_once"))
        self._check_layers()
        if self.source_permutations is not None and self.source_permutations < 19:
            raise InputError(f"--source_permutations={self.source_permutations}: fewer than 19 cannot reach p = .05")
        if self.repeats < 2:
            raise InputError("--repeats=1: one draw says nothing of how much draws vary; ask for at least 2")
        if not 0 <= self.dropout < 1 or not 0 <= self.weight_decay < float("inf"):
            raise InputError(f"--dropout={self.dropout} --weight_decay={self.weight_decay}: 0 or more, dropout below 1")
        if self.protocol == "as_published" and self.switches:
            raise InputError("--switches changes nothing under --protocol=as_published, which has them all on")

    def _check_layers(self) -> None:
        """Every layer that is named must be there."""
        if not self.hidden or not self.sources:
            raise InputError("--hidden and --source each need at least one entry")
        beyond = [n for n in (*(n for part in self.freeze for n in part), *self.layers) if n > len(self.hidden)]
        if beyond and {"mode2", "mode3"} & set(self.methods):
            raise InputError(f"layer {beyond[0]} is named, but --hidden has {len(self.hidden)}")

    @property
    def network(self) -> NetworkConfig:
        return NetworkConfig("fc_layers", self.hidden)

    @property
    def recipe(self) -> Recipe:
        """How the target is trained: TL4DTI's optimizer, PyTorch's Adam with coupled weight decay."""
        return Recipe(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            kernel_l2=0.0,
            activity_l1=0.0,
            dropout=(self.dropout,) * len(self.hidden),
            optimizer="adam",
            weight_decay=self.weight_decay,
        )

    @property
    def source_recipe(self) -> Recipe:
        return replace(self.recipe, epochs=self.source_epochs)

    @property
    def rules(self) -> Switches:
        """The switches of the protocol; --epoch=best_test is one of them by another name."""
        own = PROTOCOLS[self.protocol]
        return replace(own, best_test=own.best_test or self.epoch == "best_test")

    def in_quick_mode(self, **given) -> DtiSettings:
        """A small study that shows every step: two draws, three sizes, a narrow network unless `given`."""
        small = {"repeats": 2, "sizes": (6, 24, 96), "hidden": (64, 16), "epochs": 20, "source_epochs": 20}
        return replace(self, **{**small, "learning_rate": 1e-3, **given}, quick=True)
