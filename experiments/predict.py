"""Predict new samples with a stage checkpoint.

python -m experiments.predict --checkpoint=checkpoints/... --expression=table.csv --out=predictions.csv
"""

from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax import runtime
from tl_jax.data.transforms import TRANSFORMS
from tl_jax.errors import InputError
from tl_jax.files import check_writable
from tl_jax.progress import say
from tl_jax.report.tables import write_csv
from tl_jax.study.predict import predict_samples

FLAGS = flags.FLAGS

flags.DEFINE_string("checkpoint", None, "folder of a stage checkpoint")
flags.DEFINE_string("expression", None, "table of new samples: csv, tsv, txt, parquet, .gz; genes in columns or rows")
flags.DEFINE_string("out", None, "csv file to write")
flags.DEFINE_bool("overwrite", False, "replace an output file that exists")
flags.DEFINE_float("min_coverage", 0.8, "smallest share of the model's genes that the table must have", 0, 1)
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


def main() -> None:
    for name in ("checkpoint", "expression", "out"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing (--helpshort lists the flags)")
    out = Path(FLAGS.out)
    if out.is_dir():
        raise InputError(f"--out={out} is a folder; name a file, such as {out / 'predictions.csv'}")
    if out.exists() and not FLAGS.overwrite:
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    check_writable(out.absolute().parent, "--out")
    runtime.configure()
    found = predict_samples(
        Path(FLAGS.checkpoint),
        Path(FLAGS.expression),
        min_coverage=FLAGS.min_coverage,
        scale_by=FLAGS.scale_by,
        transform=FLAGS.transform,
        interval=FLAGS.interval,
    )
    write_csv(out, found.table)
    high = found.meta["response_scale"]["direction"]
    say(f"{found.coverage:.1%} of the model's {found.genes:,} genes found; genes without data count as average")
    say(f"{len(found.table)} samples predicted, {found.meta['drug']}, {found.table.unit[0]} (high = {high}): {out}")


if __name__ == "__main__":
    _command.run(main)
