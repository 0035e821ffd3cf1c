"""A results folder as the report reads it: tables by name, checked, and what summary.json says."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED, get
from tl_jax.evaluation.statistics.registry import Metric, from_record
from tl_jax.evaluation.statistics.verdict import judged_protocol, mean_per_fold, reference_in, versus
from tl_jax.report.blocks import Absent, printable
from tl_jax.report.sections.contract import NUMBERS_BUT, OPTIONAL_NUMBERS, TABLES, Contract, named
from tl_jax.system.files import sha256_of

REMEDY = "write it with the experiment's own script"


@dataclass(frozen=True)
class Study:
    """tables: {name: frame with rows}; record and summary: study.json and summary.json, {} where absent.

    metric: that judges the study.
    """

    tables: dict[str, pd.DataFrame]
    summary: dict
    record: dict
    digests: dict[str, str]
    contracts: Mapping[str, Contract] = field(default_factory=lambda: TABLES)
    metric: Metric = field(default_factory=lambda: get(JUDGED))

    def table(self, name: str) -> pd.DataFrame:
        """A table; without rows where the folder has none."""
        contract = self.contracts[name]
        return self.tables.get(name, pd.DataFrame(columns=[*contract.text, *contract.numbers]))

    def need(self, *names: str) -> pd.DataFrame:
        """The first of these tables that has rows; Absent where none has."""
        for name in names:
            if name in self.tables:
                return self.tables[name]
        raise Absent(f"no {' or '.join(f'{name}.csv' for name in names)} with rows in this folder")

    def entry(self, *keys: str, kind: type = object):
        """An entry of the summary by its keys, one inside the other; None where there is none of that kind."""
        found = self.summary
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, kind) else None

    @property
    def alone(self) -> bool:
        """Whether the cohort is one domain, without a source."""
        return self.entry("cohort", "domains") == 1

    @property
    def metrics(self) -> pd.DataFrame:
        return self.tables["metrics"]

    @cached_property
    def protocol(self) -> str:
        """The protocol by which methods are judged."""
        return judged_protocol(self.metrics)

    @cached_property
    def means(self) -> pd.DataFrame:
        """arm, source, mean of the metric per fold, best first."""
        return mean_per_fold(self.metrics, self.protocol, self.metric.name)

    @cached_property
    def reference(self) -> str:
        """The arm that all others are held against."""
        return reference_in(self.table("comparisons"), self.protocol, self.means)

    @cached_property
    def gains(self) -> pd.DataFrame:
        """Every arm minus the study's reference, largest gain first."""
        return versus(self.table("comparisons"), self.protocol, self.reference, self.metric.name)

    def first(self, key: tuple[str, float]) -> tuple:
        """Order of (protocol, training samples): the judged protocol first, then many samples before few."""
        return key[0] != self.protocol, key[0], -key[1]

    def judged(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the judged protocol; all where the table has none of it."""
        rows = frame[frame["protocol"] == self.protocol]
        return rows if len(rows) else frame


def read_study(folder: Path) -> Study:
    """Read and check every table of a results folder of an experiment; see read_folder.

    Raises:
        InputError: also a row of metrics.csv given twice.
    """
    study = read_folder(folder, TABLES)
    _refuse_repeats(study.metrics, Path(folder) / "metrics.csv")
    return study


def read_folder(folder: Path, contracts: Mapping[str, Contract], first: str = "metrics", judged: str = JUDGED) -> Study:
    """Read and check the tables of a results folder that `contracts` names; the table `first` must be there.

    judged: the metric of a study that records none.

    Raises:
        InputError: no folder, no such table, a missing column, a cell that is no number, a file that is no UTF-8 or no
            JSON.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the --out folder of an experiment")
    if not (folder / f"{first}.csv").is_file():
        if (folder / "drugs.csv").is_file():
            raise InputError(f"{folder} holds several drugs; name the folder of one in it, beside drugs.csv")
        raise InputError(f"{folder} holds no {first}.csv; name the --out folder of an experiment that has ended")
    summary = _json(folder / "summary.json")
    metric = metric_of(summary, judged)
    contracts = {name: contract.of(metric.name) for name, contract in contracts.items()}
    there = {name: folder / f"{name}.csv" for name in contracts}
    frames = {name: _read(path, name, contracts[name], metric.name) for name, path in there.items() if path.is_file()}
    tables = {name: frame for name, frame in frames.items() if len(frame)}
    if first not in tables:
        raise InputError(f"{folder / f'{first}.csv'} has no rows; {REMEDY}")
    files = sorted(folder / name for name in [*(f"{name}.csv" for name in frames), "summary.json", "study.json"])
    digests = {path.name: sha256_of(path) for path in files if path.is_file()}
    return Study(tables, summary, _json(folder / "study.json"), digests, contracts, metric)


def metric_of(summary: dict, usual: str) -> Metric:
    """The metric by which a study was judged, as its summary records it; the usual one where there is no record."""
    found = summary.get("metric")
    return from_record(found) if isinstance(found, dict) else get(usual)


def _read(path: Path, name: str, contract: Contract, metric: str) -> pd.DataFrame:
    """One table, its numbers as float64 and all else as text; an empty cell is NaN or ""."""
    try:
        # A drug or a gene may be called NA: nothing is taken for missing but the empty cell of a number.
        _refuse_ragged(path)
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except InputError:
        raise
    except (ValueError, pd.errors.ParserError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(f"{path} cannot be read as a table ({error}); {REMEDY}") from error
    missing = [column for column in (*contract.text, *contract.numbers) if column not in frame]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]}; {REMEDY}")
    text = NUMBERS_BUT.get(name)
    further = [c for c in frame if c not in text] if text else named(OPTIONAL_NUMBERS.get(name, ()), metric)
    numbers = [*contract.numbers, *(column for column in further if column in frame)]
    columns = {c: _numbers(frame[c], path) if c in numbers else frame[c].map(printable) for c in frame}
    return pd.DataFrame(columns).rename(columns=lambda column: printable(str(column)))


