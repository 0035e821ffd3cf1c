"""Predict new samples, or new compounds, with a stage checkpoint.

python -m experiments.predict --study=results/... --expression=table.csv --out=predictions.csv
python -m experiments.predict --checkpoint=checkpoints/... --expression=table.csv --out=predictions.csv
python -m experiments.predict --checkpoint=checkpoints/... --compounds=smiles.csv --out=predictions.csv
"""

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, choice, group, integer, number, switch, text
from experiments._groups import TRANSFORMS
from tl_jax.errors import InputError

GIVEN, OWN = "given", "checkpoint"
KINDS = ["symbol", "ensembl", "entrez", "symbol_entrez", "mouse_symbol", "mouse_ensembl"]

DATA = group(
    "data",
    text("checkpoint", None, "folder of a stage checkpoint; for --vectors a PyTorch file (.pth) will do too"),
    text("study", None, "in place of --checkpoint: the results folder of a finished study, whose --model is used"),
    text("model", "best", "of --study: best (what its report recommends), or an arm, as 'ridge' or 'ARM from SOURCE'"),
    text("expression", None, "table of new samples: csv, tsv, txt, parquet, .gz, h5ad; genes in columns or rows"),
    text("compounds", None, "table of new compounds: csv or tsv with the column smiles, and id if there are"),
    text("vectors", None, "vectors of new compounds, by id or SMILES (.csv, .npz), for a model of vectors"),
)
SAMPLES = group(
    "samples",
    number("min_coverage", 0.8, "smallest share of the model's genes that the table must have", 0, 1),
    choice(
        "missing_genes",
        "train_mean",
        ["train_mean", "error"],
        "genes of the model that the table lacks: average, or refuse",
    ),
    choice(
        "gene_ids",
        OWN,
        [OWN, GIVEN, "auto", *KINDS],
        "names of the table's genes: as those of the training table, given (as the model's), auto to recognise, a kind",
    ),
    text(
        "expression_keys",
        "",
        "how the table is read: keys of [domain.expression], such as \"duplicate_genes = 'mean'\"",
    ),
    choice("scale_by", "checkpoint", ["checkpoint", "cohort"], "training rows or the new samples"),
    choice(
        "transform",
        "checkpoint",
        ["checkpoint", *TRANSFORMS],
        "what to do to the table first; checkpoint: what was done to the training table (log_cpm for counts)",
    ),
    number(
        "interval",
        None,
        "level of prediction intervals, such as 0.9; needs a model of an experiment with --fold_models",
    ),
    text(
        "batch",
        "",
        "for a model that corrects batches: the samples' batch, or a csv or tsv table with sample and batch",
    ),
)
COMPOUNDS = group(
    "compounds",
    number("within", 0.4, "compounds: least Tanimoto similarity to a training compound (domain)", 0, 1),
    integer("explain", 0, "compounds: draw so many with what each atom adds, into the folder OUT_atoms", 0),
    choice(
        "explain_order",
        "probability",
        ["probability", "table"],
        "which: the most probable in the domain, or the first of the table",
    ),
)
OUTPUT = group(
    "output",
    text("out", None, "csv file to write; or, where --expression is an .h5ad, one: its object with predictions added"),
    switch("overwrite", False, "replace an output file that exists"),
)

TABLES = {
    "expression": (
        *("min_coverage", "missing_genes", "gene_ids", "expression_keys"),
        *("scale_by", "transform", "interval", "batch"),
    ),
    "compounds": ("within", "explain", "explain_order"),
    "vectors": (),
}


