"""A finished results folder for other programs: its tables as Parquet, its numbers to a tracker of experiments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pandas as pd

from tl_jax.errors import InputError

TRACKERS = {"tensorboard": "tensorboardX", "mlflow": "mlflow"}  # {name in --track: package that it needs}
LONGEST = 500  # characters of a setting that MLflow takes


def write_parquet(folder: Path) -> list[Path]:
    """Every .csv of a folder, and of folders in it, as .parquet beside it.

    A column is numbers where every filled cell is one, else text.

    Raises:
        InputError: pyarrow is not installed.
    """
    needed("pyarrow", "tables")
    written = []
    for path in sorted(folder.rglob("*.csv")):
        # A drug or a gene may be called NA; the empty cell alone is missing.
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)
        frame.to_parquet(path.with_suffix(".parquet"), index=False)
        written.append(path.with_suffix(".parquet"))
    return written


def tracker(given: str) -> tuple[str, Path]:
    """--track=NAME:FOLDER as its two parts; InputError for another name, no folder, or a package that is missing."""
    name, _, folder = given.partition(":")
    if name not in TRACKERS or not folder:
        raise InputError(f"--track={given}: write tensorboard:FOLDER or mlflow:FOLDER")
    needed(TRACKERS[name], "track")
    return name, Path(folder)


def needed(package: str, extra: str) -> None:
    """InputError where a package cannot be imported."""
    try:
        import_module(package)
    except ImportError as error:
        raise InputError(f"{package} is not installed: pip install tl_jax[{extra}]") from error


def check(parquet: bool, given: str | None) -> None:
    """Refuse before the work what write_parquet and track could not do after it."""
    if parquet:
        needed("pyarrow", "tables")
    if given:
        tracker(given)


def tracked(out: Path, given: str) -> str:
    """Hand the results to the tracker; what came of it, since the tables stand and need no tracker."""
    try:
        track(out, given, out.name)
    except Exception as error:
        return f"not tracked: {type(error).__name__}: {error}"
    return f"tracked: {given}"


def track(results: Path, given: str, name: str) -> None:
    """Hand the losses by epoch and the means of the arms of a results folder to a tracker, as a run of this name.

    Folders in it that hold a study are runs of their own.
    """
    kind, folder = tracker(given)
    folder.mkdir(parents=True, exist_ok=True)
    send = {"tensorboard": _tensorboard, "mlflow": _mlflow}[kind]
    for summary in sorted(results.rglob("summary.json")):
        inside = summary.parent.relative_to(results).as_posix()
        send(summary.parent, folder.resolve(), name if inside == "." else f"{name}-{inside}")


def losses(results: Path) -> Iterator[tuple[str, int, float]]:
    """(ARM/SOURCE/COLUMN, epoch, value) of history.csv; nothing where no network was trained."""
    path = results / "history.csv"
    rows = pd.read_csv(path, keep_default_na=False) if path.is_file() else pd.DataFrame()
    for row in rows.to_dict("records"):
        where = "/".join(str(row[key]) for key in ("protocol", "source", "arm") if row.get(key))
        yield from ((f"{where}/{key}", int(row["epoch"]), float(row[key])) for key in ("train_loss", "test_loss"))


def means(results: Path) -> dict[str, float]:
    """{METRIC/PROTOCOL/SOURCE/ARM/SIZE: mean over folds or draws} of metrics.csv; {} where there is no such table."""
    path = results / "metrics.csv"
    if not path.is_file():
        return {}
    rows = pd.read_csv(path, keep_default_na=False, na_values={"value": [""]}, low_memory=False)
    keys = [key for key in ("metric", "protocol", "source", "arm", "size") if key in rows]
    rows = rows[rows["fold"].astype(str) != "pooled"] if "fold" in rows else rows
    found = rows.groupby(keys)["value"].mean().dropna()
    return {"/".join(filter(None, map(str, key))): float(value) for key, value in found.items()}


def _tensorboard(results: Path, folder: Path, name: str) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(logdir=str(folder / name)) as writer:
        for tag, epoch, value in losses(results):
            writer.add_scalar(tag, value, epoch)
        for tag, value in means(results).items():
            writer.add_scalar(tag, value, 0)


def _mlflow(results: Path, folder: Path, name: str) -> None:
    import mlflow
    from mlflow.entities import Metric, Param

    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    found = client.get_experiment_by_name("tl_jax")
    place = found.experiment_id if found else client.create_experiment("tl_jax", (folder / "artifacts").as_uri())
    run = client.create_run(place, run_name=name).info.run_id
    settings = json.loads((results / "summary.json").read_text(encoding="utf-8")).get("settings", {})
    params = [Param(key, str(value)[:LONGEST]) for key, value in settings.items()]
    points = [Metric(_tag(tag), value, 0, 0) for tag, value in means(results).items()]
    points += [Metric(_tag(tag), value, 0, epoch) for tag, epoch, value in losses(results)]
    client.log_batch(run, params=params)
    for start in range(0, len(points), 1000):  # as many as MLflow takes at once
        client.log_batch(run, metrics=points[start : start + 1000])
    if (results / "report.html").is_file():
        client.log_artifact(run, str(results / "report.html"))
    client.set_terminated(run)


def _tag(name: str) -> str:
    """A name that MLflow takes."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
