"""What the flags of experiments 1 to 7 mean: settings, and strategies of the user's own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from experiments._declared import FLAGS
from experiments._lists import distinct, gene_list, numbers
from tl_jax.data.formats.registry import EXPRESSION, RESPONSE
from tl_jax.data.formats.registry import load as load_formats
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.registry import CLASS_METRICS, METRICS
from tl_jax.study.cohort.settings import Settings
from tl_jax.transfer.strategies import STRATEGIES

# Flags that are the settings of their names.
PLAIN = (
    *("cohort", "data_dir", "drug", "protocol", "repeats", "folds", "split", "seed", "epochs", "batch_size", "metric"),
    *("scaling", "mechanisms", "pathways"),
    *("optimizer", "intermediate_strategy", "checkpoint_dir", "source_checkpoint", "at_once", "fold_models"),
    *("reference", "source_permutations", "register", "expect"),
)
# What a user's file may register, by name.
REGISTRIES = (STRATEGIES, METRICS, CLASS_METRICS, EXPRESSION, RESPONSE)
# {file that this process has run: the names that it has put into each of these}
LOADED: dict[Path, list[set[str]]] = {}


def settings() -> Settings:
    """Settings from the parsed flags."""
    if FLAGS.strategy_module:
        load_own(Path(FLAGS.strategy_module))
    named = {"": None, "all": (*STRATEGIES, *METHODS), "none": ()}
    chosen = named.get(",".join(FLAGS.strategy), tuple(dict.fromkeys(FLAGS.strategy)))
    hidden = numbers("hidden")
    given = Settings(
        **{name: FLAGS[name].value for name in PLAIN},
        source_drugs=tuple(FLAGS.source_drug),
        strategies=chosen,
        baselines={"all": tuple(BASELINES), "none": ()}.get(",".join(FLAGS.baselines), tuple(FLAGS.baselines)),
        signature=gene_list(FLAGS.signature),
        read_epochs=distinct(numbers("read_epochs")),
        learning_rate=distinct(numbers("learning_rate", float)),
        hidden=hidden,
        source_test=distinct(FLAGS.source_test),
        source_stand_in=distinct(FLAGS.source_stand_in),
    )
    if not FLAGS.quick:
        return given
    return given.in_quick_mode(**({"hidden": hidden} if FLAGS["hidden"].present else {}))


def load_own(path: Path) -> None:
    """Run a user's file, whose strategies, metrics and readers then are known by name."""
    if not path.is_file():
        raise InputError(f"--strategy_module={path}: no such file")
    load_formats()  # a name of ours that comes later would take the place of the user's
    # Of an earlier call in this process; the file may have changed.
    for registry, names in zip(REGISTRIES, LOADED.pop(path.resolve(), ()), strict=False):
        for name in names:
            registry.pop(name, None)
    before = [set(registry) for registry in REGISTRIES]
    if path.suffix != ".py":
        raise InputError(f"--strategy_module={path}: a Python file, ending in .py, is needed")
    spec = importlib.util.spec_from_file_location(f"user_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:  # the user's own code may fail in any way
        raise InputError(f"--strategy_module={path}: {type(error).__name__}: {error}") from error
    LOADED[path.resolve()] = [set(registry) - old for registry, old in zip(REGISTRIES, before, strict=True)]
    if not any(LOADED[path.resolve()]):
        raise InputError(
            f"--strategy_module={path}: it defines no function decorated with @strategy(), @metric() or a reader"
        )
