"""Transfer strategies as plain registered functions (source, fresh) -> Transfer.

A new strategy needs no other file:

    @strategy()
    def freeze_biases(source, fresh):
        return Transfer(source, all_but(source["params"], "*/bias"))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tl_jax.errors import InputError
from tl_jax.registry import USUAL_PLACE
from tl_jax.trees import all_but, flatten, replace_leaves
from tl_jax.types import Params, Strategy, Transfer, Variables


@dataclass(frozen=True)
class Registered:
    """A strategy and what the experiments must know of it.

    source_rows: how many of its own samples the source brings as source["rows"], scaled, (source_rows, genes).
    align: moves the target's rows towards the source's before layer 1: align(source rows)(training rows)(rows).
    wide: trains the wide first layer from every source, which takes minutes to hours: not under a study's second
    protocol unless asked for. place: in tables and pictures, beside others.
    """

    name: str
    function: Strategy
    needs_source: bool
    trains: bool
    source_rows: int = 0
    align: Callable | None = None
    wide: bool = False
    place: int = USUAL_PLACE


STRATEGIES: dict[str, Registered] = {}
# Strategies with numbers in their names: {beginning of the name: the rest -> the strategy}.
FAMILIES: dict[str, Callable[[str], Registered]] = {}


def strategy(
    *,
    needs_source: bool = True,
    trains: bool = True,
    source_rows: int = 0,
    align: Callable | None = None,
    wide: bool = False,
    place: int = USUAL_PLACE,
) -> Callable[[Strategy], Strategy]:
    """Register a function (source, fresh) -> Transfer under its own name, for studies and scripts.

    Args:
        needs_source: False for one that runs without a source model; it is then given None.
        trains: False for one that trains nothing, such as zero_shot.
        source_rows: how many of its own samples the source brings as source["rows"], scaled, (source_rows, genes).
        align: moves the target's rows towards the source's: align(source rows)(training rows)(rows).
        wide: whether it trains the wide first layer from every source, which takes minutes to hours.
        place: a number by which tables and pictures order arms, small ones first. Write wide and place as plain
            values (True, 5), not as names: reports read them from the source text without importing jax.

    Returns:
        A decorator that gives the function back unchanged.

    Raises:
        InputError: the name is taken by a function of another module.
    """

    def register(function: Strategy) -> Strategy:
        taken = STRATEGIES.get(function.__name__)
        if taken and taken.function.__module__ != function.__module__:
            raise InputError(f"a strategy named '{function.__name__}' exists already; give yours another name")
        name = function.__name__
        STRATEGIES[name] = Registered(name, function, needs_source, trains, source_rows, align, wide, place)
        return function

    return register


def get(name: str) -> Registered:
    """A registered strategy; an unknown name is refused with the list of known ones."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    for beginning, family in FAMILIES.items():
        if name.startswith(beginning):
            return family(name.removeprefix(beginning))
    known = ", ".join((*STRATEGIES, *(f"{beginning}1" for beginning in FAMILIES)))
    raise InputError(f"no strategy '{name}'; there are: {known}; add your own with --strategy_module")


def layer_number(name: str) -> int | None:
    """2 for "layer2", "bn2" and their leaves; None for the head."""
    digits = name.split("/")[0].lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) if digits.isdecimal() else None


def block(params: Params, *numbers: int) -> tuple[str, ...]:
    """Patterns of all leaves of some hidden layers, their batch norms included: "layer1/*", and "bn1/*" where it is."""
    missing = sorted(set(numbers) - {layer_number(name) for name in params})
    if missing:
        raise ValueError(f"there is no layer {missing} to copy or freeze")
    return tuple(f"{name}/*" for name in params if layer_number(name) in numbers)


def copy_layers(source: Variables, fresh: Variables, *patterns: str) -> Variables:
    """`fresh` with the leaves that match `patterns` taken from `source`."""
    return {**fresh, "params": replace_leaves(fresh["params"], source["params"], *patterns)}


def everything(variables: Variables) -> tuple[str, ...]:
    """Names of all leaves."""
    return tuple(flatten(variables["params"]))


def frozen_below(source: Variables, fresh: Variables, *numbers: int) -> Transfer:
    """Some hidden layers copied and frozen with their batch norms, the rest fresh."""
    frozen = block(fresh["params"], *numbers)
    return Transfer(copy_layers(source, fresh, *frozen), all_but(fresh["params"], *frozen))


@strategy(needs_source=False, place=10)
def scratch(source, fresh):
    """No transfer: the fresh initialisation, all trainable."""
    return Transfer(fresh, everything(fresh))


@strategy(trains=False, place=11)
def zero_shot(source, fresh):
    """The source model as it is; nothing is trained."""
    return Transfer(source, ())


@strategy(wide=True, place=12)
def copy_layer1(source, fresh):
    """The published transfer: layer 1 copied and trainable, the rest fresh (experiment 5)."""
    return Transfer(copy_layers(source, fresh, *block(fresh["params"], 1)), everything(fresh))


@strategy(place=13)
def freeze_layer1(source, fresh):
    """Layer 1 copied and frozen, the rest fresh."""
    return frozen_below(source, fresh, 1)


@strategy(place=14)
def freeze_layer12(source, fresh):
    """Layers 1 and 2 copied and frozen, the rest fresh."""
    return frozen_below(source, fresh, 1, 2)


@strategy(wide=True, place=15)
def fine_tune(source, fresh):
    """All layers copied, all trainable."""
    return Transfer(source, everything(source))


@strategy(place=16)
def head_only(source, fresh):
    """All layers copied; only the head moves, from the source's own head."""
    return Transfer(source, tuple(n for n in everything(source) if n.startswith("head/")))
