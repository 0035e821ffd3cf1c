"""Studies from Python: strategies and baselines compared on the same folds, with what came of it."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from tl_jax.api.arms import known, listed
from tl_jax.api.tables import table_of_arms
from tl_jax.config import NetworkConfig
from tl_jax.data.chain import ROLES, Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED
from tl_jax.evaluation.statistics.verdict import whole_verdict
from tl_jax.report.sections.answer import QUICK
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.system.files import folder_atomic, write_json
from tl_jax.system.parts import RECORD
from tl_jax.system.progress import spoken
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Network, Strategy

FORGOTTEN = "the models were kept in a temporary folder only; checkpoint_dir= keeps them and finds them again"
Route = Sequence[str]


@dataclass(frozen=True)
class FreeSettings(Settings):
    """The settings of a study whose network may be any."""

    network_name: str = "two_step"

    @property
    def network(self) -> NetworkConfig:
        return NetworkConfig(self.network_name, self.hidden)


@dataclass(frozen=True)
class Study:
    """What a study gave.

    Args:
        results: all tables, notes and settings; the properties below give the tables that most people want.
        record: what determines the numbers.
    """

    results: Results
    record: dict

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per arm, source, repeat, fold (a number, or "pooled" for all of a repeat) and metric: value."""
        return self.results.table("metrics")

    @property
    def predictions(self) -> pd.DataFrame:
        """One row per arm, source, repeat, fold and held-out sample: y_true and y_pred in the response's unit."""
        return self.results.table("predictions")

    @property
    def history(self) -> pd.DataFrame:
        """One row per arm, source and epoch: losses, mean over runs with the 10th and 90th percentiles."""
        return self.results.table("history")

    @property
    def comparisons(self) -> pd.DataFrame:
        """One row per metric and pair of arms; `tl_jax.compare` reads it against one arm."""
        return self.results.comparisons

    @property
    def verdict(self) -> str:
        """What the study allows to be said, in sentences chosen by rule; the first lines of its report."""
        metrics, plan = self.metrics.assign(source=self.metrics["source"].fillna("")), self.results.plan
        tables = (self.results.extra.get(name) or [None] for name in ("detectable", "source_test", "intervals"))
        detectable, tested, intervals = (found[0] for found in tables)
        text = whole_verdict(
            self.comparisons,
            metrics,
            detectable,
            plan.settings.metric,
            source_test=tested,
            intervals=intervals,
            registered=plan.registered.text() if plan.registered else "",
        )
        return f"{QUICK}. {text}" if plan.settings.quick else text

    @property
    def notes(self) -> list[str]:
        """Remarks for the reader of the numbers."""
        return list(self.results.notes)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write what a script writes: tables as CSV, summary.json, study.json, pictures and report.html.

        Args:
            folder: made if it is not there; it appears whole or not at all.
            overwrite: replace an earlier study's folder.

        Returns:
            The folder.

        Raises:
            InputError: the folder holds something already, or cannot be written.
        """
        with folder_atomic(Path(folder), overwrite) as place:
            write_json(place / RECORD, self.record)
            write_outputs(self.results, place)
        return Path(folder)

    def __repr__(self) -> str:
        settings, domain = self.results.settings, self.results.cohort.stage(self.results.experiment.evaluated)
        samples = self.predictions["sample_id"].nunique()
        head = f"Study of {self.results.cohort.name}: {samples} samples of {domain.name}, "
        head += f"{settings.folds} folds x {settings.repeats} repeats, protocol {settings.protocol}"
        return "\n".join([head, *table_of_arms(self.metrics, settings.metric)])


def run_study(
    cohort: Cohort,
    *,
    route: Route | Sequence[Route] = ("source", "target"),
    strategies: Sequence[str | Strategy | Registered] = ("scratch", "zero_shot", "freeze_layer1"),
    baselines: Sequence[str | Callable] = ("mean", "ridge"),
    network: str | Network = "two_step",
    hidden: Sequence[int] | None = None,
    source_drug: str | Sequence[str] | None = None,
    protocol: str = "honest",
    metric: str = JUDGED,
    reference: str | None = None,
    folds: int = 3,
    repeats: int | None = None,
    seed: int = 400,
    epochs: int | None = None,
    learning_rate: float | None = None,
    quick: bool = False,
    checkpoint_dir: str | Path | None = None,
    progress: bool = False,
) -> Study:
    """Cross-validate strategies and baselines on the same folds, then train each strategy on all rows.

    Args:
        cohort: of load_cohort or Cohort.from_frames; under protocol "as_published" load it with that protocol too.
        route: the way to the last role, which is evaluated: ("source", "target"), ("source", "intermediate", "target"),
            ("target",) for no source model; or a list of such ways, side by side.
        strategies: names, functions (source, fresh) -> Transfer, or registered objects. A function without
            @tl_jax.strategy() starts from a source and trains.
        baselines: names, or functions fit_predict(x_train (n, genes), y_train (n,), x_test (m, genes), *, groups (n,))
            -> (m,), expression scaled and the response in its own unit.
        network: a name, or a Network of your own with the layers layer1, ..., head.
        hidden: units of its two hidden layers; None: 1000 and 100, with quick 100 and 20. Not for a Network.
        source_drug: of the source: a name, several, or "all"; None: the cohort's default_source.
        protocol: "honest", "as_published" or "transductive": what held-out rows may lend.
        metric: that judges arms, by name.
        reference: the arm without a source that all others are held against; None: ridge, or scratch where no ridge is
            run.
        folds: of a repeat.
        repeats: partitions into folds; None: 10, with quick 2.
        seed: of partitions, initialisations, shuffles and dropout.
        epochs: of the evaluated stage; None: the published ones.
        learning_rate: of the evaluated stage; None: the published one.
        quick: a small study that shows every step.
        checkpoint_dir: where models are kept and found again; None: a temporary folder, which goes with the Study.
            Nothing else is written before Study.save.
        progress: True tells on standard error what is being done.

    Returns:
        Study: metrics, predictions, history, comparisons and notes.

    Raises:
        InputError: before any training, for what cannot end well: an unknown name, a string for a list, roles that the
            cohort lacks, too few samples for the folds.
    """
    if not isinstance(cohort, Cohort):
        raise InputError(
            f"cohort is of type {type(cohort).__name__}; give tl_jax.load_cohort(...) or Cohort.from_frames"
        )
    if isinstance(network, Network) and hidden is not None:
        raise InputError("hidden changes nothing beside a Network of your own; leave it out")
    experiment, drugs = experiment_of(route), drugs_of(source_drug, cohort)
    given = {
        "cohort": cohort.name,
        "source_drugs": drugs,
        "protocol": protocol,
        "metric": metric,
        "reference": reference,
        "folds": folds,
        "repeats": repeats or (2 if quick else 10),
        "seed": seed,
        "epochs": epochs,
        "learning_rate": () if learning_rate is None else (learning_rate,),
        "quick": quick,
        "hidden": (100, 20) if quick else (1000, 100),
    }
    if hidden is not None:
        given["hidden"] = listed(hidden, "hidden")
    folder = Path(mkdtemp(prefix="tl_jax_")) if checkpoint_dir is None else None
    try:
        with known(strategies, baselines, network, len(cohort.genes)) as (moved, plain, name):
            given |= {"strategies": moved, "baselines": plain, "network_name": name}
            settings = FreeSettings(**given, checkpoint_dir=str(folder or checkpoint_dir))
            plan = prepare(experiment, settings, cohort)
            with spoken(progress):
                results = run_plan(plan)
            study = Study(results, plan.identity())
    except BaseException:
        forget(folder)
        raise
    weakref.finalize(study, forget, folder)
    if source_drug is None and experiment.routes_in(cohort) and len(cohort.source_drugs) > 1:
        results.notes.append(f"source drug {drugs[0]}, the default of the cohort; source_drug= names another")
    if folder:
        results.notes.append(FORGOTTEN)
    return study


def forget(folder: Path | None) -> None:
    """Delete a temporary folder of models."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def experiment_of(route: Route | Sequence[Route]) -> Experiment:
    """The experiment that evaluates the last role of the route, on the ways that lead to it."""
    given = listed(route, "route")
    ways = (
        [given] if given and all(isinstance(role, str) for role in given) else [listed(way, "route") for way in given]
    )
    for way in ways:
        places = [ROLES.index(role) if role in ROLES else -1 for role in way]
        if not way or -1 in places or places != sorted(set(places)):
            raise InputError(f"route={list(way)}: write roles in the order of the chain, of: {', '.join(ROLES)}")
    if len({way[-1] for way in ways}) != 1:
        raise InputError(f"route={[list(way) for way in ways]}: every way must end at the same role")
    before = tuple(dict.fromkeys(way[:-1] for way in ways if len(way) > 1))
    return Experiment("study", "a study from Python", ways[0][-1], before)


def drugs_of(source_drug: str | Sequence[str] | None, cohort: Cohort) -> tuple[str, ...]:
    """The source drugs to run."""
    if source_drug is None:
        return (cohort.default_source,)
    return (source_drug,) if isinstance(source_drug, str) else listed(source_drug, "source_drug")