def _refuse_ragged(path: Path) -> None:
    """A lost cell or heading puts values under other headings, which pandas would not say."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        heading = next(rows, [])
        repeated = next((name for name in heading if heading.count(name) > 1), None)
        if repeated is not None:
            raise InputError(f"{path} has the column '{repeated}' twice; {REMEDY}")
        for row in rows:
            if row and len(row) != len(heading):
                place = f"{path}, line {rows.line_num}"
                raise InputError(f"{place}: {len(row)} fields, the heading has {len(heading)}; {REMEDY}")


def _numbers(cells: pd.Series, path: Path) -> pd.Series:
    """Text as numbers."""
    filled = cells.str.strip()
    numbers = pd.to_numeric(filled.where(filled != "", np.nan), errors="coerce")
    wrong = numbers.isna() & ~filled.str.lower().isin(["", "nan"])
    if wrong.any():
        place = wrong.idxmax()
        raise InputError(f"{path}, line {place + 2}, column {cells.name}: {cells[place]!r} is no number; {REMEDY}")
    return numbers.astype(np.float64)


def _refuse_repeats(metrics: pd.DataFrame, path: Path) -> None:
    """The same measurement twice would count twice in every mean."""
    keys = ["arm", "source", "protocol", "repeat", "fold", "metric"]
    twice = metrics.duplicated(["experiment", *keys] if "experiment" in metrics else keys)
    if twice.any():
        arm = metrics.loc[twice.idxmax(), "arm"]
        raise InputError(
            f"{path}, line {twice.idxmax() + 2}: arm {arm} has this repeat, fold and metric twice; {REMEDY}"
        )


def _json(path: Path) -> dict:
    """A JSON object; {} where there is no file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}); {REMEDY}, or remove the file") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no JSON object; {REMEDY}, or remove the file")
    return content