def work() -> None:
    from tl_jax.system import runtime
    from tl_jax.system.files import check_writable

    if bool(FLAGS.checkpoint) == bool(FLAGS.study):
        both = "say one of both" if FLAGS.study else "is missing, or --study (--help lists the flags)"
        raise InputError(f"--checkpoint {both}")
    if FLAGS["model"].present and not FLAGS.study:
        raise InputError(f"--model={FLAGS.model} changes nothing without --study")
    if not FLAGS.out:
        raise InputError("--out is missing (--help lists the flags)")
    kind = kind_of_table()
    out = Path(FLAGS.out)
    if out.is_dir():
        raise InputError(f"--out={out} is a folder; name a file, such as {out / 'predictions.csv'}")
    if out.exists() and not FLAGS.overwrite:
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    if out.suffix == ".h5ad":
        from tl_jax.study.cohort.object import check_object

        check_object(out, Path(FLAGS.expression or ""))
    check_writable(out.absolute().parent, "--out")
    runtime.configure()
    samples(out) if kind == "expression" else compounds(kind, out)


def kind_of_table() -> str:
    """Which of the tables is given; flags of the others would change nothing and are refused."""
    given = [name for name in TABLES if FLAGS[name].value]
    if len(given) != 1:
        raise InputError(f"{'one' if given else 'a table is missing: one'} of --{', --'.join(TABLES)} is needed")
    if FLAGS.study and given[0] != "expression":
        raise InputError(f"--study names models of expression; --{given[0]} needs --checkpoint")
    for name, own in TABLES.items():
        stray = [flag for flag in own if FLAGS[flag].present and name != given[0]]
        if stray:
            raise InputError(f"--{stray[0]} changes nothing for --{given[0]}; it belongs to --{name}")
    return given[0]


def samples(out: Path) -> None:
    """Predict an expression table."""
    from experiments._keys import in_words_of, keys_of
    from tl_jax.data.cohort.schema_kinds import held
    from tl_jax.data.tables.losses import heard
    from tl_jax.report.tables import write_csv
    from tl_jax.study.cohort.models import model_of_study
    from tl_jax.study.cohort.object import write_object
    from tl_jax.study.cohort.predict import predict_samples
    from tl_jax.system.progress import say

    chosen = model_of_study(Path(FLAGS.study), FLAGS.model) if FLAGS.study else None
    for line in chosen.warnings if chosen else ():
        say(line)
    reading = keys_of("expression_keys", FLAGS.expression_keys)
    with heard() as lines, in_words_of("expression"):
        found = predict_samples(
            chosen.path if chosen else Path(FLAGS.checkpoint),
            Path(FLAGS.expression),
            reading={key: held(value) for key, value in reading.items()},
            min_coverage=FLAGS.min_coverage,
            scale_by=FLAGS.scale_by,
            transform=FLAGS.transform,
            interval=FLAGS.interval,
            gene_ids=FLAGS.gene_ids,
            missing_genes=FLAGS.missing_genes,
            batch=FLAGS.batch,
        )
    if out.suffix == ".h5ad":
        write_object(found.table, Path(FLAGS.expression), out)
    else:
        write_csv(out, found.table)
    high = found.meta["response_scale"]["direction"]
    for line in (*lines, *(f"warning: {why}" for why in found.warnings), *filter(None, [found.outside])):
        say(line)
    if found.names.asked != GIVEN:
        say(f"gene names of kind {found.names.kind}: {found.names.changed:,} were matched by what they mean")
    say(f"{found.coverage:.1%} of the model's {found.genes:,} genes found; genes without data count as average")
    if found.pooled:
        say(f"{found.pooled} samples are of a batch that the model does not know; corrected as of an average one")
    say(f"{len(found.table)} samples predicted, {found.meta['drug']}, {found.table.unit[0]} (high = {high}): {out}")


def compounds(kind: str, out: Path) -> None:
    """Predict a table of SMILES or vectors, and explain some of the SMILES."""
    from tl_jax.report.tables import write_csv
    from tl_jax.study.compounds.explain import ATOMS, chosen, write_explained
    from tl_jax.study.compounds.predict import load_model, predict_smiles, predict_vectors
    from tl_jax.system.files import refuse_existing
    from tl_jax.system.progress import say

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


main = Script(__doc__, (DATA, SAMPLES, COMPOUNDS, OUTPUT), work)

if __name__ == "__main__":
    main.run()
