"""What a user may set for bulk lines to single cells, resolved and hashable."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import ClassVar

from tl_jax.data.cells.labels import AUC, check_kind
from tl_jax.data.cells.lines import LineTables
from tl_jax.data.cells.resampling import NONE, UP, check_sampler
from tl_jax.data.cells.shared import SCALERS
from tl_jax.data.cells.steps import DEPTHS, Filters
from tl_jax.errors import InputError
from tl_jax.study.core.settings import StudySettings

NAME = "scdeal"
EMBEDDED = "embedded"
ARMS = ("prevalence", "logistic", "ridge", "ridge_within_tissue", "related_drugs")
NO_LINE = "none"
BIOLOGY = ("scanpy", "umap", "leidenalg", "igraph")  # packages
ATTENTION = ("", "A1", "A2", "A3")
BATCH_NORM = ("", "shared", "domain")
PRETRAINING = ("denoising", "autoencoder", "variational")
PRETRAIN_ON = {"both": ("train", "cells"), "bulk": ("train",), "cells": ("cells",)}  # names of domains
CHOICES = ("weight", "rate", "hidden")
FLAG = {"genes": "network_genes"}  # settings whose flag has another name


@dataclass(frozen=True)
class NetworkSettings:
    """Networks from lines to cells. seeds: runs, each on the next draw of the lines. transfers: (name, weight) of what
    brings the domains together, after a predictor on lines; "none" trains on without it. ramp: share of that training
    over which a weight rises. genes: those that vary most over the lines. binary: the published labels, the lowest
    fifth, in place of the response. masked: share of genes hidden in pre-training. attention: which encoders, "" the
    plain one. gmt: a file of A2's modules; "": clusters of genes. batch_norm: of the encoder, "" for none.
    sampling: how lines of two classes are resampled for the predictor and transfer. pretraining, pretrain_on: how,
    and on which domain. discriminator_rate, discriminator_steps: of "dann_minmax", as a factor and for each step of
    the encoder. choose: (setting, value) of a grid that the lines choose from before anything else, see choice.py.
    database_head: lines teach what each database measured, by a head for each; that of the first is kept.
    """

    seeds: int = 10
    transfers: tuple[tuple[str, float], ...] = (("none", 1.0), ("mmd", 1.0), ("coral", 1.0), ("dann", 1.0))
    genes: int = 1500
    hidden: tuple[int, ...] = (256,)
    bottleneck: int = 64
    predictor: tuple[int, ...] = (32,)
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 1e-3
    dropout: float = 0.1
    masked: float = 0.2
    ramp: float = 0.5
    binary: bool = False
    attention: tuple[str, ...] = ("",)
    gmt: str = ""
    batch_norm: str = ""
    sampling: str = NONE
    pretraining: str = PRETRAINING[0]
    pretrain_on: str = "both"
    discriminator_rate: float = 1.0
    discriminator_steps: int = 1
    choose: tuple[tuple[str, float | tuple[int, ...]], ...] = ()
    database_head: bool = False

    @property
    def rebuilding(self) -> tuple[str, ...]:
        """The terms of pre-training."""
        return ("variational" if self.pretraining == "variational" else "reconstruction",)

    @property
    def rebuilt(self) -> tuple[str, ...]:
        """The domains whose genes pre-training rebuilds."""
        return PRETRAIN_ON[self.pretrain_on]

    def __post_init__(self):
        above = ("seeds", "genes", "hidden", "bottleneck", "predictor", "epochs", "batch_size", "learning_rate")
        for name in (*above, "discriminator_rate", "discriminator_steps"):
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                if not 0 < value < float("inf"):
                    raise InputError(f"--{FLAG.get(name, name)}={value}: must be above 0")
        for name in ("dropout", "masked", "ramp"):
            if not 0 <= getattr(self, name) <= 1 or (name != "ramp" and getattr(self, name) == 1):
                raise InputError(f"--{name}={getattr(self, name)}: must lie between 0 and 1")
        wrong = [name for name in self.attention if name not in ATTENTION]
        if wrong:
            raise InputError(f"--attention={wrong[0]}: there are: none, {', '.join(ATTENTION[1:])}")
        if "A1" in self.attention and self.bottleneck % 32:
            raise InputError(
                f"--bottleneck={self.bottleneck}: A1 cuts it into 8 pieces for 4 heads; give a multiple of 32"
            )
        for name, weight in self.transfers:
            if not 0 <= weight < float("inf"):
                raise InputError(f"--transfer={name}:{weight:g}: a weight must be a number that is not below 0")
        self.check_words()

    def check_words(self) -> None:
        """Refuse what is unknown, and what would change nothing."""
        words = {"batch_norm": BATCH_NORM, "pretraining": PRETRAINING, "pretrain_on": tuple(PRETRAIN_ON)}
        for name, known in words.items():
            if getattr(self, name) not in known:
                raise InputError(f"--{name}={getattr(self, name)}: there are: {', '.join(filter(None, known))}")
        if self.sampling != NONE and not self.binary:
            raise InputError(f"--sampling={self.sampling} needs two classes: give --binary_labels too")
        if self.sampling != NONE and self.database_head:
            raise InputError(f"--sampling={self.sampling} knows one response of a line; leave --database_head out")
        check_sampler(self.sampling)
        if self.batch_norm and set(self.attention) <= {"A2", "A3"}:
            raise InputError("--batch_norm changes nothing with tokens of genes alone (A2, A3); leave it out")
        for name, value in self.choose:
            if name not in CHOICES:
                raise InputError(f"--choose={name}:{value}: there are: {', '.join(CHOICES)}")
            if not all(0 < one < float("inf") for one in (value if isinstance(value, tuple) else (value,))):
                raise InputError(f"--choose={name}: values must be above 0")


@dataclass(frozen=True)
class PublishedSettings:
    """scDEAL as its code runs it. repaired: names of quirks that are turned off. quirk_table: besides, each quirk off
    alone, and each alone with all others off. rate: of Adam, where the quirk that ignores it is off. up: the rare
    class of the lines is drawn as often as the other. The rest are its sizes and its training.
    """

    seeds: int = 10
    repaired: tuple[str, ...] = ()
    quirk_table: bool = False
    hidden: tuple[int, ...] = (512, 256)
    bottleneck: int = 128
    predictor: tuple[int, ...] = (128, 64)
    dropout: float = 0.3
    epochs: int = 500
    batch_size: int = 200
    rate: float = 1e-3
    sampling: str = NONE

    def __post_init__(self):
        if self.resampling:
            check_sampler(self.sampling)

    @property
    def resampling(self) -> tuple[str, ...]:
        """What imbalanced-learn does before a seed; () where nothing is resampled, or within the program."""
        return () if self.sampling in (NONE, UP) else (self.sampling,)


@dataclass(frozen=True)
class CellSettings(StudySettings):
    """Resolved options; every field goes into summary.json.

    cells: a file of cells, or "embedded" for a simulated pair. lines: tables of bulk lines. cell_line: lines that the
    cells are of, taken out of the source; "none" where they are of none. cell_line_column: a column of the cells'
    table that names them instead. response: what is learned of the lines (data/cells/labels.py); remove_general: the
    part that a line's mean over other drugs explains is taken out first. highly_variable: how many of the shared genes
    stay, those that vary most over the cells; 0: all. cell_cycle: taken out of both domains. smooth: cells averaged for
    each cell, itself among them; 0 or 1 for none. penalty: of ridges; 0: chosen on the lines. repeats: draws of `share`
    of the lines. bootstraps: of the lines, for the sign. nulls: permutations of the response and of the genes that the
    score is held against; 0: none. seed: of everything that is drawn. drugs: "all" for a profile
    over every drug in place of one. biology: genes, map and pseudotime by scanpy; root: the cell where pseudotime
    begins, "": the most sensitive one. leak: every drug with and without the cells' own lines in the source. UNUSED:
    fields of other studies that mean nothing here.
    """

    UNUSED: ClassVar[tuple[str, ...]] = ("folds", "split", "at_once", "quick")
    NO_SCIENCE: ClassVar[tuple[str, ...]] = (*StudySettings.NO_SCIENCE, "biology", "root")
    FILES: ClassVar[tuple[str, ...]] = ("networks.gmt",)

    cells: str = EMBEDDED
    layer: str = ""
    values: str = ""
    lines: LineTables | None = None
    drug: str = ""
    drugs: str = ""
    cell_line: tuple[str, ...] = ()
    cell_line_column: str = ""
    filters: Filters = field(default_factory=Filters)
    depth: str = ""  # "": regress for counts, else none
    response: str = AUC
    remove_general: bool = False
    min_genes: int = 200
    scaler: str = "zscore"
    highly_variable: int = 0
    cell_cycle: bool = False
    smooth: int = 10
    penalty: float = 0.0
    biology: bool = False
    root: str = ""
    arms: tuple[str, ...] = ARMS
    repeats: int = 10
    share: float = 0.8
    bootstraps: int = 50
    networks: NetworkSettings | None = None
    published: PublishedSettings | None = None
    nulls: int = 0
    leak: bool = False

    def __post_init__(self):
        self.check_numbers(("repeats", "bootstraps", "min_genes"))
        check_kind(self.response)
        words = {"scaler": SCALERS, "depth": ("", *DEPTHS), "arms": ARMS, "drugs": ("", "all")}
        for name, known in words.items():
            value = getattr(self, name)
            wrong = [one for one in (value if isinstance(value, tuple) else (value,)) if one not in known]
            if wrong:
                raise InputError(f"--{name}={wrong[0]}: there are: {', '.join(filter(None, known))}")
        if "ridge" not in self.arms:
            raise InputError("--arms lacks ridge, which scores the cells; add it")
        if not 0 < self.share < 1:
            raise InputError(f"--share={self.share}: must lie between 0 and 1; held-out lines settle the threshold")
        if self.repeats < 2:
            raise InputError("--repeats=1: one draw says nothing of how much draws vary; ask for at least 2")
        for name in ("smooth", "nulls", "penalty"):
            if getattr(self, name) < 0:
                raise InputError(f"--{name}={getattr(self, name)}: must not be below 0")
        if self.cells != EMBEDDED and (self.lines is None or not (self.drug or self.drugs)):
            raise InputError("--cells needs --bulk_expression, --bulk_response and --drug, or --drugs=all")
        self.check_parts()

    def check_parts(self) -> None:
        """Refuse parts that do not go together, and one whose packages are missing, before any work."""
        if self.highly_variable and self.highly_variable < self.min_genes:
            raise InputError(f"--highly_variable={self.highly_variable}: at least --min_genes={self.min_genes}, or 0")
        if self.highly_variable and self.depth == "pearson":
            raise InputError("--highly_variable goes without --depth=pearson, whose values are no logarithms")
        if self.drugs and (self.drug or self.biology):
            raise InputError(f"--drugs=all goes without --{'drug' if self.drug else 'biology'}; leave one of them out")
        if self.networks and self.networks.database_head and (self.response != AUC or self.remove_general):
            changed = "remove_general" if self.remove_general else f"response={self.response}"
            raise InputError(f"--database_head learns responses as they were measured; leave --{changed} out")
        if self.root and not self.biology:
            raise InputError(f"--root={self.root} changes nothing without --biology")
        if self.biology and not all(map(find_spec, BIOLOGY)):
            raise InputError("--biology needs scanpy, umap-learn, leidenalg and igraph: pip install 'tl_jax[sc]'")

    def told(self) -> dict:
        """Every field that means something here, for summary.json and the page."""
        return {name: value for name, value in self.as_dict().items() if name not in self.UNUSED}
