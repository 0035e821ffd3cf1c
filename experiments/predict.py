"""Predict new samples, or new compounds, with a stage checkpoint.

python -m experiments.predict --checkpoint=checkpoints/... --expression=table.csv --out=predictions.csv
python -m experiments.predict --checkpoint=checkpoints/... --compounds=smiles.csv --out=predictions.csv
"""

from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax.data.genes.names import GENE_IDS, GIVEN
from tl_jax.data.preprocessing.transforms import TRANSFORMS
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.reach import WITHIN
from tl_jax.report.tables import write_csv
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.compounds.explain import ATOMS, ORDERS, chosen, write_explained
from tl_jax.study.compounds.predict import load_model, predict_smiles, predict_vectors
from tl_jax.system import runtime
from tl_jax.system.files import check_writable, refuse_existing
from tl_jax.system.progress import say

FLAGS = flags.FLAGS

flags.DEFINE_string("checkpoint", None, "folder of a stage checkpoint; for --vectors a PyTorch file (.pth) will do too")
flags.DEFINE_string("expression", None, "table of new samples: csv, tsv, txt, parquet, .gz; genes in columns or rows")
flags.DEFINE_string("compounds", None, "table of new compounds: csv or tsv with the column smiles, and id if there are")
flags.DEFINE_string("vectors", None, "vectors of new compounds, by id or SMILES (.csv, .npz), for a model of vectors")
flags.DEFINE_string("out", None, "csv file to write")
flags.DEFINE_bool("overwrite", False, "replace an output file that exists")
flags.DEFINE_float("min_coverage", 0.8, "smallest share of the model's genes that the table must have", 0, 1)
flags.DEFINE_enum(
    "missing_genes",
    "train_mean",
    ["train_mean", "error"],
    "genes of the model that the table lacks: average, or refuse",
)
flags.DEFINE_enum(
    "gene_ids",
    GIVEN,
    list(GENE_IDS),
    "names of the table's genes: given (as the model's), auto to recognise, or a kind",
)
flags.DEFINE_enum("scale_by", "checkpoint", ["checkpoint", "cohort"], "training rows or the new samples")
flags.DEFINE_enum(
    "transform",
    "checkpoint",
    ["checkpoint", *TRANSFORMS],
    "what to do to the table first; checkpoint: what was done to the training table (log_cpm for a model of counts)",
)
flags.DEFINE_float(
    "interval", None, "level of prediction intervals, such as 0.9; needs a model of an experiment with --fold_models"
)
flags.DEFINE_string(
    "batch", "", "for a model that corrects batches: the samples' batch, or a csv or tsv table with sample and batch"
)
flags.DEFINE_float("within", WITHIN, "compounds: least Tanimoto similarity to a training compound (domain)", 0, 1)
flags.DEFINE_integer("explain", 0, "compounds: draw so many with what each atom adds, into the folder OUT_atoms", 0)
flags.DEFINE_enum(
    "explain_order", "probability", list(ORDERS), "which: the most probable in the domain, or the first of the table"
)

TABLES = {
    "expression": ("min_coverage", "missing_genes", "gene_ids", "scale_by", "transform", "interval", "batch"),
    "compounds": ("within", "explain", "explain_order"),
    "vectors": (),
}


def main() -> None:
    for name in ("checkpoint", "out"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing (--helpshort lists the flags)")
    kind = kind_of_table()
    out = Path(FLAGS.out)
    if out.is_dir():
        raise InputError(f"--out={out} is a folder; name a file, such as {out / 'predictions.csv'}")
    if out.exists() and not FLAGS.overwrite:
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    check_writable(out.absolute().parent, "--out")
    runtime.configure()
    samples(out) if kind == "expression" else compounds(kind, out)


def kind_of_table() -> str:
    """Which of the tables is given; flags of the others would change nothing and are refused."""
    given = [name for name in TABLES if FLAGS[name].value]
    if len(given) != 1:
        raise InputError(f"{'one' if given else 'a table is missing: one'} of --{', --'.join(TABLES)} is needed")
    for name, own in TABLES.items():
        stray = [flag for flag in own if FLAGS[flag].present and name != given[0]]
        if stray:
            raise InputError(f"--{stray[0]} changes nothing for --{given[0]}; it belongs to --{name}")
    return given[0]


def samples(out: Path) -> None:
    """Predict an expression table."""
    found = predict_samples(
        Path(FLAGS.checkpoint),
        Path(FLAGS.expression),
        min_coverage=FLAGS.min_coverage,
        scale_by=FLAGS.scale_by,
        transform=FLAGS.transform,
        interval=FLAGS.interval,
        gene_ids=FLAGS.gene_ids,
        missing_genes=FLAGS.missing_genes,
        batch=FLAGS.batch,
    )
    write_csv(out, found.table)
    high = found.meta["response_scale"]["direction"]
    if FLAGS.gene_ids != GIVEN:
        say(f"gene names of kind {found.names.kind}: {found.names.changed:,} were matched by what they mean")
    say(f"{found.coverage:.1%} of the model's {found.genes:,} genes found; genes without data count as average")
    if found.pooled:
        say(f"{found.pooled} samples are of a batch that the model does not know; corrected as of an average one")
    say(f"{len(found.table)} samples predicted, {found.meta['drug']}, {found.table.unit[0]} (high = {high}): {out}")


def compounds(kind: str, out: Path) -> None:
    """Predict a table of SMILES or vectors, and explain some of the SMILES."""
    atoms = out.with_name(f"{out.stem}_atoms")
    if FLAGS.explain:
        refuse_existing(atoms, FLAGS.overwrite, marker=ATOMS)
    model = load_model(Path(FLAGS.checkpoint))
    if kind == "vectors":
        table = predict_vectors(model, FLAGS.vectors)
    else:
        table = predict_smiles(model, FLAGS.compounds, FLAGS.within)
    picked = chosen(table, FLAGS.explain, FLAGS.explain_order) if FLAGS.explain else None
    write_csv(out, table)
    known, lost = model.known, int(table["probability"].isna().sum())
    if known is not None and not known.vectors:
        outside = int(table["in_domain"].eq(False).sum())
        say(f"{model.name}: {len(known.x):,} training compounds, {known.active:.0%} of them active")
        say(f"{outside} of {len(table) - lost} compounds are unlike all of them: their probabilities mean little")
    say(f"{len(table) - lost} compounds predicted, {lost} could not be read: {out}")
    if FLAGS.explain:
        delta = write_explained(model, picked, atoms, FLAGS.overwrite)["delta"].abs().max()
        say(f"{len(picked)} compounds explained, error of the integral at most {delta:.1e}: {atoms}")


if __name__ == "__main__":
    _command.run(main)
