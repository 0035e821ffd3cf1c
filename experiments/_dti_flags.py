"""Flags of the studies between protein families."""

from __future__ import annotations

from absl import flags

from experiments._compound_flags import DEFAULTS, PLAIN
from experiments._lists import distinct, numbers, parsed
from tl_jax.evaluation.predictors.shallow import SHALLOW
from tl_jax.study.compounds.settings import EPOCH_CHOICES, METHODS, PROTOCOLS, DtiSettings, Switches

FLAGS = flags.FLAGS

flags.DEFINE_list("source", ["all"], "source families; 'all': each of them; 'pooled': all of them together")
flags.DEFINE_string("target", DEFAULTS["target"], "target family")
flags.DEFINE_list("sizes", [], "training compounds, half of them active; default: both published lists")
flags.DEFINE_integer("repeats", 10, "draws of training compounds, shared by all methods")
flags.DEFINE_list("methods", list(METHODS), f"of: {', '.join(METHODS)}")
flags.DEFINE_list("strategy", [], "further strategies of transfer/, by name, such as l2_sp")
flags.DEFINE_list("freeze", ["1", "12"], "sets of layers that mode 2 freezes: 12 freezes layers 1 and 2")
flags.DEFINE_bool("frozen_bn", False, "mode 2 also freezes the batch norms of these layers")
flags.DEFINE_list("layers", ["1"], "hidden layers whose output mode 3 hands to shallow classifiers")
flags.DEFINE_bool("after_activation", False, "mode 3 takes what follows batch norm and ReLU, not the linear output")
flags.DEFINE_list("shallow", list(DEFAULTS["shallow"]), f"classifiers on raw features, of: {', '.join(SHALLOW)}")
flags.DEFINE_list("mode3", list(DEFAULTS["mode3"]), "classifiers of mode 3")
flags.DEFINE_enum("protocol", "honest", list(PROTOCOLS), "as_published turns on every fault of the published code")
flags.DEFINE_list(
    "switches", [], f"faults of the published code, each tried alone beside honest: {', '.join(vars(Switches()))}"
)
flags.DEFINE_enum("epoch", "fixed", list(EPOCH_CHOICES), "which epoch predicts; best_test is the published fault")
flags.DEFINE_float("similarity", None, "sources lose compounds at least so similar to a test compound (Tanimoto)")
flags.DEFINE_float("balance_below", DEFAULTS["balance_below"], "balance a source whose rarer class is a smaller share")
flags.DEFINE_list("hidden", ["1200", "300"], "widths of the hidden layers, one to four")
flags.DEFINE_integer("epochs", 50, "epochs on the target")
flags.DEFINE_integer("source_epochs", 50, "epochs on a source")
flags.DEFINE_float("learning_rate", DEFAULTS["learning_rate"], "of Adam")
flags.DEFINE_integer("batch_size", 256, "rows of a step")
flags.DEFINE_float("dropout", 0.1, "share of hidden units dropped")
flags.DEFINE_list("final", [], "networks of the study, such as mode1, trained on the whole pool in the end and kept")
flags.DEFINE_string("final_source", "", "source that they start from; default: the first")
flags.DEFINE_bool("quick", False, "a small study: 2 draws of 6, 24 and 96, --hidden=64,16, small sources")

OWN = (
    *("target", "repeats", "frozen_bn", "after_activation", "protocol", "epoch", "similarity", "balance_below"),
    *("epochs", "source_epochs", "learning_rate", "batch_size", "dropout", "final_source"),
)


def names(flag: str) -> tuple[str, ...]:
    """A list without repeats; 'none' for none."""
    values = FLAGS[flag].value
    return () if values == ["none"] else distinct(values)


def settings() -> DtiSettings:
    """Settings from the parsed flags."""
    lists = {
        "sources": names("source"),
        "strategies": names("strategy"),
        **{name: names(name) for name in ("methods", "shallow", "mode3", "switches", "final")},
        **{name: distinct(numbers(name)) for name in ("sizes", "layers")},
        "freeze": tuple(distinct(parsed("freeze", list(part))) for part in distinct(FLAGS.freeze)),
        "hidden": numbers("hidden"),
    }
    given = DtiSettings(**{name: FLAGS[name].value for name in (*PLAIN, *OWN)}, **lists)
    if not FLAGS.quick:
        return given
    kept = ("repeats", "sizes", "hidden", "epochs", "source_epochs", "learning_rate")
    return given.in_quick_mode(**{name: getattr(given, name) for name in kept if FLAGS[name].present})
