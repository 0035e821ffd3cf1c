"""What a user may set for a study of many targets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tl_jax.config import Recipe
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.source_plan import LEAST
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.settings import StudySettings
from tl_jax.study.many_targets.drugs import ARMS, PROCESSES, TARGET_ONLY, models_of
from tl_jax.study.many_targets.known_drugs import APART
from tl_jax.transfer import strategies

# Options that an ordinary experiment has too.
FOR_ALL = ("scaling", "mechanisms", "cohort", "repeats", "folds", "split", "seed", "hidden", "quick", "metric")
NAME = "many_targets"
FINE_TUNED = ("freeze_layer12", "fine_tune")


@dataclass(frozen=True)
class ManySettings(StudySettings):
    """Options of the study; every field goes into summary.json.

    targets: table of responses, below the data folder; None: the drugs of the cohort's own target. unit, direction:
    of the table. min_lines: source drugs measured on fewer source samples are left out. fine_tuned: strategies that
    also train networks from the source network's hidden layers. arms: in closed form; (): all of them. metric: by which
    arms are compared. scaling: of the target and with it of the source; None: as the cohort file says, else the usual.
    mechanisms: a user's table of drugs that act alike. known_drugs: also arms that read responses to the other drugs,
    one for each of apart, what is kept apart (known_drugs.APART). source_permutations: of the source's labels, to ask
    whether the processes use them; 0: none. register: a file, to which the plan is written before the run, or was.
    """

    NO_SCIENCE = (*StudySettings.NO_SCIENCE, "data_dir", "register")
    FILES = ("mechanisms",)

    cohort: str = "simulated"
    data_dir: str | None = None
    targets: str | None = None
    unit: str = "AUC"
    direction: str = "resistant"
    protocols: tuple[str, ...] = ("honest",)
    repeats: int = 10
    folds: int = 3
    hidden: tuple[int, ...] = (1000, 100)
    min_lines: int = 100
    fine_tuned: tuple[str, ...] = ()
    metric: str = JUDGED
    arms: tuple[str, ...] = ()
    scaling: str | None = None
    mechanisms: str | None = None
    known_drugs: bool = False
    apart: tuple[str, ...] = ("cells",)
    source_permutations: int = 0
    register: str | None = None

    def __post_init__(self):
        for name in self.protocols:
            self.ordinary(name)
        if not self.protocols:
            raise InputError(f"--protocol is empty; there are: {', '.join(PROTOCOLS)}")
        if self.min_lines < 2:
            raise InputError(f"--min_lines={self.min_lines}: must be at least 2")
        self.check_arms()
        if self.source_permutations and self.source_permutations < LEAST:
            raise InputError(
                f"--source_permutations={self.source_permutations}: fewer than {LEAST} cannot reach p = .05"
            )

    def check_arms(self) -> None:
        """InputError for arms that there are not, or that cannot be judged."""
        for name in self.arms:
            if name not in ARMS:
                raise InputError(f"--arms={name}: there are: {', '.join(ARMS)}")
        if self.arms and not set(self.arms) & set(TARGET_ONLY) - {"mean"}:
            raise InputError(f"--arms={','.join(self.arms)}: name a model on the target's own genes too, such as ridge")
        if self.source_permutations and not set(self.closed) & set(PROCESSES):
            raise InputError(f"--source_permutations tests {' and '.join(PROCESSES)}: --arms names neither")
        for name in self.apart:
            if name not in APART:
                raise InputError(f"--apart={name}: there are: {', '.join(APART)}")
        if self.known_drugs and not self.apart:
            raise InputError(f"--apart is empty; there are: {', '.join(APART)}")
        for name in self.fine_tuned:
            if name not in FINE_TUNED:
                raise InputError(f"--fine_tuned={name}: there are: {', '.join(FINE_TUNED)}")

    def ordinary(self, protocol: str) -> Settings:
        """What an ordinary experiment makes of these settings, which also checks them."""
        shared = {n: getattr(self, n) for n in FOR_ALL}
        return Settings(protocol=protocol, **shared)

    @property
    def closed(self) -> tuple[str, ...]:
        """The arms in closed form, in the order of tables."""
        return tuple(arm for arm in ARMS if arm in (self.arms or ARMS))

    @property
    def models(self) -> set[str]:
        """The source models that are needed beside the profile."""
        return models_of(self.closed) | ({"network"} if self.fine_tuned else set())

    @property
    def recipe(self) -> Recipe:
        """Of the source network: the specification's for a network from scratch."""
        return self.ordinary(self.protocols[0]).upstream_recipe(strategies.get("scratch"))

    def in_quick_mode(self, **given) -> ManySettings:
        """Two repeats and a narrow network unless `given`, a fifth of the epochs."""
        return replace(self, **{"repeats": 2, "hidden": (100, 20), **given}, quick=True)
