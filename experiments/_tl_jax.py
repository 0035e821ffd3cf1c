"""The command `tl_jax`: the scripts of experiments/ under one name, each a subcommand with the script's own flags."""

from __future__ import annotations

import difflib
import importlib
import re
import sys

from experiments._command import Script, end, fail, guarded
from experiments._help import ASKING

# {task: {subcommand: (script, what it does)}}
TASKS = {
    "an answer": {
        "answer": ("answer", "from your two tables to a report and a model to use, in one command"),
    },
    "data": {
        "fetch": ("fetch", "fetch public data into a folder, each file checked"),
        "init": ("init_cohort", "write a cohort file for your own tables"),
        "check": ("check_data", "look at a cohort before any training"),
        "power": ("power", "how often a study of so many samples finds a gain"),
    },
    "studies of drug response": {
        "study": ("two_step_study", "every way to the target as one study"),
        "exp1": ("exp1_gdsc", "the source from scratch, one model per drug"),
        "exp2": ("exp2_intermediate", "the intermediate cohort from scratch"),
        "exp3": ("exp3_source_to_intermediate", "one step, source to intermediate; chooses a source drug"),
        "exp4": ("exp4_target", "the target from scratch"),
        "exp5": ("exp5_intermediate_to_target", "one step, intermediate to target"),
        "exp6": ("exp6_source_to_target", "one step, source to target"),
        "exp7": ("exp7_two_step", "two steps, source to intermediate to target"),
        "many_targets": ("many_targets", "all source drugs as one source, judged on every drug of a target"),
    },
    "studies of compounds": {
        "compounds": ("dti_transfer", "which compounds are active, with other protein families as sources"),
        "grid": ("dti_grid_search", "a grid of hyper-parameters on one protein family"),
    },
    "studies of single cells": {
        "cells": ("scdeal", "a sensitivity score for every cell, learned from bulk lines"),
        "attention": ("atsdp", "the same with networks of multi-head attention beside the plain ones"),
        "cells_predict": ("scdeal_predict", "score new cells with the model that a study of cells keeps"),
    },
    "results and models": {
        "report": ("report", "one page of a finished study, from its tables"),
        "compare": ("compare", "several finished studies of one cohort side by side, arm by arm"),
        "over_targets": ("over_targets", "one arm over the finished studies of several independent targets"),
        "predict": ("predict", "predict new samples or compounds with a stage checkpoint"),
        "lineage": ("lineage", "print the ancestry of a stage checkpoint"),
        "checkpoints": ("checkpoints", "list stage checkpoints below a folder, or take old ones away"),
        "import": ("import_weights", "make a stage checkpoint of weights from outside"),
        "export": ("export_weights", "write a stage checkpoint as one file for other programs"),
    },
    "in a browser": {
        "app": ("app", "look at finished studies and start new ones, on this machine"),
    },
    "names": {
        "list": ("list_names", "strategies, baselines, optimizers and all else that flags name"),
    },
}
SUBCOMMANDS = {name: script for task in TASKS.values() for name, (script, _) in task.items()}


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand in this process and return its exit code; without one, say which there are.

    Args:
        argv: the subcommand and its arguments, such as ["exp4", "--quick"]; default: those of the process.

    Returns:
        0, or 2 for bad input, or what the script returns.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments or arguments[0] in (*ASKING, "help"):
        return guarded(lambda: print(overview()))
    name, *rest = arguments
    if name not in SUBCOMMANDS:
        return fail(unknown(name))
    script = script_of(name)
    return script(rest, described(name, script.doc))


def script_of(name: str) -> Script:
    """The script that a subcommand runs."""
    return importlib.import_module(f"experiments.{SUBCOMMANDS[name]}").main


def described(name: str, doc: str) -> str:
    """A script's description with the subcommand in its examples."""
    return re.sub(rf"python3? -m experiments\.{SUBCOMMANDS[name]}\b", f"tl_jax {name}", doc)


def overview() -> str:
    """All subcommands by task."""
    blocks = ["Transfer learning for drug response in tiny cohorts.\n\ntl_jax SUBCOMMAND [--FLAG=VALUE ...]"]
    for task, names in TASKS.items():
        blocks.append("\n".join([f"{task}:", *(f"  {name:14}{what}" for name, (_, what) in names.items())]))
    return "\n\n".join([*blocks, "tl_jax SUBCOMMAND --help lists the flags of a subcommand, by task."])


def unknown(name: str) -> str:
    """What to say of a subcommand that there is not."""
    if name.startswith("-"):
        return f"'{name}' comes before any subcommand; tl_jax SUBCOMMAND {name}, such as tl_jax study {name}"
    scripts = {script: subcommand for subcommand, script in SUBCOMMANDS.items()}
    near = difflib.get_close_matches(name, [*SUBCOMMANDS, *scripts], 1)
    hint = f"did you mean '{scripts.get(near[0], near[0])}'?" if near else "tl_jax --help lists them"
    return f"no subcommand '{name}'; {hint}"


def run() -> None:
    """Be the process."""
    end(main())
