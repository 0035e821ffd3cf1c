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
from tl_jax.trees import all_but, flatten, replace_leaves
from tl_jax.types import Params, Strategy, Transfer, Variables


@dataclass(frozen=True)
class Registered:
    """A strategy and what the experiments must know of it.

    source_rows: how many of its own samples the source brings as source["rows"], scaled, (source_rows, genes).
    align: moves the target's rows towards the source's before layer 1: align(source rows)(training rows)(rows).
    """

    name: str
    function: Strategy
    needs_source: bool
    trains: bool
    source_rows: int = 0
    align: Callable | None = None


STRATEGIES: dict[str, Registered] = {}
# Strategies with numbers in their names: {beginning of the name: the rest -> the strategy}.
FAMILIES: dict[str, Callable[[str], Registered]] = {}


def strategy(
    *, needs_source: bool = True, trains: bool = True, source_rows: int = 0, align: Callable | None = None
) -> Callable[[Strategy], Strategy]:
    """Register a function under its own name. needs_source=False: runs without a source model.

    source_rows, align: see Registered.
    """

    def register(function: Strategy) -> Strategy:
        taken = STRATEGIES.get(function.__name__)
        if taken and taken.function.__module__ != function.__module__:
            raise InputError(f"a strategy named '{function.__name__}' exists already; give yours another name")
        name = function.__name__
        STRATEGIES[name] = Registered(name, function, needs_source, trains, source_rows, align)
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


def block(params: Params, *numbers: int) -> tuple[str, ...]:
    """Patterns of all leaves of some hidden layers, their batch norms included: "layer1/*", and "bn1/*" where it is."""
    wanted = {str(number) for number in numbers}
    return tuple(f"{name}/*" for name in params if name.lstrip("abcdefghijklmnopqrstuvwxyz") in wanted)


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


@strategy(needs_source=False)
def scratch(source, fresh):
    """No transfer: the fresh initialisation, all trainable."""
    return Transfer(fresh, everything(fresh))


@strategy(trains=False)
def zero_shot(source, fresh):
    """The source model as it is; nothing is trained."""
    return Transfer(source, ())


@strategy()
def copy_layer1(source, fresh):
    """The published transfer: layer 1 copied and trainable, the rest fresh (experiment 5)."""
    return Transfer(copy_layers(source, fresh, *block(fresh["params"], 1)), everything(fresh))


@strategy()
def freeze_layer1(source, fresh):
    """Layer 1 copied and frozen, the rest fresh."""
    return frozen_below(source, fresh, 1)


@strategy()
def freeze_layer12(source, fresh):
    """Layers 1 and 2 copied and frozen, a fresh head."""
    return frozen_below(source, fresh, 1, 2)


@strategy()
def fine_tune(source, fresh):
    """All layers copied, all trainable."""
    return Transfer(source, everything(source))


@strategy()
def head_only(source, fresh):
    """All layers copied; only the head moves, from the source's own head."""
    return Transfer(source, tuple(n for n in everything(source) if n.startswith("head/")))
