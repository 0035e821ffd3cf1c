"""The one command from Python: from two tables to studies, with a report and a model to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tl_jax.api.study import Study
from tl_jax.data.drafts.draft import Wishes
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED
from tl_jax.report import exports
from tl_jax.study.answer import answer as made
from tl_jax.study.answer.plan import planned
from tl_jax.study.answer.tables import Tables, drafted
from tl_jax.study.cohort.settings import Settings
from tl_jax.system.files import folder_atomic, write_json
from tl_jax.system.parts import RECORD
from tl_jax.system.progress import spoken

SPLITS = ("stratified", "plain")


@dataclass(frozen=True)
class Answer:
    """What the tables answered.

    Args:
        studies: {drug: Study}.
        remarks: what was found in the tables, and what the checks say.
        folder: with report.html and all tables; `tl_jax predict --study=FOLDER` takes its models.
    """

    studies: dict[str, Study]
    remarks: tuple[str, ...]
    folder: Path


def answer(
    expression: str | Path,
    response: str | Path,
    *,
    out: str | Path,
    drug: str | Sequence[str] | None = None,
    source: str = "auto",
    annotation: str | Path | None = None,
    data_dir: str | Path | None = None,
    value: str | None = None,
    direction: str | None = None,
    unit: str | None = None,
    groups: str | None = None,
    source_drug: str | Sequence[str] = (),
    source_tissues: str = "shipped",
    expression_keys: Mapping | None = None,
    response_keys: Mapping | None = None,
    signature: Sequence[str] = (),
    pathways: str | Path | None = None,
    repeats: int | None = None,
    folds: int | None = None,
    split: str = "stratified",
    seed: int = 400,
    metric: str = JUDGED,
    scaling: str | None = None,
    mechanisms: str | Path | None = None,
    quick: bool = False,
    checkpoint_dir: str | Path = "checkpoints",
    overwrite: bool = False,
    parquet: bool = False,
    track: str | None = None,
    progress: bool = False,
) -> Answer:
    """Draft a cohort from two tables, check it, run a full study of each drug, and write its report and models.

    Args:
        expression: path of the table of samples and genes, either way round.
        response: path of the table of responses.
        out: folder to write; it appears whole or not at all.
        drug: a name, several, or "all" of the table; None: the one of the table.
        source: a shipped cohort whose first domain is the source; "auto": what stands in the folder; "none".
        annotation: path of a table with tissue, patient or batch.
        data_dir: folder that holds all tables; None: that of the expression.
        value: column of the response.
        direction: what a high value means, "resistant" or "sensitive".
        unit: of the response.
        groups: column whose samples share a fold, such as patients or batches; None: found by its name.
        source_drug: drug or drugs of the source; (): the drug itself where the source knows it.
        source_tissues: "shipped", or "all" lines of the source, also those that the shipped cohort leaves out.
        expression_keys, response_keys: of a cohort file, for what the tables leave open, {"decimal": ","}.
        signature: genes whose mean is a baseline.
        pathways: path of a GMT file; a ridge on the scores of its sets is a baseline, and effects are tested by set.
        repeats: of cross-validation; None: 10, with quick 2.
        folds: of each repeat; None: 3.
        split: how folds are drawn, "stratified" or "plain".
        seed: of all that is drawn.
        metric: that judges arms, by name.
        scaling: of genes, "standard", "floored" or "shrunken"; None: floored.
        mechanisms: path of a table of drugs that act alike, in place of the shipped one.
        quick: a look with a small network, no result.
        checkpoint_dir: where models are kept and found again.
        overwrite: replace an earlier folder.
        parquet: write each table as .parquet too.
        track: "tensorboard:FOLDER" or "mlflow:FOLDER", where losses by epoch and means of arms go too.
        progress: True tells on standard error what is being done.

    Returns:
        Answer: the studies by drug, remarks and the folder.

    Raises:
        InputError: before any training, for what the tables do not say (it names the argument's flag) or what the
            checks call blocking.
    """
    names, sources = several(drug), several(source_drug)
    if split not in SPLITS:
        raise InputError(f"--split={split}: there are: {', '.join(SPLITS)}")
    exports.check(parquet, track)
    said = {"value": value, "direction": direction, "unit": unit, "source_tissues": source_tissues}
    said |= {
        "groups": groups,
        "expression_keys": dict(expression_keys or {}),
        "response_keys": dict(response_keys or {}),
    }
    wishes = Wishes(Path(expression).name.split(".")[0], **said)
    paths = [None if one is None else Path(one) for one in (annotation, data_dir)]
    tables = Tables(Path(expression), Path(response), *paths, names, source, wishes)
    files = {"mechanisms": mechanisms, "pathways": pathways}
    given = Settings(
        cohort=wishes.name, source_drugs=sources, repeats=repeats, folds=folds, split=split, seed=seed, metric=metric,
        scaling=scaling, signature=tuple(signature), checkpoint_dir=str(checkpoint_dir),
        **{name: None if one is None else str(one) for name, one in files.items()},
    )  # fmt: skip
    with folder_atomic(Path(out), overwrite) as folder, TemporaryDirectory() as place, spoken(progress):
        file = Path(place) / f"{wishes.name}.toml"
        remarks, cohorts = drafted(tables, file)
        drugs = [planned(cohort, given.in_quick_mode() if quick else given) for cohort in cohorts]
        found = made.checked(drugs)
        made.refuse_blocked(drugs, found)
        done = made.run(drugs, found, file.read_text(encoding="utf-8"), None)
        write_json(folder / RECORD, made.identity(drugs))
        made.write(done, folder)
        if parquet:
            exports.write_parquet(folder)
    kept = [exports.tracked(Path(out), track)] if track else []
    pairs = zip(done.results, drugs, strict=True)
    studies = {name: Study(results, one.plan.identity()) for (name, results), one in pairs}
    checks = (f"{one.text}: {one.remedy}" for one in made.findings(found))
    return Answer(studies, (*remarks, *checks, *kept), Path(out))


def several(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name, several or none, as names."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)
