"""The flags that experiments 1 to 7 share; read only in main."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from absl import flags

from experiments._lists import distinct, numbers
from tl_jax.data.splits import KINDS
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import BASELINES, DEFAULT
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.training.optimizer import OPTIMIZERS
from tl_jax.transfer.strategies import STRATEGIES

FLAGS = flags.FLAGS

flags.DEFINE_string("cohort", "simulated", "simulated, gdsc, nci60, glioblastoma, or a path to your own .toml")
flags.DEFINE_string("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA")
flags.DEFINE_string("drug", None, "the target's drug; default: the one that the cohort file names")
flags.DEFINE_list(
    "source_drug", [], "source drug(s) or 'all'; default: all in experiments 1 and 3, experiment 3's choice in 6 and 7"
)
flags.DEFINE_list("strategy", [], f"strategies to compare, 'all' or 'none': {', '.join((*STRATEGIES, *METHODS))}")
flags.DEFINE_list("baselines", list(DEFAULT), f"baselines on the same folds, 'all' or 'none': {', '.join(BASELINES)}")
flags.DEFINE_string("strategy_module", None, "your own .py file with functions decorated by @strategy()")
flags.DEFINE_enum(
    "protocol",
    "honest",
    list(PROTOCOLS),
    "what held-out samples lend to preprocessing: nothing (honest), their own scaling and response range "
    "(as_published), or their expression without labels (transductive)",
)
flags.DEFINE_integer("repeats", None, "repeats of cross-validation; default: the published number (11 or 10)")
flags.DEFINE_integer("folds", None, "folds; default: the published number (5, or 3 on the target)")
flags.DEFINE_enum("split", "stratified", list(KINDS), "how folds are drawn; groups always share a fold")
flags.DEFINE_integer("seed", 400, "seed of partitions, initialisation and shuffles; repeat r splits with seed + 100 r")
flags.DEFINE_integer("epochs", None, "epochs of the evaluated stage; default: 50 from scratch, 200 after transfer")
flags.DEFINE_list(
    "read_epochs", [], "report the models at these earlier epochs too, read off the same training as arms NAME@EPOCH"
)
flags.DEFINE_list(
    "learning_rate",
    [],
    "of the evaluated stage; default: 1e-3 from scratch, 1e-4 after transfer; several give one arm each",
)
flags.DEFINE_integer("batch_size", 32, "rows per step of the evaluated stage")
flags.DEFINE_enum("optimizer", "keras_adam", list(OPTIMIZERS), "keras_adam is the published one")
flags.DEFINE_list("hidden", ["1000", "100"], "widths of the two hidden layers")
flags.DEFINE_string(
    "source_checkpoint",
    None,
    "experiments 3, 6 and 7: start from this checkpoint instead of training the source, such as one of import_weights",
)
flags.DEFINE_string("intermediate_strategy", "copy_layer1", "how experiment 7's intermediate stage starts")
flags.DEFINE_string("checkpoint_dir", "checkpoints", "folder of stage checkpoints, reused when their lineage matches")
flags.DEFINE_bool(
    "fold_models",
    False,
    "keep beside each final model those of the first repeat's folds, for experiments.predict --interval "
    "(one of 4,433 genes takes 17 MB)",
)
flags.DEFINE_integer(
    "at_once",
    None,
    "runs per call of the compiled program; default: as many as fit, or as are done in seconds on a CPU",
)
flags.DEFINE_bool("quick", False, "a small study: 2 repeats, --hidden=100,20, 1/5 of the epochs, 5 x the rate")


def settings() -> Settings:
    """Settings from the parsed flags."""
    if FLAGS.strategy_module:
        load_strategies(Path(FLAGS.strategy_module))
    named = {"": None, "all": (*STRATEGIES, *METHODS), "none": ()}
    chosen = named.get(",".join(FLAGS.strategy), tuple(dict.fromkeys(FLAGS.strategy)))
    hidden = numbers("hidden")
    given = Settings(
        cohort=FLAGS.cohort,
        data_dir=FLAGS.data_dir,
        drug=FLAGS.drug,
        source_drugs=tuple(FLAGS.source_drug),
        strategies=chosen,
        baselines={"all": tuple(BASELINES), "none": ()}.get(",".join(FLAGS.baselines), tuple(FLAGS.baselines)),
        protocol=FLAGS.protocol,
        repeats=FLAGS.repeats,
        folds=FLAGS.folds,
        split=FLAGS.split,
        seed=FLAGS.seed,
        epochs=FLAGS.epochs,
        read_epochs=distinct(numbers("read_epochs")),
        learning_rate=distinct(numbers("learning_rate", float)),
        batch_size=FLAGS.batch_size,
        optimizer=FLAGS.optimizer,
        hidden=hidden,
        intermediate_strategy=FLAGS.intermediate_strategy,
        checkpoint_dir=FLAGS.checkpoint_dir,
        source_checkpoint=FLAGS.source_checkpoint,
        at_once=FLAGS.at_once,
        fold_models=FLAGS.fold_models,
    )
    if not FLAGS.quick:
        return given
    return given.in_quick_mode(**({"hidden": hidden} if FLAGS["hidden"].present else {}))


def load_strategies(path: Path) -> None:
    """Run a user's file, whose @strategy() functions then are known by name."""
    if not path.is_file():
        raise InputError(f"--strategy_module={path}: no such file")
    before = set(STRATEGIES)
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
    if set(STRATEGIES) == before:
        raise InputError(f"--strategy_module={path}: it defines no function decorated with @strategy()")


def given_flags() -> dict:
    """Every flag of the scripts, shared ones and the running script's own, and its value."""
    own = (sys.argv[0], "experiments.")
    defined = FLAGS.flags_by_module_dict().items()
    return {flag.name: flag.value for module, some in defined if module.startswith(own) for flag in some}
