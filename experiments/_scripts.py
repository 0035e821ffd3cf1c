"""The scripts of experiments: light until they work, so that --help needs no library."""

from __future__ import annotations

from collections.abc import Callable

from experiments._command import Script
from experiments._declared import Group
from experiments._groups import EXPERIMENT


def experiment(name: str, doc: str, own: tuple[Group, ...] = (), **functions: Callable) -> Script:
    """One experiment as a script.

    own, functions: flags of its own, and `settings`, `protocols` and `plan_only` that read them.
    """

    def work() -> None:
        from experiments import _experiment

        _experiment.main(name, **functions)

    return Script(doc, (*EXPERIMENT, *own), work)
