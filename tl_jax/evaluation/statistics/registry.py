"""Metrics by name: what a study may be judged by, and what every sentence and picture must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError

NO_UNIT = "no unit"


@dataclass(frozen=True)
class Metric:
    """A metric of n predictions, with what must be known in order to judge by it.

    Fields:
        name: in tables. function: (y_true (n,), y_pred (n,)) -> float, NaN where undefined.
        label: in sentences, headings and on axes. higher_is_better: False for errors.
        unit: of its values. range: the least and the largest value that it can take.
        chance: its value for predictions that know nothing of the truth; None where that depends on the data.
        pooled_bias: "" or a word for how its value over all folds of a repeat together is biased, such as "downward".
        many: (y_true, y_pred, axis) -> values of many pairs at once, for resampling; None: one call per pair.
    """

    name: str
    function: Callable[..., float]
    label: str
    higher_is_better: bool = True
    unit: str = NO_UNIT
    range: tuple[float, float] = (float("-inf"), float("inf"))
    chance: float | None = None
    pooled_bias: str = ""
    many: Callable | None = None

    def __call__(self, y_true, y_pred) -> float:
        return self.function(y_true, y_pred)

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is: sign * value is to be maximised."""
        return 1 if self.higher_is_better else -1

    @property
    def reach(self) -> float:
        """How far two of its values can lie apart."""
        return self.range[1] - self.range[0]

    @property
    def per_fold(self) -> str:
        """How sentences name its value in one fold: "Spearman per fold"."""
        return f"{self.label} per fold"

    def spec(self, decimals: int = 2) -> str:
        """How its values are written: so many decimals, or three digits where it has a unit, of any size."""
        return f".{decimals}f" if self.unit == NO_UNIT else "#.3g"

    def text(self, value: float, sign: str = "", decimals: int = 2) -> str:
        """A value, or a difference of two with sign="+", as sentences write it."""
        return format(value, f"{sign}{self.spec(decimals)}").rstrip(".")

    @property
    def as_good(self) -> str:
        """The word for a value that is no worse than another: "as high" or "as low"."""
        return "as high" if self.higher_is_better else "as low"

    @property
    def direction(self) -> str:
        """A remark on differences of it, for errors alone: of other metrics a reader expects that more is better."""
        return "" if self.higher_is_better else "below 0: better"

    @property
    def gain(self) -> str:
        """How sentences name a gain in one fold, which is positive where an arm is better."""
        return self.per_fold if self.higher_is_better else f"{self.per_fold} (by how much it is lower)"

    @property
    def known(self) -> bool:
        """Whether it can be computed here; else it is known from the record of a study alone."""
        return self.function is not _not_here

    @property
    def best(self) -> str:
        """The word for the best value: "highest" or "lowest"."""
        return "highest" if self.higher_is_better else "lowest"


# Of a measured response, in the order of metrics.csv; and of the two classes of a classifier.
METRICS: dict[str, Metric] = {}
CLASS_METRICS: dict[str, Metric] = {}
# Of records whose metric is not registered here, such as a finished study's that had a user's own: they can be read
# and told of, not computed.
DESCRIBED: dict[str, Metric] = {}
# {field: its type in a record}; an infinite end of a range, which JSON lacks, and no chance value are None.
RECORDED = {"name": str, "label": str, "higher_is_better": bool, "unit": str, "pooled_bias": str}


def metric(name: str, *, classes: bool = False, **about) -> Callable[[Callable], Callable]:
    """Register a function of (y_true, y_pred) as a metric; every study then computes it and may be judged by it.

    Args:
        name: in metrics.csv.
        classes: True for a metric of probabilities against 0 and 1.
        about: the other fields of Metric; label is the name where none is given.

    Returns:
        A decorator that gives the function back unchanged.

    Raises:
        InputError: the name is taken by a function of another module.
    """
    registry = CLASS_METRICS if classes else METRICS

    def register(function: Callable) -> Callable:
        taken = METRICS.get(name) or CLASS_METRICS.get(name)
        if taken and taken.function.__module__ != function.__module__:
            raise InputError(f"a metric named '{name}' exists already; give yours another name")
        registry[name] = Metric(name, function, **{"label": name, **about})
        return function

    return register


def get(name: str) -> Metric:
    """A registered metric; InputError with the known names for any other."""
    for registry in (METRICS, CLASS_METRICS, DESCRIBED):
        if name in registry:
            return registry[name]
    raise InputError(f"no metric '{name}'; {nearest(name, METRICS)}; register your own with @metric()")


def record(name: str) -> dict:
    """What a finished study keeps of its metric, so that whoever reads it need not have it registered."""
    found = get(name)
    ends = [end if isfinite(end) else None for end in found.range]
    return {**{key: getattr(found, key) for key in RECORDED}, "range": ends, "chance": found.chance}


def from_record(found: dict) -> Metric:
    """The metric of a record: the registered one where there is one.

    Raises:
        InputError: the record has no name, or its metric has the other direction than the one registered here.
    """
    about = {key: found[key] for key, kind in RECORDED.items() if isinstance(found.get(key), kind)}
    if "name" not in about:
        raise InputError("the record of the study's metric has no name; write it with the study's own script")
    name, here = about["name"], METRICS.get(about["name"]) or CLASS_METRICS.get(about["name"])
    if here is None:
        if isinstance(found.get("chance"), int | float):
            about["chance"] = float(found["chance"])
        here = DESCRIBED[name] = Metric(function=_not_here, **{"label": name, **about})
    if about.get("higher_is_better", here.higher_is_better) != here.higher_is_better:
        raise InputError(f"the study's metric '{name}' is another than the one of that name that is registered here")
    return here


def _not_here(y_true, y_pred) -> float:
    raise InputError("the metric of this study is not registered here; import its file first")


def sign(name: str) -> int:
    """1 where more of this metric is better, -1 where less is."""
    return get(name).sign
