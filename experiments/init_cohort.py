"""A cohort file for your own tables, written by looking at them.

python -m experiments.init_cohort --expression=expression.csv --response=response.csv
"""

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, choice, group, switch, text
from tl_jax.errors import InputError

TABLES = group(
    "data",
    text("expression", None, "your table of expression: samples in rows or in columns"),
    text("response", None, "your table of responses: a row for each sample, or for each sample and drug"),
    text("annotation", None, "table with tissue, patient or batch of each sample"),
    text("data_dir", None, "folder that holds the tables; default: that of --expression"),
    text("source", "", "shipped cohort whose first domain becomes the source, such as gdsc; default: none"),
    choice("source_tissues", "shipped", ["shipped", "all"], "lines of --source: as its cohort picks, or all tissues"),
)
RESPONSE = group(
    "response",
    text("drug", None, "the drug to predict; default: the one of the table, or the one measured most often"),
    text("value", None, "column of the response; default: found by its name"),
    choice("direction", None, ["resistant", "sensitive"], "what a high value means; default: by its name"),
    text("unit", None, "unit of the response; default: the name of its column"),
)
OUTPUT = group(
    "output",
    text("name", None, "name of the cohort; default: that of --out"),
    text("out", "my_cohort.toml", "file to write"),
    switch("overwrite", False, "replace --out where it exists"),
)


def work() -> None:
    from tl_jax.data.drafts.draft import Wishes
    from tl_jax.data.drafts.write import write_cohort

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
    given = {name: FLAGS[name].value for name in ("source", "drug", "value", "direction", "unit", "source_tissues")}
    wishes = Wishes(name=FLAGS.name or out.stem, **given)
    annotation = Path(FLAGS.annotation) if FLAGS.annotation else None
    for line in write_cohort(out, folder, expression, Path(FLAGS.response), annotation, wishes):
        print(line)
    print(f"\nwritten: {out}\nnext: python -m experiments.check_data --cohort={out} --data_dir={folder}")


main = Script(__doc__, (TABLES, RESPONSE, OUTPUT), work)

if __name__ == "__main__":
    main.run()
