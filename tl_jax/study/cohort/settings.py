"""What a user may set for an experiment, resolved and hashable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tl_jax.config import SCRATCH, TRANSFER, FitConfig, NetworkConfig, Recipe
from tl_jax.data.scaling.choice import SCALINGS
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import PATHWAYS, SIGNATURE
from tl_jax.evaluation.statistics.metrics import JUDGED, METRICS
from tl_jax.study.core.protocol import PROTOCOLS, Protocol
from tl_jax.study.core.settings import Extras, StudySettings
from tl_jax.training.optimizer import OPTIMIZERS
from tl_jax.transfer.strategies import Registered

EXPECTED = ("either", "better")


@dataclass(frozen=True)
class Settings(StudySettings):
    """Resolved options of one experiment; every field goes into summary.json. Those of StudySettings come first."""

    # Where things are and what else is kept changes no number; a given checkpoint is identified by its content.
    NO_SCIENCE: ClassVar[tuple[str, ...]] = (
        *StudySettings.NO_SCIENCE,
        "data_dir",
        "fold_models",
        "source_checkpoint",
        "register",
    )
    FILES: ClassVar[tuple[str, ...]] = ("mechanisms", "pathways")

    cohort: str = "simulated"
    data_dir: str | None = None
    drug: str | None = None  # of the target; None: the cohort's own
    source_drugs: tuple[str, ...] = ()
    strategies: tuple[str, ...] | None = None  # None: the experiment's own; (): baselines only
    baselines: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()  # genes of the baseline of that name
    pathways: str | None = None  # GMT file of the baseline of that name
    protocol: str = "honest"
    epochs: int | None = None
    read_epochs: tuple[int, ...] = ()  # earlier epochs of the same training that are reported too
    learning_rate: tuple[float, ...] = ()  # one arm each; (): the specification's
    batch_size: int = 32
    optimizer: str = "keras_adam"
    hidden: tuple[int, ...] = (1000, 100)
    intermediate_strategy: str = "copy_layer1"
    extras: Extras | None = None
    source_checkpoint: str | None = None  # a model in place of the source stage
    fold_models: bool = False  # kept beside each final model, for prediction intervals
    reference: str | None = None  # that all arms are held against; None: ridge, or scratch where no ridge is run
    scaling: str | None = None  # of the domains after the first; None: as the file says, else the usual one
    mechanisms: str | None = None  # a user's table of drugs that act alike; None: the shipped one
    metric: str = JUDGED  # by which arms are compared and chosen; any that is registered
    source_test: tuple[str, ...] = ("closed",)  # arms whose sources are tested; see source_plan.py
    source_permutations: int | None = None  # None: as many as Holm's correction over the sources needs
    source_stand_in: tuple[str, ...] = ()  # cheaper tests beside it
    register: str | None = None  # file of a plan that is written before the run, or was
    expect: str = "either"  # "better": arms are held to be better than the reference; one-sided if it was registered

    def __post_init__(self):
        if self.metric not in METRICS:
            raise InputError(
                f"no metric '{self.metric}'; there are: {', '.join(METRICS)}; register your own with @metric()"
            )
        if self.protocol not in PROTOCOLS:
            raise InputError(f"no protocol '{self.protocol}'; there are: {', '.join(PROTOCOLS)}")
        self.check_numbers(("repeats", "folds", "epochs", "read_epochs", "learning_rate", "batch_size", "at_once"))
        if self.fold_models and self.protocol != "honest":
            raise InputError(
                f"--fold_models needs --protocol=honest: under {self.protocol} held-out samples shape their own "
                "scaling, so that their residuals say too little about new samples"
            )
        if self.scaling is not None and self.scaling not in SCALINGS:
            raise InputError(f"--scaling={self.scaling}: there are: {', '.join(SCALINGS)}")
        if self.expect not in EXPECTED:
            raise InputError(f"--expect={self.expect}: there are: {', '.join(EXPECTED)}")
        if self.expect != "either" and not self.register:
            raise InputError(f"--expect={self.expect} changes nothing without --register=plan.toml")
        if self.optimizer not in OPTIMIZERS:
            raise InputError(f"no optimizer '{self.optimizer}'; there are: {', '.join(OPTIMIZERS)}")
        if len(self.hidden) != 2 or min(self.hidden) < 1:
            raise InputError(f"--hidden={','.join(map(str, self.hidden))}: two positive widths, such as 1000,100")

    def in_quick_mode(self, **given) -> Settings:
        """A small study that shows every step: two repeats and a narrow network unless `given`, shorter training."""
        return replace(self, **{"repeats": self.repeats or 2, "hidden": (100, 20), **given}, quick=True)

    @property
    def of_files(self) -> tuple[str, ...]:
        """The baselines that a user's own lists of genes make."""
        return (*([SIGNATURE] if self.signature else []), *([PATHWAYS] if self.pathways else []))

    @property
    def rules(self) -> Protocol:
        return PROTOCOLS[self.protocol]

    @property
    def network(self) -> NetworkConfig:
        return NetworkConfig("two_step", self.hidden)

    def upstream_recipe(self, strategy: Registered) -> Recipe:
        """The specification's recipe for a stage before the evaluated one; with quick a fifth of the epochs."""
        recipe = replace(TRANSFER if strategy.needs_source else SCRATCH, optimizer=self.optimizer)
        if not self.quick:
            return recipe
        # Adam moves a weight by about the learning rate per step: the product is kept.
        return replace(recipe, epochs=recipe.epochs // 5, learning_rate=recipe.learning_rate * 5)

    def recipe(self, strategy: Registered, learning_rate: float | None = None) -> Recipe:
        """The recipe of the evaluated stage: the specification's, with what the user set."""
        rate = learning_rate or next(iter(self.learning_rate), None)
        changes = {"epochs": self.epochs, "learning_rate": rate, "batch_size": self.batch_size}
        given = {key: value for key, value in changes.items() if value is not None}
        return replace(self.upstream_recipe(strategy), **given)

    def variants(self, strategy: Registered) -> dict[str, Recipe]:
        """{arm: recipe}: one arm per learning rate where several were asked for and the strategy trains."""
        if len(self.learning_rate) < 2 or not strategy.trains:
            return {strategy.name: self.recipe(strategy)}
        return {f"{strategy.name} lr={rate:g}": self.recipe(strategy, rate) for rate in self.learning_rate}

    def fit_config(self, recipe: Recipe, **changes) -> FitConfig:
        """How the evaluated stage is trained; earlier epochs to read that lie beyond its end are refused."""
        late = [epoch for epoch in self.read_epochs if epoch >= recipe.epochs]
        if late:
            raise InputError(f"--read_epochs={late[0]}: the training ends after {recipe.epochs} epochs; add --epochs")
        sees = self.rules.expression_from == "all"
        return recipe.fit_config(read_at=self.read_epochs, sees_held_out=sees, **changes)
