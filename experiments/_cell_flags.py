"""What the flags of studies of single cells mean."""

from __future__ import annotations

from experiments._declared import FLAGS
from experiments._lists import distinct, numbers, parsed
from tl_jax.data.cells.lines import LineTables
from tl_jax.data.cells.steps import Filters
from tl_jax.errors import InputError
from tl_jax.study.cells.settings import EMBEDDED, CellSettings, NetworkSettings, PublishedSettings
from tl_jax.study.cells.truth import Truth

SMALL = {"seeds": 3, "epochs": 20, "bottleneck": 32}  # of networks on the embedded pair, where no flag says otherwise
SHORT = ("none", "mmd")  # transfers there
NUMBERS = (
    *("seeds", "bottleneck", "epochs", "batch_size", "learning_rate", "dropout", "masked", "ramp"),
    *("sampling", "pretraining", "pretrain_on", "discriminator_rate", "discriminator_steps"),
)
COLUMNS = ("line_column", "drug_column", "value_column", "database_column", "tissue_column")
PLAIN = (
    "layer",
    "cell_line_column",
    "drug",
    "min_genes",
    "response",
    "remove_general",
    "scaler",
    "highly_variable",
    "cell_cycle",
    "smooth",
    "penalty",
    "repeats",
    "share",
    "bootstraps",
    "nulls",
    "seed",
    "biology",
    "root",
    "checkpoint_dir",
    "leak",
)


OF_PAPER = ("repaired", "quirk_table")
OF_ADVERSARY = ("discriminator_rate", "discriminator_steps")
OF_NETWORKS = (
    *("transfer", "attention", "modules", "binary_labels", "network_genes", "masked", "ramp", "batch_norm", "choose"),
    *("pretraining", "pretrain_on", "database_head", *OF_ADVERSARY),
)
TERMS_WITH_FLAGS = ("mean_teacher", "dann_minmax")
OF_ONE_DRUG = (
    *("seeds", "mode", "arms", "repeats", "share", "bootstraps", "nulls", "leak", "penalty", "response"),
    *("remove_general", "mixture", "against", "replicate_column"),
)
OF_BOTH = ("sampling", "hidden", "bottleneck", "predictor", "epochs", "batch_size", "learning_rate", "dropout")


def settings() -> CellSettings:
    """Settings from the parsed flags."""
    refuse_idle()
    if FLAGS.embedded == bool(FLAGS.cells):
        raise InputError("give --cells=FILE, or --embedded for the simulated pair")
    filters = Filters(
        FLAGS.min_genes_per_cell,
        FLAGS.max_genes_per_cell,
        FLAGS.min_cells_per_gene,
        FLAGS.max_mito,
        FLAGS.min_counts,
        FLAGS.max_counts,
        FLAGS.max_doublet,
    )
    return CellSettings(
        cells=EMBEDDED if FLAGS.embedded else FLAGS.cells,
        values=FLAGS.values or "",
        drugs=FLAGS.drugs or "",
        lines=None if FLAGS.embedded else lines(),
        cell_line=tuple(distinct(FLAGS.cell_line)),
        filters=filters,
        depth=FLAGS.depth or "",
        arms=tuple(distinct(FLAGS.arms)),
        networks=None if FLAGS.mode == "paper" else networks(),
        published=published() if FLAGS.mode == "paper" else None,
        **{name: FLAGS[name].value for name in PLAIN},
    )


def refuse_idle() -> None:
    """Refuse flags that would change nothing."""
    paper, none = FLAGS.mode == "paper", not FLAGS.seeds
    if FLAGS.drugs and (
        given := [name for name in (*OF_ONE_DRUG, *OF_PAPER, *OF_NETWORKS, *OF_BOTH) if FLAGS[name].present]
    ):
        raise InputError(f"--{given[0]} changes nothing with --drugs=all, a ridge for every drug; leave it out")
    idle = OF_NETWORKS if paper else OF_PAPER
    given = [name for name in (*idle, *(() if not none else (*OF_NETWORKS, *OF_BOTH))) if FLAGS[name].present]
    if given:
        why = "with --mode=paper" if paper else "without --mode=paper" if given[0] in OF_PAPER else "without networks"
        raise InputError(f"--{given[0]} changes nothing {why}; leave it out")
    teacher, game = (any(text.partition(":")[0] == own for text in FLAGS.transfer) for own in TERMS_WITH_FLAGS)
    if FLAGS["masked"].present and FLAGS.pretraining != "denoising" and not teacher:
        raise InputError(f"--masked changes nothing with --pretraining={FLAGS.pretraining}; leave it out")
    stray = [name for name in OF_ADVERSARY if FLAGS[name].present and not game]
    if stray:
        raise InputError(f"--{stray[0]} changes nothing without --transfer=dann_minmax; leave it out")


