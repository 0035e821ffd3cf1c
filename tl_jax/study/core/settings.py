"""What every study lets its user set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar

from tl_jax.errors import InputError
from tl_jax.study.core.problem import Partition
from tl_jax.system.files import sha256_of

# Repeats of a study draw with seed + 100 x repeat, and those of its examinations begin further up (keys.Repeats).
LARGEST_SEED = 2**32 - 100_000


@dataclass(frozen=True)
class StudySettings:
    """The options that all studies share; each adds its own fields and gives its own defaults.

    seed, repeats, folds, split: see Partition. at_once: runs per call of a compiled program; None: the planner
    decides. checkpoint_dir: where stages are kept. quick: a small study that shows every step.
    NO_SCIENCE: fields that change no number, so that a stopped run may go on with others. FILES: fields that name a
    file of the user's, compared by what the file holds; "part.field" of a part of the settings.
    """

    NO_SCIENCE: ClassVar[tuple[str, ...]] = ("checkpoint_dir", "at_once")
    FILES: ClassVar[tuple[str, ...]] = ()

    repeats: int | None = None
    folds: int | None = None
    split: str = "stratified"
    seed: int = 400
    at_once: int | None = None
    checkpoint_dir: str = "checkpoints"
    quick: bool = False

    def check_numbers(self, names: Iterable[str]) -> None:
        """Refuse what is not above 0 among some fields, numbers or tuples of them, and a seed that is none."""
        for name in names:
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                if value is not None and not 0 < value < float("inf"):
                    raise InputError(f"--{name}={value}: must be above 0")
        if not 0 <= self.seed < LARGEST_SEED:
            raise InputError(f"--seed={self.seed}: must be a non-negative 32-bit number")

    @property
    def partition(self) -> Partition:
        """How folds are drawn."""
        return Partition(self.folds, self.repeats, self.seed, self.split)

    def as_dict(self) -> dict:
        """Every field, for summary.json."""
        return asdict(self)

    def science(self) -> dict:
        """The fields that a study's numbers depend on."""
        told = self.as_dict()
        for name in self.FILES:
            *inside, last = name.split(".")
            part = told[inside[0]] if inside else told
            if part and part[last]:
                part[last] = content_of(part[last])
        return {f.name: told[f.name] for f in fields(self) if f.name not in self.NO_SCIENCE}


def content_of(path: str) -> str:
    """SHA-256 of a file's bytes; the path where it cannot be read, which whoever reads it refuses by its flag."""
    try:
        return sha256_of(Path(path))
    except OSError:
        return path


@dataclass(frozen=True)
class Extras:
    """What a study examines beside its arms; a number of 0 and an empty tuple leave a part out.

    examined: names of the arms that are permuted, thinned and varied. permutations: of the labels. curve_sizes:
    training samples of the learning curves, () for a third, half and three quarters; curve_repeats: of the study's.
    levels: of partition, initialisation and order in the variance split. nested: candidates of the nested choice.
    beside: strategies that run under the second protocol too.
    """

    examined: tuple[str, ...] = ()
    permutations: int = 0
    curve_sizes: tuple[int, ...] = ()
    curve_repeats: int = 0
    levels: int = 0
    nested: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def __post_init__(self):
        if 0 < self.permutations < 19:
            raise InputError(f"--permutations={self.permutations}: fewer than 19 cannot reach p = .05")
        if self.levels == 1:
            raise InputError("--levels=1: at least 2 are needed to see a spread, or 0 for no variance split")
        negative = [n for n in ("permutations", "curve_repeats", "levels") if getattr(self, n) < 0]
        if negative:
            raise InputError(f"--{negative[0]}: must not be below 0")
