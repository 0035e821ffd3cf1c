"""Names of parameters, and copies of them: what a strategy is written with.

A leaf is named by its layer and its role, such as "layer1/kernel"; patterns are those of a shell, such as "layer1/*".
"""

from __future__ import annotations

from tl_jax import trees
from tl_jax.errors import InputError
from tl_jax.types import Variables, leaf_names

__all__ = ["all", "all_but", "copy", "select"]


def all(variables: Variables) -> tuple[str, ...]:
    """Names of all leaves.

    Args:
        variables: {"params": {layer: {leaf: array}}}, such as a strategy's source.

    Returns:
        tuple[str, ...]: in the tree's own order.
    """
    return leaf_names(variables["params"])


def select(variables: Variables, *patterns: str) -> tuple[str, ...]:
    """Names of the leaves that match any pattern.

    Args:
        variables: {"params": {layer: {leaf: array}}}.
        patterns: such as "layer1/*" or "*/bias".

    Returns:
        tuple[str, ...]: in the tree's own order.

    Raises:
        InputError: a pattern matches nothing; a misspelt layer must never silently stay as it is.
    """
    return _refused(trees.select, variables["params"], *patterns)


def all_but(variables: Variables, *patterns: str) -> tuple[str, ...]:
    """Names of the leaves that match no pattern: what trains when `patterns` are frozen.

    Args:
        variables: {"params": {layer: {leaf: array}}}.
        patterns: such as "layer1/*".

    Returns:
        tuple[str, ...]: in the tree's own order, at least one.

    Raises:
        InputError: a pattern matches nothing, or together they match every leaf.
    """
    return _refused(trees.all_but, variables["params"], *patterns)


def copy(source: Variables, fresh: Variables, *patterns: str) -> Variables:
    """`fresh` with some leaves taken from `source`.

    Args:
        source: variables of the source model.
        fresh: variables drawn for this run.
        patterns: of the leaves to take, such as "layer1/*".

    Returns:
        Variables: new ones; the arguments stay as they are.

    Raises:
        InputError: a pattern matches nothing, or a leaf has another shape in the source.
    """
    return {**fresh, "params": _refused(trees.replace_leaves, fresh["params"], source["params"], *patterns)}


def _refused(function, *arguments):
    """Call; what is wrong with names and shapes as the one exception that a user meets."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise InputError(str(error)) from error
