"""The models that a finished study has kept, by the names of its arms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tl_jax.checkpoint import is_stage
from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.against import named

BEST = "best"


class Chosen(NamedTuple):
    """path: of the checkpoint. name: of the arm. warnings: what a user of its predictions must know."""

    path: Path
    name: str
    warnings: tuple[str, ...]


def model_of_study(folder: Path, name: str = BEST) -> Chosen:
    """The model of an arm of a results folder; BEST is the one that its report recommends.

    Args:
        name: BEST, an arm ("ridge"), or an arm with its source ("feature_ridge from Oxaliplatin").
    Raises:
        InputError: no such folder, arm or checkpoint, or several of that name.
    """
    file = Path(folder) / "summary.json"
    if (Path(folder) / "drugs.csv").is_file():
        raise InputError(f"--study={folder} holds several drugs; name the folder of one in it, beside drugs.csv")
    try:
        summary = json.loads(file.read_text(encoding="utf-8"))
        models = [(named(m["arm"], m["source"]), m["arm"], Path(m["path"])) for m in summary["models"]]
        best, quick = summary.get("recommended"), bool(summary.get("settings", {}).get("quick"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"--study={folder}: no folder of a study with models ({type(error).__name__}); name its --out"
        ) from error
    if name == BEST:
        if not isinstance(best, dict):
            raise InputError(f"--study={folder} recommends no model; name one: --model={_names(models)}")
        found = [(named(best["arm"], best["source"]), best["arm"], Path(best["path"]))]
    else:
        found = [one for one in models if name in one[:2]]
    if len(found) != 1:
        several = (
            f"there are several: --model='{_names(found, ' or ')}'" if found else nearest(name, [m[0] for m in models])
        )
        raise InputError(f"--model={name}: {'which one?' if found else 'the study kept no such model;'} {several}")
    whole, _, given = found[0]
    # As the study wrote it: from the folder where it ran, which is most often one above the results.
    path = next((p for p in (given, *(up / given for up in Path(folder).absolute().parents)) if is_stage(p)), None)
    if path is None:
        raise InputError(
            f"the model {whole} of {folder} is not at {given}; run from the folder where the study ran, or "
            "run the study again where its checkpoints were taken away"
        )
    warnings = [f"model {whole}: {path}"]
    if quick:
        warnings.append("warning: it is of a quick look, whose models are no result; run the study without --quick")
    return Chosen(path, whole, tuple(warnings))


def _names(models: list, between: str = ", ") -> str:
    return between.join(whole for whole, *_ in models)
