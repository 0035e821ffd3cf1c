"""The pages of the app, a file each, in the order in which they are offered."""

from collections.abc import Callable
from typing import NamedTuple

from tl_jax.app.views import cells, compare, compounds, downloads, genes, lineage, results, study


class View(NamedTuple):
    """A page: its title, what draws it, and the choices of the address that it takes over from another page."""

    title: str
    show: Callable[[], None]
    carries: tuple[str, ...] = ()


VIEWS = {
    "results": View("Results", results.show, ("study",)),
    "study": View("New study", study.show, ("job",)),
    "cells": View("Single cells", cells.show, ("cells",)),
    "compounds": View("Compounds", compounds.show, ("job",)),
    "compare": View("Compare", compare.show, ("study",)),
    "genes": View("Genes", genes.show, ("study",)),
    "lineage": View("Lineage", lineage.show, ("study",)),
    "downloads": View("Downloads", downloads.show, ("study",)),
}
