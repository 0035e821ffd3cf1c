"""A cohort file for your own tables, written by looking at them.

python -m experiments.init_cohort --expression=expression.csv --response=response.csv
"""

from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax.data.drafts.draft import Wishes
from tl_jax.data.drafts.write import write_cohort
from tl_jax.errors import InputError

FLAGS = flags.FLAGS

flags.DEFINE_string("expression", None, "your table of expression: samples in rows or in columns")
flags.DEFINE_string("response", None, "your table of responses: a row for each sample, or for each sample and drug")
flags.DEFINE_string("annotation", None, "table with tissue, patient or batch of each sample")
flags.DEFINE_string("data_dir", None, "folder that holds the tables; default: that of --expression")
flags.DEFINE_string("name", None, "name of the cohort; default: that of --out")
flags.DEFINE_string("source", "", "shipped cohort whose first domain becomes the source, such as gdsc; default: none")
flags.DEFINE_string("drug", None, "the drug to predict; default: the one of the table, or the one measured most often")
flags.DEFINE_string("value", None, "column of the response; default: found by its name")
flags.DEFINE_enum("direction", None, ["resistant", "sensitive"], "what a high value means; default: by its name")
flags.DEFINE_string("unit", None, "unit of the response; default: the name of its column")
flags.DEFINE_string("out", "my_cohort.toml", "file to write")
flags.DEFINE_bool("overwrite", False, "replace --out where it exists")


def main() -> None:
    for name in ("expression", "response"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing: name your table")
    out = Path(FLAGS.out)
    if out.suffix != ".toml":
        raise InputError(f"--out={out}: a file that ends in .toml is needed")
    if out.exists() and not FLAGS.overwrite:
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    expression = Path(FLAGS.expression)
    folder = Path(FLAGS.data_dir) if FLAGS.data_dir else expression.parent
    given = {name: FLAGS[name].value for name in ("source", "drug", "value", "direction", "unit")}
    wishes = Wishes(name=FLAGS.name or out.stem, **given)
    annotation = Path(FLAGS.annotation) if FLAGS.annotation else None
    for line in write_cohort(out, folder, expression, Path(FLAGS.response), annotation, wishes):
        print(line)
    print(f"\nwritten: {out}\nnext: python -m experiments.check_data --cohort={out} --data_dir={folder}")


if __name__ == "__main__":
    _command.run(main)
