"""Metrics by name: what a study may be judged by, and what every sentence and picture must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError


@dataclass(frozen=True)
class Metric:
    """A metric of n predictions, with what must be known in order to judge by it.

    Fields:
        name: in tables. function: (y_true (n,), y_pred (n,)) -> float, NaN where undefined.
        label: in sentences, headings and on axes. higher_is_better: False for errors.
        unit: of its values. range: the least and the largest value that it can take.
        pooled_bias: "" or a word for how its value over all folds of a repeat together is biased, such as "downward".
        many: (y_true, y_pred, axis) -> values of many pairs at once, for resampling; None: one call per pair.
    """

    name: str
    function: Callable[..., float]
    label: str
    higher_is_better: bool = True
    unit: str = "no unit"
    range: tuple[float, float] = (float("-inf"), float("inf"))
    pooled_bias: str = ""
    many: Callable | None = None

    def __call__(self, y_true, y_pred) -> float:
        return self.function(y_true, y_pred)

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is: sign * value is to be maximised."""
        return 1 if self.higher_is_better else -1

    @property
    def per_fold(self) -> str:
        """How sentences name its value in one fold: "Spearman per fold"."""
        return f"{self.label} per fold"

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
RECORDED = ("name", "label", "higher_is_better", "unit", "pooled_bias")


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
    return {key: getattr(get(name), key) for key in RECORDED}


def from_record(found: dict) -> Metric:
    """The metric of a record: the registered one where there is one."""
    try:
        return get(found["name"])
    except InputError:
        about = {key: found[key] for key in RECORDED[1:] if key in found}
        DESCRIBED[found["name"]] = Metric(found["name"], _not_here, **{"label": found["name"], **about})
        return DESCRIBED[found["name"]]


def _not_here(y_true, y_pred) -> float:
    raise InputError("the metric of this study is not registered here; import its file first")


def sign(name: str) -> int:
    """1 where more of this metric is better, -1 where less is."""
    return get(name).sign