def networks() -> NetworkSettings | None:
    """How networks are trained; None where none are wanted."""
    if not FLAGS.seeds:
        return None
    small = SMALL if FLAGS.embedded else {}
    wanted = SHORT if FLAGS.embedded and not FLAGS["transfer"].present else FLAGS.transfer
    own = {
        name: small.get(name, FLAGS[name].value) if not FLAGS[name].present else FLAGS[name].value for name in NUMBERS
    }
    return NetworkSettings(
        genes=FLAGS.network_genes,
        transfers=tuple(distinct(weighted(text) for text in wanted)),
        attention=tuple(distinct("" if name == "none" else name for name in FLAGS.attention)),
        hidden=numbers("hidden"),
        predictor=numbers("predictor"),
        binary=FLAGS.binary_labels,
        gmt=FLAGS.modules,
        database_head=FLAGS.database_head,
        batch_norm="" if FLAGS.batch_norm == "off" else FLAGS.batch_norm,
        choose=tuple(distinct(choosable(text) for text in FLAGS.choose)),
        **own,
    )


def published() -> PublishedSettings:
    """How scDEAL's own networks are trained: its sizes and epochs, but for flags that were given."""
    if not FLAGS.seeds:
        raise InputError("--mode=paper needs --seeds of at least 1")
    own = {name: FLAGS[name].value for name in ("bottleneck", "epochs", "batch_size", "dropout") if FLAGS[name].present}
    own |= {name: numbers(name) for name in ("hidden", "predictor") if FLAGS[name].present}
    more = {"repaired": tuple(distinct(FLAGS.repaired)), "quirk_table": FLAGS.quirk_table, "sampling": FLAGS.sampling}
    return PublishedSettings(seeds=FLAGS.seeds, rate=FLAGS.learning_rate, **more, **own)


def weighted(text: str) -> tuple[str, float]:
    """(name, weight) of "mmd" or "mmd:0.5"."""
    name, _, weight = text.partition(":")
    return name, parsed("transfer", [weight or "1"], float)[0]


def choosable(text: str) -> tuple[str, float | tuple[int, ...]]:
    """(setting, value) of "rate:0.001" or "hidden:256-64"."""
    name, _, value = text.partition(":")
    if name == "hidden":
        return name, parsed("choose", value.split("-"), int)
    return name, parsed("choose", [value], float)[0]


def lines() -> LineTables:
    """Where bulk lines stand."""
    asked = ("bulk_expression", "bulk_response", *(() if FLAGS.drugs else ("drug",)))
    missing = [name for name in asked if not FLAGS[name].value]
    if missing:
        raise InputError(f"--cells needs --{missing[0]} too")
    columns = {name: FLAGS[name].value for name in COLUMNS}
    where = FLAGS.bulk_expression, FLAGS.bulk_response, FLAGS.bulk_annotation
    more = {"databases": tuple(distinct(FLAGS.databases)), "database_weights": numbers("database_weights", float)}
    return LineTables(*where, **more, **columns)


def truth() -> Truth | None:
    """What the scores are judged by, if anything."""
    if not FLAGS.truth and (FLAGS.sensitive or FLAGS.truth_by_line or FLAGS.truth_exclude):
        raise InputError("--sensitive, --truth_exclude and --truth_by_line need --truth, the column of the truth")
    if FLAGS.leak and not FLAGS.truth_by_line:
        raise InputError("--leak needs --truth_by_line, which says what the cells' own lines were measured at")
    if FLAGS.truth and FLAGS.drugs:
        raise InputError("--truth judges one --drug; leave it out for --drugs=all")
    if FLAGS.register and not FLAGS.truth:
        raise InputError(
            "--register needs --truth: without one nothing is compared, and there is no plan to write down"
        )
    if FLAGS.unit_column and not FLAGS.truth:
        raise InputError(
            "--unit_column needs --truth: it says what the intervals and tests of a truth count as samples"
        )
    asked = Truth(
        FLAGS.truth,
        distinct(FLAGS.sensitive),
        FLAGS.truth_by_line,
        distinct(FLAGS.truth_exclude),
        FLAGS.replicate_column,
        tuple(share_of(text) for text in FLAGS.mixture),
        distinct(FLAGS.against),
        FLAGS.unit_column,
    )
    return None if asked == Truth() else asked


def share_of(text: str) -> tuple[str, str]:
    """(column, line) of "COLUMN:LINE"."""
    column, found, line = text.partition(":")
    if not (column and found and line):
        raise InputError(f"--mixture={text}: write a column and the line that it is the share of, as COLUMN:LINE")
    return column, line
